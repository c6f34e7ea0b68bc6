package io.mizzen.ffi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.mizzen.util.HotPath;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Native memory by raw address. The whole address space is one segment, so an access costs what it costs in C; what is
 * lost is the bounds check, so addresses come only from memory that this process mapped, and callers assert their
 * ranges. Values are little-endian, as every on-wire and on-disk format here is. Any thread.
 */
public final class RawMemory {
    /** The whole address space; an address is an offset into it. */
    public static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    public static final ValueLayout.OfShort LE_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    public static final ValueLayout.OfInt LE_INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    public static final ValueLayout.OfLong LE_LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final VarHandle SHORT = ValueLayout.JAVA_SHORT.varHandle();
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    private RawMemory() {
    }

    @HotPath
    public static byte getByte(long address) {
        return ALL.get(JAVA_BYTE, address);
    }

    @HotPath
    public static short getShort(long address) {
        return ALL.get(LE_SHORT, address);
    }

    @HotPath
    public static int getInt(long address) {
        return ALL.get(LE_INT, address);
    }

    @HotPath
    public static long getLong(long address) {
        return ALL.get(LE_LONG, address);
    }

    @HotPath
    public static void putByte(long address, byte value) {
        ALL.set(JAVA_BYTE, address, value);
    }

    @HotPath
    public static void putShort(long address, short value) {
        ALL.set(LE_SHORT, address, value);
    }

    @HotPath
    public static void putInt(long address, int value) {
        ALL.set(LE_INT, address, value);
    }

    @HotPath
    public static void putLong(long address, long value) {
        ALL.set(LE_LONG, address, value);
    }

    /** Reads an aligned int with acquire order: for what the kernel or a device writes. */
    @HotPath
    public static int getIntAcquire(long address) {
        return (int) INT.getAcquire(ALL, address);
    }

    /** Writes an aligned int with release order: for what the kernel or a device reads. */
    @HotPath
    public static void putIntRelease(long address, int value) {
        INT.setRelease(ALL, address, value);
    }

    /** Writes an aligned short with release order. */
    @HotPath
    public static void putShortRelease(long address, short value) {
        SHORT.setRelease(ALL, address, value);
    }

    /** Reads an aligned long with acquire order. */
    @HotPath
    public static long getLongAcquire(long address) {
        return (long) LONG.getAcquire(ALL, address);
    }

    /** Writes an aligned long with release order. */
    @HotPath
    public static void putLongRelease(long address, long value) {
        LONG.setRelease(ALL, address, value);
    }

    /** Copies; the ranges may overlap. */
    @HotPath
    public static void copy(long sourceAddress, long targetAddress, long lengthBytes) {
        MemorySegment.copy(ALL, sourceAddress, ALL, targetAddress, lengthBytes);
    }

    @HotPath
    public static void zero(long address, long lengthBytes) {
        ALL.asSlice(address, lengthBytes).fill((byte) 0);
    }

    /** Whether two ranges hold the same bytes. */
    @HotPath
    public static boolean equal(long address, long otherAddress, long lengthBytes) {
        return MemorySegment.mismatch(ALL, address, address + lengthBytes, ALL, otherAddress,
                otherAddress + lengthBytes) < 0;
    }

    /** Whether the range holds only zero bytes. */
    @HotPath
    public static boolean isZero(long address, long lengthBytes) {
        long offset = 0;
        for (; offset + 8 <= lengthBytes; offset += 8) {
            if (getLong(address + offset) != 0) {
                return false;
            }
        }
        for (; offset < lengthBytes; offset++) {
            if (getByte(address + offset) != 0) {
                return false;
            }
        }
        return true;
    }
}
