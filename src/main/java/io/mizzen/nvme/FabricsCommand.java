package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static io.mizzen.ffi.RawMemory.LE_LONG;
import static io.mizzen.ffi.RawMemory.LE_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.mizzen.util.HotPath;
import java.lang.foreign.MemorySegment;

/**
 * Fabrics commands: opcode 7Fh, type in byte 4 (base specification 2.0, section 6). Byte 8 to 39 are as in every
 * {@link Sqe}; from byte 40 on each type has its own fields.
 */
public final class FabricsCommand {
    public static final int PROPERTY_SET = 0x00;
    public static final int CONNECT = 0x01;
    public static final int PROPERTY_GET = 0x04;
    public static final int AUTHENTICATION_SEND = 0x05;
    public static final int AUTHENTICATION_RECEIVE = 0x06;
    public static final int DISCONNECT = 0x08;

    /** Connect attribute: the host does without submission queue flow control. */
    public static final int CATTR_NO_FLOW_CONTROL = 1 << 2;
    /** Controller id in the connect data that asks for any (dynamic model). */
    public static final int CNTLID_DYNAMIC = 0xFFFF;
    public static final int CNTLID_MAX = 0xFFEF;

    /** Property get and set: size of the value. */
    public static final int PROPERTY_4_BYTES = 0;
    public static final int PROPERTY_8_BYTES = 1;

    private FabricsCommand() {
    }

    @HotPath
    public static int type(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + 4) & 0xFF;
    }

    public static void type(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + 4, (byte) value);
    }

    // --- connect (section 6.3) ---

    public static int connectRecordFormat(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + 40) & 0xFFFF;
    }

    public static int connectQueueId(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + 42) & 0xFFFF;
    }

    /** SQSIZE as sent: entries counted from zero. */
    public static int connectSqSize(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + 44) & 0xFFFF;
    }

    public static int connectAttributes(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + 46) & 0xFF;
    }

    /** Keep alive timeout in milliseconds, 0 = none; unsigned 32 bits. */
    public static long connectKeepAliveMs(MemorySegment s, long at) {
        return s.get(LE_INT, at + 48) & 0xFFFF_FFFFL;
    }

    public static void connect(MemorySegment s, long at, int queueId, int sqSize, int attributes, int keepAliveMs) {
        s.set(LE_SHORT, at + 40, (short) 0);
        s.set(LE_SHORT, at + 42, (short) queueId);
        s.set(LE_SHORT, at + 44, (short) sqSize);
        s.set(JAVA_BYTE, at + 46, (byte) attributes);
        s.set(LE_INT, at + 48, keepAliveMs);
    }

    // --- property get and set (sections 6.5 and 6.6) ---

    public static int propertySize(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + 40) & 0x7;
    }

    public static int propertyOffset(MemorySegment s, long at) {
        return s.get(LE_INT, at + 44);
    }

    public static long propertyValue(MemorySegment s, long at) {
        return s.get(LE_LONG, at + 48);
    }

    public static void property(MemorySegment s, long at, int size, int propertyOffset, long value) {
        s.set(JAVA_BYTE, at + 40, (byte) size);
        s.set(LE_INT, at + 44, propertyOffset);
        s.set(LE_LONG, at + 48, value);
    }

    /**
     * Result of a connect refused for a parameter: where the parameter lies.
     *
     * @param inData whether {@code offsetBytes} counts from the data, not from the command
     */
    public static int invalidParameter(int offsetBytes, boolean inData) {
        return offsetBytes | (inData ? 1 << 16 : 0);
    }
}
