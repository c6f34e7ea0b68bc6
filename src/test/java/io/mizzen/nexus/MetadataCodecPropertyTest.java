package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class MetadataCodecPropertyTest {
    private static final int SLOT = MetadataCodec.SLOT_BYTES;

    static UUID uuid(SplittableRandom random) {
        return new UUID(random.nextLong(), random.nextLong());
    }

    static NexusMetadata random(SplittableRandom random) {
        int block = 512 << random.nextInt(4);
        long size = (long) block * random.nextLong(1, 1L << 40 >>> 9);
        List<Member> members = new ArrayList<>();
        int count = random.nextInt(1, NexusMetadata.MEMBER_MAX + 1);
        for (int i = 0; i < count; i++) {
            members.add(new Member(uuid(random), MemberState.values()[random.nextInt(3)],
                    FaultReason.values()[random.nextInt(FaultReason.values().length)], random.nextLong(1 << 30),
                    random.nextLong()));
        }
        String name = "käse-volume-é".repeat(random.nextInt(17));
        return new NexusMetadata(uuid(random), name, random.nextLong(1, Long.MAX_VALUE), random.nextBoolean(),
                random.nextBoolean(), Label.values()[random.nextInt(2)], block, size, random.nextInt(),
                DirtyGeometry.chooseShift(size, DirtyGeometry.DEFAULT_SHIFT_MIN), random.nextLong(), timeline(random), members);
    }

    private static Timeline timeline(SplittableRandom random) {
        Timeline timeline = Timeline.UNKNOWN;
        long first = 0;
        for (int i = random.nextInt(Timeline.KEPT_MAX + 10); i > 0; i--) {
            first += random.nextLong(1, 1L << 50);
            timeline = timeline.opened(uuid(random), first);
        }
        return timeline;
    }

    @Test
    void whatIsWrittenIsRead() {
        SplittableRandom random = new SplittableRandom(1);
        MemorySegment segment = MemorySegment.ofArray(new byte[SLOT + 24]);
        for (int i = 0; i < 500; i++) {
            NexusMetadata metadata = random(random);
            int self = random.nextInt(metadata.members().size());
            segment.fill((byte) 0xA5);
            MetadataCodec.encode(metadata, self, segment, 8);
            MetadataCodec.Copy copy = MetadataCodec.decode(segment, 8, i & 1);
            assertNotNull(copy);
            assertEquals(metadata, copy.metadata());
            assertEquals(self, copy.selfIndex());
            assertEquals(i & 1, copy.slot());
            assertFalse(MetadataCodec.isOtherVersion(segment, 8));
            assertEquals((byte) 0xA5, segment.get(ValueLayout.JAVA_BYTE, SLOT + 8), "nothing beyond the slot");
        }
    }

    @Test
    void anyFlippedBitIsNoticed() {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 300; i++) {
            MemorySegment segment = MemorySegment.ofArray(new byte[SLOT]);
            MetadataCodec.encode(random(random), 0, segment, 0);
            int at = random.nextInt(SLOT);
            segment.set(ValueLayout.JAVA_BYTE, at,
                    (byte) (segment.get(ValueLayout.JAVA_BYTE, at) ^ 1 << random.nextInt(8)));
            assertNull(MetadataCodec.decode(segment, 0, 0));
        }
    }

    @Test
    void garbageAndZeroesAreNotMetadata() {
        SplittableRandom random = new SplittableRandom(3);
        MemorySegment segment = MemorySegment.ofArray(new byte[SLOT]);
        assertNull(MetadataCodec.decode(segment, 0, 0));
        for (int i = 0; i < 200; i++) {
            byte[] garbage = new byte[SLOT];
            random.nextBytes(garbage);
            segment = MemorySegment.ofArray(garbage);
            if (i % 2 == 0) {
                segment.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, MetadataCodec.MAGIC);
            }
            assertNull(MetadataCodec.decode(segment, 0, 0));
        }
    }

    @Test
    void impossibleContentWithAGoodChecksumIsNotBelieved() {
        SplittableRandom random = new SplittableRandom(4);
        int[] fields = {10, 16, 40, 42, 44, 48, 60, 512 + 16, 512 + 17, 2560 + 16};
        for (int field : fields) {
            MemorySegment segment = MemorySegment.ofArray(new byte[SLOT]);
            MetadataCodec.encode(random(random), 0, segment, 0);
            int width = field == 16 || field == 48 || field == 2560 + 16 ? 8 : field == 44 ? 4 : field == 10 || field == 40 ? 2 : 1;
            for (int i = 0; i < width; i++) {
                segment.set(ValueLayout.JAVA_BYTE, field + i, (byte) 0xEE);
            }
            segment.set(ValueLayout.JAVA_INT_UNALIGNED, 12, MetadataCodec.checksum(segment, 0, SLOT, 12));
            assertNull(MetadataCodec.decode(segment, 0, 0), "field at " + field);
        }
    }

    @Test
    void anotherVersionIsRecognisedAsOurs() {
        MemorySegment segment = MemorySegment.ofArray(new byte[SLOT]);
        MetadataCodec.encode(random(new SplittableRandom(5)), 0, segment, 0);
        segment.set(ValueLayout.JAVA_BYTE, 8, (byte) 2);
        assertFalse(MetadataCodec.isOtherVersion(segment, 0), "the checksum does not hold yet");
        segment.set(ValueLayout.JAVA_INT_UNALIGNED, 12, MetadataCodec.checksum(segment, 0, SLOT, 12));
        assertTrue(MetadataCodec.isOtherVersion(segment, 0));
        assertNull(MetadataCodec.decode(segment, 0, 0));
    }

    /** Writes generation after generation to alternating slots; a crash tears the last one at block boundaries. */
    @Test
    void aTornWriteLeavesThePreviousGenerationOrTheNewOne() {
        SplittableRandom random = new SplittableRandom(6);
        for (int run = 0; run < 200; run++) {
            byte[][] slots = {new byte[SLOT], new byte[SLOT]};
            NexusMetadata metadata = random(random);
            int lastSlot = 1;
            int writes = random.nextInt(1, 6);
            for (int i = 0; i < writes; i++) {
                lastSlot ^= 1;
                MetadataCodec.encode(metadata, 0, MemorySegment.ofArray(slots[lastSlot]), 0);
                metadata = metadata.next(random.nextBoolean(), metadata.members());
            }
            NexusMetadata before = read(slots).metadata();
            byte[] image = new byte[SLOT];
            MetadataCodec.encode(metadata, 0, MemorySegment.ofArray(image), 0);
            byte[] target = slots[lastSlot ^ 1];
            int sectors = SLOT / 512;
            for (int sector = 0; sector < sectors; sector++) {
                if (random.nextBoolean()) {
                    System.arraycopy(image, sector * 512, target, sector * 512, 512);
                }
            }
            NexusMetadata after = read(slots).metadata();
            NexusMetadata expected = Arrays.equals(target, image) ? metadata : before;
            assertEquals(expected, after);
        }
    }

    private static MetadataCodec.Copy read(byte[][] slots) {
        return MetadataCodec.newer(MetadataCodec.decode(MemorySegment.ofArray(slots[0]), 0, 0),
                MetadataCodec.decode(MemorySegment.ofArray(slots[1]), 0, 1));
    }

    @Test
    void healthyMembersAreStampedWithTheNewGeneration() {
        NexusMetadata metadata = new NexusMetadata(new UUID(1, 2), "n", 5, false, true, Label.V2, 512, 1 << 20, 1, 22, 0, Timeline.UNKNOWN,
                List.of(new Member(new UUID(1, 1), MemberState.HEALTHY, FaultReason.NONE, 5, 0),
                        new Member(new UUID(2, 2), MemberState.FAULTED, FaultReason.IO_ERROR, 3, 0)));
        NexusMetadata next = metadata.next(true, metadata.members());
        assertEquals(6, next.generation());
        assertEquals(6, next.members().get(0).lastHealthyGeneration());
        assertEquals(3, next.members().get(1).lastHealthyGeneration());
        assertTrue(next.inUse());
        assertFalse(next.creating());
    }
}
