package io.mizzen.ring;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.reactor.Message;
import io.mizzen.reactor.Mthread;
import io.mizzen.testsupport.RealReactors;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
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
    private static final long WAIT_MAX_NS = 700_000_000L;
    private static final int SLEEPS_MIN = 1_000;

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
            long endNs = System.nanoTime() + DURATION_NS;
            for (long startNs; (startNs = System.nanoTime()) - endNs < 0; ) {
                ranAtNs = 0;
                if (!target.post((Message) this)) {
                    throw new IllegalStateException("the ring of messages is full");
                }
                while (ranAtNs == 0) {
                    if (System.nanoTime() - startNs < SPIN_FOR_NS) {
                        Thread.onSpinWait();
                    } else {
                        LockSupport.parkNanos(SPIN_FOR_NS);     // It may be this CPU that the reactor needs.
                    }
                }
                longestNs = Math.max(longestNs, ranAtNs - startNs);
                long untilNs = System.nanoTime() + random.nextInt(PAUSE_MAX_NS);
                while (System.nanoTime() - untilNs < 0) {
                    Thread.onSpinWait();
                }
            }
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
