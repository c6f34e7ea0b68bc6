package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.zip.CRC32C;

/**
 * One 4 KiB metadata page: accessors on {@code (segment, offset)}.
 *
 * <pre>
 *   0 blob id (u64: bit 32 set, low 32 bits = index of the blob's root page)
 *   8 sequence number in the chain     12 reserved (0; in the redo page: 1 + index of the page it is a copy of)
 *  16 descriptors[4072]: type (u8), length (u32), payload; type 0 with length 0 ends them
 *  4088 index of the next page of the chain, 0xffffffff = none        4092 CRC32C of bytes 0-4091
 * </pre>
 */
final class MetadataPage {
    static final int SIZE_BYTES = 4096;
    static final long DESCRIPTORS_AT = 16;
    static final int DESCRIPTORS_BYTES = 4072;
    static final int NEXT_NONE = 0xffff_ffff;

    private static final long BLOB_ID_HIGH = 1L << 32;
    private static final long ID_AT = 0;
    private static final long SEQUENCE_AT = 8;
    private static final long RESERVED_AT = 12;
    private static final long NEXT_AT = 4088;
    private static final long CRC_AT = 4092;

    private MetadataPage() {
    }

    static long blobId(MemorySegment s, long offset) {
        return s.get(LittleEndian.U64, offset + ID_AT);
    }

    static int sequence(MemorySegment s, long offset) {
        return s.get(LittleEndian.U32, offset + SEQUENCE_AT);
    }

    static int reserved(MemorySegment s, long offset) {
        return s.get(LittleEndian.U32, offset + RESERVED_AT);
    }

    static void reserved(MemorySegment s, long offset, int value) {
        s.set(LittleEndian.U32, offset + RESERVED_AT, value);
    }

    static int next(MemorySegment s, long offset) {
        return s.get(LittleEndian.U32, offset + NEXT_AT);
    }

    static void next(MemorySegment s, long offset, int page) {
        s.set(LittleEndian.U32, offset + NEXT_AT, page);
    }

    static void header(MemorySegment s, long offset, long blobId, int sequence) {
        s.set(LittleEndian.U64, offset + ID_AT, blobId);
        s.set(LittleEndian.U32, offset + SEQUENCE_AT, sequence);
        s.set(LittleEndian.U32, offset + RESERVED_AT, 0);
        next(s, offset, NEXT_NONE);
    }

    static boolean crcMatches(MemorySegment s, long offset) {
        return s.get(LittleEndian.U32, offset + CRC_AT) == crcOf(s, offset);
    }

    static void updateCrc(MemorySegment s, long offset) {
        s.set(LittleEndian.U32, offset + CRC_AT, crcOf(s, offset));
    }

    /** The CRC32C of everything in the 4 KiB but its last four bytes. */
    static int crcOf(MemorySegment s, long offset) {
        CRC32C crc = new CRC32C();
        crc.update(s.asSlice(offset, CRC_AT).asByteBuffer());
        return (int) crc.getValue();
    }

    /** The id of the blob whose root is at this page index. */
    static long blobIdOfPage(int page) {
        return BLOB_ID_HIGH | Integer.toUnsignedLong(page);
    }

    /** Whether the first descriptor is the flags that every root, and nothing else, begins with. */
    static boolean startsWithFlags(MemorySegment s, long offset) {
        return s.get(ValueLayout.JAVA_BYTE, offset + DESCRIPTORS_AT) == Descriptor.FLAGS
                && s.get(LittleEndian.U32, offset + DESCRIPTORS_AT + 1) == Descriptor.FLAGS_BYTES;
    }

    /** Whether the page claims to be the root of the blob that lives at {@code page}; says nothing about its CRC. */
    static boolean looksLikeRoot(MemorySegment s, long offset, int page) {
        return blobId(s, offset) == blobIdOfPage(page) && sequence(s, offset) == 0;
    }
}
