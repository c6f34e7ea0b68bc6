package io.mizzen.testsupport;

import io.mizzen.bdev.BdevContext;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.memory.MemoryKind;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Reactors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The engine's memory for tests: plain pages, one region, and the bdev layer's context on every reactor. It is given back when
 * nobody refers to it, nor to reactors that it was installed on, any more: a test that has ended leaves nothing.
 */
public final class TestMemory {
    private final DmaMemory memory;
    private final BufferPools pools;
    private final DmaMemory.Block zeroes;

    public TestMemory(long sizeBytes, int smallCount, int largeCount, int reactorCount) {
        MemorySegment segment = Arena.ofAuto().allocate(sizeBytes, 4096);
        memory = new DmaMemory(List.of(new DmaRegion(0, segment.address(), sizeBytes, MemoryKind.PLAIN, 4096, -1,
                segment.asByteBuffer())));
        zeroes = memory.allocate(BufferPools.LARGE_BYTES, -1);
        pools = new BufferPools(memory, smallCount, largeCount, reactorCount);
    }

    /** 32 MiB, with a context of 1,024 I/O records on each reactor. */
    public static TestMemory install(Reactors reactors) {
        TestMemory memory = new TestMemory(32L << 20, 512, 128, reactors.all().size());
        memory.installOn(reactors);
        return memory;
    }

    /** A context of 1,024 I/O records on each reactor. */
    public void installOn(Reactors reactors) {
        for (Reactor reactor : reactors.all()) {
            BdevContext.install(reactor, 1024, pools, zeroes);
        }
    }

    public DmaMemory memory() {
        return memory;
    }

    public BufferPools pools() {
        return pools;
    }

    public DmaMemory.Block zeroes() {
        return zeroes;
    }
}
