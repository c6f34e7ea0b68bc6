package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_INT;

import java.lang.foreign.MemorySegment;

/** Commands supported and effects log page, 05h, 4096 bytes (base specification 2.0, section 5.16.1.6). */
public final class CommandEffectsLog {
    public static final int SIZE_BYTES = 4096;
    public static final int SUPPORTED = 1;
    /** The command changes the contents of blocks. */
    public static final int BLOCKS_CHANGE = 1 << 1;
    private static final long IO_COMMANDS = 1024;

    private CommandEffectsLog() {
    }

    public static void admin(MemorySegment s, long at, int opcode, int effects) {
        s.set(LE_INT, at + opcode * 4L, effects);
    }

    public static void io(MemorySegment s, long at, int opcode, int effects) {
        s.set(LE_INT, at + IO_COMMANDS + opcode * 4L, effects);
    }
}
