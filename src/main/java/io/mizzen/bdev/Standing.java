package io.mizzen.bdev;

import java.util.Arrays;

/**
 * A channel that stands on another of the same mthread, until {@link IoChannel#standNoMoreOn}. I/O that is handed down and ends
 * well is counted here, once, for both of them. Their reactor; the counters are read by anybody.
 */
public final class Standing {
    static final Standing[] NONE = {};

    final IoChannel upper;
    final IoChannel lower;
    final IoStats stats = new IoStats();

    Standing(IoChannel upper, IoChannel lower) {
        this.upper = upper;
        this.lower = lower;
        upper.standings = with(upper.standings, this);
        lower.standings = with(lower.standings, this);
    }

    /** Each takes over what was counted; first, so that who sums meanwhile counts twice, not never. */
    void end() {
        upper.stats.add(stats);
        lower.stats.add(stats);
        upper.standings = without(upper.standings, this);
        lower.standings = without(lower.standings, this);
    }

    static boolean isAnyOn(IoChannel lower) {
        for (Standing standing : lower.standings) {
            if (standing.lower == lower) {
                return true;
            }
        }
        return false;
    }

    private static Standing[] with(Standing[] some, Standing one) {
        Standing[] all = Arrays.copyOf(some, some.length + 1);
        all[some.length] = one;
        return all;
    }

    private static Standing[] without(Standing[] some, Standing one) {
        return Arrays.stream(some).filter(other -> other != one).toArray(Standing[]::new);
    }
}
