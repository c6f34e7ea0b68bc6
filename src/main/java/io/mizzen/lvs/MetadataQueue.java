package io.mizzen.lvs;

import java.util.ArrayDeque;

/**
 * Runs the metadata changes of one pool one after the other: the next starts when the one before called {@link #done}.
 * Control reactor only.
 */
final class MetadataQueue {
    /** Commands that may wait; first writes to clusters wait outside, batched by volume. */
    static final int COMMANDS_MAX = 256;

    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private boolean running;
    private boolean starting;

    /** Takes another command, unless too many wait. */
    boolean hasRoom() {
        return waiting.size() < COMMANDS_MAX;
    }

    boolean idle() {
        return !running && waiting.isEmpty();
    }

    void add(Runnable change) {
        waiting.add(change);
        startNext();
    }

    /** The running change is over. */
    void done() {
        assert running;
        running = false;
        startNext();
    }

    private void startNext() {
        if (starting) {
            return;   // A change that ended at once returns here: the loop below goes on.
        }
        starting = true;
        while (!running && !waiting.isEmpty()) {
            running = true;
            waiting.poll().run();
        }
        starting = false;
    }
}
