package io.mizzen.concat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * Says which member a disk is, in the room behind the superblock that SPDK leaves free. SPDK knows members by the UUIDs of
 * their bdevs, and those of a disk named by a path change with the path; so a disk that moved is known by this. Written once,
 * before the first superblock; never changed. Little endian.
 *
 * <pre>
 * 0 signature[8] "MIZZENCM"   8 version (u32)   12 length   16 uuid of the set[16]   32 uuid of the member[16]   4092 CRC32C of 0-4091
 * </pre>
 */
record MemberLabel(UUID set, UUID member) {
    /** Where it lies on every member. */
    static final int AT_BYTES = 64 << 10;
    static final int SIZE_BYTES = 4096;
    private static final byte[] SIGNATURE = "MIZZENCM".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final int CRC_AT = SIZE_BYTES - 4;

    /** The label in the first bytes of a disk; null when there is none, or none that can be trusted. */
    static MemberLabel read(byte[] head) {
        if (head.length < AT_BYTES + SIZE_BYTES
                || !Arrays.equals(head, AT_BYTES, AT_BYTES + SIGNATURE.length, SIGNATURE, 0, SIGNATURE.length)) {
            return null;
        }
        ByteBuffer b = ByteBuffer.wrap(head, AT_BYTES, SIZE_BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
        if (b.getInt(CRC_AT) != crc(head, AT_BYTES) || b.getInt(8) != VERSION) {
            return null;
        }
        return new MemberLabel(RaidSuperBlock.uuid(b, 16), RaidSuperBlock.uuid(b, 32));
    }

    byte[] write() {
        byte[] bytes = new byte[SIZE_BYTES];
        ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        b.put(0, SIGNATURE).putInt(8, VERSION).putInt(12, SIZE_BYTES);
        RaidSuperBlock.put(b, 16, set);
        RaidSuperBlock.put(b, 32, member);
        b.putInt(CRC_AT, crc(bytes, 0));
        return bytes;
    }

    private static int crc(byte[] bytes, int from) {
        CRC32C sum = new CRC32C();
        sum.update(bytes, from, CRC_AT);
        return (int) sum.getValue();
    }
}
