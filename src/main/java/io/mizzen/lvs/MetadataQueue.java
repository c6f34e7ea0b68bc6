package io.mizzen.lvs;

import io.mizzen.util.OperationException;
import java.util.ArrayDeque;
import java.util.function.Consumer;

/**
 * Runs the metadata changes of one pool one after the other: the next starts when the one before called {@link #done}.
 * One that throws may have changed anything: that is told, to the pool and to who made it, and those behind it start, to
 * find that they cannot go on. Control reactor only.
 */
final class MetadataQueue {
    /** Commands that may wait; first writes to clusters wait outside, batched by volume. */
    static final int COMMANDS_MAX = 256;

    private final ArrayDeque<Change> waiting = new ArrayDeque<>();
    private final Consumer<RuntimeException> onBroken;
    private boolean running;
    private boolean starting;
    private boolean broken;

    private record Change(Runnable start, Consumer<OperationException> thrown) {
    }

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

    /**
     * Starts the change now, or in its turn.
     *
     * @param start ends with {@link #done}, unless it throws
     * @param thrown learns what it threw, if that is a refusal, so that nobody waits for it in vain; may call {@link #done}.
     *        Anything else is a bug, and thrown to who started it
     */
    void add(Runnable start, Consumer<OperationException> thrown) {
        waiting.add(new Change(start, thrown));
        startNext();
    }

    /** The running change is over. */
    void done() {
        assert running || broken;       // One that threw may have left an I/O behind, which ends now.
        running = false;
        startNext();
    }

    private void startNext() {
        if (starting) {
            return;             // A change that ended at once returns here: the loop below goes on.
        }
        RuntimeException bug = null;
        starting = true;
        try {
            while (!running && !waiting.isEmpty()) {
                running = true;
                Change next = waiting.poll();
                try {
                    next.start.run();
                } catch (RuntimeException thrown) {
                    running = false;
                    broken = true;
                    onBroken.accept(thrown);
                    if (thrown instanceof OperationException refusal) {
                        next.thrown.accept(refusal);
                    } else {
                        bug = thrown;
                    }
                }
            }
        } finally {
            starting = false;
        }
        if (bug != null) {
            throw bug;
        }
    }
}
