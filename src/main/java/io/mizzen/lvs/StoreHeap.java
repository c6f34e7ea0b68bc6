package io.mizzen.lvs;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.function.Supplier;

/**
 * What metadata takes of the heap, in bytes, and how much it may take. An import of more is refused, and so is a change after
 * which its pool could not be imported again, or the open pools together would take too much: memory that runs out ends the
 * engine, and all that it serves. Control reactor only.
 */
final class StoreHeap {
    /** For one page that holds something: the page, and what is noted of it. */
    static final long PAGE_BARE_BYTES = MetadataPage.SIZE_BYTES + 128;
    /** For one cluster of a volume, held or not: what its metadata says, and the map that I/O reads. */
    static final long CLUSTER_BYTES = 2L * Integer.BYTES;
    /** For one page, and twice the clusters that it may describe. */
    static final long PAGE_BYTES = PAGE_BARE_BYTES + CLUSTER_BYTES * BlobMetadata.CLUSTERS_PER_EXTENT_PAGE;
    static final String WAY_OUT = "start the engine with a larger heap, such as MIZZEN_JAVA_OPTS=\"-Xms2g -Xmx2g\"";
    /** Of the heap, what metadata may take. */
    private static final double SHARE = 0.7;

    private final long bytesMax;
    private final Supplier<List<LvStore>> open;

    /** @param open the open pools */
    StoreHeap(long bytesMax, Supplier<List<LvStore>> open) {
        this.bytesMax = bytesMax;
        this.open = open;
    }

    /** What there is for metadata in this process. */
    static long bytesMaxOfProcess() {
        return (long) (Runtime.getRuntime().maxMemory() * SHARE);
    }

    long bytesMax() {
        return bytesMax;
    }

    /** The masks of a store while it is read. */
    static long maskBytes(Geometry geometry) {
        return 4L * ((long) geometry.totalClusterCount() + geometry.metadataPageCount()) / Byte.SIZE;
    }

    private static long clusterCount(LvStore store) {
        long sum = 0;
        for (Lvol lvol : store.lvols()) {
            sum += lvol.clusterCount();
        }
        return sum;
    }

    /**
     * Refuses a change for which there is no heap.
     *
     * @param addedClusters that volumes or snapshots of the pool gain together, held or not
     * @param volumeClusters of the volume that is written: there are two states of it meanwhile
     * @param addedPages of metadata
     */
    void check(LvStore store, long addedClusters, long volumeClusters, long addedPages) {
        long others = 0;
        for (LvStore each : open.get()) {
            others += each == store ? 0 : clusterCount(each) * CLUSTER_BYTES;
        }
        long clusters = clusterCount(store) + addedClusters;
        long pages = store.usedMetadataPageCount() + addedPages;
        long toImport = maskBytes(store.geometry()) + Math.max(pages * PAGE_BYTES, pages * PAGE_BARE_BYTES + clusters * CLUSTER_BYTES);
        long toChange = (clusters + volumeClusters) * CLUSTER_BYTES;
        long needed = others + Math.max(toImport, toChange);
        if (needed > bytesMax) {
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "pool-memory-insufficient", "this would take the metadata of the"
                    + " open pools to " + toMib(needed) + " MiB of heap, and it may take " + toMib(bytesMax) + ": with more the pool could"
                    + " not be imported again. Make it smaller, or the pool with larger clusters (a volume takes " + CLUSTER_BYTES
                    + " bytes for each, also where it is thin), or " + WAY_OUT);
        }
    }

    private static long toMib(long bytes) {
        return bytes + (1 << 20) - 1 >> 20;
    }
}
