package io.mizzen.nvme;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * I/O command set independent identify namespace, CNS 08h, 4096 bytes (base specification 2.0, figure 280).
 */
public final class IdentifyIndependentNamespace {
    public static final int SIZE_BYTES = 4096;

    public static final int NSTAT_READY = 1;

    private static final long NMIC = 1;
    private static final long NSATTR = 8;
    private static final long NSTAT = 14;

    private IdentifyIndependentNamespace() {
    }

    public static void nmic(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + NMIC, (byte) value);
    }

    public static void nsattr(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + NSATTR, (byte) value);
    }

    /** NSTAT: bit 0 ready. */
    public static void nstat(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + NSTAT, (byte) value);
    }
}
