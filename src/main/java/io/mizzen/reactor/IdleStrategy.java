package io.mizzen.reactor;

/** How a reactor sleeps and is woken. The reactor's io_uring implements it; so does the simulator. */
public interface IdleStrategy {
    /**
     * Blocks the reactor's thread until {@link #wake()}, an event of its own or the time limit. May return early. A wake
     * that came after the reactor said that it sleeps and before this call must not be lost.
     *
     * @param timeoutNs longest sleep in nanoseconds, above 0
     */
    void sleep(long timeoutNs);

    /** Wakes the sleeping reactor. Any thread; called only when the reactor has said that it sleeps. */
    void wake();
}
