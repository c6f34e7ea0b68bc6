package io.mizzen.nexus;

import io.mizzen.reactor.Timer;

/**
 * How long hosts wait while no healthy child is present, or what has to be stored cannot be: from the moment that it
 * begins, for a bounded time, then their I/O fails until it ends. Home mthread.
 *
 * <pre>
 * SERVING ⇄ WAITING → LOST → SERVING         (the time is over; a child returns)
 * any → GIVEN_UP                              (the nexus is closing)
 * </pre>
 */
final class FreezeWatch {
    private enum State {
        SERVING, WAITING, LOST, GIVEN_UP
    }

    private final Nexus nexus;
    private long timeoutNs;
    private State state = State.SERVING;
    private final Timer timer = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            setState(State.LOST);
            nexus.event("io-fails waited-ms=" + timeoutNs / 1_000_000);
            nexus.publishConfig(() -> { });
        }
    };

    FreezeWatch(Nexus nexus, long timeoutNs) {
        this.nexus = nexus;
        this.timeoutNs = timeoutNs;
    }

    /** From the next time on. */
    void setTimeoutNs(long newTimeoutNs) {
        timeoutNs = newTimeoutNs;
    }

    private void setState(State next) {
        assert switch (state) {
            case SERVING -> next == State.WAITING || next == State.GIVEN_UP;
            case WAITING -> next != State.WAITING;
            case LOST -> next == State.SERVING || next == State.GIVEN_UP;
            case GIVEN_UP -> false;
        };
        state = next;
    }

    /** A picture is about to be published. */
    void update(boolean stalled) {
        if (stalled && state == State.SERVING) {
            setState(State.WAITING);
            nexus.event("io-waits until-ms=" + timeoutNs / 1_000_000);
            nexus.home().reactor().arm(timer, timeoutNs);
        } else if (!stalled && (state == State.WAITING || state == State.LOST)) {
            nexus.home().reactor().cancel(timer);
            setState(State.SERVING);
            nexus.event("io-goes-on");
        }
    }

    /** Nobody waits any more: the nexus is closing. */
    void giveUp() {
        if (state != State.GIVEN_UP) {
            nexus.home().reactor().cancel(timer);
            setState(State.GIVEN_UP);
        }
    }

    /** Whether I/O that cannot be served fails instead of waiting. */
    boolean isLost() {
        return state == State.LOST || state == State.GIVEN_UP;
    }
}
