package io.mizzen.testsupport;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Waits for what takes as long as the machine needs: two minutes at most, which a slow disk and a busy neighbour on each core do
 * not use up. What is waited for ends the wait. Any thread but a reactor's.
 */
public final class Patience {
    private static final long LIMIT_NS = TimeUnit.MINUTES.toNanos(2);
    private static final long LOOK_NS = 200_000;

    private Patience() {}

    /** Looks until {@code condition} holds; fails at the limit with what {@code otherwise} says then. */
    public static void await(BooleanSupplier condition, Supplier<String> otherwise) {
        long startNs = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - startNs > LIMIT_NS) {
                throw new AssertionError(otherwise.get());
            }
            LockSupport.parkNanos(LOOK_NS);
        }
    }

    /**
     * What code allocates once it is compiled, whenever the compiler gets to it: the least of several rounds.
     *
     * @param round runs it once more and returns the bytes that it allocated
     * @param tolerated bytes that end the search
     */
    public static long leastAllocated(long tolerated, LongSupplier round) {
        long startNs = System.nanoTime();
        long least = Long.MAX_VALUE;
        while (least > tolerated && System.nanoTime() - startNs < LIMIT_NS) {
            least = Math.min(least, round.getAsLong());
        }
        return least;
    }
}
