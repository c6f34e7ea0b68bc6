package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static io.mizzen.ffi.RawMemory.LE_LONG;

import io.mizzen.util.HotPath;
import java.lang.foreign.MemorySegment;

/** A range of dataset management, 16 bytes: attributes, blocks, first block (NVM command set 1.0, figure 40). */
public final class DatasetRange {
    public static final int SIZE_BYTES = Opcodes.DSM_RANGE_BYTES;
    /** Most blocks that the field holds. */
    public static final long BLOCKS_MAX = 0xFFFF_FFFFL;

    private DatasetRange() {
    }

    @HotPath
    public static void set(MemorySegment s, long at, long startLba, long blockCount) {
        assert blockCount > 0;
        assert blockCount <= BLOCKS_MAX;
        s.set(LE_INT, at, 0);
        s.set(LE_INT, at + 4, (int) blockCount);
        s.set(LE_LONG, at + 8, startLba);
    }

    /** Unsigned. */
    @HotPath
    public static long blockCount(MemorySegment s, long at) {
        return s.get(LE_INT, at + 4) & 0xFFFF_FFFFL;
    }

    @HotPath
    public static long startLba(MemorySegment s, long at) {
        return s.get(LE_LONG, at + 8);
    }
}
