package io.mizzen.nexus;

import io.mizzen.util.HotPath;

/**
 * Which child a channel reads from: a local one if there is, the one with the fewest I/Os in flight, ties in turn; one
 * that has just failed a read is asked only when no other can be. Channel's reactor.
 */
final class ReaderChoice {
    /** Errors in a row on reads that make a child fail. */
    static final int ERRORS_IN_A_ROW_MAX = 16;
    /** How long a child that failed a read is not asked while another can be. */
    private static final long AVOID_NS = 1_000_000_000L;

    private final int[] errorsInARow = new int[NexusChildren.PLACE_COUNT];
    private int avoidMask;
    private long avoidUntilNs;
    private int rotation;

    /** One of the candidates, of which there is at least one. */
    @HotPath
    int choose(int allCandidates, int localReaders, int[] outstanding, long nowNs) {
        int candidates = allCandidates;
        if (avoidMask != 0) {
            if (nowNs - avoidUntilNs >= 0) {
                avoidMask = 0;
            } else if ((candidates & ~avoidMask) != 0) {
                candidates &= ~avoidMask;
            }
        }
        if ((candidates & localReaders) != 0) {
            candidates &= localReaders;
        }
        return leastOutstanding(candidates, outstanding);
    }

    /** Ties go round. */
    @HotPath
    private int leastOutstanding(int candidates, int[] outstanding) {
        int best = -1;
        int later = candidates & -1 << rotation;
        for (int pass = 0; pass < 2; pass++) {
            for (int rest = pass == 0 ? later : candidates & ~later; rest != 0; rest &= rest - 1) {
                int child = Integer.numberOfTrailingZeros(rest);
                if (best < 0 || outstanding[child] < outstanding[best]) {
                    best = child;
                }
            }
        }
        rotation = best + 1 & 31;
        return best;
    }

    @HotPath
    void onSuccess(int child) {
        errorsInARow[child] = 0;
    }

    /** A child failed a read that another can answer; true when it has done so too often. */
    boolean onError(int child, long nowNs) {
        avoidMask |= 1 << child;
        avoidUntilNs = nowNs + AVOID_NS;
        if (++errorsInARow[child] < ERRORS_IN_A_ROW_MAX) {
            return false;
        }
        errorsInARow[child] = 0;
        return true;
    }

    /** Somebody else takes the place. */
    void forget(int child) {
        errorsInARow[child] = 0;
        avoidMask &= ~(1 << child);
    }
}
