package io.mizzen.reactor;

/** Where reactors get the time from; read once a turn. The simulator and tests have a virtual one. */
@FunctionalInterface
public interface Clock {
    /** The system's monotonic clock. */
    Clock SYSTEM = System::nanoTime;

    /** Monotonic time in nanoseconds; the origin is arbitrary. */
    long nanoTime();
}
