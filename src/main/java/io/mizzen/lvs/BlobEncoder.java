package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Turns a {@link BlobMetadata} into its chain of metadata pages: flags, xattrs, internal xattrs, then the extent table or
 * the run-length extents, in this order, as SPDK writes them. Pages are linked and checksummed by {@link #link}.
 */
final class BlobEncoder {
    private final long blobId;
    private final List<MemorySegment> pages = new ArrayList<>();
    private MemorySegment page;
    private long at;

    private BlobEncoder(long blobId) {
        this.blobId = blobId;
        addPage();
    }

    /** The chain of {@code blob}, root first, each page 4 KiB, not yet linked nor checksummed. */
    static List<MemorySegment> encode(BlobMetadata blob) throws FormatException {
        BlobEncoder e = new BlobEncoder(blob.id());
        e.flags(blob);
        for (Xattr x : blob.xattrs) {
            e.xattr(x, Descriptor.XATTR);
        }
        for (Xattr x : blob.internalXattrs) {
            e.xattr(x, Descriptor.XATTR_INTERNAL);
        }
        if (blob.extentTable) {
            e.extentTable(blob);
        } else {
            e.extentsRle(blob.clusters);
        }
        return e.pages;
    }

    /** Writes into each page the index of its successor, then its CRC. {@code chainPages} are the pages behind the root. */
    static void link(List<MemorySegment> pages, int[] chainPages) {
        assert chainPages.length == pages.size() - 1;
        for (int i = 0; i < pages.size(); i++) {
            MetadataPage.next(pages.get(i), 0, i < chainPages.length ? chainPages[i] : MetadataPage.NEXT_NONE);
            MetadataPage.updateCrc(pages.get(i), 0);
        }
    }

    /** The extent page that covers cluster {@code extentPageIndex * 512} and the next 511, checksummed. */
    static MemorySegment extentPage(BlobMetadata blob, int extentPageIndex) {
        int start = extentPageIndex * BlobMetadata.CLUSTERS_PER_EXTENT_PAGE;
        int count = Math.min(BlobMetadata.CLUSTERS_PER_EXTENT_PAGE, blob.clusters.length - start);
        assert count > 0;
        MemorySegment s = newPage(blob.id(), 0);
        long p = descriptor(s, MetadataPage.DESCRIPTORS_AT, Descriptor.EXTENT_PAGE, Descriptor.PAGE_START_BYTES + 4 * count);
        s.set(LittleEndian.U32, p, start);
        for (int i = 0; i < count; i++) {
            s.set(LittleEndian.U32, p + 4 + 4L * i, blob.clusters[start + i]);
        }
        MetadataPage.updateCrc(s, 0);
        return s;
    }

    private void flags(BlobMetadata blob) {
        long p = descriptor(page, at, Descriptor.FLAGS, Descriptor.FLAGS_BYTES);
        page.set(LittleEndian.U64, p, blob.invalidFlags);
        page.set(LittleEndian.U64, p + 8, blob.dataReadOnlyFlags);
        page.set(LittleEndian.U64, p + 16, blob.metadataReadOnlyFlags);
        at = p + Descriptor.FLAGS_BYTES;
    }

    private void xattr(Xattr x, int type) throws FormatException {
        byte[] name = x.nameBytes();
        int payload = Xattr.LENGTHS_BYTES + name.length + x.value().length;
        if (Descriptor.HEADER_BYTES + payload > MetadataPage.DESCRIPTORS_BYTES) {
            throw new FormatException("xattr-too-large", "the attribute " + x.name() + " does not fit into a metadata page");
        }
        if (remaining() < Descriptor.HEADER_BYTES + payload) {
            addPage();
        }
        long p = descriptor(page, at, type, payload);
        page.set(LittleEndian.U16, p, (short) name.length);
        page.set(LittleEndian.U16, p + 2, (short) x.value().length);
        MemorySegment.copy(name, 0, page, ValueLayout.JAVA_BYTE, p + 4, name.length);
        MemorySegment.copy(x.value(), 0, page, ValueLayout.JAVA_BYTE, p + 4 + name.length, x.value().length);
        at = p + payload;
    }

    private void extentTable(BlobMetadata blob) {
        int next = 0;
        do {
            if (remaining() < Descriptor.HEADER_BYTES + Descriptor.TABLE_COUNT_BYTES + Descriptor.PAIR_BYTES) {
                addPage();
            }
            long start = at;
            long p = at + Descriptor.HEADER_BYTES + Descriptor.TABLE_COUNT_BYTES;
            while (next < blob.extentPages.length && p + Descriptor.PAIR_BYTES <= endOfDescriptors()) {
                int run = 1;
                if (blob.extentPages[next] == 0) {
                    while (next + run < blob.extentPages.length && blob.extentPages[next + run] == 0) {
                        run++;
                    }
                }
                page.set(LittleEndian.U32, p, blob.extentPages[next]);
                page.set(LittleEndian.U32, p + 4, run);
                p += Descriptor.PAIR_BYTES;
                next += run;
            }
            descriptor(page, start, Descriptor.EXTENT_TABLE, (int) (p - start) - Descriptor.HEADER_BYTES);
            page.set(LittleEndian.U64, start + Descriptor.HEADER_BYTES, blob.clusters.length);
            at = p;
        } while (next < blob.extentPages.length);
    }

    private void extentsRle(int[] clusters) {
        int next = 0;
        while (next < clusters.length) {
            if (remaining() < Descriptor.HEADER_BYTES + Descriptor.PAIR_BYTES) {
                addPage();
            }
            long start = at;
            long p = at + Descriptor.HEADER_BYTES;
            while (next < clusters.length && p + Descriptor.PAIR_BYTES <= endOfDescriptors()) {
                int run = runLength(clusters, next);
                page.set(LittleEndian.U32, p, clusters[next]);
                page.set(LittleEndian.U32, p + 4, run);
                p += Descriptor.PAIR_BYTES;
                next += run;
            }
            descriptor(page, start, Descriptor.EXTENT_RLE, (int) (p - start) - Descriptor.HEADER_BYTES);
            at = p;
        }
    }

    private static int runLength(int[] clusters, int from) {
        int first = clusters[from];
        int step = first == BlobMetadata.UNALLOCATED ? 0 : 1;
        int run = 1;
        while (from + run < clusters.length && clusters[from + run] == first + step * run) {
            run++;
        }
        return run;
    }

    private void addPage() {
        page = newPage(blobId, pages.size());
        pages.add(page);
        at = MetadataPage.DESCRIPTORS_AT;
    }

    private long remaining() {
        return endOfDescriptors() - at;
    }

    private static long endOfDescriptors() {
        return MetadataPage.DESCRIPTORS_AT + MetadataPage.DESCRIPTORS_BYTES;
    }

    private static long descriptor(MemorySegment s, long at, int type, int payloadBytes) {
        s.set(ValueLayout.JAVA_BYTE, at, (byte) type);
        s.set(LittleEndian.U32, at + 1, payloadBytes);
        return at + Descriptor.HEADER_BYTES;
    }

    private static MemorySegment newPage(long blobId, int sequence) {
        MemorySegment s = MemorySegment.ofArray(new byte[MetadataPage.SIZE_BYTES]);
        MetadataPage.header(s, 0, blobId, sequence);
        return s;
    }
}
