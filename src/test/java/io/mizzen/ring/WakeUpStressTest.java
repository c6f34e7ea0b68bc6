package io.mizzen.ring;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.reactor.Message;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.testsupport.RealReactors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A reactor that is about to sleep, a real thread that posts to it just then, and its ring: no wake-up gets lost. One that did
 * would show as a message that waits for the end of the sleep, a second.
 */
class WakeUpStressTest {
    private static final long DURATION_NS = 3_000_000_000L;
    private static final long SPIN_NS = 1_000;
    private static final long SPIN_FOR_NS = 100_000;
    private static final int PAUSE_MAX_NS = 6_000;
    private static final long WAIT_MAX_NS = 900_000_000L;
    private static final int SLEEPS_MIN = 1_000;
    private static final long LIMIT_NS = 120_000_000_000L;
    /** A wait of that length is looked into: how much of it somebody else had the CPU. */
    private static final long LATE_NS = 20_000_000L;

    /** Posts, waits until its message has run, pauses for about as long as the reactor takes to fall asleep, and again. */
    private static final class Producer extends Message implements Runnable {
        private final Mthread target;
        private final SplittableRandom random = new SplittableRandom(1);
        private volatile long ranAtNs;
        private long longestNs;

        Producer(Mthread target) {
            this.target = target;
        }

        /** A message on the reactor, a producer on its own thread. */
        @Override
        public void run() {
            if (target.reactor().isCurrent()) {
                ranAtNs = System.nanoTime();
            } else {
                produce();
            }
        }

        private void produce() {
            Reactor reactor = target.reactor();
            long sleepsBefore = reactor.stats().sleeps();
            long beganNs = System.nanoTime();
            for (long startNs = beganNs; startNs - beganNs < DURATION_NS || reactor.stats().sleeps() - sleepsBefore <= SLEEPS_MIN
                    && startNs - beganNs < LIMIT_NS; startNs = System.nanoTime()) {
                ranAtNs = 0;
                if (!target.post((Message) this)) {
                    throw new IllegalStateException("the ring of messages is full");
                }
                longestNs = Math.max(longestNs, await(startNs));
                long untilNs = System.nanoTime() + random.nextInt(PAUSE_MAX_NS);
                while (System.nanoTime() - untilNs < 0) {
                    Thread.onSpinWait();
                }
            }
        }

        /** How long the message waited, less what this machine, and not the reactor's sleep, is to blame for. */
        private long await(long startNs) {
            long othersNs = 0;
            long delayBeforeNs = -1;
            for (long seenNs = startNs; ranAtNs == 0; ) {
                long nowNs = System.nanoTime();
                othersNs += Math.max(0, nowNs - seenNs - LATE_NS);      // This thread had no CPU, and perhaps nobody.
                seenNs = nowNs;
                if (nowNs - startNs < SPIN_FOR_NS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.parkNanos(SPIN_FOR_NS);     // It may be this CPU that the reactor needs.
                }
                if (delayBeforeNs < 0 && nowNs - startNs > LATE_NS) {
                    delayBeforeNs = runDelayNs();
                }
            }
            return ranAtNs - startNs - othersNs - (delayBeforeNs < 0 ? 0 : runDelayNs() - delayBeforeNs);
        }
    }

    /** How long the reactor's thread has waited for a CPU, ready to run: by the kernel's scheduler; 0 where that does not tell. */
    private static long runDelayNs() {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            return tasks.mapToLong(WakeUpStressTest::runDelayNs).sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long runDelayNs(Path task) {
        try {
            return Files.readString(task.resolve("comm")).startsWith("reactor-")
                    ? Long.parseLong(Files.readString(task.resolve("schedstat")).split(" ")[1]) : 0;
        } catch (IOException e) {
            return 0;       // Another thread that has just ended, or a kernel without such a file.
        }
    }

    @Test
    void noMessageWaitsForTheEndOfASleep() throws InterruptedException {
        try (RealReactors real = new RealReactors(1, SPIN_NS)) {
            Producer producer = new Producer(real.reactor(0).mthread());     // One: another's post would mend what is lost.
            long sleepsBefore = real.reactor(0).stats().sleeps();
            Thread thread = Thread.ofPlatform().start(producer);
            thread.join();
            assertThat(producer.longestNs).as("longest wait of a message, ns").isPositive().isLessThan(WAIT_MAX_NS);
            assertThat(real.reactor(0).stats().sleeps() - sleepsBefore).as("sleeps").isGreaterThan(SLEEPS_MIN);
        }
    }
}
