package io.mizzen.nvme;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/** Firmware slot information log page, 03h, 512 bytes (base specification 2.0, section 5.16.1.4). */
public final class FirmwareSlotLog {
    public static final int SIZE_BYTES = 512;
    private static final int REVISIONS = 8;

    private FirmwareSlotLog() {
    }

    /** One slot, active, with this revision; the memory is zero before. */
    public static void set(MemorySegment s, long at, String revision) {
        s.set(JAVA_BYTE, at, (byte) 1);
        Text.spacePadded(s, at + REVISIONS, 8, revision);
    }

    /** The active slot. */
    public static int activeSlot(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at) & 0x7;
    }

    /** Revision of a slot, from 1 to 7. */
    public static String revision(MemorySegment s, long at, int slot) {
        return Text.padded(s, at + REVISIONS + (slot - 1) * 8L, 8);
    }
}
