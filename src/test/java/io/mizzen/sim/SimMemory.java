package io.mizzen.sim;

import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.memory.MemoryKind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The memory of one simulated machine after the other. One thread. */
final class SimMemory {
    private static final long BYTES = 24 << 20;
    private static final byte GARBAGE = (byte) 0xA5;

    private final MemorySegment segment = Arena.ofAuto().allocate(BYTES, 4096);

    /** For a new run: the same garbage everywhere. */
    void reset() {
        segment.fill(GARBAGE);
    }

    /** All of it, unused. */
    DmaMemory fresh() {
        return new DmaMemory(List.of(new DmaRegion(0, segment.address(), BYTES, MemoryKind.PLAIN, 4096, -1,
                segment.asByteBuffer())));
    }
}
