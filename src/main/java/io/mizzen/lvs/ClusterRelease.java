package io.mizzen.lvs;

import java.util.BitSet;

/**
 * Gives clusters back that no metadata names any more: unmaps them where the device can, run by run, then marks them free.
 * An unmap is only a hint, so one that fails changes nothing: whoever gets the cluster next zeroes what must be zero and
 * is not known to be.
 */
final class ClusterRelease {
    private final LvStore store;
    private final int[] clusters;
    private final Runnable done;
    /** Indices of those that read as zeroes now. */
    private final BitSet zeroed = new BitSet();
    private long flushFailures;

    ClusterRelease(LvStore store, int[] clusters, Runnable done) {
        this.store = store;
        this.clusters = clusters;
        this.done = done;
    }

    void start() {
        flushFailures = store.port().flushFailures();
        run(0);
    }

    private void run(int from) {
        if (from == clusters.length || !store.port().canUnmap()) {
            if (store.port().flushFailures() != flushFailures) {
                zeroed.clear();
            }
            for (int i = 0; i < clusters.length; i++) {
                if (zeroed.get(i)) {
                    store.space().releaseZeroCluster(clusters[i]);
                } else {
                    store.space().releaseCluster(clusters[i]);
                }
            }
            done.run();
            return;
        }
        int count = runLength(clusters, from);
        int next = from + count;
        long clusterBytes = store.geometry().clusterSizeBytes();
        store.port().unmap(clusters[from] * clusterBytes, count * clusterBytes, status -> {
            if (status == 0 && store.port().unmapZeroes()) {
                zeroed.set(from, next);
            }
            run(next);
        });
    }

    /** How many of the clusters from this one on are neighbours on the device. */
    static int runLength(int[] clusters, int from) {
        int count = 1;
        while (from + count < clusters.length && clusters[from + count] == clusters[from] + count) {
            count++;
        }
        return count;
    }
}
