package io.mizzen.lvs;

import io.mizzen.util.HotPath;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Where each cluster of a volume lies on the base device, as I/O reads it on every core. Written by the control reactor
 * only, after what it says is durable on disk: entries with release, a longer array as a whole.
 */
final class ClusterMap {
    private static final VarHandle ENTRY = MethodHandles.arrayElementVarHandle(int[].class);

    private volatile int[] clusters;

    ClusterMap(int[] clusters) {
        this.clusters = clusters.clone();
    }

    /** Device cluster of the volume's cluster, 0 = unallocated. */
    @HotPath
    int get(int index) {
        return (int) ENTRY.getAcquire(clusters, index);
    }

    int length() {
        return clusters.length;
    }

    void publish(int index, int deviceCluster) {
        ENTRY.setRelease(clusters, index, deviceCluster);
    }

    /** Takes a new size. Shrinking is for volumes that nobody has open. */
    void replace(int[] newClusters) {
        clusters = newClusters.clone();
    }
}
