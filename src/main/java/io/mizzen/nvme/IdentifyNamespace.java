package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static io.mizzen.ffi.RawMemory.LE_LONG;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * Identify namespace data structure, CNS 00h, 4096 bytes (NVM command set 1.0, figure 97).
 */
public final class IdentifyNamespace {
    public static final int SIZE_BYTES = 4096;

    public static final int NMIC_SHARED = 1;
    /** Deallocated blocks read as zeros. */
    public static final int DLFEAT_READS_ZEROS = 1;
    public static final int DLFEAT_WRITE_ZEROES_DEALLOCATES = 1 << 3;
    public static final int FORMATS_MAX = 16;
    private static final long LBAF = 128;

    private static final long SIZE_BLOCKS = 0;
    private static final long CAPACITY_BLOCKS = 8;
    private static final long USED_BLOCKS = 16;
    private static final long FORMAT_COUNT = 25;
    private static final long FLBAS = 26;
    private static final long DPS = 29;
    private static final long NMIC = 30;
    private static final long DLFEAT = 33;
    private static final long NSATTR = 99;
    private static final long NGUID_HIGH = 104;
    private static final long NGUID_LOW = 112;
    private static final long EUI64 = 120;

    private IdentifyNamespace() {
    }

    /** NSZE. */
    public static long sizeBlocks(MemorySegment s, long at) {
        return s.get(LE_LONG, at + SIZE_BLOCKS);
    }

    public static void sizeBlocks(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + SIZE_BLOCKS, value);
    }

    /** NCAP. */
    public static void capacityBlocks(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + CAPACITY_BLOCKS, value);
    }

    /** NUSE. */
    public static void usedBlocks(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + USED_BLOCKS, value);
    }

    /** NLBAF, counted from zero. */
    public static int formatCount(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + FORMAT_COUNT) & 0xFF;
    }

    /** FLBAS: format in use, bits 3:0 and 6:5. */
    public static int flbas(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + FLBAS) & 0xFF;
    }

    /** DPS: type of protection information in bits 2:0, 0 none. */
    public static int protection(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + DPS) & 0x7;
    }

    public static void protection(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + DPS, (byte) value);
    }

    /** NMIC: bit 0 the namespace may be attached to several controllers. */
    public static void nmic(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + NMIC, (byte) value);
    }

    /** DLFEAT: 2:0 what deallocated blocks read as, bit 3 write zeroes may deallocate. */
    public static int dlfeat(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + DLFEAT) & 0xFF;
    }

    public static void dlfeat(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + DLFEAT, (byte) value);
    }

    /** NSATTR: the namespace can only be read for now. */
    public static final int NSATTR_WRITE_PROTECTED = 1;

    /** NSATTR: bit 0 write protected. */
    public static void nsattr(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + NSATTR, (byte) value);
    }

    /** NGUID bytes 0 to 7, the first most significant. */
    public static long nguidHigh(MemorySegment s, long at) {
        return Long.reverseBytes(s.get(LE_LONG, at + NGUID_HIGH));
    }

    public static void nguidHigh(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + NGUID_HIGH, Long.reverseBytes(value));
    }

    public static long nguidLow(MemorySegment s, long at) {
        return Long.reverseBytes(s.get(LE_LONG, at + NGUID_LOW));
    }

    public static void nguidLow(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + NGUID_LOW, Long.reverseBytes(value));
    }

    /** EUI64, big-endian; 0 = none. */
    public static long eui64(MemorySegment s, long at) {
        return Long.reverseBytes(s.get(LE_LONG, at + EUI64));
    }

    public static void eui64(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + EUI64, Long.reverseBytes(value));
    }

    /** Writes a format: block size as a power of two, metadata bytes. */
    public static void format(MemorySegment s, long at, int index, int blockShift, int metadataBytes) {
        assert index >= 0;
        assert index < FORMATS_MAX;
        s.set(LE_INT, at + LBAF + index * 4L, blockShift << 16 | metadataBytes);
    }

    /** Power of two of the block size of a format; 0 = the format does not exist. */
    public static int formatBlockShift(MemorySegment s, long at, int index) {
        return s.get(LE_INT, at + LBAF + index * 4L) >>> 16 & 0xFF;
    }

    public static int formatMetadataBytes(MemorySegment s, long at, int index) {
        return s.get(LE_INT, at + LBAF + index * 4L) & 0xFFFF;
    }

    /** Index of the format in use. */
    public static int formatInUse(MemorySegment s, long at) {
        int flbas = flbas(s, at);
        return flbas & 0xF | (flbas >> 5 & 0x3) << 4;
    }
}
