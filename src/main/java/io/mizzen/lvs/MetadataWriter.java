package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes metadata so that a crash at any moment leaves the old state or the new one.
 *
 * <p>A change writes fresh pages first, durably; then exactly one page in place, the commit: a blob's root, or the one
 * extent page whose cluster was allocated. Where the device's block is smaller than a page that page could be torn, so
 * its new contents are first written to the <em>redo page</em>, behind the metadata pages where no blobstore looks
 * ({@link Geometry#redoPage()}), with the index of its target plus one in the reserved word. Import of an unclean pool
 * finishes a torn page from there. A store whose metadata pages fill their last cluster has no redo page and relies on
 * the device to write 4 KiB at once, as SPDK does.
 *
 * <p>Other software knows nothing of the redo page, and what it holds is stale once others have changed the store. So it counts
 * only under the <em>open mark</em>, which stands where the mask of used pages begins from our opening to our clean close: nobody
 * reads the masks of an unclean store, and SPDK, before its first change of one, writes all of them anew. The redo page is
 * cleared before the mark is set. (SPDK does not flush: on a device that loses its cache, its masks may be lost and what it
 * wrote after them not.)
 */
final class MetadataWriter {
    private static final byte[] OPEN_MARK = "MIZZEN has this store open".getBytes(StandardCharsets.US_ASCII);

    private final StorePort port;
    private final Geometry geometry;
    private final long redoAtBytes;

    MetadataWriter(StorePort port, Geometry geometry) {
        this.port = port;
        this.geometry = geometry;
        boolean tears = port.blockBytes() < MetadataPage.SIZE_BYTES;
        this.redoAtBytes = tears && geometry.redoPage() >= 0 ? geometry.redoPage() * MetadataPage.SIZE_BYTES : -1;
    }

    /** A metadata page to write. */
    record Page(int index, MemorySegment data) {
    }

    /** Writes pages that nothing refers to yet. */
    void writeFresh(List<Page> pages, StorePort.Done done) {
        List<StorePort.PageWrite> writes = new ArrayList<>();
        for (Page page : pages) {
            writes.add(new StorePort.PageWrite(geometry.metadataPageAtBytes(page.index()), page.data()));
        }
        port.writeDurably(writes, done);
    }

    /** Replaces a page that may be in use. Durable when it completes. */
    void commit(Page page, StorePort.Done done) {
        StorePort.PageWrite inPlace = new StorePort.PageWrite(geometry.metadataPageAtBytes(page.index()), page.data());
        if (redoAtBytes < 0) {
            port.writeDurably(List.of(inPlace), done);
            return;
        }
        MemorySegment redo = MemorySegment.ofArray(new byte[MetadataPage.SIZE_BYTES]).copyFrom(page.data());
        MetadataPage.reserved(redo, 0, page.index() + 1);
        MetadataPage.updateCrc(redo, 0);
        port.writeDurably(List.of(new StorePort.PageWrite(redoAtBytes, redo)), status -> {
            if (status != 0) {
                done.done(status);
                return;
            }
            port.writeDurably(List.of(inPlace), done);
        });
    }

    /** Zeroes a root page: the commit of a deletion. */
    void commitZero(int page, StorePort.Done done) {
        commit(new Page(page, MemorySegment.ofArray(new byte[MetadataPage.SIZE_BYTES])), done);
    }

    /** Zeroes pages that nothing refers to any more, one after the other. */
    void zeroFreed(int[] pages, StorePort.Done done) {
        zeroFreed(pages, 0, port.flushFailures(), done);
    }

    private void zeroFreed(int[] pages, int next, long since, StorePort.Done done) {
        if (next == pages.length) {
            port.flush(since, done);
            return;
        }
        port.zero(geometry.metadataPageAtBytes(pages[next]), MetadataPage.SIZE_BYTES, status -> {
            if (status != 0) {
                done.done(status);
            } else {
                zeroFreed(pages, next + 1, since, done);
            }
        });
    }

    /** Replaces the super block, which may be torn as any page: its new contents are in the redo page first. */
    void commitSuperBlock(MemorySegment superBlock, StorePort.Done done) {
        StorePort.PageWrite inPlace = new StorePort.PageWrite(0, superBlock);
        if (redoAtBytes < 0) {
            port.writeDurably(List.of(inPlace), done);
            return;
        }
        port.writeDurably(List.of(new StorePort.PageWrite(redoAtBytes, superBlock)), status -> {
            if (status != 0) {
                done.done(status);
                return;
            }
            port.writeDurably(List.of(inPlace), done);
        });
    }

    /** After a load, before the first change: nothing of what the redo page holds counts any more, and what it will hold does. */
    void begin(StorePort.Done done) {
        clearRedo(status -> {
            if (status != 0 || geometry.redoPage() < 0) {
                done.done(status);
            } else {
                port.writeDurably(List.of(openMark(geometry)), done);
            }
        });
    }

    /** Makes the redo page invalid, at an opening and at a clean close: nothing stale can ever be taken from it. */
    void clearRedo(StorePort.Done done) {
        if (geometry.redoPage() < 0) {
            port.flush(port.flushFailures(), done);
            return;
        }
        port.writeDurably(List.of(new StorePort.PageWrite(geometry.redoPage() * MetadataPage.SIZE_BYTES,
                MemorySegment.ofArray(new byte[MetadataPage.SIZE_BYTES]))), done);
    }

    /** The page that says that the redo page counts; the masks, which are written at a clean close, replace it. */
    static StorePort.PageWrite openMark(Geometry geometry) {
        MemorySegment page = MemorySegment.ofArray(new byte[MetadataPage.SIZE_BYTES]);
        MemorySegment.copy(OPEN_MARK, 0, page, ValueLayout.JAVA_BYTE, 0, OPEN_MARK.length);
        return new StorePort.PageWrite(geometry.usedPageMaskStart() * MetadataPage.SIZE_BYTES, page);
    }

    /** @param maskHead the first page of the mask of used pages, as read */
    static boolean isOpenMark(MemorySegment maskHead) {
        return maskHead.asSlice(0, OPEN_MARK.length).mismatch(MemorySegment.ofArray(OPEN_MARK)) < 0;
    }

    /**
     * The page that the redo page holds in place of a torn one, or null.
     *
     * @param redo the redo page as read
     * @param target the page that it names, as read; null if it reads as zeroes
     */
    static Page restored(MemorySegment redo, MemorySegment target, int pageCount) {
        int index = redoTarget(redo, pageCount);
        if (index < 0 || target == null || MetadataPage.crcMatches(target, 0)) {
            return null;
        }
        MemorySegment data = MemorySegment.ofArray(new byte[MetadataPage.SIZE_BYTES]).copyFrom(redo);
        MetadataPage.reserved(data, 0, 0);
        if (MetadataPage.blobId(data, 0) == 0) {
            data.fill((byte) 0);   // A deletion.
        } else {
            MetadataPage.updateCrc(data, 0);
        }
        return new Page(index, data);
    }

    /** The page that a redo page is a copy of, or -1 if it holds none. */
    static int redoTarget(MemorySegment redo, int pageCount) {
        int index = SuperBlock.hasSignature(redo, 0) ? -1 : MetadataPage.reserved(redo, 0) - 1;
        return index >= 0 && index < pageCount && MetadataPage.crcMatches(redo, 0) ? index : -1;
    }
}
