package io.mizzen.lvs;

import io.mizzen.util.OperationException;
import java.util.ArrayDeque;
import java.util.function.Consumer;

/**
 * Runs the metadata changes of one pool one after the other: the next starts when the one before called {@link #done}.
 * One that throws may have changed anything: that is told, and those behind it start, to find that they cannot go on.
 * Control reactor only.
 */
final class MetadataQueue {
    /** Commands that may wait; first writes to clusters wait outside, batched by volume. */
    static final int COMMANDS_MAX = 256;

    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private final Consumer<RuntimeException> onBroken;
    private boolean running;
    private boolean starting;
    private boolean broken;

    /** @param onBroken learns what a change threw; no change may be made any more from then on */
    MetadataQueue(Consumer<RuntimeException> onBroken) {
        this.onBroken = onBroken;
    }

    /** Takes another command, unless too many wait. */
    boolean hasRoom() {
        return waiting.size() < COMMANDS_MAX;
    }

    boolean idle() {
        return !running && waiting.isEmpty();
    }

    /** Throws what the change throws, if it starts at once. */
    void add(Runnable change) {
        waiting.add(change);
        RuntimeException thrown = startNext(change);
        if (thrown != null) {
            throw thrown;
        }
    }

    /** The running change is over. */
    void done() {
        assert running || broken;       // One that threw may have left an I/O behind, which ends now.
        running = false;
        RuntimeException thrown = startNext(null);
        if (thrown != null) {
            throw thrown;
        }
    }

    /** What the caller's own change threw, or null; of another change what is a bug, while a refusal is none of the caller's. */
    private RuntimeException startNext(Runnable own) {
        if (starting) {
            return null;        // A change that ended at once returns here: the loop below goes on.
        }
        RuntimeException toThrow = null;
        starting = true;
        try {
            while (!running && !waiting.isEmpty()) {
                running = true;
                Runnable next = waiting.poll();
                try {
                    next.run();
                } catch (RuntimeException thrown) {
                    running = false;
                    broken = true;
                    onBroken.accept(thrown);
                    toThrow = next == own || !(thrown instanceof OperationException) ? thrown : toThrow;
                }
            }
        } finally {
            starting = false;
        }
        return toThrow;
    }
}
