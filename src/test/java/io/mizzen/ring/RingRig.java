package io.mizzen.ring;

import io.mizzen.reactor.Clock;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Reactors;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.TestMemory;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;

/** One hand-driven reactor with a real ring on the test's own thread. */
public final class RingRig implements AutoCloseable {
    private static final long LIMIT_NS = 120_000_000_000L;
    public static final RingConfig SMALL = new RingConfig(64, 512, 8, 32, 16, 4096);

    public final Reactors reactors = new Reactors(List.of(0), Clock.SYSTEM, -1);
    public final Reactor reactor = reactors.first();
    public final ReactorRing ring;

    public RingRig(RingConfig config) {
        TestMemory memory = TestMemory.install(reactors);
        ring = call(() -> ReactorRing.open(reactor, config, memory.memory(), List.of()));
    }

    public void on(Runnable work) {
        reactor.enter();
        try {
            work.run();
        } finally {
            reactor.leave();
        }
    }

    public <T> T call(Callable<T> work) {
        return HandReactors.call(reactor, work);
    }

    public int tick() {
        return call(() -> reactor.tick(System.nanoTime()));
    }

    /** Turns, sleeping in the ring when there is nothing to do. */
    public void runUntil(BooleanSupplier condition) {
        long deadlineNs = System.nanoTime() + LIMIT_NS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadlineNs > 0) {
                throw new AssertionError("the condition did not come true within two minutes");
            }
            if (tick() == 0) {
                on(() -> ring.sleep(1_000_000));
            }
        }
    }

    @Override
    public void close() {
        on(ring::close);
    }
}
