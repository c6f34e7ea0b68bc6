package io.mizzen.concat;

import io.mizzen.bdev.Bdev;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * SPDK's RAID superblock, version 1.0: at byte 0 of every member, the same on all. Little endian; UUIDs in the order in
 * which they are written. Immutable.
 *
 * <pre>
 *   0 signature[8] "SPDKRAID"     24 uuid[16]              120 strip in blocks
 *   8 version major, minor (u16)  40 name[64], NUL         124 state
 *  12 length in bytes            104 size in blocks (u64)  128 sequence number (u64)
 *  16 CRC                        112 block size in bytes   136 member count (u8), reserved[118]
 *  20 flags                      116 level (99 = concat)   255 entry count (u8), then entries of 64 bytes:
 *     0 uuid[16], 16 first block (u64), 24 blocks (u64), 32 state, 36 flags, 40 slot (u8), reserved
 * </pre>
 * The CRC is CRC32C over the length, its own field zero, with an initial value
 * of 0 and no final inversion.
 */
record RaidSuperBlock(int minorVersion, int flags, UUID uuid, String name, long sizeBlocks, int blockSizeBytes, int level,
        int stripBlocks, int state, long sequence, List<Member> members) {
    static final int HEADER_BYTES = 256;
    static final int MEMBER_BYTES = 64;
    static final int MEMBERS_MAX = 255;
    static final int LENGTH_MAX_BYTES = HEADER_BYTES + MEMBERS_MAX * MEMBER_BYTES;
    static final int LEVEL_CONCAT = 99;
    static final int STATE_CONFIGURED = 1;
    static final int NAME_BYTES_MAX = 63;
    /** Where the data of a member begins: room for the superblock, as SPDK leaves it. */
    static final long DATA_OFFSET_BYTES = 1 << 20;

    private static final byte[] SIGNATURE = "SPDKRAID".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION_MAJOR = 1;
    private static final int MAJOR_AT = 8;
    private static final int MINOR_AT = 10;
    private static final int LENGTH_AT = 12;
    private static final int CRC_AT = 16;
    private static final int FLAGS_AT = 20;
    private static final int UUID_AT = 24;
    private static final int NAME_AT = 40;
    private static final int SIZE_AT = 104;
    private static final int BLOCK_SIZE_AT = 112;
    private static final int LEVEL_AT = 116;
    private static final int STRIP_AT = 120;
    private static final int STATE_AT = 124;
    private static final int SEQUENCE_AT = 128;
    private static final int MEMBER_COUNT_AT = 136;
    private static final int ENTRY_COUNT_AT = 255;
    private static final byte[] ALL_ONES = {-1, -1, -1, -1};

    /** A member as its superblock describes it. */
    record Member(UUID uuid, long dataOffsetBlocks, long dataBlocks, int state, int flags, int slot) {
        Member withBlocks(long blocks) {
            return new Member(uuid, dataOffsetBlocks, blocks, state, flags, slot);
        }

        String stateWord() {
            return switch (state) {
                case 0 -> "missing";
                case STATE_CONFIGURED -> "configured";
                case 2 -> "failed";
                case 3 -> "spare";
                default -> "in the unknown state " + state;
            };
        }
    }

    RaidSuperBlock {
        members = List.copyOf(members);
    }

    static boolean hasSignature(byte[] head) {
        return head.length >= HEADER_BYTES && Arrays.equals(head, 0, SIGNATURE.length, SIGNATURE, 0, SIGNATURE.length);
    }

    /**
     * Reads one and checks all that it says of itself.
     *
     * @param head the first bytes of a disk, at least {@link #LENGTH_MAX_BYTES}, or all of it; with the signature
     * @throws OperationException saying what is wrong with it, and at which byte
     */
    static RaidSuperBlock read(byte[] head) {
        assert hasSignature(head);
        ByteBuffer b = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
        long length = Integer.toUnsignedLong(b.getInt(LENGTH_AT));
        if (length < HEADER_BYTES || length > LENGTH_MAX_BYTES || length > head.length) {
            throw corrupt("it gives itself a length of " + length + " bytes (at byte " + LENGTH_AT + ")");
        }
        if (b.getInt(CRC_AT) != crc(head, (int) length)) {
            throw corrupt("its CRC (at byte " + CRC_AT + ") does not match");
        }
        int major = Short.toUnsignedInt(b.getShort(MAJOR_AT));
        if (major != VERSION_MAJOR) {
            throw OperationException.precondition("disk-superblock-unsupported", "the RAID superblock has version " + major
                    + "; supported is " + VERSION_MAJOR);
        }
        int count = Byte.toUnsignedInt(head[MEMBER_COUNT_AT]);
        int entries = Byte.toUnsignedInt(head[ENTRY_COUNT_AT]);
        if (HEADER_BYTES + entries * MEMBER_BYTES > length) {
            throw corrupt(entries + " members do not fit into its " + length + " bytes");
        }
        List<Member> members = new ArrayList<>();
        for (int i = 0; i < entries; i++) {
            int at = HEADER_BYTES + i * MEMBER_BYTES;
            members.add(new Member(uuid(b, at), b.getLong(at + 16), b.getLong(at + 24), b.getInt(at + 32), b.getInt(at + 36),
                    Byte.toUnsignedInt(head[at + 40])));
        }
        members.sort(Comparator.comparingInt(Member::slot));
        RaidSuperBlock read = new RaidSuperBlock(Short.toUnsignedInt(b.getShort(MINOR_AT)), b.getInt(FLAGS_AT), uuid(b, UUID_AT),
                text(head), b.getLong(SIZE_AT), b.getInt(BLOCK_SIZE_AT), b.getInt(LEVEL_AT), b.getInt(STRIP_AT),
                b.getInt(STATE_AT), b.getLong(SEQUENCE_AT), members);
        read.check(count);
        return read;
    }

    private void check(int count) {
        if (level != LEVEL_CONCAT) {
            throw OperationException.precondition("raid-level-unsupported", "the disk is a member of RAID set " + name + " ("
                    + uuid + ") of level " + level + "; only concat (" + LEVEL_CONCAT + ") is supported");
        }
        if (count != members.size()) {
            throw corrupt("it counts " + count + " members and describes " + members.size());
        }
        if (count == 0 || Integer.bitCount(stripBlocks) != 1 || Integer.bitCount(blockSizeBytes) != 1
                || blockSizeBytes < Bdev.BLOCK_SIZE_MIN || blockSizeBytes > Bdev.BLOCK_SIZE_MAX) {
            throw corrupt("its numbers do not fit together: " + count + " members, strips of " + stripBlocks + " blocks of "
                    + blockSizeBytes + " bytes");
        }
        long sum = 0;
        for (int i = 0; i < count; i++) {
            Member member = members.get(i);
            if (member.slot != i || member.dataBlocks <= 0 || member.dataBlocks % stripBlocks != 0
                    || member.dataOffsetBlocks <= (LENGTH_MAX_BYTES - 1) / blockSizeBytes
                    || member.dataOffsetBlocks > Long.MAX_VALUE / 2 || member.dataBlocks > Long.MAX_VALUE / 2 / MEMBERS_MAX) {
                throw corrupt("its entry for member " + i + " does not fit: slot " + member.slot + ", " + member.dataBlocks
                        + " blocks from " + member.dataOffsetBlocks);
            }
            sum += member.dataBlocks;
        }
        if (sum != sizeBlocks) {
            throw corrupt("its members have " + sum + " blocks together, where it says " + sizeBlocks);
        }
    }

    /** As written to every member: whole blocks, the CRC set. */
    byte[] write() {
        int length = HEADER_BYTES + members.size() * MEMBER_BYTES;
        byte[] bytes = new byte[(length + blockSizeBytes - 1) / blockSizeBytes * blockSizeBytes];
        ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        b.put(0, SIGNATURE);
        b.putShort(MAJOR_AT, (short) VERSION_MAJOR).putShort(MINOR_AT, (short) minorVersion).putInt(LENGTH_AT, length);
        b.putInt(FLAGS_AT, flags).putLong(SIZE_AT, sizeBlocks).putInt(BLOCK_SIZE_AT, blockSizeBytes).putInt(LEVEL_AT, level);
        b.putInt(STRIP_AT, stripBlocks).putInt(STATE_AT, state).putLong(SEQUENCE_AT, sequence);
        put(b, UUID_AT, uuid);
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        assert utf8.length <= NAME_BYTES_MAX;
        b.put(NAME_AT, utf8);
        b.put(MEMBER_COUNT_AT, (byte) members.size()).put(ENTRY_COUNT_AT, (byte) members.size());
        for (int i = 0; i < members.size(); i++) {
            Member member = members.get(i);
            int at = HEADER_BYTES + i * MEMBER_BYTES;
            put(b, at, member.uuid);
            b.putLong(at + 16, member.dataOffsetBlocks).putLong(at + 24, member.dataBlocks).putInt(at + 32, member.state);
            b.putInt(at + 36, member.flags).put(at + 40, (byte) member.slot);
        }
        b.putInt(CRC_AT, crc(bytes, length));
        return bytes;
    }

    /** The next version of it, with these members. */
    RaidSuperBlock next(List<Member> newMembers) {
        long sum = newMembers.stream().mapToLong(Member::dataBlocks).sum();
        return new RaidSuperBlock(minorVersion, flags, uuid, name, sum, blockSizeBytes, level, stripBlocks, state, sequence + 1,
                newMembers);
    }

    /** Initial value 0 and no inversion: the ordinary sum's register is all ones at first, and four bytes of ones clear it. */
    private static int crc(byte[] bytes, int length) {
        CRC32C sum = new CRC32C();
        sum.update(ALL_ONES);
        sum.update(bytes, 0, CRC_AT);
        sum.update(new byte[4]);
        sum.update(bytes, CRC_AT + 4, length - CRC_AT - 4);
        return ~(int) sum.getValue();
    }

    private static String text(byte[] head) {
        int end = NAME_AT;
        while (end < NAME_AT + NAME_BYTES_MAX && head[end] != 0) {
            end++;
        }
        return new String(head, NAME_AT, end - NAME_AT, StandardCharsets.UTF_8);
    }

    static UUID uuid(ByteBuffer b, int at) {
        return new UUID(Long.reverseBytes(b.getLong(at)), Long.reverseBytes(b.getLong(at + 8)));
    }

    static void put(ByteBuffer b, int at, UUID uuid) {
        b.putLong(at, Long.reverseBytes(uuid.getMostSignificantBits())).putLong(at + 8,
                Long.reverseBytes(uuid.getLeastSignificantBits()));
    }

    private static OperationException corrupt(String what) {
        return new OperationException(ErrorKind.DATA_LOSS, "disk-superblock-corrupt", "the RAID superblock at byte 0 is damaged: "
                + what);
    }
}
