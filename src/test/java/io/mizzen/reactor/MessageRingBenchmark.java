package io.mizzen.reactor;

import java.util.List;
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

/** Messages posted to an mthread and run there by a turn; and a turn with nothing to do. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class MessageRingBenchmark {
    private static final int BATCH = 32;

    private final Counting[] messages = new Counting[BATCH];
    private Reactor reactor;
    private long runs;

    private final class Counting extends Message {
        @Override
        public void run() {
            runs++;
        }
    }

    @Setup
    public void enter() {
        for (int i = 0; i < BATCH; i++) {
            messages[i] = new Counting();
        }
        reactor = new Reactors(List.of(0), Clock.SYSTEM, -1).first();
        reactor.enter();
    }

    @TearDown
    public void leave() {
        reactor.leave();
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long postAndRun() {
        for (int i = 0; i < BATCH; i++) {
            reactor.mthread().post(messages[i]);
        }
        reactor.tick(runs);
        return runs;
    }

    @Benchmark
    public int idleTurn() {
        return reactor.tick(++runs);
    }
}
