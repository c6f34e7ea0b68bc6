package io.mizzen.testsupport;

import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Reactors;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;

/**
 * Reactors driven by the test's own thread under a virtual clock and a seeded scheduler that picks the next one at
 * random. No threads, no sleeps; the same seed gives the same schedule.
 */
public final class HandReactors {
    private long nowNs = 1_000_000_000L;
    private final Random random;
    private final Reactors reactors;

    public HandReactors(int count, long seed) {
        List<Integer> cores = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            cores.add(i);
        }
        random = new Random(seed);
        reactors = new Reactors(cores, () -> nowNs, -1);
    }

    public Reactors reactors() {
        return reactors;
    }

    public Reactor reactor(int index) {
        return reactors.all().get(index);
    }

    public long nowNs() {
        return nowNs;
    }

    public Random random() {
        return random;
    }

    /** Runs a piece of code as a reactor. */
    public void on(int index, Runnable work) {
        Reactor reactor = reactor(index);
        reactor.enter();
        try {
            work.run();
        } finally {
            reactor.leave();
        }
    }

    /** Runs a piece of code as a reactor and returns its result. */
    public <T> T call(int index, Callable<T> work) {
        return call(reactor(index), work);
    }

    /** The same as any reactor that the test's own thread drives. */
    public static <T> T call(Reactor reactor, Callable<T> work) {
        reactor.enter();
        try {
            return work.call();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        } finally {
            reactor.leave();
        }
    }

    /** One turn of one reactor, a microsecond later. */
    public int tick(int index) {
        nowNs += 1_000;
        Reactor reactor = reactor(index);
        reactor.enter();
        try {
            return reactor.tick(nowNs);
        } finally {
            reactor.leave();
        }
    }

    /** One turn of a reactor picked at random. */
    public int tickAny() {
        return tick(random.nextInt(reactors.all().size()));
    }

    public void advance(long ns) {
        nowNs += ns;
    }

    /** Turns until the condition holds; fails after {@code limit} turns. Time jumps ahead when nobody has work. */
    public void runUntil(BooleanSupplier condition, int limit) {
        int idleTurns = 0;
        for (int i = 0; i < limit; i++) {
            if (condition.getAsBoolean()) {
                return;
            }
            idleTurns = tickAny() == 0 ? idleTurns + 1 : 0;
            if (idleTurns > 20 * reactors.all().size()) {
                long step = 1_000_000_000L;
                for (Reactor reactor : reactors.all()) {
                    step = Math.min(step, reactor.idleLimitNs());
                }
                nowNs += Math.max(0, step);
                idleTurns = 0;
            }
        }
        throw new AssertionError("the condition did not come true within " + limit + " turns");
    }

    public void runUntil(BooleanSupplier condition) {
        runUntil(condition, 200_000);
    }

    /** Turns of all reactors, in order. */
    public void tickAll(int turns) {
        for (int t = 0; t < turns; t++) {
            for (int i = 0; i < reactors.all().size(); i++) {
                tick(i);
            }
        }
    }
}
