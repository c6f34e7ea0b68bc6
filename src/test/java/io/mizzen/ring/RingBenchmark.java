package io.mizzen.ring;

import io.mizzen.ffi.IoUringAbi;
import io.mizzen.ffi.RawMemory;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** No-operations through a ring: what filling, handing over and reaping cost, system call included. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RingBenchmark {
    private IoUring ring;

    /** On the thread that measures: a ring belongs to one. */
    @Setup
    public void open() {
        ring = new IoUring(256);
    }

    @TearDown
    public void close() {
        ring.close();
    }

    @Benchmark
    public long nop1() {
        return nops(1);
    }

    @Benchmark
    @OperationsPerInvocation(32)
    public long nop32() {
        return nops(32);
    }

    @Benchmark
    @OperationsPerInvocation(128)
    public long nop128() {
        return nops(128);
    }

    private long nops(int count) {
        for (int i = 0; i < count; i++) {
            IoUringAbi.fill(ring.nextSqe(), IoUringAbi.IORING_OP_NOP, 0, 0, -1, 0, 0, 0, 0, i, 0);
        }
        long sum = 0;
        int done = 0;
        while (done < count) {
            ring.submit();
            while (ring.hasCompletions()) {
                sum += RawMemory.getLong(ring.headCqe());
                ring.dropHead();
                done++;
            }
            ring.publishHead();
        }
        return sum;
    }
}
