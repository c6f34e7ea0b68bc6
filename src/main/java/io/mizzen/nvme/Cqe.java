package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static io.mizzen.ffi.RawMemory.LE_LONG;
import static io.mizzen.ffi.RawMemory.LE_SHORT;

import io.mizzen.util.HotPath;
import java.lang.foreign.MemorySegment;

/**
 * Completion queue entry, 16 bytes (base specification 2.0, section 3.3.3.2). The status passed here is the status field
 * without the phase bit, as in {@code io.mizzen.bdev.Status}.
 *
 * <pre>
 *  0 DW0 result  4 DW1  8 SQHD  10 SQID  12 CID  14 phase (bit 0), status (15:1)
 * </pre>
 */
public final class Cqe {
    public static final int SIZE_BYTES = 16;

    private Cqe() {
    }

    @HotPath
    public static int result(MemorySegment s, long at) {
        return s.get(LE_INT, at);
    }

    /** Dwords 0 and 1 as one value: property get. */
    @HotPath
    public static long result64(MemorySegment s, long at) {
        return s.get(LE_LONG, at);
    }

    @HotPath
    public static void result64(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at, value);
    }

    @HotPath
    public static int sqHead(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + 8) & 0xFFFF;
    }

    @HotPath
    public static void sqHead(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + 8, (short) value);
    }

    @HotPath
    public static int sqId(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + 10) & 0xFFFF;
    }

    @HotPath
    public static void sqId(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + 10, (short) value);
    }

    @HotPath
    public static int cid(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + 12) & 0xFFFF;
    }

    @HotPath
    public static void cid(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + 12, (short) value);
    }

    /** Status without the phase bit. */
    @HotPath
    public static int status(MemorySegment s, long at) {
        return (s.get(LE_SHORT, at + 14) & 0xFFFF) >>> 1;
    }

    /** Writes the status; the phase bit becomes 0, as fabrics want it. */
    @HotPath
    public static void status(MemorySegment s, long at, int status) {
        assert (status & ~0x7FFF) == 0;
        s.set(LE_SHORT, at + 14, (short) (status << 1));
    }

    @HotPath
    public static int phase(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + 14) & 1;
    }
}
