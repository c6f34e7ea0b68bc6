package io.mizzen.reactor;

/** A one-shot timer of a reactor. Intrusive and reusable; armed at most once at a time. Reactor's thread only. */
public abstract class Timer {
    long deadlineNs;
    int heapIndex = -1;

    /** Called once, not before the deadline. */
    protected abstract void onTimer(long nowNs);

    /** Whether the timer is armed. */
    public final boolean isArmed() {
        return heapIndex >= 0;
    }
}
