package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads the descriptors of a blob's pages into a {@link BlobMetadata}: first every page of the chain with
 * {@link #chainPage}, then every extent page with {@link #extentPage}, then {@link #finish}. Every length is checked
 * before it is followed; failures name page and descriptor. Which clusters and pages a blob may own is checked by
 * {@link MetadataReplay}.
 */
final class BlobDecoder {
    private final BlobMetadata blob;
    private final int clusterLimit;
    private final int sizeLimit;
    /** What run-length extents say, in the first {@link #rleCount} entries; the rest is room. */
    private int[] rle = {};
    private int rleCount;
    private boolean flagsSeen;
    private boolean rleSeen;
    private boolean tableSeen;
    private long tableClusterCount;
    private int extentPageFill;

    /** @param clusterLimit no blob holds more clusters than this */
    BlobDecoder(BlobMetadata blob, int clusterLimit) {
        this.blob = blob;
        this.clusterLimit = clusterLimit;
        this.sizeLimit = Math.max(clusterLimit, SIZE_CLUSTERS_MAX);     // One of ours is at most as large as the pool.
    }

    /** Clusters of the blob as far as its chain was read: what its map takes. */
    long clusterCount() {
        return tableSeen ? tableClusterCount : rleCount;
    }

    void chainPage(MemorySegment page, int pageIndex) throws FormatException {
        long at = MetadataPage.DESCRIPTORS_AT;
        long end = at + MetadataPage.DESCRIPTORS_BYTES;
        while (at + Descriptor.HEADER_BYTES <= end) {
            int type = page.get(ValueLayout.JAVA_BYTE, at) & 0xff;
            long length = Integer.toUnsignedLong(page.get(LittleEndian.U32, at + 1));
            if (type == Descriptor.PADDING && length == 0) {
                return;
            }
            long p = at + Descriptor.HEADER_BYTES;
            if (length > end - p) {
                throw bad(pageIndex, "descriptor of type " + type + " is " + length + " bytes long and leaves the page");
            }
            descriptor(page, pageIndex, type, p, (int) length);
            at = p + length;
        }
    }

    private void descriptor(MemorySegment page, int pageIndex, int type, long p, int length) throws FormatException {
        switch (type) {
            case Descriptor.PADDING -> { }
            case Descriptor.FLAGS -> flags(page, pageIndex, p, length);
            case Descriptor.XATTR, Descriptor.XATTR_INTERNAL -> xattr(page, pageIndex, type, p, length);
            case Descriptor.EXTENT_RLE -> extentsRle(page, pageIndex, p, length);
            case Descriptor.EXTENT_TABLE -> extentTable(page, pageIndex, p, length);
            case Descriptor.EXTENT_PAGE -> throw bad(pageIndex, "an extent page stands in the chain of a blob");
            default -> blob.unknownDescriptor = true;
        }
    }

    private void flags(MemorySegment page, int pageIndex, long p, int length) throws FormatException {
        if (length != Descriptor.FLAGS_BYTES || flagsSeen) {
            throw bad(pageIndex, flagsSeen ? "two flag descriptors" : "flag descriptor of " + length + " bytes");
        }
        flagsSeen = true;
        blob.invalidFlags = page.get(LittleEndian.U64, p);
        blob.dataReadOnlyFlags = page.get(LittleEndian.U64, p + 8);
        blob.metadataReadOnlyFlags = page.get(LittleEndian.U64, p + 16);
    }

    private void xattr(MemorySegment page, int pageIndex, int type, long p, int length) throws FormatException {
        if (length < Xattr.LENGTHS_BYTES) {
            throw bad(pageIndex, "attribute descriptor of " + length + " bytes");
        }
        int nameBytes = page.get(LittleEndian.U16, p) & 0xffff;
        int valueBytes = page.get(LittleEndian.U16, p + 2) & 0xffff;
        if (Xattr.LENGTHS_BYTES + nameBytes + valueBytes != length) {
            throw bad(pageIndex, "attribute descriptor of " + length + " bytes with a name of " + nameBytes + " and a value of "
                    + valueBytes);
        }
        byte[] name = page.asSlice(p + 4, nameBytes).toArray(ValueLayout.JAVA_BYTE);
        byte[] value = page.asSlice(p + 4 + nameBytes, valueBytes).toArray(ValueLayout.JAVA_BYTE);
        Xattr x = new Xattr(new String(name, StandardCharsets.ISO_8859_1), value);
        (type == Descriptor.XATTR ? blob.xattrs : blob.internalXattrs).add(x);
    }

    private void extentsRle(MemorySegment page, int pageIndex, long p, int length) throws FormatException {
        if (tableSeen || length == 0 || length % Descriptor.PAIR_BYTES != 0) {
            throw bad(pageIndex, tableSeen ? "run-length extents behind an extent table" : "run-length extents of " + length + " bytes");
        }
        rleSeen = true;
        for (long q = p; q < p + length; q += Descriptor.PAIR_BYTES) {
            int first = page.get(LittleEndian.U32, q);
            long run = Integer.toUnsignedLong(page.get(LittleEndian.U32, q + 4));
            if (run > clusterLimit || first < 0 || first > clusterLimit) {
                throw bad(pageIndex, "extent of " + run + " clusters from cluster " + Integer.toUnsignedLong(first));
            }
            if (rleCount + run > clusterLimit && first != BlobMetadata.UNALLOCATED) {
                throw bad(pageIndex, "extents of more than all " + clusterLimit + " clusters");
            }
            checkSize(pageIndex, rleCount + run);
            int end = (int) (rleCount + run);
            if (end > rle.length) {       // There may be an extent for each cluster.
                rle = Arrays.copyOf(rle, Math.clamp(2L * rle.length, end, sizeLimit));
            }
            for (int i = rleCount; i < end && first != BlobMetadata.UNALLOCATED; i++) {
                rle[i] = first + (i - rleCount);
            }
            rleCount = end;
        }
    }

    private void extentTable(MemorySegment page, int pageIndex, long p, int length) throws FormatException {
        int entryBytes = length - Descriptor.TABLE_COUNT_BYTES;
        if (rleSeen || entryBytes < 0 || entryBytes % Descriptor.PAIR_BYTES != 0) {
            throw bad(pageIndex, rleSeen ? "extent table behind run-length extents" : "extent table of " + length + " bytes");
        }
        long count = page.get(LittleEndian.U64, p);
        if (tableSeen && count != tableClusterCount) {
            throw bad(pageIndex, "extent tables of " + tableClusterCount + " and of " + count + " clusters");
        }
        checkSize(pageIndex, count);
        tableSeen = true;
        tableClusterCount = count;
        blob.extentTable = true;
        int wanted = BlobMetadata.extentPageCount((int) count);
        if (blob.extentPages.length != wanted) {
            blob.extentPages = new int[wanted];
        }
        for (long q = p + Descriptor.TABLE_COUNT_BYTES; q < p + length; q += Descriptor.PAIR_BYTES) {
            int extentPage = page.get(LittleEndian.U32, q);
            long run = Integer.toUnsignedLong(page.get(LittleEndian.U32, q + 4));
            if (run == 0 || (extentPage != 0 && run != 1) || run > wanted - extentPageFill) {
                throw bad(pageIndex, "extent table entry for " + run + " pages from page " + Integer.toUnsignedLong(extentPage)
                        + " in a table of " + wanted);
            }
            blob.extentPages[extentPageFill] = extentPage;
            extentPageFill += (int) run;
        }
    }

    /** Call behind the last page of the chain: the extent pages of the blob are known from here on. */
    void endOfChain() throws FormatException {
        if (!flagsSeen) {
            throw bad(blob.rootPage, "no flag descriptor");
        }
        if (tableSeen) {
            if (extentPageFill != blob.extentPages.length) {
                throw bad(blob.rootPage, "extent table of " + extentPageFill + " pages for " + tableClusterCount + " clusters");
            }
            blob.clusters = new int[(int) tableClusterCount];
        } else {
            blob.clusters = Arrays.copyOf(rle, rleCount);
        }
    }

    /** Reads one extent page of the blob, CRC already checked. */
    void extentPage(MemorySegment page, int pageIndex, int extentPageIndex) throws FormatException {
        long at = MetadataPage.DESCRIPTORS_AT;
        int type = page.get(ValueLayout.JAVA_BYTE, at) & 0xff;
        long length = Integer.toUnsignedLong(page.get(LittleEndian.U32, at + 1));
        if (type != Descriptor.EXTENT_PAGE || MetadataPage.sequence(page, 0) != 0) {
            throw bad(pageIndex, "not an extent page");
        }
        int start = extentPageIndex * BlobMetadata.CLUSTERS_PER_EXTENT_PAGE;
        long entries = (length - Descriptor.PAGE_START_BYTES) / 4;
        if (length <= Descriptor.PAGE_START_BYTES || length % 4 != 0 || entries > BlobMetadata.CLUSTERS_PER_EXTENT_PAGE) {
            throw bad(pageIndex, "extent page of " + length + " bytes");
        }
        long p = at + Descriptor.HEADER_BYTES;
        int foundStart = page.get(LittleEndian.U32, p);
        if (foundStart != start) {
            throw bad(pageIndex, "extent page starts at cluster " + Integer.toUnsignedLong(foundStart) + " instead of " + start);
        }
        int wanted = Math.min(BlobMetadata.CLUSTERS_PER_EXTENT_PAGE, blob.clusters.length - start);
        if (entries < wanted && !blob.thin()) {
            throw bad(pageIndex, "extent page describes " + entries + " of " + wanted + " clusters");
        }
        if (entries < wanted) {
            blob.shortExtentPages = blob.shortExtentPages == null ? new BitSet() : blob.shortExtentPages;
            blob.shortExtentPages.set(extentPageIndex);
        }
        for (int i = 0; i < Math.min(wanted, entries); i++) {
            blob.clusters[start + i] = page.get(LittleEndian.U32, p + Descriptor.PAGE_START_BYTES + 4L * i);
        }
        for (long i = wanted; i < entries; i++) {
            overhanging(page.get(LittleEndian.U32, p + Descriptor.PAGE_START_BYTES + 4 * i));
        }
    }

    private void overhanging(int cluster) {
        if (cluster != BlobMetadata.UNALLOCATED) {
            blob.overhanging = blob.overhanging == null ? new BitSet() : blob.overhanging;
            if (cluster > 0 && cluster < clusterLimit) {
                blob.overhanging.set(cluster);
            }
        }
    }

    private void checkSize(int pageIndex, long clusterCount) throws FormatException {
        // A thin volume may be larger than its pool, but the index of a cluster must stay an int.
        if (clusterCount < 0 || clusterCount > sizeLimit) {
            throw bad(pageIndex, "volume of " + clusterCount + " clusters");
        }
    }

    /** Clusters of one volume beyond those of its pool that are supported: keeps the map of a damaged page from taking all memory. */
    static final int SIZE_CLUSTERS_MAX = 1 << 24;

    private FormatException bad(int pageIndex, String what) {
        return new FormatException("pool-metadata-corrupt", "metadata page " + pageIndex + " of blob 0x"
                + Long.toHexString(blob.id()) + ": " + what);
    }
}
