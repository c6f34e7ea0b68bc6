package io.mizzen.nvmf.target;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.nvmf.DataPdu;
import io.mizzen.nvmf.Pdu;
import io.mizzen.nvmf.TermPdu;
import io.mizzen.util.HotPath;

/**
 * Takes a connection's bytes apart (TCP transport 1.0, section 3.6). Headers are gathered in the connection's area, data
 * is copied once, to where it belongs. A fatal error ends the connection with a termination request (section 3.5).
 *
 * <pre>
 * COMMON → HEADER → (PAD → DATA → (DIGEST)) → COMMON
 * </pre>
 */
final class Receiver {
    private static final int COMMON = 0;
    private static final int HEADER = 1;
    private static final int PAD = 2;
    private static final int DATA = 3;
    private static final int DIGEST = 4;
    /** From here on the C library copies faster into what is not in the cache. */
    private static final int LIBRARY_COPY_BYTES_MIN = 2048;

    private final Connection connection;
    private final long header;
    private int state = COMMON;
    private int filled;
    /** Bytes of header and header digest. */
    private int headerNeed;
    private int type;
    private int padLeft;
    private long dataAddress;
    private int dataBytes;
    private int dataLeft;
    private Request request;
    private int r2t;
    private int dataFlags;

    Receiver(Connection connection, long header) {
        this.connection = connection;
        this.header = header;
    }

    /** Bytes lie in a buffer of the socket's. */
    @HotPath
    void receive(long address, int lengthBytes) {
        take(address, lengthBytes);
        expect();
    }

    /** Bytes of the data lie where they belong, as was expected. */
    @HotPath
    void onExpected(int lengthBytes) {
        if (!connection.isReceiving()) {
            return;
        }
        assert state == DATA;
        assert lengthBytes <= dataLeft;
        dataLeft -= lengthBytes;
        if (dataLeft == 0) {
            onData();
        }
        expect();
    }

    /** What is left of the data may come straight to its place. */
    @HotPath
    private void expect() {
        if (state == DATA && connection.isReceiving()) {
            connection.socket.expect(dataAddress + (dataBytes - dataLeft), dataLeft);
        }
    }

    @HotPath
    private void take(long address, int lengthBytes) {
        long at = address;
        int left = lengthBytes;
        while (left > 0 && connection.isReceiving()) {
            int used;
            switch (state) {
                case COMMON:
                    used = fill(at, left, Pdu.HEADER_BYTES);
                    if (filled == Pdu.HEADER_BYTES) {
                        onCommon();
                    }
                    break;
                case HEADER:
                    used = fill(at, left, headerNeed);
                    if (filled == headerNeed) {
                        onHeader();
                    }
                    break;
                case PAD:
                    used = Math.min(left, padLeft);
                    padLeft -= used;
                    if (padLeft == 0) {
                        state = DATA;
                    }
                    break;
                case DATA:
                    used = Math.min(left, dataLeft);
                    copyData(at, used);
                    dataLeft -= used;
                    if (dataLeft == 0) {
                        onData();
                    }
                    break;
                default:
                    assert state == DIGEST;
                    used = fill(at, left, Pdu.DIGEST_BYTES);
                    if (filled == Pdu.DIGEST_BYTES) {
                        onDigest();
                    }
                    break;
            }
            at += used;
            left -= used;
        }
    }

    @HotPath
    private void copyData(long at, int lengthBytes) {
        long target = dataAddress + (dataBytes - dataLeft);
        if (lengthBytes >= LIBRARY_COPY_BYTES_MIN) {
            Libc.memcpy(target, at, lengthBytes);
        } else {
            RawMemory.copy(at, target, lengthBytes);
        }
    }

    @HotPath
    private int fill(long at, int left, int need) {
        int used = Math.min(left, need - filled);
        RawMemory.copy(at, header + filled, used);
        filled += used;
        return used;
    }

    @HotPath
    private void fail(int status, int information) {
        connection.terminate(status, information, header, Math.min(filled, Pdu.TERM_DATA_BYTES_MAX));
    }

    /** The first eight bytes: enough to know whether the rest can be believed. */
    @HotPath
    private void onCommon() {
        type = Pdu.type(ALL, header);
        int expected = Pdu.expectedHeaderBytes(type);
        boolean fromHost = type == Pdu.TYPE_IC_REQ || type == Pdu.TYPE_H2C_TERM_REQ || type == Pdu.TYPE_CAPSULE_CMD
                || type == Pdu.TYPE_H2C_DATA;
        if (expected == 0 || !fromHost) {
            fail(TermPdu.FES_INVALID_HEADER_FIELD, 0);
            return;
        }
        boolean initialize = type == Pdu.TYPE_IC_REQ;
        if (type != Pdu.TYPE_H2C_TERM_REQ && initialize != connection.awaitsInitialization()) {
            fail(TermPdu.FES_SEQUENCE_ERROR, 0);
            return;
        }
        if (Pdu.headerBytes(ALL, header) != expected) {
            fail(TermPdu.FES_INVALID_HEADER_FIELD, 2);
            return;
        }
        int digest = 0;
        if (type == Pdu.TYPE_CAPSULE_CMD || type == Pdu.TYPE_H2C_DATA) {
            digest = connection.headerDigestBytes;
            boolean flagged = (Pdu.flags(ALL, header) & Pdu.FLAG_HEADER_DIGEST) != 0;
            if (flagged != (digest != 0)) {
                fail(TermPdu.FES_INVALID_HEADER_FIELD, 1);
                return;
            }
        }
        headerNeed = expected + digest;
        if (checkLengths(expected)) {
            state = HEADER;
        }
    }

    /** PDO and PLEN. Sets the data's extent. */
    @HotPath
    private boolean checkLengths(int headerBytes) {
        long total = Pdu.totalBytes(ALL, header);
        padLeft = 0;
        dataBytes = 0;
        if (type == Pdu.TYPE_IC_REQ || type == Pdu.TYPE_H2C_TERM_REQ) {
            long most = type == Pdu.TYPE_IC_REQ ? headerBytes : headerBytes + Pdu.TERM_DATA_BYTES_MAX;
            return total >= headerBytes && total <= most || invalid(4);
        }
        if (total == headerNeed) {
            return type == Pdu.TYPE_CAPSULE_CMD || invalid(4);
        }
        if (total < headerNeed) {
            return invalid(4);
        }
        int offset = Pdu.dataOffset(ALL, header);
        if (offset < headerNeed || offset % 4 != 0) {
            return invalid(3);
        }
        long length = total - offset - connection.dataDigestBytes;
        int limit = type == Pdu.TYPE_CAPSULE_CMD ? connection.capsuleBytesMax : connection.h2cDataBytesMax();
        if (length <= 0) {
            return invalid(4);
        }
        if (length > limit) {
            if (type == Pdu.TYPE_H2C_DATA) {
                fail(TermPdu.FES_LIMIT_EXCEEDED, 0);
                return false;
            }
            return invalid(4);
        }
        boolean flagged = (Pdu.flags(ALL, header) & Pdu.FLAG_DATA_DIGEST) != 0;
        if (flagged != (connection.dataDigestBytes != 0)) {
            return invalid(1);
        }
        padLeft = offset - headerNeed;
        dataBytes = (int) length;
        return true;
    }

    @HotPath
    private boolean invalid(int fieldOffset) {
        fail(TermPdu.FES_INVALID_HEADER_FIELD, fieldOffset);
        return false;
    }

    @HotPath
    private void onHeader() {
        if (type == Pdu.TYPE_IC_REQ) {
            restart();
            connection.onInitialize(header);
            return;
        }
        if (type == Pdu.TYPE_H2C_TERM_REQ) {
            connection.onHostTerminates(TermPdu.status(ALL, header), TermPdu.information(ALL, header));
            return;
        }
        if (connection.headerDigestBytes != 0) {
            int length = headerNeed - Pdu.DIGEST_BYTES;
            int received = RawMemory.getInt(header + length);
            if (received != connection.group.crc.of(header, length)) {
                fail(TermPdu.FES_HEADER_DIGEST_ERROR, received);
                return;
            }
        }
        if (type == Pdu.TYPE_CAPSULE_CMD) {
            onCommand();
        } else {
            onTransfer();
        }
    }

    @HotPath
    private void onCommand() {
        request = connection.acquire();
        if (request == null) {
            fail(TermPdu.FES_SEQUENCE_ERROR, 0);
            return;
        }
        RawMemory.copy(header + Pdu.HEADER_BYTES, request.sqe(), 64);
        request.begin(connection.nowNs());
        if (dataBytes == 0) {
            Request ready = request;
            restart();
            ready.start();
            return;
        }
        connection.assignCapsuleBuffer(request);
        request.capsuleBytes = dataBytes;
        dataAddress = request.address;
        beginData();
    }

    @HotPath
    private void onTransfer() {
        int tag = DataPdu.transferTag(ALL, header);
        request = connection.find(Request.indexOfTag(tag));
        r2t = request == null ? -1 : request.r2tOfTag(tag);
        if (r2t < 0) {
            fail(TermPdu.FES_INVALID_HEADER_FIELD, 10);
            return;
        }
        if (DataPdu.cid(ALL, header) != request.cid) {
            fail(TermPdu.FES_INVALID_HEADER_FIELD, 8);
            return;
        }
        long length = DataPdu.lengthBytes(ALL, header);
        if (length != dataBytes) {
            fail(TermPdu.FES_INVALID_HEADER_FIELD, 16);
            return;
        }
        if (DataPdu.offsetBytes(ALL, header) != request.r2tOffset(r2t) || length > request.r2tRemaining(r2t)) {
            fail(TermPdu.FES_DATA_OUT_OF_RANGE, 0);
            return;
        }
        dataFlags = Pdu.flags(ALL, header);
        boolean last = (dataFlags & Pdu.FLAG_LAST) != 0;
        if (last != (length == request.r2tRemaining(r2t))) {
            fail(TermPdu.FES_INVALID_HEADER_FIELD, 1);
            return;
        }
        dataAddress = request.address + request.r2tOffset(r2t);
        beginData();
    }

    @HotPath
    private void beginData() {
        dataLeft = dataBytes;
        state = padLeft == 0 ? DATA : PAD;
    }

    @HotPath
    private void onData() {
        if (connection.dataDigestBytes != 0) {
            filled = 0;
            state = DIGEST;
        } else {
            deliver();
        }
    }

    @HotPath
    private void onDigest() {
        if (RawMemory.getInt(header) != connection.group.crc.of(dataAddress, dataBytes)) {
            connection.group.stats.dataDigestErrors++;
            request.digestError = true;
        }
        deliver();
    }

    @HotPath
    private void deliver() {
        Request ready = request;
        int transferred = dataBytes;
        restart();
        if (type == Pdu.TYPE_CAPSULE_CMD) {
            ready.start();
        } else {
            ready.onDataReceived(r2t, transferred);
        }
    }

    @HotPath
    private void restart() {
        state = COMMON;
        filled = 0;
        request = null;
    }
}
