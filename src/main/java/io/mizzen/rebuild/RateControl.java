package io.mizzen.rebuild;

import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Timer;

/**
 * When a job may begin its next window: the token bucket and the back-off, with their timers. Home mthread.
 */
final class RateControl {
    /** A window is no larger than what the rate allows in this part of a second. */
    private static final long WINDOWS_PER_S = 200;

    private final RebuildJob job;
    private final Reactor reactor;
    private final Throttle throttle;
    private final BackOff backOff;
    private RebuildSettings settings;
    private long periodBytes;
    private long periodNs;
    private volatile long limit;
    private final Timer tokens = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            job.advance();
        }
    };
    private final Timer period = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            onPeriod(nowNs);
        }
    };

    RateControl(RebuildJob job, RebuildSpec spec, Reactor reactor) {
        this.job = job;
        this.reactor = reactor;
        this.settings = spec.settings();
        this.throttle = new Throttle(settings.rate(), reactor.nowNs());
        this.backOff = new BackOff(spec.foreground(), settings);
        this.limit = settings.rate();
    }

    void setSettings(RebuildSettings changed) {
        settings = changed;
        backOff.setLimit(changed.rate(), changed.floor());
        apply();
    }

    /** The job runs from now on. */
    void start() {
        if (!period.isArmed()) {
            periodNs = reactor.nowNs();
            reactor.arm(period, BackOff.FIRST_PERIOD_NS);
        }
    }

    /** It does not: nothing is waited for. */
    void stop() {
        reactor.cancel(period);
        reactor.cancel(tokens);
    }

    private void onPeriod(long nowNs) {
        if (settings.backOff()) {
            backOff.onPeriod((long) (periodBytes * 1e9 / Math.max(1, nowNs - periodNs)));
        }
        periodBytes = 0;
        periodNs = nowNs;
        reactor.arm(period, BackOff.PERIOD_NS);
        apply();
        job.advance();
    }

    private void apply() {
        long rate = settings.backOff() ? backOff.rate() : settings.rate();
        if (rate != throttle.rate()) {
            throttle.setRate(rate, reactor.nowNs());
            reactor.cancel(tokens);
            limit = rate;
        }
    }

    /** Whether a window may begin now; if not, the job is called when one may. */
    boolean mayBegin() {
        if (settings.backOff() && backOff.isQuiet()) {
            return false;
        }
        long waitNs = throttle.waitNs(reactor.nowNs());
        if (waitNs > 0 && !tokens.isArmed()) {
            reactor.arm(tokens, waitNs);
        }
        return waitNs == 0;
    }

    /** Bytes of the next window. */
    long windowBytes() {
        if (throttle.rate() == RebuildSettings.UNLIMITED) {
            return settings.windowBytes();
        }
        long byRate = throttle.rate() / WINDOWS_PER_S & -RebuildSettings.PIECE_BYTES;
        return Math.clamp(byRate, RebuildSettings.PIECE_BYTES, settings.windowBytes());
    }

    /** A window begins. */
    void charge(long bytes) {
        throttle.charge(bytes);
    }

    /** A window has ended, having copied that much. */
    void settle(long chargedBytes, long copiedBytes) {
        throttle.refund(chargedBytes - copiedBytes);
        periodBytes += copiedBytes;
    }

    /** Bytes per second now, or {@link RebuildSettings#UNLIMITED}. Any thread. */
    long limit() {
        return limit;
    }
}
