package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a store without changing it: super block → masks (clean) → metadata pages (those in use if clean, else all) →
 * redo page, if it counts → {@link MetadataReplay}. A super block whose CRC only matches with the other clean mark was torn while that
 * mark changed: it is taken as unclean.
 */
final class StoreReader {
    private static final int READ_PAGES_MAX = 256;

    private final StorePort port;
    private final boolean rebuildMasks;
    private final boolean salvage;
    private final Done done;
    private final List<String> problems = new ArrayList<>();
    private final Pages pages = new Pages();
    private final WorkWatch reading;
    private final long heapBytesMax;
    private long pagesWanted;
    private final Deque<int[]> runs = new ArrayDeque<>();
    private Geometry geometry;
    private MemorySegment superBlock;
    private boolean clean;
    private MetadataReplay.Masks masks;
    private MemorySegment redo;
    private MetadataWriter.Page restored;
    private int pagesRead;

    /** What was read, or why it was refused. */
    interface Done {
        void done(Found found, FormatException refused, int ioStatus);
    }

    /**
     * @param pagesRead metadata pages looked at
     * @param memoryBytes for the pages that hold something, and for the clusters of the volumes, while they are looked at
     * @param restored page that a crash tore, completed from the redo page; not yet on disk; null = none
     * @param problems what is wrong with the store, where that is to be read all the same
     */
    record Found(MemorySegment superBlock, Geometry geometry, boolean clean, MetadataReplay.Result replay,
            MetadataWriter.Page restored, List<String> problems, int pagesRead, long memoryBytes) {
    }

    /** Those that hold something. */
    private static final class Pages implements PageSource {
        private final Map<Integer, MemorySegment> byIndex = new HashMap<>();
        private final BitSet present = new BitSet();

        void put(int index, MemorySegment page) {
            byIndex.put(index, page);
            present.set(index);
        }

        void remove(int index) {
            byIndex.remove(index);
            present.clear(index);
        }

        int size() {
            return byIndex.size();
        }

        @Override
        public MemorySegment page(int index) {
            return byIndex.get(index);
        }

        @Override
        public int next(int from) {
            int found = present.nextSetBit(from);
            return found < 0 ? Integer.MAX_VALUE : found;
        }
    }

    /**
     * @param salvage read what can be read, for a store that is never written; else the first thing that is wrong is refused
     * @param heapBytesMax what its metadata may take: a store that needs more is refused, not read until nothing works any more
     */
    StoreReader(StorePort port, boolean rebuildMasks, boolean salvage, WorkWatch reading, long heapBytesMax, Done done) {
        this.reading = reading;
        this.heapBytesMax = heapBytesMax;
        this.port = port;
        this.rebuildMasks = rebuildMasks || salvage;
        this.salvage = salvage;
        this.done = done;
    }

    void start() {
        if (port.sizeBytes() < SuperBlock.SIZE_BYTES) {
            done.done(null, missing(), 0);
            return;
        }
        port.read(0, SuperBlock.SIZE_BYTES, (data, status) -> step(status, () -> superBlock(data)));
    }

    private static FormatException missing() {
        return new FormatException("pool-signature-missing", "the device has no blobstore signature: there is no pool on it");
    }

    private interface Step {
        void run() throws FormatException;
    }

    private void step(int status, Step next) {
        if (status != 0) {
            done.done(null, null, status);
            return;
        }
        try {
            next.run();
        } catch (FormatException e) {
            done.done(null, e, 0);
        }
    }

    private void superBlock(MemorySegment s) throws FormatException {
        if (!SuperBlock.hasSignature(s, 0)) {
            throw missing();
        }
        clean = SuperBlock.clean(s, 0) && !rebuildMasks;
        if (!SuperBlock.crcMatches(s, 0)) {
            SuperBlock.clean(s, 0, !SuperBlock.clean(s, 0));
            clean = false;
            if (!SuperBlock.crcMatches(s, 0)) {
                tornWhileGrowing(s);
                return;
            }
        }
        soundSuperBlock(s);
    }

    /** Growth writes the super block to the redo page first; where that is, growth does not change. */
    private void tornWhileGrowing(MemorySegment torn) throws FormatException {
        long at = (SuperBlock.metadataStart(torn, 0) + SuperBlock.metadataPages(torn, 0)) * MetadataPage.SIZE_BYTES;
        if (at > port.sizeBytes() - MetadataPage.SIZE_BYTES) {
            damagedSuperBlock(torn);
            return;
        }
        port.read(at, MetadataPage.SIZE_BYTES, (copy, status) -> step(status, () -> {
            if (!SuperBlock.hasSignature(copy, 0) || !SuperBlock.crcMatches(copy, 0) || !SuperBlock.sameStore(torn, copy)
                    || SuperBlock.usedPageMaskStart(copy, 0) > port.sizeBytes() / MetadataPage.SIZE_BYTES - 1) {
                damagedSuperBlock(torn);
                return;
            }
            readOpenMark(SuperBlock.usedPageMaskStart(copy, 0), isMarked -> {
                if (isMarked) {
                    soundSuperBlock(copy);
                } else {
                    damagedSuperBlock(torn);
                }
            });
        }));
    }

    private interface MarkRead {
        void read(boolean isMarked) throws FormatException;
    }

    private void readOpenMark(long maskStart, MarkRead next) {
        port.read(maskStart * MetadataPage.SIZE_BYTES, MetadataPage.SIZE_BYTES, (head, status) ->
                step(status, () -> next.read(MetadataWriter.isOpenMark(head))));
    }

    private void damagedSuperBlock(MemorySegment s) throws FormatException {
        String what = "the super block (byte 0) is damaged: its CRC at byte 4092 does not match";
        if (!salvage || SuperBlock.storeSizeBytes(s, 0) > port.sizeBytes()) {
            throw new FormatException("pool-super-block-corrupt", what);
        }
        problems.add(what);
        soundSuperBlock(s);     // If its numbers fit together.
    }

    private void soundSuperBlock(MemorySegment s) throws FormatException {
        int version = SuperBlock.version(s, 0);
        if (version < SuperBlock.VERSION_OLDEST || version > SuperBlock.VERSION) {
            throw new FormatException("pool-format-unsupported", "the blobstore has format version "
                    + Integer.toUnsignedLong(version) + "; supported is " + SuperBlock.VERSION);
        }
        if (!SuperBlock.type(s, 0).equals(SuperBlock.TYPE_LVOLSTORE)) {
            throw new FormatException("pool-type-foreign", "the blobstore belongs to \"" + SuperBlock.type(s, 0)
                    + "\", not to an lvstore");
        }
        long missingBytes = SuperBlock.storeSizeBytes(s, 0) - port.sizeBytes();
        if (salvage && missingBytes > 0) {
            problems.add("the last " + missingBytes + " bytes of the pool are missing: the device has " + port.sizeBytes());
        }
        geometry = Geometry.ofSuperBlock(s, 0, port.sizeBytes() + (salvage ? Math.max(0, missingBytes) : 0), port.blockBytes());
        superBlock = s;
        if (clean) {
            readMask(geometry.usedPageMaskStart(), geometry.usedPageMaskPages(), MetadataMask.TYPE_USED_PAGES,
                    geometry.metadataPages(), "metadata pages", usedPages ->
                    readMask(geometry.usedClusterMaskStart(), geometry.usedClusterMaskPages(), MetadataMask.TYPE_USED_CLUSTERS,
                            geometry.totalClusterCount(), "clusters", usedClusters ->
                    readMask(geometry.usedBlobIdMaskStart(), geometry.usedBlobIdMaskPages(), MetadataMask.TYPE_USED_BLOBIDS,
                            geometry.metadataPages(), "blob ids", usedBlobIds -> {
                                masks = new MetadataReplay.Masks(usedPages, usedClusters, usedBlobIds);
                                planRuns(usedPages);
                            })));
        } else {
            BitSet all = new BitSet();
            long there = (port.sizeBytes() - geometry.metadataPageAtBytes(0)) / MetadataPage.SIZE_BYTES;
            all.set(0, Math.clamp(there, 0, geometry.metadataPageCount()));
            planRuns(all);
        }
    }

    private interface MaskDone {
        void done(BitSet mask);
    }

    private void readMask(long start, long pageCount, int type, long bits, String what, MaskDone next) {
        int sizeBytes = Math.toIntExact(MetadataMask.pagesFor(bits) * MetadataPage.SIZE_BYTES);     // It may have room for more.
        port.read(start * MetadataPage.SIZE_BYTES, sizeBytes, (data, status) ->
                step(status, () -> next.done(MetadataMask.read(data, 0, pageCount * MetadataPage.SIZE_BYTES, type, bits, what))));
    }

    private void planRuns(BitSet wanted) {
        for (int from = wanted.nextSetBit(0); from >= 0;) {
            int end = wanted.nextClearBit(from);        // Once for each stretch: of a large pool that is long.
            for (; from < end; from += READ_PAGES_MAX) {
                runs.add(new int[] {from, Math.min(end - from, READ_PAGES_MAX)});
            }
            from = wanted.nextSetBit(end);
        }
        pagesWanted = wanted.cardinality();
        readRuns();
    }

    private void readRuns() {
        if (!reading.at((long) pagesRead * MetadataPage.SIZE_BYTES, pagesWanted * MetadataPage.SIZE_BYTES)) {
            done.done(null, new FormatException(LvStores.READING_ENDED, "reading the pool was ended by request; nothing was written"), 0);
            return;
        }
        int[] run = runs.poll();
        if (run == null) {
            readRedo();
            return;
        }
        port.read(geometry.metadataPageAtBytes(run[0]), run[1] * MetadataPage.SIZE_BYTES, (data, status) -> step(status, () -> {
            pagesRead += run[1];
            for (int i = 0; i < run[1]; i++) {
                keep(run[0] + i, data.asSlice((long) i * MetadataPage.SIZE_BYTES, MetadataPage.SIZE_BYTES));
            }
            readRuns();
        }));
    }

    private void keep(int index, MemorySegment page) throws FormatException {
        for (long at = 0; at < MetadataPage.SIZE_BYTES; at += 8) {
            if (page.get(LittleEndian.U64, at) != 0) {
                pages.put(index, MemorySegment.ofArray(new byte[MetadataPage.SIZE_BYTES]).copyFrom(page));
                checkHeap();
                return;
            }
        }
    }

    /** More than there is would stop the engine, and all that it serves. */
    private void checkHeap() throws FormatException {
        if (pages.size() * StoreHeap.PAGE_BYTES > heapBytesMax - maskHeapBytes()) {
            throw new FormatException("pool-memory-insufficient", "the metadata of the pool needs more than the " + (heapBytesMax >> 20)
                    + " MiB of heap that it may take: " + pages.size() + " pages are in use so far; " + StoreHeap.WAY_OUT
                    + " (about 5 MiB for each TiB in clusters of 4 MiB, four times that in"
                    + " clusters of 1 MiB)");
        }
    }

    private long maskHeapBytes() {
        long masks = StoreHeap.maskBytes(geometry);
        return salvage ? masks + (long) geometry.totalClusterCount() * Integer.BYTES : masks;     // Who has which cluster.
    }

    private void readRedo() {
        if (clean || geometry.redoPage() < 0 || (geometry.redoPage() + 1) * MetadataPage.SIZE_BYTES > port.sizeBytes()
                || port.blockBytes() >= MetadataPage.SIZE_BYTES) {
            step(0, this::replay);
            return;
        }
        readOpenMark(geometry.usedPageMaskStart(), isMarked -> {
            if (isMarked) {
                restoreTorn();
            } else {
                replay();       // Others have had it open since.
            }
        });
    }

    private void restoreTorn() {
        port.read(geometry.redoPage() * MetadataPage.SIZE_BYTES, MetadataPage.SIZE_BYTES, (data, status) -> step(status, () -> {
            redo = data;
            int target = MetadataWriter.redoTarget(redo, geometry.metadataPageCount());
            restored = target < 0 ? null : MetadataWriter.restored(redo, pages.page(target), geometry.metadataPageCount());
            if (restored != null) {
                pages.remove(restored.index());
                keep(restored.index(), restored.data());
            }
            replay();
        }));
    }

    private void replay() throws FormatException {
        checkHeap();
        long clustersMax = (heapBytesMax - maskHeapBytes() - pages.size() * StoreHeap.PAGE_BARE_BYTES) / StoreHeap.CLUSTER_BYTES;
        MetadataReplay.Result result = salvage ? MetadataReplay.salvage(geometry, pages, clustersMax)
                : clean ? MetadataReplay.verify(geometry, pages, masks, clustersMax) : MetadataReplay.recover(geometry, pages, clustersMax);
        long clusters = salvage ? geometry.totalClusterCount() : 0;
        for (BlobMetadata blob : result.blobs()) {
            clusters += blob.clusters.length;
        }
        done.done(new Found(superBlock, geometry, clean, result, restored, problems, pagesRead,
                (long) pages.size() * MetadataPage.SIZE_BYTES + clusters * Integer.BYTES), null, 0);
    }
}
