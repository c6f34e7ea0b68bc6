package io.mizzen.reactor;

/** Counters of one reactor: written by it without synchronisation, read by anybody, monotonic, approximate. */
public final class ReactorStats {
    long turns;
    long busyNs;
    long idleNs;
    long sleepNs;
    long sleeps;
    volatile long wakeUps;
    long stalls;

    public long turns() {
        return turns;
    }

    /** Time in turns that had work, nanoseconds. */
    public long busyNs() {
        return busyNs;
    }

    /** Time in turns without work, spinning, nanoseconds. */
    public long idleNs() {
        return idleNs;
    }

    /** Time asleep, nanoseconds. */
    public long sleepNs() {
        return sleepNs;
    }

    public long sleeps() {
        return sleeps;
    }

    /** Wake-ups that other threads paid for. */
    public long wakeUps() {
        return wakeUps;
    }

    /** How often the stall detector found the reactor frozen. */
    public long stalls() {
        return stalls;
    }
}
