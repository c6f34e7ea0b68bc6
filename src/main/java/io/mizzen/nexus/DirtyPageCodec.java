package io.mizzen.nexus;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.UUID;

/**
 * One page of the dirty-region map: one block of the child. A page that does not check, or is of another nexus, epoch
 * or place, is not believed, and then all its regions count as dirty. Little-endian.
 *
 * <pre>
 * offset size
 *      0    4  magic "MZND"
 *      4    4  page index
 *      8   16  nexus UUID
 *     24    4  epoch
 *     28    4  CRC32C of the block, this field zero
 *     32    8  sequence: counts the writes of this page
 *     64    -  the bits, region 0 of the page is bit 0 of the first word
 * </pre>
 */
final class DirtyPageCodec {
    static final int HEADER_BYTES = 64;

    private static final int MAGIC = 0x444E_5A4D;
    private static final int OFFSET_CRC = 28;

    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private DirtyPageCodec() {
    }

    /** Writes a page from the words of the whole map. */
    static void encode(DirtyGeometry geometry, UUID nexus, int epoch, int page, long sequence, long[] words,
            MemorySegment segment, long offset) {
        for (int i = 0; i < geometry.pageBytes(); i += 8) {
            segment.set(U64, offset + i, 0);
        }
        segment.set(U32, offset, MAGIC);
        segment.set(U32, offset + 4, page);
        MetadataCodec.putUuid(nexus, segment, offset + 8);
        segment.set(U32, offset + 24, epoch);
        segment.set(U64, offset + 32, sequence);
        int firstWord = geometry.firstWord(page);
        for (int word = firstWord; word < geometry.endWord(page); word++) {
            segment.set(U64, offset + HEADER_BYTES + (word - firstWord) * 8L, words[word]);
        }
        segment.set(U32, offset + OFFSET_CRC,
                MetadataCodec.checksum(segment, offset, geometry.pageBytes(), OFFSET_CRC));
    }

    /** The sequence of a page if it is to be believed, else -1. */
    static long check(DirtyGeometry geometry, UUID nexus, int epoch, int page, MemorySegment segment, long offset) {
        boolean believed = segment.get(U32, offset) == MAGIC
                && segment.get(U32, offset + 4) == page
                && MetadataCodec.uuid(segment, offset + 8).equals(nexus)
                && segment.get(U32, offset + 24) == epoch
                && segment.get(U32, offset + OFFSET_CRC)
                        == MetadataCodec.checksum(segment, offset, geometry.pageBytes(), OFFSET_CRC);
        return believed ? segment.get(U64, offset + 32) & Long.MAX_VALUE : -1;
    }

    /** Adds a checked page's bits to the words of the whole map. */
    static void addBits(DirtyGeometry geometry, int page, MemorySegment segment, long offset, long[] words) {
        int firstWord = geometry.firstWord(page);
        for (int word = firstWord; word < geometry.endWord(page); word++) {
            words[word] |= segment.get(U64, offset + HEADER_BYTES + (word - firstWord) * 8L)
                    & geometry.validBits(word);
        }
    }

    /** Marks every region of a page. */
    static void addAll(DirtyGeometry geometry, int page, long[] words) {
        for (int word = geometry.firstWord(page); word < geometry.endWord(page); word++) {
            words[word] |= geometry.validBits(word);
        }
    }

    /** Whether any region of a page is marked. */
    static boolean hasBits(DirtyGeometry geometry, int page, long[] words) {
        for (int word = geometry.firstWord(page); word < geometry.endWord(page); word++) {
            if (words[word] != 0) {
                return true;
            }
        }
        return false;
    }
}
