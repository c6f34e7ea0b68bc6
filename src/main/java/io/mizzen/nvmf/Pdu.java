package io.mizzen.nvmf;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.mizzen.util.HotPath;
import java.lang.foreign.MemorySegment;

/**
 * Common header of every PDU, 8 bytes (TCP transport specification 1.0, section 3.6.1).
 *
 * <pre>
 *  0 type  1 flags  2 HLEN (header without digest)  3 PDO (offset of the data)  4 PLEN (whole PDU)
 * </pre>
 *
 * On the wire: header, header digest, padding up to PDO, data, data digest.
 */
public final class Pdu {
    public static final int HEADER_BYTES = 8;
    public static final int DIGEST_BYTES = 4;

    public static final int TYPE_IC_REQ = 0x00;
    public static final int TYPE_IC_RESP = 0x01;
    public static final int TYPE_H2C_TERM_REQ = 0x02;
    public static final int TYPE_C2H_TERM_REQ = 0x03;
    public static final int TYPE_CAPSULE_CMD = 0x04;
    public static final int TYPE_CAPSULE_RESP = 0x05;
    public static final int TYPE_H2C_DATA = 0x06;
    public static final int TYPE_C2H_DATA = 0x07;
    public static final int TYPE_R2T = 0x09;

    /** A header digest follows the header. */
    public static final int FLAG_HEADER_DIGEST = 1;
    /** A data digest follows the data. */
    public static final int FLAG_DATA_DIGEST = 1 << 1;
    /** H2CData and C2HData: the last one of the transfer. */
    public static final int FLAG_LAST = 1 << 2;
    /** C2HData: the command is complete and successful; no response capsule follows. */
    public static final int FLAG_SUCCESS = 1 << 3;

    public static final int CAPSULE_CMD_BYTES = HEADER_BYTES + 64;
    public static final int CAPSULE_RESP_BYTES = HEADER_BYTES + 16;
    public static final int DATA_BYTES = 24;
    public static final int R2T_BYTES = 24;
    public static final int IC_BYTES = 128;
    public static final int TERM_BYTES = 24;
    /** Most of the offending PDU's header that a termination request may carry. */
    public static final int TERM_DATA_BYTES_MAX = 128;
    /** Longest header without digest. */
    public static final int HLEN_MAX = 128;

    private Pdu() {
    }

    @HotPath
    public static int type(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at) & 0xFF;
    }

    @HotPath
    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + 1) & 0xFF;
    }

    @HotPath
    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + 1, (byte) value);
    }

    /** Length of the header in bytes, without digest. */
    @HotPath
    public static int headerBytes(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + 2) & 0xFF;
    }

    /** Offset of the data from the start of the PDU, 0 without data. */
    @HotPath
    public static int dataOffset(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + 3) & 0xFF;
    }

    /** Length of the whole PDU, unsigned. */
    @HotPath
    public static long totalBytes(MemorySegment s, long at) {
        return s.get(LE_INT, at + 4) & 0xFFFF_FFFFL;
    }

    /** Writes the common header. */
    @HotPath
    public static void set(MemorySegment s, long at, int type, int flags, int headerBytes, int dataOffset,
            int totalBytes) {
        s.set(LE_INT, at, type | flags << 8 | headerBytes << 16 | dataOffset << 24);
        s.set(LE_INT, at + 4, totalBytes);
    }

    /** The header length that a type must state; 0 for an unknown type. */
    @HotPath
    public static int expectedHeaderBytes(int type) {
        switch (type) {
            case TYPE_IC_REQ:
            case TYPE_IC_RESP:
                return IC_BYTES;
            case TYPE_CAPSULE_CMD:
                return CAPSULE_CMD_BYTES;
            case TYPE_H2C_TERM_REQ:
            case TYPE_C2H_TERM_REQ:
            case TYPE_CAPSULE_RESP:
            case TYPE_H2C_DATA:
            case TYPE_C2H_DATA:
            case TYPE_R2T:
                return DATA_BYTES;
            default:
                return 0;
        }
    }
}
