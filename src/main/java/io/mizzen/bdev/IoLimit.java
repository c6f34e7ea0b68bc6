package io.mizzen.bdev;

import io.mizzen.util.OperationException;

/**
 * A rate and its burst, in operations or bytes.
 *
 * @param perSecond how much may pass in a second; 0: no limit
 * @param burst how much may pass at once after a time of rest; 0: what the rate gives in {@link #BURST_DEFAULT_MS}
 */
public record IoLimit(long perSecond, long burst) {
    /** No limit. */
    public static final IoLimit NONE = new IoLimit(0, 0);
    /** Highest rate and burst: 100 G a second, so that the arithmetic holds for years. */
    public static final long MAX = 100_000_000_000L;
    /** The burst when none is given. */
    public static final long BURST_DEFAULT_MS = 20;
    /** The least burst that is used: what a reactor that looks at its timers late must be able to make up for. */
    private static final long BURST_MIN_MS = 2;

    /** Checks the values: INVALID_ARGUMENT. */
    public IoLimit {
        if (perSecond < 0 || perSecond > MAX) {
            throw OperationException.invalid("invalid-limit",
                    "a limit is 1 to " + MAX + " a second, or 0 for none, not " + perSecond);
        }
        if (burst < 0 || burst > MAX) {
            throw OperationException.invalid("invalid-burst",
                    "a burst is 1 to " + MAX + ", or 0 for the default, not " + burst);
        }
        if (perSecond == 0 && burst != 0) {
            throw OperationException.invalid("invalid-burst", "a burst of " + burst + " needs a limit");
        }
    }

    public boolean isNone() {
        return perSecond == 0;
    }

    /** The size of the bucket: the burst asked for, or the default, never less than the rate gives in 2 ms. */
    long bucketSize() {
        long asked = burst == 0 ? perSecond * BURST_DEFAULT_MS / 1000 : burst;
        return Math.max(1, Math.max(asked, perSecond * BURST_MIN_MS / 1000));
    }
}
