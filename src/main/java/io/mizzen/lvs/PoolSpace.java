package io.mizzen.lvs;

import java.util.BitSet;

/** The used clusters, pages and blob ids of an open pool. Control reactor only. */
final class PoolSpace {
    private Geometry geometry;
    private final BitSet usedPages;
    private final BitSet usedClusters;
    private final BitSet usedBlobIds;
    /** Free clusters that are known to read as zeroes: not stored, so unknown again after an import. */
    private final BitSet zeroClusters = new BitSet();
    /** Those of them that a crash leaves so: the device was flushed since. */
    private final BitSet durableZeroes = new BitSet();
    /** Those that the flush under way will make so, if it succeeds; null without one. */
    private BitSet settling;
    /** Flushes of the device that had failed when that was last looked at. */
    private long flushFailures;
    /** Root pages whose blob ids stay unused until the pool is imported again. */
    private final BitSet barredRoots = new BitSet();
    private int freeClusterCount;
    private int freePageCount;
    private int clusterHint;
    private boolean strayPages;

    PoolSpace(Geometry geometry, BitSet usedPages, BitSet usedClusters, BitSet usedBlobIds) {
        this.geometry = geometry;
        this.usedPages = usedPages;
        this.usedClusters = usedClusters;
        this.usedBlobIds = usedBlobIds;
        this.freeClusterCount = geometry.totalClusterCount() - usedClusters.cardinality();
        this.freePageCount = geometry.metadataPageCount() - usedPages.cardinality();
    }

    /** The store has more clusters at its end. */
    void grow(Geometry grown) {
        assert grown.totalClusterCount() >= geometry.totalClusterCount();
        freeClusterCount += grown.totalClusterCount() - geometry.totalClusterCount();
        geometry = grown;
    }

    /** Pages are taken that nothing refers to: these masks are not to be stored, an import makes them anew. */
    void onStrayPages() {
        strayPages = true;
    }

    boolean hasStrayPages() {
        return strayPages;
    }

    int freeClusterCount() {
        return freeClusterCount;
    }

    int usedPageCount() {
        return geometry.metadataPageCount() - freePageCount;
    }

    /** Takes the lowest free cluster, -1 = none. */
    int takeCluster() {
        if (freeClusterCount == 0) {
            return -1;
        }
        int cluster = usedClusters.nextClearBit(clusterHint);
        assert cluster < geometry.totalClusterCount();
        usedClusters.set(cluster);
        freeClusterCount--;
        clusterHint = cluster + 1;
        return cluster;
    }

    /** Whether a cluster that was just taken reads as zeroes, though perhaps not durably before a flush. */
    boolean isZero(int cluster) {
        return zeroClusters.get(cluster);
    }

    /** Whether it still does so after a crash. */
    boolean isDurablyZero(int cluster) {
        return durableZeroes.get(cluster);
    }

    /** A flush begins: what reads as zeroes now does so durably from its end on. One at a time. */
    void beginSettling() {
        assert settling == null;
        settling = (BitSet) zeroClusters.clone();
    }

    boolean isSettling() {
        return settling != null;
    }

    /**
     * The flush has ended. Nothing changes for what was filled or given back since its begin. One that failed may have cost
     * what the device had not made durable yet.
     */
    void endSettling(boolean flushed) {
        if (flushed) {
            durableZeroes.or(settling);
        } else {
            zeroClusters.and(durableZeroes);
        }
        settling = null;
    }

    /** So many flushes of the device have failed by now: with another one, zeroes that were not durable may be lost. */
    void onFlushFailures(long failures) {
        if (failures != flushFailures) {
            flushFailures = failures;
            zeroClusters.and(durableZeroes);
        }
    }

    /** Nothing is known any more of what a cluster reads. */
    private void forgetZeroes(int cluster) {
        zeroClusters.clear(cluster);
        durableZeroes.clear(cluster);
        if (settling != null) {
            settling.clear(cluster);
        }
    }

    /** A cluster that was taken gets other contents. */
    void onFilled(int cluster) {
        forgetZeroes(cluster);
    }

    /** All free clusters read as zeroes, durably: nothing was ever written to the device. */
    void onAllZero() {
        zeroClusters.set(0, geometry.totalClusterCount());
        zeroClusters.andNot(usedClusters);
        durableZeroes.or(zeroClusters);
    }

    /** Gives back a cluster that was unmapped to zeroes. */
    void releaseZeroCluster(int cluster) {
        releaseCluster(cluster);
        zeroClusters.set(cluster);
    }

    void releaseCluster(int cluster) {
        forgetZeroes(cluster);
        assert cluster >= geometry.metadataClusterCount();
        assert usedClusters.get(cluster);
        usedClusters.clear(cluster);
        freeClusterCount++;
        clusterHint = Math.min(clusterHint, cluster);
    }

    /** Takes a metadata page, -1 = none. Page 0 is never given out: 0 means "no extent page". */
    int takePage() {
        int page = usedPages.nextClearBit(1);
        if (page >= geometry.metadataPageCount()) {
            return -1;
        }
        usedPages.set(page);
        freePageCount--;
        return page;
    }

    /** As above, for a root: its blob id is not one that is barred. */
    int takeRootPage() {
        int page = usedPages.nextClearBit(1);
        while (barredRoots.get(page)) {
            page = usedPages.nextClearBit(page + 1);
        }
        if (page >= geometry.metadataPageCount()) {
            return -1;
        }
        usedPages.set(page);
        freePageCount--;
        return page;
    }

    /** Something on the disk names the blob with that root page, whether it is there or not: no other blob gets its id. */
    void barRoot(int page) {
        barredRoots.set(page);
    }

    void releasePage(int page) {
        assert usedPages.get(page);
        usedPages.clear(page);
        freePageCount++;
    }

    void claimBlobId(int rootPage) {
        assert !usedBlobIds.get(rootPage);
        usedBlobIds.set(rootPage);
    }

    void releaseBlobId(int rootPage) {
        assert usedBlobIds.get(rootPage);
        usedBlobIds.clear(rootPage);
    }

    BitSet usedPages() {
        return usedPages;
    }

    BitSet usedClusters() {
        return usedClusters;
    }

    BitSet usedBlobIds() {
        return usedBlobIds;
    }
}
