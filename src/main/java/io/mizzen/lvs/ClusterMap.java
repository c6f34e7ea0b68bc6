package io.mizzen.lvs;

import io.mizzen.util.HotPath;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Where each cluster of a volume lies on the base device, as I/O reads it on every core. Written by the control reactor
 * only, after what it says is durable on disk: entries with release, a longer array as a whole. What a volume does not
 * hold itself it reads from the map of the snapshot that it is a clone of, and so on up the chain. The map of a snapshot
 * never changes, but that a snapshot removed above it leaves it what it held.
 */
final class ClusterMap {
    private static final VarHandle ENTRY = MethodHandles.arrayElementVarHandle(int[].class);

    private volatile int[] clusters;
    private volatile ClusterMap parent;
    /** Clusters that the volume itself holds. Control reactor. */
    private int held;

    ClusterMap(int[] clusters) {
        this.clusters = clusters.clone();
        this.held = count(clusters);
    }

    private static int count(int[] clusters) {
        int count = 0;
        for (int cluster : clusters) {
            count += cluster != BlobMetadata.UNALLOCATED ? 1 : 0;
        }
        return count;
    }

    private ClusterMap(int[] clusters, int held, ClusterMap parent) {
        this.clusters = clusters;
        this.held = held;
        this.parent = parent;
    }

    /** Device cluster that the volume itself holds for its cluster, 0 = none. */
    @HotPath
    int get(int index) {
        return (int) ENTRY.getAcquire(clusters, index);
    }

    /**
     * Device cluster that the nearest snapshot above holds for it, 0 = none: what is read where the volume itself holds
     * nothing. Behind the end of a snapshot there is nothing, whatever those above it hold. Elsewhere than on the control
     * reactor {@link #get} is to be asked once more afterwards, and counts if it says something now: the snapshot may have
     * been removed, and left the volume what it held, after it was asked first.
     */
    @HotPath
    int inherited(int index) {
        ClusterMap above = parent;
        while (above != null) {
            int[] entries = above.clusters;
            if (index >= entries.length) {
                return BlobMetadata.UNALLOCATED;
            }
            int cluster = (int) ENTRY.getAcquire(entries, index);
            ClusterMap next = above.parent;
            if (cluster == BlobMetadata.UNALLOCATED) {
                cluster = above.get(index);     // Again: what a removed parent left it came before the new parent did.
            }
            if (cluster != BlobMetadata.UNALLOCATED) {
                return cluster;
            }
            above = next;
        }
        return BlobMetadata.UNALLOCATED;
    }

    /** Device cluster that is read for it, 0 = it reads as zeroes. Behind the end: 0. */
    int resolved(int index) {
        int[] own = clusters;
        if (index >= own.length) {
            return BlobMetadata.UNALLOCATED;
        }
        int cluster = (int) ENTRY.getAcquire(own, index);
        if (cluster != BlobMetadata.UNALLOCATED) {
            return cluster;
        }
        int above = inherited(index);
        cluster = get(index);
        return cluster != BlobMetadata.UNALLOCATED ? cluster : above;
    }

    int length() {
        return clusters.length;
    }

    /** How many clusters the volume itself holds, without counting. */
    int held() {
        return held;
    }

    void publish(int index, int deviceCluster) {
        held += (deviceCluster != BlobMetadata.UNALLOCATED ? 1 : 0) - (get(index) != BlobMetadata.UNALLOCATED ? 1 : 0);
        ENTRY.setRelease(clusters, index, deviceCluster);
    }

    /** Takes a new size. Shrinking is for volumes that nobody has open. */
    void replace(int[] newClusters) {
        clusters = newClusters.clone();
        held = count(newClusters);
    }

    /** Reads from there from now on what it does not hold itself; null: from nowhere. */
    void parent(ClusterMap newParent) {
        assert newParent != this;
        parent = newParent;
    }

    /**
     * Hands all entries to the map of a new snapshot, which is returned, and goes on above it with {@code empty}, all zeroes. While
     * writes are held back; a reader that looks meanwhile finds the same clusters here or there.
     */
    ClusterMap split(int[] empty) {
        assert empty.length == clusters.length;
        ClusterMap frozen = new ClusterMap(clusters, held, parent);
        parent = frozen;
        clusters = empty;
        held = 0;
        return frozen;
    }
}
