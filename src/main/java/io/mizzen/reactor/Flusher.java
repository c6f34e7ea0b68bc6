package io.mizzen.reactor;

/** Called at the end of every turn: one system call, one doorbell, for all that the turn queued. */
@FunctionalInterface
public interface Flusher {
    /** Returns how much was handed over. */
    int flush();
}
