package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Walks every root page, its chain and its extent pages, and from them alone says which pages and clusters are used and by
 * whom. A store that was closed cleanly is compared with its masks; one that was not gets its masks from here. Two owners
 * of one cluster or page, a chain that breaks, a root page that does not check: refused, with the place.
 *
 * <p>While a snapshot is made or removed, it and its volume own the same clusters and extent pages on the disk, and the
 * snapshot says so. If a crash left it so, whose they are follows from whether the volume names the snapshot as its parent:
 * if not, the snapshot owns nothing but its chain ({@link BlobMetadata#halfGone}).
 *
 * <p>Pure function over the pages read; control reactor (cold path).
 */
final class MetadataReplay {
    private final Geometry geometry;
    private final PageSource pages;
    private final boolean clean;
    private final long clustersMax;
    private long clusterSum;
    private final BitSet usedPages;
    private final BitSet usedClusters;
    private final BitSet usedBlobIds = new BitSet();
    /** By cluster, the root page of its blob, -1 = none. Only in {@link #salvage}: it is large. */
    private int[] clusterOwner;
    private final Map<Integer, BlobMetadata> blobs = new LinkedHashMap<>();
    private final Map<Integer, BlobDecoder> decoders = new HashMap<>();
    /** By root page, what is wrong with a blob; null: anything wrong is refused. */
    private Map<Integer, String> damaged;
    private final List<Integer> claimedPages = new ArrayList<>();
    private int strayPageCount;

    private MetadataReplay(Geometry geometry, PageSource pages, boolean clean, long clustersMax) {
        this.clustersMax = clustersMax;
        this.geometry = geometry;
        this.pages = pages;
        this.clean = clean;
        this.usedPages = new BitSet(geometry.metadataPageCount());
        this.usedClusters = new BitSet(geometry.totalClusterCount());
        usedClusters.set(0, geometry.metadataClusterCount());
    }

    /**
     * What was found.
     *
     * @param strayPageCount pages that hold something but belong to no blob (leftovers of a crash)
     * @param damaged by root page, what is wrong with a blob that cannot be read; never any but in {@link #salvage}
     */
    record Result(List<BlobMetadata> blobs, BitSet usedPages, BitSet usedClusters, BitSet usedBlobIds, int strayPageCount,
            Map<Integer, String> damaged) {
    }

    /** The three masks of a store. */
    record Masks(BitSet usedPages, BitSet usedClusters, BitSet usedBlobIds) {
    }

    /**
     * Replays a store that was not closed cleanly: every page is looked at.
     *
     * @param clustersMax so many clusters all volumes may have together, held or not: more would not fit into memory
     */
    static Result recover(Geometry geometry, PageSource pages, long clustersMax) throws FormatException {
        MetadataReplay r = new MetadataReplay(geometry, pages, false, clustersMax);
        for (int page = pages.next(0); page < geometry.metadataPageCount(); page = pages.next(page + 1)) {
            r.rootIfAny(page);
        }
        r.claimAll();
        for (int page = pages.next(0); page < geometry.metadataPageCount(); page = pages.next(page + 1)) {
            if (!r.usedPages.get(page) && pages.page(page) != null) {
                r.strayPageCount++;
            }
        }
        return r.result();
    }

    /** Reads what can still be read of a damaged store, which must not be written afterwards: no mask of it can be trusted. */
    static Result salvage(Geometry geometry, PageSource pages, long clustersMax) {
        MetadataReplay r = new MetadataReplay(geometry, pages, false, clustersMax);
        r.damaged = new LinkedHashMap<>();
        r.clusterOwner = new int[geometry.totalClusterCount()];
        Arrays.fill(r.clusterOwner, -1);
        for (int page = pages.next(0); page < geometry.metadataPageCount(); page = pages.next(page + 1)) {
            r.claimedPages.clear();
            try {
                r.rootIfAny(page);
            } catch (FormatException e) {
                r.drop(page, e);
            }
        }
        try {
            r.claimAll();
        } catch (FormatException e) {
            throw new AssertionError(e);
        }
        return r.result();
    }

    /** The blob is damaged: what it claimed may be others'. */
    private void drop(int rootPage, FormatException why) {
        damaged.putIfAbsent(rootPage, why.getMessage());
        BlobMetadata blob = blobs.computeIfAbsent(rootPage, BlobMetadata::new);
        claimedPages.forEach(usedPages::clear);
        for (int cluster : blob.clusters) {
            if (cluster > 0 && cluster < clusterOwner.length && clusterOwner[cluster] == rootPage) {
                clusterOwner[cluster] = -1;
                usedClusters.clear(cluster);
            }
        }
    }

    /** Replays a store that was closed cleanly: the roots are those of the mask, and all masks must agree. */
    static Result verify(Geometry geometry, PageSource pages, Masks masks, long clustersMax) throws FormatException {
        MetadataReplay r = new MetadataReplay(geometry, pages, true, clustersMax);
        for (int page = masks.usedBlobIds.nextSetBit(0); page >= 0; page = masks.usedBlobIds.nextSetBit(page + 1)) {
            r.root(page);
        }
        r.claimAll();
        compare("metadata pages", r.usedPages, masks.usedPages);
        compare("clusters", r.usedClusters, masks.usedClusters);
        return r.result();
    }

    private Result result() {
        return new Result(new ArrayList<>(blobs.values()), usedPages, usedClusters, usedBlobIds, strayPageCount,
                damaged == null ? Map.of() : damaged);
    }

    private static void compare(String what, BitSet found, BitSet mask) throws FormatException {
        if (found.equals(mask)) {
            return;
        }
        BitSet difference = (BitSet) found.clone();
        difference.xor(mask);
        int first = difference.nextSetBit(0);
        throw new FormatException("pool-mask-mismatch", "the mask of used " + what + " calls " + first + " "
                + (mask.get(first) ? "used although no blob owns it" : "free although a blob owns it") + " ("
                + difference.cardinality() + " differences); import the pool with \"rebuildMasks\": true");
    }

    private void rootIfAny(int index) throws FormatException {
        MemorySegment page = pages.page(index);
        if (page == null) {
            return;
        }
        if (MetadataPage.looksLikeRoot(page, 0, index)) {
            root(index);
        } else if (MetadataPage.startsWithFlags(page, 0) && !MetadataPage.crcMatches(page, 0)) {
            // Only roots start with flags. A write cut short is finished from the redo page before this runs.
            throw new FormatException("pool-metadata-corrupt", "metadata page " + index
                    + " is the damaged root of a volume: its CRC does not match");
        }
    }

    private void root(int index) throws FormatException {
        BlobMetadata blob = new BlobMetadata(index);
        BlobDecoder decoder = new BlobDecoder(blob, geometry.totalClusterCount());
        usedBlobIds.set(index);
        blobs.put(index, blob);
        List<Integer> chain = new ArrayList<>();
        int next = index;
        for (int sequence = 0; next != MetadataPage.NEXT_NONE; sequence++) {
            MemorySegment page = checkedPage(blob, next, "page " + sequence + " of the chain");
            if (MetadataPage.blobId(page, 0) != blob.id() || MetadataPage.sequence(page, 0) != sequence) {
                throw bad(blob, next, "is not page " + sequence + " of this blob's chain (it says blob 0x"
                        + Long.toHexString(MetadataPage.blobId(page, 0)) + ", page " + MetadataPage.sequence(page, 0) + ")");
            }
            if (sequence > 0) {
                chain.add(next);
            }
            decoder.chainPage(page, next);
            if (clusterSum + decoder.clusterCount() > clustersMax) {
                throw new FormatException("pool-memory-insufficient", "blob 0x" + Long.toHexString(blob.id()) + " has at least "
                        + decoder.clusterCount() + " clusters, and those before it " + clusterSum + "; there is memory to map only "
                        + clustersMax + "; " + StoreHeap.WAY_OUT);
            }
            next = MetadataPage.next(page, 0);
        }
        clusterSum += decoder.clusterCount();
        blob.chainPages = chain.stream().mapToInt(Integer::intValue).toArray();
        decoder.endOfChain();
        decoders.put(index, decoder);
    }

    private void claimAll() throws FormatException {
        for (BlobMetadata blob : blobs.values()) {
            long named = namedByMark(blob);
            if (damaged != null && named != 0 && damaged.containsKey((int) named) && (int) named != blob.rootPage) {
                damaged.putIfAbsent(blob.rootPage, "it is a snapshot that was being made or removed, and whether it was whole only"
                        + " blob 0x" + Long.toHexString(named) + " could tell, which is damaged");
            } else if (isHalfGone(blob, named)) {
                blob.forget();
            }
        }
        for (BlobMetadata blob : List.copyOf(blobs.values())) {
            if (!blob.halfGone && (damaged == null || !damaged.containsKey(blob.rootPage))) {
                claim(blob);
            }
        }
        for (BlobMetadata blob : blobs.values()) {
            // Its pages stay as they are, so nobody else may get what they name, if nobody has it.
            if (blob.overhanging != null && !LvolFeatures.understood(blob)) {
                usedClusters.or(blob.overhanging);
            }
        }
    }

    private void claim(BlobMetadata blob) throws FormatException {
        claimedPages.clear();
        try {
            extentPages(blob);
            claimClusters(blob);
        } catch (FormatException e) {
            if (damaged == null) {
                throw e;
            }
            drop(blob.rootPage, e);
        }
    }

    /** The blob that a snapshot that is being made or removed names, 0 = it is neither. */
    static long namedByMark(BlobMetadata snapshot) {
        long making = LvolFeatures.blobId(snapshot, LvolFeatures.SNAPSHOT_MAKING);
        return making != 0 ? making : LvolFeatures.blobId(snapshot, LvolFeatures.SNAPSHOT_REMOVING);
    }

    private boolean isHalfGone(BlobMetadata blob, long named) {
        BlobMetadata volume = named == 0 ? null : blobs.get((int) named);
        return volume != null && volume.id() == named && LvolFeatures.parentOf(volume) != blob.id();
    }

    private void extentPages(BlobMetadata blob) throws FormatException {
        BlobDecoder decoder = decoders.get(blob.rootPage);
        for (int i = 0; i < blob.extentPages.length; i++) {
            if (blob.extentPages[i] != 0) {
                MemorySegment page = checkedPage(blob, blob.extentPages[i], "extent page " + i);
                decoder.extentPage(page, blob.extentPages[i], i);
            }
        }
    }

    private MemorySegment checkedPage(BlobMetadata blob, int index, String role) throws FormatException {
        if (index < 0 || index >= geometry.metadataPageCount()) {
            throw bad(blob, index, "is " + role + " but lies behind the last of " + geometry.metadataPageCount());
        }
        if (usedPages.get(index)) {
            throw bad(blob, index, "is " + role + " but belongs to a blob already");
        }
        MemorySegment page = pages.page(index);
        if (page == null) {
            throw bad(blob, index, "is " + role + " but is empty or marked free");
        }
        if (!MetadataPage.crcMatches(page, 0)) {
            throw bad(blob, index, "is " + role + " but its CRC does not match");
        }
        usedPages.set(index);
        claimedPages.add(index);
        return page;
    }

    private void claimClusters(BlobMetadata blob) throws FormatException {
        if (clean && blob.overhanging != null && LvolFeatures.understood(blob)) {
            throw bad(blob, blob.rootPage, "has clusters behind its end in a pool that was closed cleanly");
        }
        if (!clean && blob.unknownDescriptor) {
            throw bad(blob, blob.rootPage, "has a descriptor of a newer version, which may own clusters: "
                    + "close the pool cleanly with the software that wrote it");
        }
        for (int i = 0; i < blob.clusters.length; i++) {
            int cluster = blob.clusters[i];
            if (cluster == BlobMetadata.UNALLOCATED) {
                if (!blob.thin()) {
                    throw bad(blob, blob.rootPage, "is thick but has no cluster " + i);
                }
                continue;
            }
            if (cluster < geometry.metadataClusterCount() || cluster >= geometry.totalClusterCount()) {
                throw bad(blob, blob.rootPage, "has device cluster " + Integer.toUnsignedLong(cluster) + " as its cluster " + i
                        + ", data clusters are " + geometry.metadataClusterCount() + " to " + (geometry.totalClusterCount() - 1));
            }
            if (usedClusters.get(cluster)) {
                int owner = ownerOf(cluster);
                FormatException twice = new FormatException("pool-cluster-owned-twice", "device cluster " + cluster + " belongs to blob 0x"
                        + Long.toHexString(MetadataPage.blobIdOfPage(owner)) + " and, as its cluster " + i
                        + ", to blob 0x" + Long.toHexString(blob.id()));
                if (damaged != null) {
                    damaged.putIfAbsent(owner, twice.getMessage());     // Whose it is, nobody knows.
                }
                throw twice;
            }
            usedClusters.set(cluster);
            if (clusterOwner != null) {
                clusterOwner[cluster] = blob.rootPage;
            }
        }
    }

    /** Root page of the blob that claimed a cluster, which is the first that has it. */
    private int ownerOf(int cluster) {
        if (clusterOwner != null) {
            return clusterOwner[cluster];
        }
        for (BlobMetadata blob : blobs.values()) {
            for (int each : blob.clusters) {
                if (each == cluster) {
                    return blob.rootPage;
                }
            }
        }
        throw new AssertionError("nobody has cluster " + cluster);
    }

    private static FormatException bad(BlobMetadata blob, int page, String what) {
        return new FormatException("pool-metadata-corrupt", "blob 0x" + Long.toHexString(blob.id()) + ": metadata page "
                + Integer.toUnsignedLong(page) + " " + what);
    }
}
