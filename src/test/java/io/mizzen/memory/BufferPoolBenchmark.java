package io.mizzen.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** A buffer taken and given back: within the core's cache, and beyond it, where batches go through the shared ring. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class BufferPoolBenchmark {
    private static final int CACHE = 32;
    private static final int MANY = 128;
    private static final long SIZE_BYTES = 4L << 20;

    private final MemorySegment memory = Arena.global().allocate(SIZE_BYTES, 4096);
    private final BufferPool.Cache cache = new BufferPool("b", 4096, 512, CACHE, new int[] {-1}, new DmaMemory(List.of(
            new DmaRegion(0, memory.address(), SIZE_BYTES, MemoryKind.PLAIN, 4096, -1, memory.asByteBuffer())))).cache(0);
    private final DmaBuffer[] taken = new DmaBuffer[MANY];

    @Benchmark
    @OperationsPerInvocation(CACHE / 2)
    public long withinTheCache() {
        return takeAndReturn(CACHE / 2);
    }

    @Benchmark
    @OperationsPerInvocation(MANY)
    public long throughTheRing() {
        return takeAndReturn(MANY);
    }

    private long takeAndReturn(int count) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            taken[i] = cache.tryAcquire();
            sum += taken[i].address();
        }
        for (int i = 0; i < count; i++) {
            taken[i].close();
        }
        return sum;
    }
}
