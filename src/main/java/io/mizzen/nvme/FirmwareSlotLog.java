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
}
