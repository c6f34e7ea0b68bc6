package io.mizzen.nvme.pcie;

/**
 * What wakes a reactor that sleeps while commands of a queue pair are in flight: an interrupt, once for each call of
 * {@link #await}. A busy queue is polled and awaits none. On the pair's reactor.
 */
abstract class PairWaker {
    private boolean awaited;
    private Runnable handler;
    // Read by anybody.
    private long interrupts;

    /** Vector of the completion queue's interrupts. */
    abstract int vector();

    /** Whether the completion queue's register has to be told of every head: the wire is quiet only then. */
    abstract boolean needsHeads();

    /** Asks for one interrupt. What came before is nobody's: it is seen by the next turn, which comes before any sleep. */
    abstract void ask();

    /** Asks no more. */
    abstract void stopAsking();

    /** Runs something after the next interrupt; it is not asked for twice. */
    final void await(Runnable newHandler) {
        if (!awaited) {
            awaited = true;
            handler = newHandler;
            ask();
        }
    }

    final boolean isAwaited() {
        return awaited;
    }

    final void forget() {
        if (awaited) {
            awaited = false;
            stopAsking();
        }
    }

    /** It has come. Nothing happens when it is not awaited any more. */
    final void onInterrupt() {
        if (awaited) {
            awaited = false;
            interrupts++;
            handler.run();
        }
    }

    /** Those that were awaited. Any thread. */
    final long interrupts() {
        return interrupts;
    }
}
