package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * I/O command set independent identify namespace, CNS 08h, 4096 bytes (base specification 2.0, figure 280).
 */
public final class IdentifyIndependentNamespace {
    public static final int SIZE_BYTES = 4096;

    public static final int NSTAT_READY = 1;
    public static final int NSFEAT_NO_WRITE_CACHE = 1 << 5;

    private static final long NSFEAT = 0;
    private static final long NMIC = 1;
    private static final long ANA_GROUP_ID = 4;
    private static final long NSATTR = 8;
    private static final long NSTAT = 14;

    private IdentifyIndependentNamespace() {
    }

    /** Bit 5 (NVMe 2.0a on): the namespace has no volatile write cache. */
    public static int nsfeat(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + NSFEAT) & 0xFF;
    }

    public static void nsfeat(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + NSFEAT, (byte) value);
    }

    public static int nmic(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + NMIC) & 0xFF;
    }

    public static void nmic(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + NMIC, (byte) value);
    }

    public static int anaGroupId(MemorySegment s, long at) {
        return s.get(LE_INT, at + ANA_GROUP_ID);
    }

    public static void anaGroupId(MemorySegment s, long at, int value) {
        s.set(LE_INT, at + ANA_GROUP_ID, value);
    }

    public static int nsattr(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + NSATTR) & 0xFF;
    }

    public static void nsattr(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + NSATTR, (byte) value);
    }

    /** NSTAT: bit 0 ready. */
    public static int nstat(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + NSTAT) & 0xFF;
    }

    public static void nstat(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + NSTAT, (byte) value);
    }
}
