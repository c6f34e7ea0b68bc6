package io.mizzen.engine;

/**
 * How full one pool is, as it is told: a change is told once, however many writes it concerns. It is looked at now and then;
 * writes that are refused are only counted. Control reactor only.
 */
final class SpaceWatch {
    /** As the alert MizzenPoolNearlyFull has it; less than {@link #PLENTY_PERCENT} ends it. */
    private static final long LOW_PERCENT = 90;
    private static final long PLENTY_PERCENT = 85;
    private static final long PERCENT = 100;
    /** So much must be free for the next writes, and no more than a hundredth of the pool. */
    private static final long ROOM_BYTES_MAX = 1L << 30;
    /** Who is refused tries again, perhaps: as long as that goes on nothing has changed. */
    static final long QUIET_NS = 5_000_000_000L;

    /** How full a pool is. */
    enum Level {
        /** Below the limit. */
        PLENTY,
        /** Above it. */
        LOW,
        /** A thin replica needed a cluster, or a metadata page for one, and did not get it. */
        FULL
    }

    private Level level = Level.PLENTY;
    private long refusedCount;
    private long refusedAtNs;

    Level level() {
        return level;
    }

    /**
     * Returns whether the level is another one now.
     *
     * @param refused clusters that were not to be had, so far
     * @param hasPage whether a metadata page is free
     */
    boolean look(long nowNs, long capacityBytes, long freeBytes, boolean hasPage, long refused) {
        Level before = level;
        boolean hasRoom = hasPage && freeBytes > 0 && freeBytes >= Math.min(ROOM_BYTES_MAX, capacityBytes / PERCENT);
        if (refused != refusedCount) {
            refusedCount = refused;
            refusedAtNs = nowNs;
            level = Level.FULL;
        } else if (level != Level.FULL || hasRoom && nowNs - refusedAtNs >= QUIET_NS) {
            long limit = level == Level.PLENTY ? LOW_PERCENT : PLENTY_PERCENT;
            level = capacityBytes - freeBytes >= capacityBytes / PERCENT * limit ? Level.LOW : Level.PLENTY;
        }
        return level != before;
    }
}
