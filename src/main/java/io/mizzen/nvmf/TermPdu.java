package io.mizzen.nvmf;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static io.mizzen.ffi.RawMemory.LE_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * Termination request of either side, 24 bytes and up to 128 bytes of the offending PDU's header (TCP transport
 * specification 1.0, sections 3.6.2.3 and 3.6.2.4).
 */
public final class TermPdu {
    /** A field of the header is wrong; the information is its offset in bytes. */
    public static final int FES_INVALID_HEADER_FIELD = 1;
    public static final int FES_SEQUENCE_ERROR = 2;
    /** The information is the digest received. */
    public static final int FES_HEADER_DIGEST_ERROR = 3;
    public static final int FES_DATA_OUT_OF_RANGE = 4;
    /** From the controller: more data than allowed. From the host: more R2Ts than allowed. */
    public static final int FES_LIMIT_EXCEEDED = 5;
    /** The information is the offset of the parameter in bytes. */
    public static final int FES_UNSUPPORTED_PARAMETER = 6;

    private TermPdu() {
    }

    public static int status(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + 8) & 0xFFFF;
    }

    public static int information(MemorySegment s, long at) {
        return s.get(LE_INT, at + 10);
    }

    /** Fills the header; the offending header's bytes are the caller's. */
    public static void set(MemorySegment s, long at, int type, int status, int information, int dataBytes) {
        assert dataBytes <= Pdu.TERM_DATA_BYTES_MAX;
        s.asSlice(at, Pdu.TERM_BYTES).fill((byte) 0);
        Pdu.set(s, at, type, 0, Pdu.TERM_BYTES, 0, Pdu.TERM_BYTES + dataBytes);
        s.set(LE_SHORT, at + 8, (short) status);
        s.set(LE_INT, at + 10, information);
    }
}
