package io.mizzen.nvmf;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static io.mizzen.ffi.RawMemory.LE_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * Initialize connection request and response, 128 bytes (TCP transport specification 1.0, sections 3.6.2.1 and 3.6.2.2).
 *
 * <pre>
 *  0 common header  8 PFV  10 HPDA or CPDA  11 DGST: bit 0 header, bit 1 data  12 MAXR2T (from zero) or MAXH2CDATA
 * </pre>
 */
public final class IcPdu {
    public static final int DIGEST_HEADER = 1;
    public static final int DIGEST_DATA = 1 << 1;
    /** Largest HPDA and CPDA: alignment in dwords, counted from zero. */
    public static final int ALIGNMENT_MAX = 31;

    private IcPdu() {
    }

    /** PFV: 0 is the only format. */
    public static int format(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + 8) & 0xFFFF;
    }

    /** HPDA or CPDA as sent: dwords, counted from zero. */
    public static int alignment(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + 10) & 0xFF;
    }

    public static int digests(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + 11) & 0xFF;
    }

    /** MAXR2T as sent, counted from zero; unsigned. */
    public static long maxR2t(MemorySegment s, long at) {
        return s.get(LE_INT, at + 12) & 0xFFFF_FFFFL;
    }

    /** MAXH2CDATA in bytes; unsigned. */
    public static long maxH2cDataBytes(MemorySegment s, long at) {
        return s.get(LE_INT, at + 12) & 0xFFFF_FFFFL;
    }

    /** Fills a request. {@code maxR2t} counts from zero. */
    public static void request(MemorySegment s, long at, int format, int hpda, int digests, int maxR2t) {
        fill(s, at, Pdu.TYPE_IC_REQ, format, hpda, digests, maxR2t);
    }

    /** Fills a response. */
    public static void response(MemorySegment s, long at, int cpda, int digests, int maxH2cDataBytes) {
        fill(s, at, Pdu.TYPE_IC_RESP, 0, cpda, digests, maxH2cDataBytes);
    }

    private static void fill(MemorySegment s, long at, int type, int format, int alignment, int digests, int limit) {
        s.asSlice(at, Pdu.IC_BYTES).fill((byte) 0);
        Pdu.set(s, at, type, 0, Pdu.IC_BYTES, 0, Pdu.IC_BYTES);
        s.set(LE_SHORT, at + 8, (short) format);
        s.set(JAVA_BYTE, at + 10, (byte) alignment);
        s.set(JAVA_BYTE, at + 11, (byte) digests);
        s.set(LE_INT, at + 12, limit);
    }
}
