package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static io.mizzen.ffi.RawMemory.LE_LONG;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.mizzen.util.HotPath;
import java.lang.foreign.MemorySegment;

/**
 * SGL descriptor, 16 bytes: address or offset, length, 3 reserved bytes, then type (7:4) and subtype (3:0) (base
 * specification 2.0, section 4.1.2).
 */
public final class SglDescriptor {
    public static final int SIZE_BYTES = 16;

    /** Data block by address; in fabrics commands with subtype offset: data in the capsule. */
    public static final int TYPE_DATA_BLOCK = 0x0;
    public static final int TYPE_BIT_BUCKET = 0x1;
    public static final int TYPE_SEGMENT = 0x2;
    public static final int TYPE_LAST_SEGMENT = 0x3;
    public static final int TYPE_KEYED = 0x4;
    public static final int TYPE_TRANSPORT = 0x5;

    public static final int SUBTYPE_ADDRESS = 0x0;
    public static final int SUBTYPE_OFFSET = 0x1;
    public static final int SUBTYPE_TRANSPORT = 0xA;

    /** Type byte: data block with an offset into the capsule. */
    public static final int IN_CAPSULE = TYPE_DATA_BLOCK << 4 | SUBTYPE_OFFSET;
    /** Type byte 5Ah: the transport moves the data. */
    public static final int TRANSPORT = TYPE_TRANSPORT << 4 | SUBTYPE_TRANSPORT;

    private SglDescriptor() {
    }

    @HotPath
    public static long address(MemorySegment s, long at) {
        return s.get(LE_LONG, at);
    }

    /** Length in bytes, unsigned. */
    @HotPath
    public static long lengthBytes(MemorySegment s, long at) {
        return s.get(LE_INT, at + 8) & 0xFFFF_FFFFL;
    }

    /** Type and subtype in one byte. */
    @HotPath
    public static int typeByte(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + 15) & 0xFF;
    }

    @HotPath
    public static void set(MemorySegment s, long at, int typeByte, long address, int lengthBytes) {
        s.set(LE_LONG, at, address);
        s.set(LE_INT, at + 8, lengthBytes);
        s.set(LE_INT, at + 12, typeByte << 24);
    }
}
