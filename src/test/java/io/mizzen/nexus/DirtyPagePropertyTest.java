package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class DirtyPagePropertyTest {
    private static final UUID NEXUS = new UUID(3, 4);

    private static DirtyGeometry random(SplittableRandom random) {
        int block = 512 << random.nextInt(4);
        long size = (long) block * random.nextLong(1, 1L << 34);
        return new DirtyGeometry(size, block, DirtyGeometry.chooseShift(size, random.nextInt(16, 26)));
    }

    @Test
    void theMapIsBoundedAndFitsItsPlace() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 1000; i++) {
            DirtyGeometry geometry = random(random);
            assertTrue(geometry.regionCount() <= DirtyGeometry.REGION_MAX);
            assertTrue((long) geometry.regionCount() << geometry.regionShift() >= geometry.sizeBytes());
            assertTrue((long) (geometry.regionCount() - 1) << geometry.regionShift() < geometry.sizeBytes());
            assertTrue(geometry.pageOffsetBytes(geometry.pageCount()) <= Label.METADATA_END_BYTES);
            assertEquals(geometry.wordCount(), geometry.endWord(geometry.pageCount() - 1));
            assertEquals(geometry.regionCount() - 1, geometry.regionOf(geometry.sizeBytes() - 1));
        }
        assertTrue(MetadataCodec.slotOffsetBytes(MetadataCodec.SLOT_COUNT - 1) + MetadataCodec.SLOT_BYTES
                <= DirtyGeometry.MAP_OFFSET_BYTES);
        assertTrue(MetadataCodec.slotOffsetBytes(0) >= Label.METADATA_OFFSET_BYTES);
    }

    @Test
    void whatIsWrittenIsRead() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 200; i++) {
            DirtyGeometry geometry = random(random);
            long[] words = new long[geometry.wordCount()];
            for (int word = 0; word < words.length; word++) {
                words[word] = random.nextLong() & geometry.validBits(word);
            }
            long[] read = new long[words.length];
            MemorySegment block = MemorySegment.ofArray(new byte[geometry.pageBytes() + 8]);
            for (int page = 0; page < geometry.pageCount(); page++) {
                block.fill((byte) 0xA5);
                DirtyPageCodec.encode(geometry, NEXUS, 9, page, 77, words, block, 0);
                assertEquals(77, DirtyPageCodec.check(geometry, NEXUS, 9, page, block, 0));
                assertEquals(-1, DirtyPageCodec.check(geometry, NEXUS, 8, page, block, 0), "another epoch");
                assertEquals(-1, DirtyPageCodec.check(geometry, NEXUS, 9, page + 1, block, 0), "another place");
                assertEquals(-1, DirtyPageCodec.check(geometry, new UUID(3, 5), 9, page, block, 0), "another nexus");
                assertEquals((byte) 0xA5, block.get(ValueLayout.JAVA_BYTE, geometry.pageBytes()));
                DirtyPageCodec.addBits(geometry, page, block, 0, read);
            }
            assertArrayEquals(words, read);
        }
    }

    @Test
    void aDamagedPageIsNotBelieved() {
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 200; i++) {
            DirtyGeometry geometry = random(random);
            MemorySegment block = MemorySegment.ofArray(new byte[geometry.pageBytes()]);
            DirtyPageCodec.encode(geometry, NEXUS, 1, 0, 1, new long[geometry.wordCount()], block, 0);
            int at = random.nextInt(geometry.pageBytes());
            block.set(ValueLayout.JAVA_BYTE, at, (byte) (block.get(ValueLayout.JAVA_BYTE, at) ^ 0x10));
            assertEquals(-1, DirtyPageCodec.check(geometry, NEXUS, 1, 0, block, 0));
        }
    }

    @Test
    void everyRegionOfAPageIsMarkedWhenThePageIsLost() {
        DirtyGeometry geometry = new DirtyGeometry(5000L << 20, 512, 20);
        assertEquals(2, geometry.pageCount());
        long[] words = new long[geometry.wordCount()];
        DirtyPageCodec.addAll(geometry, 1, words);
        int marked = 0;
        for (int region = 0; region < geometry.regionCount(); region++) {
            boolean set = (words[region >>> 6] >>> region & 1) != 0;
            assertEquals(region >= geometry.wordsPerPage() * 64, set, "region " + region);
            marked += set ? 1 : 0;
        }
        assertEquals(5000 - 56 * 64, marked);
    }
}
