package io.mizzen.reactor;

import java.util.concurrent.locks.LockSupport;

/** Sleeps by parking the thread: for reactors without a ring. */
public final class ParkIdleStrategy implements IdleStrategy {
    private final Thread owner;

    /** @param owner the reactor's thread, the only one that sleeps here */
    public ParkIdleStrategy(Thread owner) {
        this.owner = owner;
    }

    @Override
    public void sleep(long timeoutNs) {
        LockSupport.parkNanos(this, timeoutNs);
    }

    @Override
    public void wake() {
        LockSupport.unpark(owner);
    }
}
