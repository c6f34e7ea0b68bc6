package io.mizzen.nvmf.target;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.ffi.RawMemory;
import io.mizzen.nvme.Cqe;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvmf.DataPdu;
import io.mizzen.nvmf.Pdu;
import io.mizzen.reactor.Sockets;
import io.mizzen.util.HotPath;

/**
 * What a connection sends: one send in flight, with an I/O vector over all that is ready. Requests whose responses are in
 * flight are freed when the send has ended.
 */
final class Transmitter {
    /** Most pieces of one request: data header, data, digest with response; or its R2Ts. */
    private static final int PIECES_MAX = 4;

    private final Connection connection;
    private final Sockets.Socket socket;
    private final long iovec;
    private int count;
    private Request head;
    private Request tail;
    private Request sentHead;
    private long specialAddress;
    private int specialBytes;
    private boolean closeAfterSend;
    long sendStartNs;

    Transmitter(Connection connection, Sockets.Socket socket, long iovec) {
        this.connection = connection;
        this.socket = socket;
        this.iovec = iovec;
    }

    /** Queues a response, or the R2Ts that are ready. */
    @HotPath
    void queue(Request request) {
        if (!connection.isReceiving()) {
            return;     // Nothing follows a termination request.
        }
        if (request.txQueued) {
            assert request.state() == RequestState.TRANSFERRING;
            return;     // More R2Ts of a request that is queued for some.
        }
        request.txQueued = true;
        if (tail == null) {
            head = request;
        } else {
            tail.txNext = request;
        }
        tail = request;
        connection.group.markDirty(connection);
    }

    /** Queues a PDU that is none of a request's: ICResp or C2HTermReq. It goes before whatever is queued. */
    void queueSpecial(long address, int bytes) {
        specialAddress = address;
        specialBytes = bytes;
        connection.group.markDirty(connection);
    }

    /** Forgets what is queued: the connection is being terminated. The requests stay as they are. */
    void dropQueued() {
        while (head != null) {
            Request next = head.txNext;
            head.txNext = null;
            head.txQueued = false;
            head = next;
        }
        tail = null;
    }

    @HotPath
    boolean isSending() {
        return socket.isSending();
    }

    @HotPath
    boolean isIdle() {
        return head == null && specialBytes == 0 && !socket.isSending();
    }

    /** Sends what is queued, unless a send is in flight. */
    @HotPath
    void flush() {
        if (socket.isSending() || connection.isClosing()) {
            return;
        }
        count = 0;
        if (specialBytes != 0) {
            add(specialAddress, specialBytes);
            specialBytes = 0;
        }
        while (head != null && count + PIECES_MAX <= Area.IOVEC_MAX) {
            Request request = head;
            head = request.txNext;
            if (head == null) {
                tail = null;
            }
            request.txNext = null;
            request.txQueued = false;
            if (request.state() == RequestState.TRANSFERRING) {
                addR2ts(request);
            } else {
                addResponse(request);
                request.txNext = sentHead;
                sentHead = request;
            }
        }
        if (count != 0) {
            sendStartNs = connection.nowNs();
            socket.send(iovec, count);
        }
    }

    @HotPath
    private void add(long address, int bytes) {
        RawMemory.putLong(iovec + count * 16L, address);
        RawMemory.putLong(iovec + count * 16L + 8, bytes);
        count++;
    }

    @HotPath
    private void addR2ts(Request request) {
        for (int i = 0; i < Slot.R2T_MAX; i++) {
            if ((request.r2tToSend & 1 << i) != 0) {
                add(request.slot + Slot.R2T + (long) i * Slot.R2T_STRIDE, Pdu.R2T_BYTES + connection.headerDigestBytes);
            }
        }
        request.r2tToSend = 0;
    }

    @HotPath
    private void addResponse(Request request) {
        assert request.state() == RequestState.RESPONDING;
        connection.outstanding--;
        long response = request.slot + Slot.RESPONSE;
        boolean data = request.status == NvmeStatus.SUCCESS
                && request.direction == Opcodes.DATA_TO_HOST && request.dataBytes != 0;
        boolean omitResponse = data && connection.mayOmitResponse && request.result == 0;
        int digest = 0;
        if (data) {
            addData(request, omitResponse);
            digest = connection.dataDigestBytes;
        }
        int bytes = 0;
        if (!omitResponse) {
            writeResponse(request, response);
            bytes = Pdu.CAPSULE_RESP_BYTES + connection.headerDigestBytes;
        }
        if (digest + bytes != 0) {
            add(digest != 0 ? request.slot + Slot.DATA_DIGEST : response, digest + bytes);
        }
        if (request.disconnectAfter) {
            closeAfterSend = true;
        }
    }

    @HotPath
    private void addData(Request request, boolean success) {
        long at = request.slot + Slot.DATA_HEADER;
        int offset = connection.c2hDataOffset;
        int flags = Pdu.FLAG_LAST | (success ? Pdu.FLAG_SUCCESS : 0)
                | (connection.headerDigestBytes != 0 ? Pdu.FLAG_HEADER_DIGEST : 0)
                | (connection.dataDigestBytes != 0 ? Pdu.FLAG_DATA_DIGEST : 0);
        Pdu.set(ALL, at, Pdu.TYPE_C2H_DATA, flags, Pdu.DATA_BYTES, offset,
                offset + request.dataBytes + connection.dataDigestBytes);
        DataPdu.set(ALL, at, request.cid, 0, 0, request.dataBytes);
        sealHeader(at, Pdu.DATA_BYTES);
        add(at, offset);
        add(request.address, request.dataBytes);
        if (connection.dataDigestBytes != 0) {
            RawMemory.putInt(request.slot + Slot.DATA_DIGEST,
                    connection.group.crc.of(request.address, request.dataBytes));
        }
    }

    @HotPath
    private void writeResponse(Request request, long at) {
        int flags = connection.headerDigestBytes != 0 ? Pdu.FLAG_HEADER_DIGEST : 0;
        Pdu.set(ALL, at, Pdu.TYPE_CAPSULE_RESP, flags, Pdu.CAPSULE_RESP_BYTES, 0,
                Pdu.CAPSULE_RESP_BYTES + connection.headerDigestBytes);
        long cqe = at + Pdu.HEADER_BYTES;
        Cqe.result64(ALL, cqe, request.result);
        Cqe.sqHead(ALL, cqe, connection.sqHead());
        Cqe.sqId(ALL, cqe, connection.queueId());
        Cqe.cid(ALL, cqe, request.cid);
        Cqe.status(ALL, cqe, request.status);
        sealHeader(at, Pdu.CAPSULE_RESP_BYTES);
    }

    /** Appends the header digest, if there is one. */
    @HotPath
    void sealHeader(long at, int headerBytes) {
        if (connection.headerDigestBytes != 0) {
            RawMemory.putInt(at + headerBytes, connection.group.crc.of(at, headerBytes));
        }
    }

    /** The send has ended well. */
    @HotPath
    void onSent() {
        Request request = sentHead;
        sentHead = null;
        while (request != null) {
            Request next = request.txNext;
            request.txNext = null;
            connection.release(request);
            request = next;
        }
        if (closeAfterSend) {
            connection.close("disconnect");
        } else if (head != null || specialBytes != 0) {
            connection.group.markDirty(connection);
        }
    }
}
