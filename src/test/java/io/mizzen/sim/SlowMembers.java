package io.mizzen.sim;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * A plain reader of the nexus's record on a child that shares no code with the production codec: who is a member, and
 * who is healthy.
 *
 * @param self the member that the child is
 */
record SlowMembers(UUID nexus, long generation, long sizeBytes, UUID self, List<UUID> members, List<Boolean> healthy) {
    private static final int SLOT_BYTES = 4096;
    private static final long[] SLOTS = {1 << 20, (1 << 20) + (512 << 10)};

    /** Bytes of a child. */
    interface Source {
        byte[] read(long atBytes, int sizeBytes);
    }

    /** The newest intact record of the child, or null. */
    static SlowMembers read(Source child) {
        SlowMembers newest = null;
        for (long at : SLOTS) {
            SlowMembers one = parse(ByteBuffer.wrap(child.read(at, SLOT_BYTES)).order(ByteOrder.LITTLE_ENDIAN));
            if (one != null && (newest == null || one.generation > newest.generation)) {
                newest = one;
            }
        }
        return newest;
    }

    private static SlowMembers parse(ByteBuffer slot) {
        byte[] magic = new byte[8];
        slot.get(0, magic);
        if (!new String(magic, java.nio.charset.StandardCharsets.US_ASCII).equals("MZNNEXUS")) {
            return null;
        }
        byte[] summed = slot.array().clone();
        ByteBuffer.wrap(summed).putInt(12, 0);
        CRC32C crc = new CRC32C();
        crc.update(summed);
        if ((int) crc.getValue() != slot.getInt(12) || (slot.get(43) & 2) != 0) {
            return null;
        }
        List<UUID> members = new ArrayList<>();
        List<Boolean> healthy = new ArrayList<>();
        for (int i = 0; i < slot.getShort(10); i++) {
            members.add(uuid(slot, 512 + 64 * i));
            healthy.add(slot.get(512 + 64 * i + 16) == 1);
        }
        return new SlowMembers(uuid(slot, 24), slot.getLong(16), slot.getLong(48), members.get(slot.getShort(40)), members,
                healthy);
    }

    private static UUID uuid(ByteBuffer slot, int at) {
        return new UUID(slot.getLong(at), slot.getLong(at + 8));
    }

    /** Whether this record, the newest of all, counts that member as healthy. */
    boolean isHealthy(UUID member) {
        int index = members.indexOf(member);
        return index >= 0 && healthy.get(index);
    }
}
