package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Arrays;
import java.util.List;

/**
 * One blob as its metadata pages describe it. Owned by the control reactor; not the map that I/O reads (that is
 * {@link ClusterMap}).
 */
final class BlobMetadata {
    /** Clusters described by one extent page. */
    static final int CLUSTERS_PER_EXTENT_PAGE = 512;
    static final int UNALLOCATED = 0;

    final int rootPage;
    long invalidFlags;
    long dataReadOnlyFlags;
    long metadataReadOnlyFlags;
    final List<Xattr> xattrs = new ArrayList<>();
    final List<Xattr> internalXattrs = new ArrayList<>();
    /** True if the clusters are described by extent pages, false if by run-length descriptors in the chain. */
    boolean extentTable;
    /** The device cluster of each cluster of the blob, {@link #UNALLOCATED} = none. Its length is the blob's size. */
    int[] clusters = new int[0];
    /** Metadata page of each extent page, 0 = none. Only with {@link #extentTable}. */
    int[] extentPages = new int[0];
    /** The chain behind the root page, in order. */
    int[] chainPages = new int[0];
    /** A descriptor of unknown type was there: it would be lost by a rewrite, so there is none. */
    boolean unknownDescriptor;
    /** Device clusters that the last extent page holds behind the end of the blob, left by a resize that a crash cut short; null: none. */
    BitSet overhanging;
    /**
     * Extent pages that end before the volume does, though it is thin; null: none. SPDK leaves them where it gives a snapshot's
     * page to a clone that has grown; nothing is allocated behind their ends. SPDK itself takes such a volume for shorter.
     */
    BitSet shortExtentPages;

    /** A snapshot that was half made or half removed when a crash came: it owns its chain and nothing else. */
    boolean halfGone;

    BlobMetadata(int rootPage) {
        this.rootPage = rootPage;
    }

    long id() {
        return MetadataPage.blobIdOfPage(rootPage);
    }

    boolean thin() {
        return (invalidFlags & BlobFlags.THIN_PROVISIONED) != 0;
    }

    static int extentPageCount(int clusterCount) {
        return (int) Geometry.divideUp(clusterCount, CLUSTERS_PER_EXTENT_PAGE);
    }

    Xattr xattr(String name) {
        return find(xattrs, name);
    }

    Xattr internalXattr(String name) {
        return find(internalXattrs, name);
    }

    /** What it names belongs to the volume that it was made of, or that has got what it held. */
    void forget() {
        halfGone = true;
        clusters = new int[clusters.length];
        extentPages = new int[extentPages.length];
    }

    /** Sets an internal attribute that holds the id of a blob. */
    void internalXattr(String name, long blobId) {
        removeInternalXattr(name);
        byte[] value = new byte[8];
        MemorySegment.ofArray(value).set(LittleEndian.U64, 0, blobId);
        internalXattrs.add(new Xattr(name, value));
        invalidFlags |= BlobFlags.INTERNAL_XATTR;
    }

    void removeInternalXattr(String name) {
        internalXattrs.removeIf(x -> x.name().equals(name));
        if (internalXattrs.isEmpty()) {
            invalidFlags &= ~BlobFlags.INTERNAL_XATTR;
        }
    }

    /** Sets an attribute, in place of one of that name. */
    void xattr(Xattr x) {
        xattrs.removeIf(other -> other.name().equals(x.name()));
        xattrs.add(x);
    }

    /** A copy that may be changed and written while this one still is the truth. */
    BlobMetadata copy() {
        BlobMetadata b = new BlobMetadata(rootPage);
        b.invalidFlags = invalidFlags;
        b.dataReadOnlyFlags = dataReadOnlyFlags;
        b.metadataReadOnlyFlags = metadataReadOnlyFlags;
        b.xattrs.addAll(xattrs);
        b.internalXattrs.addAll(internalXattrs);
        b.extentTable = extentTable;
        b.clusters = clusters.clone();
        b.extentPages = extentPages.clone();
        b.chainPages = chainPages.clone();
        b.unknownDescriptor = unknownDescriptor;
        return b;
    }

    void resizeArrays(int clusterCount) {
        clusters = Arrays.copyOf(clusters, clusterCount);
        if (extentTable) {
            extentPages = Arrays.copyOf(extentPages, extentPageCount(clusterCount));
        }
    }

    private static Xattr find(List<Xattr> in, String name) {
        for (Xattr x : in) {
            if (x.name().equals(name)) {
                return x;
            }
        }
        return null;
    }
}
