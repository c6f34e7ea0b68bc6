package io.mizzen.rebuild;

/**
 * A token bucket over bytes: a window may begin when there is no debt, and is charged in full. What it did not need is
 * given back. Control reactor; the time is passed in.
 */
final class Throttle {
    /** Time whose tokens may be saved up. */
    private static final long BURST_NS = 5_000_000;
    private static final double NS_PER_S = 1e9;

    private long rate;
    private double tokens;
    private long lastNs;

    Throttle(long bytesPerSecond, long nowNs) {
        rate = bytesPerSecond;
        lastNs = nowNs;
    }

    /** Changes the rate; {@link RebuildSettings#UNLIMITED} for none. */
    void setRate(long bytesPerSecond, long nowNs) {
        refill(nowNs);
        rate = bytesPerSecond;
        if (rate == RebuildSettings.UNLIMITED) {
            tokens = 0;
        }
    }

    long rate() {
        return rate;
    }

    private void refill(long nowNs) {
        if (rate != RebuildSettings.UNLIMITED) {
            tokens = Math.min(tokens + (nowNs - lastNs) / NS_PER_S * rate, BURST_NS / NS_PER_S * rate);
        }
        lastNs = nowNs;
    }

    /** How long to wait before a window may begin; 0: now. */
    long waitNs(long nowNs) {
        refill(nowNs);
        if (rate == RebuildSettings.UNLIMITED || tokens >= 0) {
            return 0;
        }
        return (long) Math.ceil(-tokens / rate * NS_PER_S);
    }

    /** A window begins. */
    void charge(long bytes) {
        if (rate != RebuildSettings.UNLIMITED) {
            tokens -= bytes;
        }
    }

    /** A window that was charged needed fewer. */
    void refund(long bytes) {
        if (rate != RebuildSettings.UNLIMITED) {
            tokens += bytes;
        }
    }
}
