package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;

/**
 * Where everything lies in one blobstore. Pages are of 4 KiB and count from the start of the device, but indices of
 * metadata pages, which count from {@code metadataStart}. Immutable.
 */
record Geometry(long clusterSizeBytes, long storeSizeBytes, int ioUnitBytes,
        long usedPageMaskStart, long usedPageMaskPages,
        long usedClusterMaskStart, long usedClusterMaskPages,
        long usedBlobIdMaskStart, long usedBlobIdMaskPages,
        long metadataStart, long metadataPages) {

    static final int PAGE_BYTES = MetadataPage.SIZE_BYTES;
    static final long CLUSTER_BYTES_MIN = 1L << 20;
    static final long CLUSTER_BYTES_MAX = 1L << 30;

    /** Clusters 0 to this (exclusive) hold the super block, the masks and the metadata pages. */
    int metadataClusterCount() {
        return (int) divideUp(metadataStart + metadataPages, pagesPerCluster());
    }

    long pagesPerCluster() {
        return clusterSizeBytes / PAGE_BYTES;
    }

    int totalClusterCount() {
        return (int) (storeSizeBytes / clusterSizeBytes);
    }

    int dataClusterCount() {
        return totalClusterCount() - metadataClusterCount();
    }

    int metadataPageCount() {
        return (int) metadataPages;
    }

    /** Byte offset on the device of a metadata page. */
    long metadataPageAtBytes(int page) {
        return (metadataStart + Integer.toUnsignedLong(page)) * PAGE_BYTES;
    }

    /**
     * Page on the device, behind the metadata pages and before the first data cluster, that no blobstore uses; -1 if the
     * metadata pages fill their last cluster completely. It holds the redo copy (see {@link MetadataWriter}).
     */
    long redoPage() {
        long page = metadataStart + metadataPages;
        return page < metadataClusterCount() * pagesPerCluster() ? page : -1;
    }

    /**
     * Layout for a new store: as SPDK lays it out, one metadata page a cluster unless told otherwise.
     *
     * @param metadataPagesPerHundredClusters 100 = one page a cluster
     */
    static Geometry forNewStore(long deviceBytes, int blockBytes, long clusterBytes, int metadataPagesPerHundredClusters)
            throws FormatException {
        return forNewStore(deviceBytes, blockBytes, clusterBytes, metadataPagesPerHundredClusters, 0);
    }

    /** @param growableToBytes size that masks and metadata pages are to suffice for; 0: that of the device */
    static Geometry forNewStore(long deviceBytes, int blockBytes, long clusterBytes, int metadataPagesPerHundredClusters,
            long growableToBytes) throws FormatException {
        if (clusterBytes < CLUSTER_BYTES_MIN || clusterBytes > CLUSTER_BYTES_MAX || clusterBytes % CLUSTER_BYTES_MIN != 0) {
            throw new FormatException("pool-cluster-size-invalid", "a cluster is a multiple of 1 MiB, at most 1 GiB, not "
                    + clusterBytes + " bytes");
        }
        if (PAGE_BYTES % blockBytes != 0) {
            throw new FormatException("pool-block-size-unsupported", "blocks of " + blockBytes
                    + " bytes do not divide a page of 4096 bytes");
        }
        long clusters = deviceBytes / clusterBytes;
        long clustersMax = Math.max(deviceBytes, growableToBytes) / clusterBytes;
        if (clustersMax > Integer.MAX_VALUE) {
            throw new FormatException("pool-too-large", clustersMax + " clusters are more than the format counts; use larger clusters");
        }
        long pages = Math.clamp(clustersMax * metadataPagesPerHundredClusters / 100, 1, Integer.MAX_VALUE);
        Geometry g = lay(clusterBytes, deviceBytes, blockBytes, clusters, clustersMax, pages);
        if (g.redoPage() < 0 && pages > 1) {
            g = lay(clusterBytes, deviceBytes, blockBytes, clusters, clustersMax, pages - 1);   // Leave a page for the redo copy.
        }
        if (g.metadataClusterCount() >= clusters) {
            throw new FormatException("pool-device-too-small", "a device of " + deviceBytes + " bytes has no room for metadata"
                    + " and one cluster of " + clusterBytes + " bytes; at least "
                    + (g.metadataClusterCount() + 1L) * clusterBytes + " bytes are needed");
        }
        return g;
    }

    /** The same on a device that has grown. */
    Geometry grown(long deviceBytes) throws FormatException {
        if (deviceBytes / clusterSizeBytes > growableToBytes() / clusterSizeBytes) {
            throw new FormatException("pool-growth-limit", "the pool's metadata was made for at most " + growableToBytes()
                    + " bytes, and the device has " + deviceBytes + "; the limit is set when a pool is made (growableToBytes)");
        }
        return new Geometry(clusterSizeBytes, deviceBytes, ioUnitBytes, usedPageMaskStart, usedPageMaskPages, usedClusterMaskStart,
                MetadataMask.pagesFor(deviceBytes / clusterSizeBytes), usedBlobIdMaskStart, usedBlobIdMaskPages, metadataStart,
                metadataPages);
    }

    /** As large as the mask of used clusters, which ends where the next mask begins, lets the store become. */
    long growableToBytes() {
        long bits = ((usedBlobIdMaskStart - usedClusterMaskStart) * PAGE_BYTES - MetadataMask.HEADER_BYTES) * 8;
        return Math.min(bits, Integer.MAX_VALUE) * clusterSizeBytes;
    }

    private static Geometry lay(long clusterBytes, long deviceBytes, int blockBytes, long clusters, long clustersMax, long pages) {
        long pageMask = MetadataMask.pagesFor(pages);
        long clusterMask = MetadataMask.pagesFor(clusters);
        long clusterMaskRoom = Math.max(MetadataMask.pagesFor(clustersMax), pageMask);   // For the store to grow; so does SPDK.
        long pageMaskStart = 1;
        long clusterMaskStart = pageMaskStart + pageMask;
        long blobIdMaskStart = clusterMaskStart + clusterMaskRoom;
        long metadataStart = blobIdMaskStart + pageMask;
        return new Geometry(clusterBytes, deviceBytes, blockBytes, pageMaskStart, pageMask, clusterMaskStart, clusterMask,
                blobIdMaskStart, pageMask, metadataStart, pages);
    }

    /**
     * Reads the layout of an existing store and checks every number against every other and the device.
     *
     * @throws FormatException naming the first thing that is wrong
     */
    static Geometry ofSuperBlock(MemorySegment s, long offset, long deviceBytes, int blockBytes) throws FormatException {
        long storeBytes = SuperBlock.storeSizeBytes(s, offset);
        long unit = SuperBlock.ioUnitBytes(s, offset);
        Geometry g = new Geometry(SuperBlock.clusterSizeBytes(s, offset), storeBytes == 0 ? deviceBytes : storeBytes,
                (int) (unit == 0 ? PAGE_BYTES : unit),
                SuperBlock.usedPageMaskStart(s, offset), SuperBlock.usedPageMaskPages(s, offset),
                SuperBlock.usedClusterMaskStart(s, offset), SuperBlock.usedClusterMaskPages(s, offset),
                SuperBlock.usedBlobIdMaskStart(s, offset), SuperBlock.usedBlobIdMaskPages(s, offset),
                SuperBlock.metadataStart(s, offset), SuperBlock.metadataPages(s, offset));
        g.check(deviceBytes, blockBytes);
        long pageBytes = SuperBlock.metadataPageBytes(s, offset);
        if (pageBytes != 0 && pageBytes != PAGE_BYTES) {
            throw new FormatException("pool-format-unsupported", "metadata pages of " + pageBytes + " bytes: only 4096 are supported");
        }
        return g;
    }

    private void check(long deviceBytes, int blockBytes) throws FormatException {
        if (storeSizeBytes < 0 || storeSizeBytes > deviceBytes) {
            throw new FormatException("pool-device-truncated", "the pool is " + storeSizeBytes + " bytes large, the device has only "
                    + deviceBytes);
        }
        if (clusterSizeBytes < PAGE_BYTES || clusterSizeBytes % PAGE_BYTES != 0 || clusterSizeBytes > CLUSTER_BYTES_MAX) {
            throw bad("cluster size " + clusterSizeBytes);
        }
        if (PAGE_BYTES % blockBytes != 0 || ioUnitBytes < 512 || PAGE_BYTES % ioUnitBytes != 0 || ioUnitBytes % blockBytes != 0) {
            throw new FormatException("pool-block-size-unsupported", "the pool was made for blocks of " + ioUnitBytes
                    + " bytes, the device has blocks of " + blockBytes);
        }
        if (storeSizeBytes / clusterSizeBytes > Integer.MAX_VALUE || storeSizeBytes / clusterSizeBytes < 1) {
            throw bad("cluster count " + storeSizeBytes / clusterSizeBytes);
        }
        if (metadataPages < 1 || metadataPages > Integer.MAX_VALUE) {
            throw bad("metadata page count " + metadataPages);
        }
        checkMask("used pages", usedPageMaskStart, usedPageMaskPages, metadataPages, usedClusterMaskStart);
        checkMask("used clusters", usedClusterMaskStart, usedClusterMaskPages, totalClusterCount(), usedBlobIdMaskStart);
        checkMask("used blob ids", usedBlobIdMaskStart, usedBlobIdMaskPages, metadataPages, metadataStart);
        if (divideUp(metadataStart + metadataPages, pagesPerCluster()) > totalClusterCount()) {
            throw bad("end of metadata at page " + (metadataStart + metadataPages));
        }
    }

    private static void checkMask(String what, long start, long pages, long bits, long end) throws FormatException {
        if (start < 1 || pages < MetadataMask.pagesFor(bits) || start + pages > end) {
            throw bad("mask of " + what + " at page " + start + ", " + pages + " pages");
        }
    }

    private static FormatException bad(String what) {
        return new FormatException("pool-super-block-corrupt", "the super block's numbers do not fit together: " + what);
    }

    static long divideUp(long a, long b) {
        return (a + b - 1) / b;
    }
}
