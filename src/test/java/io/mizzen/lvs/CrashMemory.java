package io.mizzen.lvs;

import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.memory.MemoryKind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The memory of one simulated machine after the other. One thread. */
final class CrashMemory {
    private static final long BYTES = 8 << 20;

    private final MemorySegment segment = Arena.ofAuto().allocate(BYTES, 4096);

    /** All of it, unused. */
    DmaMemory fresh() {
        return new DmaMemory(List.of(new DmaRegion(0, segment.address(), BYTES, MemoryKind.PLAIN, 4096, -1,
                segment.asByteBuffer())));
    }
}
