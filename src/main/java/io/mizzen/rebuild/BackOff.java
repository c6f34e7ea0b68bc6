package io.mizzen.rebuild;

import io.mizzen.bdev.IoStats;
import io.mizzen.bdev.IoType;

/**
 * Finds the rate at which hosts are not disturbed: compares what they see while the job copies with what they see while
 * it listens, halves the rate when that is much worse and raises it by a quarter when it is not. Listens at the start,
 * now and then, and soon again when the floor is reached: the hosts' load may be another one by then. Hosts that do
 * nothing are not disturbed. Control reactor; called once a period.
 *
 * <pre>
 * IDLE (no host I/O: no back-off) → SETTLING (no new window) → LISTENING → COPYING → SETTLING ...
 *   ↖──────────────────── no host I/O ─────────────────────────────────────↙
 * </pre>
 */
final class BackOff {
    static final long PERIOD_NS = 100_000_000;
    /** The first look comes sooner: until then nothing holds the job back. */
    static final long FIRST_PERIOD_NS = 20_000_000;
    /** Fewer I/Os a period count as none. */
    static final long OPERATIONS_MIN = 10;
    /** Fewer I/Os have no p99 worth the name: only their mean counts. */
    private static final long P99_OPERATIONS_MIN = 100;
    private static final int COPYING_PERIODS = 100;
    private static final int COPYING_PERIODS_AT_FLOOR = 10;
    private static final long SLACK_NS = 20_000;

    enum Phase {
        IDLE, SETTLING, LISTENING, COPYING
    }

    private final ForegroundLoad load;
    private final double factor;
    private Phase phase = Phase.IDLE;
    private long floor;
    private long limit;
    private long rate;
    private int periods;
    private ForegroundSample last;
    private double baseMeanNs;
    private double baseP99Ns;

    BackOff(ForegroundLoad load, RebuildSettings settings) {
        this.load = load;
        this.factor = settings.latencyFactor();
        setLimit(settings.rate(), settings.floor());
        this.rate = limit;
        this.last = new ForegroundSample(load.totals());
    }

    /** A new limit, in force at once. */
    void setLimit(long newLimit, long newFloor) {
        limit = newLimit;
        floor = newLimit == RebuildSettings.UNLIMITED ? newFloor : Math.min(newFloor, newLimit);
        rate = phase == Phase.IDLE ? limit : capped(Math.max(rate, floor));
    }

    private long capped(long wanted) {
        return limit == RebuildSettings.UNLIMITED ? wanted : Math.min(wanted, limit);
    }

    /** Whether no window is to begin now. */
    boolean isQuiet() {
        return phase == Phase.SETTLING || phase == Phase.LISTENING;
    }

    /** What may be copied now, bytes per second. */
    long rate() {
        return rate;
    }

    Phase phase() {
        return phase;
    }

    /**
     * A period is over.
     *
     * @param bytesPerSecond what was copied in it
     */
    void onPeriod(long bytesPerSecond) {
        ForegroundSample now = new ForegroundSample(load.totals());
        ForegroundSample seen = now.since(last);
        last = now;
        periods++;
        if (seen.operations() < OPERATIONS_MIN && phase != Phase.SETTLING) {
            enter(Phase.IDLE);
            rate = limit;
        } else if (phase == Phase.IDLE) {
            enter(Phase.SETTLING);
            rate = Math.max(floor, limit / 4);
        } else if (phase == Phase.SETTLING) {
            enter(Phase.LISTENING);
        } else if (phase == Phase.LISTENING) {
            baseMeanNs = seen.meanNs();
            baseP99Ns = seen.p99Ns();
            enter(Phase.COPYING);
        } else {
            adjust(seen, bytesPerSecond);
        }
    }

    private void enter(Phase next) {
        if (next != phase) {
            phase = next;
            periods = 0;
        }
    }

    private void adjust(ForegroundSample seen, long bytesPerSecond) {
        boolean slow = seen.meanNs() > baseMeanNs * (1 + factor) / 2 + SLACK_NS
                || seen.operations() >= P99_OPERATIONS_MIN && seen.delayed() == 0 && seen.p99Ns() > baseP99Ns * factor + SLACK_NS;
        if (slow) {
            rate = Math.max(floor, Math.min(rate, bytesPerSecond) / 2);
        } else if (rate <= 2 * bytesPerSecond) {        // Else it is not the rate that holds the job back.
            rate = capped(rate + rate / 4);
        }
        if (periods >= COPYING_PERIODS || slow && rate == floor && periods >= COPYING_PERIODS_AT_FLOOR) {
            enter(Phase.SETTLING);
        }
    }

    /** Reads and writes of hosts, as counted up to some moment or between two; waits for a limit are not the job's doing. */
    private record ForegroundSample(long operations, long delayed, long sumNs, long[] buckets) {
        ForegroundSample(IoStats totals) {
            this(totals.operations(IoType.READ) + totals.operations(IoType.WRITE), totals.delayed(),
                    totals.latencySumNs(0) + totals.latencySumNs(1) - totals.delayedNs(), sum(totals));
        }

        private static long[] sum(IoStats totals) {
            long[] sum = totals.latencyBuckets(0);
            long[] writes = totals.latencyBuckets(1);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += writes[i];
            }
            return sum;
        }

        ForegroundSample since(ForegroundSample earlier) {
            long[] difference = buckets.clone();
            for (int i = 0; i < difference.length; i++) {
                difference[i] -= earlier.buckets[i];
            }
            return new ForegroundSample(operations - earlier.operations, delayed - earlier.delayed,
                    sumNs - earlier.sumNs, difference);
        }

        double meanNs() {
            return operations == 0 ? 0 : (double) sumNs / operations;
        }

        /** Within its bucket, of [2^n, 2^(n+1)) ns, in proportion. */
        double p99Ns() {
            double left = operations * 0.99;
            for (int i = 0; i < buckets.length; i++) {
                if (left <= buckets[i]) {
                    return Math.scalb(1.0 + (buckets[i] == 0 ? 0 : left / buckets[i]), i);
                }
                left -= buckets[i];
            }
            return Math.scalb(1.0, buckets.length);
        }
    }
}
