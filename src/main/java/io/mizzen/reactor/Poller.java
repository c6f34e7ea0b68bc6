package io.mizzen.reactor;

import io.mizzen.util.HotPath;

/**
 * A function that an mthread calls every turn, or every so many nanoseconds. Made by {@link Mthread#addPoller}.
 * Reactor's thread only, but for the counters, which anybody may read.
 */
public final class Poller {
    /** What a poller does. */
    @FunctionalInterface
    public interface Function {
        /** Bounded work; returns how much was done, 0 for none. */
        int poll(long nowNs);
    }

    private final String name;
    private final long periodNs;
    private final Function function;
    private long nextDueNs;
    private long runCount;
    private long busyCount;
    boolean removed;

    Poller(String name, long periodNs, Function function, long nowNs) {
        this.name = name;
        this.periodNs = periodNs;
        this.function = function;
        this.nextDueNs = nowNs + periodNs;
    }

    @HotPath
    int poll(long nowNs) {
        if (periodNs != 0) {
            if (nextDueNs - nowNs > 0) {
                return 0;
            }
            nextDueNs = nowNs + periodNs;
        }
        runCount++;
        int work = function.poll(nowNs);
        if (work != 0) {
            busyCount++;
        }
        return work;
    }

    public String name() {
        return name;
    }

    /** Nanoseconds between two calls; 0 means every turn. */
    public long periodNs() {
        return periodNs;
    }

    long nextDueNs() {
        return nextDueNs;
    }

    /** How often it was called. */
    public long runCount() {
        return runCount;
    }

    /** How often it had work to do. */
    public long busyCount() {
        return busyCount;
    }
}
