package io.mizzen.rebuild;

/**
 * States of a {@link RebuildJob}. Waiting states end when the windows in flight have been unlocked (and, but for PAUSING,
 * the channels are closed).
 *
 * <pre>
 * INIT → RUNNING → COMPLETED
 *         ⇅   ├──→ STOPPING → STOPPED     (asked to stop; from the pausing states too)
 *    PAUSING  └──→ FAILING → FAILED       (an error of the source or of a destination; from PAUSING too)
 *         ↓
 *      PAUSED → RUNNING
 * </pre>
 */
public enum RebuildState {
    INIT, RUNNING, PAUSING, PAUSED, STOPPING, FAILING, COMPLETED, STOPPED, FAILED;

    boolean mayBecome(RebuildState next) {
        return switch (this) {
            case INIT -> next == RUNNING;
            case RUNNING -> next == PAUSING || next == STOPPING || next == FAILING || next == COMPLETED;
            case PAUSING -> next == RUNNING || next == PAUSED || next == STOPPING || next == FAILING;
            case PAUSED -> next == RUNNING || next == STOPPING;
            case STOPPING -> next == STOPPED;
            case FAILING -> next == FAILED;
            default -> false;
        };
    }

    /** Whether nothing follows. */
    public boolean isEnd() {
        return this == COMPLETED || this == STOPPED || this == FAILED;
    }
}
