package io.mizzen.nexus;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The metadata record on a child: two slots of 4 KiB, written in turn, so that a torn write never destroys the newest
 * good copy. Little-endian.
 *
 * <pre>
 * offset size
 *      0    8  magic "MZNNEXUS"
 *      8    2  version (1)
 *     10    2  member count
 *     12    4  CRC32C of the 4096 bytes, this field zero
 *     16    8  generation
 *     24   16  nexus UUID (most significant half first, each half little-endian)
 *     40    2  index of the member that this copy is on
 *     42    1  label
 *     43    1  flags: bit 0 in use, bit 1 creation not finished
 *     44    4  block size, bytes
 *     48    8  nexus size, bytes
 *     56    4  dirty-map epoch
 *     60    1  dirty-region shift
 *     64    8  created at, ms since 1970
 *    255    1  length of the name, bytes
 *    256  255  name, UTF-8
 *    512   64  first member; 32 at most:
 *               0 UUID, 16 state (1), 17 reason (1), 24 last healthy generation (8), 32 changed at ms (8)
 *   2560   24  first opening ({@link Timeline}); 64 at most, the rest is zero, and all of it in records of before there were any:
 *               0 identity, 16 first generation (8)
 * </pre>
 */
final class MetadataCodec {
    /** Bytes of a slot; a multiple of any block size that we take. */
    static final int SLOT_BYTES = 4096;
    static final int SLOT_COUNT = 2;
    /** Distance between the slots: not in the same erase block or stripe by bad luck. */
    static final long SLOT_STRIDE_BYTES = 512 << 10;

    static final long MAGIC = 0x5355_5845_4E4E_5A4DL; // "MZNNEXUS" in memory order.
    static final int VERSION = 1;

    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int OFFSET_CRC = 12;
    private static final int OFFSET_NAME_LENGTH = 255;
    private static final int OFFSET_NAME = 256;
    private static final int OFFSET_MEMBERS = 512;
    private static final int MEMBER_BYTES = 64;
    private static final int OFFSET_OPENINGS = 2560;
    private static final int OPENING_BYTES = 24;
    private static final UUID NONE = new UUID(0, 0);

    /**
     * A copy found on a child.
     *
     * @param selfIndex the member that the child is
     * @param slot which of the two slots held it
     */
    record Copy(NexusMetadata metadata, int selfIndex, int slot) {
    }

    private MetadataCodec() {
    }

    /** Where a slot lies on the child. */
    static long slotOffsetBytes(int slot) {
        return Label.METADATA_OFFSET_BYTES + slot * SLOT_STRIDE_BYTES;
    }

    /** Writes a slot's 4096 bytes. */
    static void encode(NexusMetadata metadata, int selfIndex, MemorySegment segment, long offset) {
        for (int i = 0; i < SLOT_BYTES; i += 8) {
            segment.set(U64, offset + i, 0);
        }
        segment.set(U64, offset, MAGIC);
        segment.set(U16, offset + 8, (short) VERSION);
        segment.set(U16, offset + 10, (short) metadata.members().size());
        segment.set(U64, offset + 16, metadata.generation());
        putUuid(metadata.uuid(), segment, offset + 24);
        segment.set(U16, offset + 40, (short) selfIndex);
        segment.set(JAVA_BYTE, offset + 42, (byte) metadata.label().code());
        segment.set(JAVA_BYTE, offset + 43, (byte) ((metadata.inUse() ? 1 : 0) | (metadata.creating() ? 2 : 0)));
        segment.set(U32, offset + 44, metadata.blockSizeBytes());
        segment.set(U64, offset + 48, metadata.sizeBytes());
        segment.set(U32, offset + 56, metadata.dirtyEpoch());
        segment.set(JAVA_BYTE, offset + 60, (byte) metadata.regionShift());
        segment.set(U64, offset + 64, metadata.createdAtMs());
        byte[] name = metadata.name().getBytes(StandardCharsets.UTF_8);
        segment.set(JAVA_BYTE, offset + OFFSET_NAME_LENGTH, (byte) name.length);
        MemorySegment.copy(name, 0, segment, JAVA_BYTE, offset + OFFSET_NAME, name.length);
        for (int i = 0; i < metadata.members().size(); i++) {
            Member member = metadata.members().get(i);
            long at = offset + OFFSET_MEMBERS + (long) i * MEMBER_BYTES;
            putUuid(member.uuid(), segment, at);
            segment.set(JAVA_BYTE, at + 16, (byte) member.state().code());
            segment.set(JAVA_BYTE, at + 17, (byte) member.reason().code());
            segment.set(U64, at + 24, member.lastHealthyGeneration());
            segment.set(U64, at + 32, member.changedAtMs());
        }
        long at = offset + OFFSET_OPENINGS;
        for (Timeline.Opening opening : metadata.timeline().openings()) {
            putUuid(opening.identity(), segment, at);
            segment.set(U64, at + 16, opening.firstGeneration());
            at += OPENING_BYTES;
        }
        segment.set(U32, offset + OFFSET_CRC, checksum(segment, offset, SLOT_BYTES, OFFSET_CRC));
    }

    /** Whether the slot carries our magic, valid or not. */
    static boolean hasMagic(MemorySegment segment, long offset) {
        return segment.get(U64, offset) == MAGIC;
    }

    /** Whether the slot is an intact record of a version that we do not read: never to be overwritten. */
    static boolean isOtherVersion(MemorySegment segment, long offset) {
        return hasMagic(segment, offset) && segment.get(U16, offset + 8) != VERSION && checksumHolds(segment, offset);
    }

    /** Reads a slot; null when it holds no intact record of ours. */
    static Copy decode(MemorySegment segment, long offset, int slot) {
        if (!hasMagic(segment, offset) || segment.get(U16, offset + 8) != VERSION || !checksumHolds(segment, offset)) {
            return null;
        }
        int memberCount = segment.get(U16, offset + 10);
        int selfIndex = segment.get(U16, offset + 40);
        Label label = Label.ofCode(segment.get(JAVA_BYTE, offset + 42));
        if (memberCount < 1 || memberCount > NexusMetadata.MEMBER_MAX || selfIndex < 0 || selfIndex >= memberCount
                || label == null) {
            return null;
        }
        List<Member> members = new ArrayList<>(memberCount);
        for (int i = 0; i < memberCount; i++) {
            Member member = decodeMember(segment, offset + OFFSET_MEMBERS + (long) i * MEMBER_BYTES);
            if (member == null) {
                return null;
            }
            members.add(member);
        }
        int flags = segment.get(JAVA_BYTE, offset + 43);
        byte[] name = new byte[segment.get(JAVA_BYTE, offset + OFFSET_NAME_LENGTH) & 0xff];
        MemorySegment.copy(segment, JAVA_BYTE, offset + OFFSET_NAME, name, 0, name.length);
        try {
            NexusMetadata metadata = new NexusMetadata(uuid(segment, offset + 24),
                    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(name)).toString(),
                    segment.get(U64, offset + 16), (flags & 1) != 0, (flags & 2) != 0, label,
                    segment.get(U32, offset + 44), segment.get(U64, offset + 48), segment.get(U32, offset + 56),
                    segment.get(JAVA_BYTE, offset + 60), segment.get(U64, offset + 64), decodeTimeline(segment, offset),
                    members);
            boolean possible = metadata.blockSizeBytes() >= 512 && metadata.blockSizeBytes() <= SLOT_BYTES
                    && DirtyGeometry.isPossible(metadata.sizeBytes(), metadata.regionShift());
            return possible ? new Copy(metadata, selfIndex, slot) : null;
        } catch (IllegalArgumentException | CharacterCodingException e) {
            return null; // Intact but impossible: not ours to believe.
        }
    }

    private static Timeline decodeTimeline(MemorySegment segment, long offset) {
        List<Timeline.Opening> openings = new ArrayList<>();
        for (int i = 0; i < Timeline.KEPT_MAX; i++) {
            long at = offset + OFFSET_OPENINGS + (long) i * OPENING_BYTES;
            UUID identity = uuid(segment, at);
            if (identity.equals(NONE)) {
                break;
            }
            openings.add(new Timeline.Opening(identity, segment.get(U64, at + 16)));
        }
        return new Timeline(openings);
    }

    private static Member decodeMember(MemorySegment segment, long at) {
        MemberState state = MemberState.ofCode(segment.get(JAVA_BYTE, at + 16));
        FaultReason reason = FaultReason.ofCode(segment.get(JAVA_BYTE, at + 17));
        if (state == null || reason == null) {
            return null;
        }
        return new Member(uuid(segment, at), state, reason, segment.get(U64, at + 24), segment.get(U64, at + 32));
    }

    /** The newer of a child's two slots, or null when neither is intact. */
    static Copy newer(Copy first, Copy second) {
        if (first == null || second == null) {
            return first == null ? second : first;
        }
        return second.metadata().generation() > first.metadata().generation() ? second : first;
    }

    private static boolean checksumHolds(MemorySegment segment, long offset) {
        return segment.get(U32, offset + OFFSET_CRC) == checksum(segment, offset, SLOT_BYTES, OFFSET_CRC);
    }

    /** CRC32C of a record whose 4-byte checksum field counts as zero. */
    static int checksum(MemorySegment segment, long offset, int lengthBytes, int crcOffset) {
        CRC32C crc = new CRC32C();
        crc.update(segment.asSlice(offset, crcOffset).asByteBuffer());
        crc.update(0);
        crc.update(0);
        crc.update(0);
        crc.update(0);
        crc.update(segment.asSlice(offset + crcOffset + 4, lengthBytes - crcOffset - 4).asByteBuffer());
        return (int) crc.getValue();
    }

    static void putUuid(UUID uuid, MemorySegment segment, long offset) {
        segment.set(U64, offset, uuid.getMostSignificantBits());
        segment.set(U64, offset + 8, uuid.getLeastSignificantBits());
    }

    static UUID uuid(MemorySegment segment, long offset) {
        return new UUID(segment.get(U64, offset), segment.get(U64, offset + 8));
    }
}
