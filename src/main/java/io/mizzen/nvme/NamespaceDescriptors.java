package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_LONG;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * Namespace identification descriptor list, CNS 03h, 4096 bytes: each entry has type, length, two reserved bytes and the
 * identifier; a zero type ends the list (base specification 2.0, figure 277). The writers return the next offset.
 */
public final class NamespaceDescriptors {
    public static final int SIZE_BYTES = 4096;
    public static final int TYPE_EUI64 = 1;
    public static final int TYPE_NGUID = 2;
    public static final int TYPE_UUID = 3;
    public static final int TYPE_COMMAND_SET = 4;

    private NamespaceDescriptors() {
    }

    public static long eui64(MemorySegment s, long at, long eui64) {
        header(s, at, TYPE_EUI64, 8);
        s.set(LE_LONG, at + 4, Long.reverseBytes(eui64));
        return at + 12;
    }

    public static long nguid(MemorySegment s, long at, long high, long low) {
        return sixteen(s, at, TYPE_NGUID, high, low);
    }

    public static long uuid(MemorySegment s, long at, long high, long low) {
        return sixteen(s, at, TYPE_UUID, high, low);
    }

    /** Command set: 0 = NVM. */
    public static long commandSet(MemorySegment s, long at, int csi) {
        header(s, at, TYPE_COMMAND_SET, 1);
        s.set(JAVA_BYTE, at + 4, (byte) csi);
        return at + 5;
    }

    /** Offset of the first entry of a type, or -1. */
    public static long find(MemorySegment s, long at, int type) {
        long entry = at;
        while (entry + 4 <= at + SIZE_BYTES && s.get(JAVA_BYTE, entry) != 0) {
            if (s.get(JAVA_BYTE, entry) == type) {
                return entry;
            }
            entry += 4 + (s.get(JAVA_BYTE, entry + 1) & 0xFF);
        }
        return -1;
    }

    /** First eight bytes of an entry's identifier, the first byte most significant. */
    public static long high(MemorySegment s, long entry) {
        return Long.reverseBytes(s.get(LE_LONG, entry + 4));
    }

    public static long low(MemorySegment s, long entry) {
        return Long.reverseBytes(s.get(LE_LONG, entry + 12));
    }

    /** Command set of an entry of that type. */
    public static int commandSet(MemorySegment s, long entry) {
        return s.get(JAVA_BYTE, entry + 4) & 0xFF;
    }

    private static long sixteen(MemorySegment s, long at, int type, long high, long low) {
        header(s, at, type, 16);
        s.set(LE_LONG, at + 4, Long.reverseBytes(high));
        s.set(LE_LONG, at + 12, Long.reverseBytes(low));
        return at + 20;
    }

    private static void header(MemorySegment s, long at, int type, int lengthBytes) {
        s.set(JAVA_BYTE, at, (byte) type);
        s.set(JAVA_BYTE, at + 1, (byte) lengthBytes);
        s.set(JAVA_BYTE, at + 2, (byte) 0);
        s.set(JAVA_BYTE, at + 3, (byte) 0);
    }
}
