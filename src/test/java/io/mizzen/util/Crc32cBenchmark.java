package io.mizzen.util;

import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Sums of headers, blocks and large transfers. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class Crc32cBenchmark {
    @Param({"16", "72", "4096", "131072"})
    int lengthBytes;

    private final Crc32c sum = new Crc32c();
    private final long address = Arena.global().allocate(128 << 10, 4096).address();

    @Benchmark
    public int crc32c() {
        return sum.of(address, lengthBytes);
    }
}
