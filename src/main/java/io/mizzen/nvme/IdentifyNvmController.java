package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static io.mizzen.ffi.RawMemory.LE_LONG;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * Identify controller for the NVM command set, CNS 06h, 4096 bytes (NVM command set 1.0, figure 102). Limits are 0 for none.
 */
public final class IdentifyNvmController {
    public static final int SIZE_BYTES = 4096;

    private static final long VERIFY_SIZE_LIMIT = 0;
    private static final long WRITE_ZEROES_SIZE_LIMIT = 1;
    private static final long DSM_RANGE_BLOCKS_MAX = 4;
    private static final long DSM_BLOCKS_MAX = 8;

    private IdentifyNvmController() {
    }

    /** VSL, a power of two of the minimum page size. */
    public static int verifySizeLimit(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + VERIFY_SIZE_LIMIT) & 0xFF;
    }

    public static void verifySizeLimit(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + VERIFY_SIZE_LIMIT, (byte) value);
    }

    /** WZSL, likewise. */
    public static int writeZeroesSizeLimit(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + WRITE_ZEROES_SIZE_LIMIT) & 0xFF;
    }

    public static void writeZeroesSizeLimit(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + WRITE_ZEROES_SIZE_LIMIT, (byte) value);
    }

    /** DMRSL. */
    public static int dsmRangeBlocksMax(MemorySegment s, long at) {
        return s.get(LE_INT, at + DSM_RANGE_BLOCKS_MAX);
    }

    public static void dsmRangeBlocksMax(MemorySegment s, long at, int value) {
        s.set(LE_INT, at + DSM_RANGE_BLOCKS_MAX, value);
    }

    /** DMSL. */
    public static long dsmBlocksMax(MemorySegment s, long at) {
        return s.get(LE_LONG, at + DSM_BLOCKS_MAX);
    }
}
