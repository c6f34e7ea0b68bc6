package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * The first 4 KiB page of a blobstore (on-disk version 3): accessors on {@code (segment, offset)}.
 *
 * <pre>
 *   0 signature[8] "SPDKBLOB"       32 used page mask start, 36 length     80 size of the store in bytes (u64)
 *   8 version                       40 used cluster mask start, 44 length  88 I/O unit in bytes
 *  12 length                        48 metadata start, 52 length           92 metadata page in bytes (0 = 4096)
 *  16 clean                         56 blobstore type[16]                  96 reserved, zero
 *  20 super blob id (u64)           72 used blob id mask start, 76 length  4092 CRC32C of bytes 0-4091
 *  28 cluster size in bytes
 * </pre>
 * All starts and lengths count 4 KiB pages from the start of the device. The CRC is plain CRC32C (Castagnoli, initial
 * value and final xor all ones).
 */
final class SuperBlock {
    static final int SIZE_BYTES = 4096;
    static final long SIGNATURE = 0x424F_4C42_4B44_5053L;   // "SPDKBLOB"
    static final int VERSION_OLDEST = 3;                    // Versions 1 and 2 lack the blob id mask or the size.
    static final int VERSION = 3;
    static final String TYPE_LVOLSTORE = "LVOLSTORE";

    private static final long SIGNATURE_AT = 0;
    private static final long VERSION_AT = 8;
    private static final long LENGTH_AT = 12;
    private static final long CLEAN_AT = 16;
    private static final long SUPER_BLOB_AT = 20;
    private static final long CLUSTER_SIZE_AT = 28;
    private static final long USED_PAGE_MASK_AT = 32;
    private static final long USED_CLUSTER_MASK_AT = 40;
    private static final long METADATA_AT = 48;
    private static final long TYPE_AT = 56;
    private static final int TYPE_BYTES = 16;
    private static final long USED_BLOBID_MASK_AT = 72;
    private static final long STORE_SIZE_AT = 80;
    private static final long IO_UNIT_AT = 88;
    private static final long METADATA_PAGE_SIZE_AT = 92;
    private static final long CRC_AT = 4092;

    private SuperBlock() {
    }

    static boolean hasSignature(MemorySegment s, long offset) {
        return s.get(LittleEndian.U64, offset + SIGNATURE_AT) == SIGNATURE;
    }

    static int version(MemorySegment s, long offset) {
        return s.get(LittleEndian.U32, offset + VERSION_AT);
    }

    static boolean clean(MemorySegment s, long offset) {
        return s.get(LittleEndian.U32, offset + CLEAN_AT) == 1;
    }

    /** Sets the clean mark; the caller computes the CRC afterwards. */
    static void clean(MemorySegment s, long offset, boolean clean) {
        s.set(LittleEndian.U32, offset + CLEAN_AT, clean ? 1 : 0);
    }

    static long superBlobId(MemorySegment s, long offset) {
        return s.get(LittleEndian.U64, offset + SUPER_BLOB_AT);
    }

    static long clusterSizeBytes(MemorySegment s, long offset) {
        return Integer.toUnsignedLong(s.get(LittleEndian.U32, offset + CLUSTER_SIZE_AT));
    }

    static long usedPageMaskStart(MemorySegment s, long offset) {
        return u32(s, offset + USED_PAGE_MASK_AT);
    }

    static long usedPageMaskPages(MemorySegment s, long offset) {
        return u32(s, offset + USED_PAGE_MASK_AT + 4);
    }

    static long usedClusterMaskStart(MemorySegment s, long offset) {
        return u32(s, offset + USED_CLUSTER_MASK_AT);
    }

    static long usedClusterMaskPages(MemorySegment s, long offset) {
        return u32(s, offset + USED_CLUSTER_MASK_AT + 4);
    }

    static long usedBlobIdMaskStart(MemorySegment s, long offset) {
        return u32(s, offset + USED_BLOBID_MASK_AT);
    }

    static long usedBlobIdMaskPages(MemorySegment s, long offset) {
        return u32(s, offset + USED_BLOBID_MASK_AT + 4);
    }

    static long metadataStart(MemorySegment s, long offset) {
        return u32(s, offset + METADATA_AT);
    }

    static long metadataPages(MemorySegment s, long offset) {
        return u32(s, offset + METADATA_AT + 4);
    }

    static String type(MemorySegment s, long offset) {
        byte[] raw = s.asSlice(offset + TYPE_AT, TYPE_BYTES).toArray(ValueLayout.JAVA_BYTE);
        int length = 0;
        while (length < raw.length && raw[length] != 0) {
            length++;
        }
        return new String(raw, 0, length, StandardCharsets.ISO_8859_1);
    }

    static long storeSizeBytes(MemorySegment s, long offset) {
        return s.get(LittleEndian.U64, offset + STORE_SIZE_AT);
    }

    /** Sets what growth changes: size and mask; the store is unclean from then on. CRC included. */
    static void grow(MemorySegment s, long offset, Geometry grown) {
        s.set(LittleEndian.U64, offset + STORE_SIZE_AT, grown.storeSizeBytes());
        extent(s, offset + USED_CLUSTER_MASK_AT, grown.usedClusterMaskStart(), grown.usedClusterMaskPages());
        clean(s, offset, false);
        updateCrc(s, offset);
    }

    /** Whether two differ in nothing but what growth, the clean mark and the CRC change. */
    static boolean sameStore(MemorySegment a, MemorySegment b) {
        MemorySegment like = MemorySegment.ofArray(new byte[SIZE_BYTES]).copyFrom(a.asSlice(0, SIZE_BYTES));
        MemorySegment.copy(b, STORE_SIZE_AT, like, STORE_SIZE_AT, 8);
        MemorySegment.copy(b, USED_CLUSTER_MASK_AT + 4, like, USED_CLUSTER_MASK_AT + 4, 4);
        MemorySegment.copy(b, CLEAN_AT, like, CLEAN_AT, 4);
        MemorySegment.copy(b, CRC_AT, like, CRC_AT, 4);
        return like.mismatch(b.asSlice(0, SIZE_BYTES)) < 0;
    }

    static long ioUnitBytes(MemorySegment s, long offset) {
        return u32(s, offset + IO_UNIT_AT);
    }

    static long metadataPageBytes(MemorySegment s, long offset) {
        return u32(s, offset + METADATA_PAGE_SIZE_AT);
    }

    static int crc(MemorySegment s, long offset) {
        return s.get(LittleEndian.U32, offset + CRC_AT);
    }

    static boolean crcMatches(MemorySegment s, long offset) {
        return crc(s, offset) == MetadataPage.crcOf(s, offset);
    }

    static void updateCrc(MemorySegment s, long offset) {
        s.set(LittleEndian.U32, offset + CRC_AT, MetadataPage.crcOf(s, offset));
    }

    /** Writes a whole super block, CRC included. */
    static void write(MemorySegment s, long offset, Geometry g, long superBlobId, boolean clean) {
        s.asSlice(offset, SIZE_BYTES).fill((byte) 0);
        s.set(LittleEndian.U64, offset + SIGNATURE_AT, SIGNATURE);
        s.set(LittleEndian.U32, offset + VERSION_AT, VERSION);
        s.set(LittleEndian.U32, offset + LENGTH_AT, SIZE_BYTES);
        clean(s, offset, clean);
        s.set(LittleEndian.U64, offset + SUPER_BLOB_AT, superBlobId);
        s.set(LittleEndian.U32, offset + CLUSTER_SIZE_AT, (int) g.clusterSizeBytes());
        extent(s, offset + USED_PAGE_MASK_AT, g.usedPageMaskStart(), g.usedPageMaskPages());
        extent(s, offset + USED_CLUSTER_MASK_AT, g.usedClusterMaskStart(), g.usedClusterMaskPages());
        extent(s, offset + METADATA_AT, g.metadataStart(), g.metadataPages());
        byte[] type = TYPE_LVOLSTORE.getBytes(StandardCharsets.US_ASCII);
        MemorySegment.copy(type, 0, s, ValueLayout.JAVA_BYTE, offset + TYPE_AT, type.length);
        extent(s, offset + USED_BLOBID_MASK_AT, g.usedBlobIdMaskStart(), g.usedBlobIdMaskPages());
        s.set(LittleEndian.U64, offset + STORE_SIZE_AT, g.storeSizeBytes());
        s.set(LittleEndian.U32, offset + IO_UNIT_AT, g.ioUnitBytes());
        updateCrc(s, offset);
    }

    private static void extent(MemorySegment s, long at, long start, long pages) {
        s.set(LittleEndian.U32, at, (int) start);
        s.set(LittleEndian.U32, at + 4, (int) pages);
    }

    private static long u32(MemorySegment s, long at) {
        return Integer.toUnsignedLong(s.get(LittleEndian.U32, at));
    }
}
