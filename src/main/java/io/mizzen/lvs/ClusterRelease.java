package io.mizzen.lvs;

/**
 * Gives clusters back that no metadata names any more: unmaps them where the device can, run by run, then marks them free.
 * An unmap is only a hint, so one that fails changes nothing: whoever gets the cluster next zeroes what must be zero.
 */
final class ClusterRelease {
    private final LvStore store;
    private final int[] clusters;
    private final Runnable done;

    ClusterRelease(LvStore store, int[] clusters, Runnable done) {
        this.store = store;
        this.clusters = clusters;
        this.done = done;
    }

    void start() {
        run(0);
    }

    private void run(int from) {
        if (from == clusters.length || !store.port().canUnmap()) {
            for (int cluster : clusters) {
                store.space().releaseCluster(cluster);
            }
            done.run();
            return;
        }
        int count = runLength(clusters, from);
        int next = from + count;
        long clusterBytes = store.geometry().clusterSizeBytes();
        store.port().unmap(clusters[from] * clusterBytes, count * clusterBytes, status -> run(next));
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
