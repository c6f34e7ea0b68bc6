package io.mizzen.reactor;

/**
 * A record posted to an mthread's ring and run there once. Pre-allocated by whoever posts it; it must not be posted
 * again before it has run.
 */
public abstract class Message {
    /** True from the post until the run begins; written before the ring's release, read after its acquire. */
    boolean posted;
    /** Where it waits to go when the target's ring was full. */
    Mthread target;
    Message next;

    /** Runs on the target mthread. */
    public abstract void run();
}
