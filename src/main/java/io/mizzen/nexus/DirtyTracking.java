package io.mizzen.nexus;

import io.mizzen.memory.DmaBuffer;

/**
 * What keeps account of where legs may differ, for one geometry of the nexus: the map, who stores it, who clears it and
 * who makes the legs equal. A nexus that grows gets another one. Home mthread, but for the map.
 */
final class DirtyTracking {
    private final DirtyMap map;
    private final DirtyKeeper keeper;
    private final DirtySweep sweep;
    private final Resync resync;

    /**
     * @param epoch the map's, as the metadata has it
     * @param storedBits what the children's map says
     */
    DirtyTracking(Nexus nexus, DirtyGeometry geometry, int epoch, DmaBuffer pageBuffer, long[] storedBits,
            long sequence, long sweepPeriodNs) {
        map = new DirtyMap(geometry);
        keeper = new DirtyKeeper(nexus, map, epoch, pageBuffer, storedBits, sequence);
        sweep = new DirtySweep(nexus, map, keeper, sweepPeriodNs);
        resync = new Resync(nexus, map);
    }

    DirtyMap map() {
        return map;
    }

    DirtyKeeper keeper() {
        return keeper;
    }

    Resync resync() {
        return resync;
    }

    /** The legs may differ in these regions. */
    void markSuspect(long[] words) {
        for (int word = 0; word < words.length; word++) {
            for (long rest = words[word]; rest != 0; rest &= rest - 1) {
                int region = (word << 6) + Long.numberOfTrailingZeros(rest);
                map.markSuspect(region, region);
            }
        }
    }

    void start() {
        sweep.start();
        resync.consider();
    }

    /** Ends sweeping and copying for good; {@code then} runs when both have. */
    void stop(Runnable then) {
        sweep.stop(() -> resync.close(then));
    }
}
