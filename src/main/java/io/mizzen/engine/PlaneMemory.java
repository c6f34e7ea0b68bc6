package io.mizzen.engine;

import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaMemory;

/** How the reservation is divided: half for data buffers, a sixteenth for small ones, the rest for rings and metadata. */
final class PlaneMemory {
    private static final int SMALL_COUNT_MIN = 256;
    private static final int LARGE_COUNT_MIN = 64;

    private PlaneMemory() { }

    static BufferPools pools(DmaMemory memory, int[] nodes) {
        long total = memory.totalBytes();
        int small = Math.clamp(total / 16 / BufferPools.SMALL_BYTES, SMALL_COUNT_MIN, 1 << 20);
        int large = Math.clamp(total / 2 / BufferPools.LARGE_BYTES, LARGE_COUNT_MIN, 1 << 20);
        return new BufferPools(memory, small, large, nodes);
    }

    /** A block that stays zero. */
    static DmaMemory.Block zeroes(DmaMemory memory) {
        DmaMemory.Block block = memory.allocate(BufferPools.LARGE_BYTES, -1);
        RawMemory.zero(block.address(), block.sizeBytes());
        return block;
    }
}
