package io.mizzen.nvmf.target;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.SglDescriptor;
import io.mizzen.nvme.Sqe;
import io.mizzen.nvmf.DataPdu;
import io.mizzen.nvmf.Pdu;
import io.mizzen.util.HotPath;

/**
 * One command of a connection, from its capsule to the last byte of its response; made at connect, used again and again.
 * States: {@link RequestState}. The poll group's thread only.
 */
final class Request implements IoCompletion {
    /** Value of {@link #capsuleBuffer}: none, or a buffer that is always this request's own. */
    static final int CAPSULE_NONE = -1;
    static final int CAPSULE_OWN = -2;

    private static final int TAG_INDEX_BITS = 11;
    private static final int TAG_R2T_BITS = 2;
    private static final int TAG_GENERATION_MASK = 7;

    final Connection connection;
    final int index;
    /** Address of the native part, see {@link Slot}. */
    final long slot;

    private int state = RequestState.FREE;
    private int generation;
    CommandSet commands;
    int cid;
    int opcode;
    int nsid;
    /** Bytes that the command moves, and which way: {@link io.mizzen.nvme.Opcodes#DATA_NONE} and so on. */
    int dataBytes;
    int direction;
    long startNs;

    /** Data in memory; 0 without. */
    long address;
    int regionIndex;
    /** In-capsule buffer held; CAPSULE_NONE, CAPSULE_OWN or an index. */
    int capsuleBuffer = CAPSULE_NONE;
    /** Bytes that came in the capsule. */
    int capsuleBytes;
    private DmaBuffer buffer;
    boolean digestError;

    int status;
    /** Dwords 0 and 1 of the completion entry. */
    long result;
    boolean disconnectAfter;

    GroupNamespace namespace;
    /** Range of a dataset management command that is being executed. */
    int rangeIndex;

    private int transferOffset;
    private int receivedBytes;
    private int r2tActive;
    /** R2Ts that wait to be sent, one bit each. */
    int r2tToSend;
    private final int[] r2tOffset = new int[Slot.R2T_MAX];
    private final int[] r2tEnd = new int[Slot.R2T_MAX];

    /** Link of the transmitter's queues. */
    Request txNext;
    boolean txQueued;
    /** Link of the group's waiting queues. */
    Request waitNext;

    Request(Connection connection, int index, long slot) {
        assert index < 1 << TAG_INDEX_BITS;
        this.connection = connection;
        this.index = index;
        this.slot = slot;
    }

    @HotPath
    int state() {
        return state;
    }

    @HotPath
    void setState(int next) {
        assert RequestState.allowed(state, next);
        if (next == RequestState.TRANSFERRING) {
            connection.transferring++;
        } else if (state == RequestState.TRANSFERRING) {
            connection.transferring--;
        }
        state = next;
    }

    /** Address of the submission queue entry. */
    @HotPath
    long sqe() {
        return slot + Slot.SQE;
    }

    // --- life -------------------------------------------------------------------------------------

    /** The capsule's header is complete: the entry lies at {@link #sqe()}. */
    @HotPath
    void begin(long nowNs) {
        setState(RequestState.RECEIVING);
        generation++;
        startNs = nowNs;
        cid = Sqe.cid(ALL, sqe());
        opcode = Sqe.opcode(ALL, sqe());
        nsid = Sqe.nsid(ALL, sqe());
        dataBytes = 0;
        direction = 0;
        address = 0;
        regionIndex = -1;
        capsuleBytes = 0;
        digestError = false;
        status = NvmeStatus.SUCCESS;
        result = 0;
        disconnectAfter = false;
        namespace = null;
        rangeIndex = 0;
        transferOffset = 0;
        receivedBytes = 0;
        r2tActive = 0;
        r2tToSend = 0;
    }

    /** The capsule is complete, data and all: what the command needs is found out, and got. */
    @HotPath
    void start() {
        if (digestError) {
            complete(NvmeStatus.TRANSIENT_TRANSPORT_ERROR);
            return;
        }
        int refused = commands.prepare(this);
        if (refused == NvmeStatus.SUCCESS && direction != 0) {
            refused = checkSgl();
        }
        if (refused != NvmeStatus.SUCCESS) {
            complete(refused);
        } else if (direction == 0 || address != 0 && direction == Opcodes.DATA_TO_CONTROLLER) {
            commands.execute(this);
        } else if (commands.isHeld(this)) {
            connection.group.waitForResume(this);       // It keeps no buffer from others meanwhile.
        } else {
            acquireBuffer();
        }
    }

    /** The subsystem goes on. */
    @HotPath
    void onResumed() {
        if (direction == 0 || address != 0) {
            commands.execute(this);
        } else if (!connection.isReceiving()) {
            complete(NvmeStatus.ABORTED_BY_REQUEST);
        } else {
            acquireBuffer();
        }
    }

    /** Checks the descriptor, and keeps or drops the capsule's data accordingly. */
    @HotPath
    private int checkSgl() {
        long at = Sqe.sgl1(sqe());
        int type = SglDescriptor.typeByte(ALL, at);
        long length = SglDescriptor.lengthBytes(ALL, at);
        if (type == SglDescriptor.IN_CAPSULE) {
            if (direction != Opcodes.DATA_TO_CONTROLLER) {
                return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
            }
            if (SglDescriptor.address(ALL, at) != 0) {
                return NvmeStatus.noRetry(NvmeStatus.SGL_OFFSET_INVALID);
            }
            if (length != capsuleBytes || length < dataBytes) {
                return NvmeStatus.noRetry(NvmeStatus.DATA_SGL_LENGTH_INVALID);
            }
            return NvmeStatus.SUCCESS;
        }
        if (type == SglDescriptor.TRANSPORT) {
            releaseCapsule();
            address = 0;
            return length < dataBytes ? NvmeStatus.noRetry(NvmeStatus.DATA_SGL_LENGTH_INVALID) : NvmeStatus.SUCCESS;
        }
        int kind = type >>> 4;
        if (kind == SglDescriptor.TYPE_SEGMENT || kind == SglDescriptor.TYPE_LAST_SEGMENT) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_SGL_SEGMENT_DESCRIPTOR);
        }
        return NvmeStatus.noRetry(NvmeStatus.SGL_DESCRIPTOR_TYPE_INVALID);
    }

    @HotPath
    private void acquireBuffer() {
        PollGroup group = connection.group;
        if (!connection.buffers.mayTake(dataBytes)) {
            setState(RequestState.AWAITING_BUFFER);
            connection.buffers.waitForShare(this);
        } else if (group.mustWaitForBuffer(dataBytes) || !takeBuffer()) {
            setState(RequestState.AWAITING_BUFFER);
            group.waitForBuffer(this);
        } else {
            onBuffer();
        }
    }

    /** Takes a buffer from the core's cache; false when there is none. */
    @HotPath
    boolean takeBuffer() {
        DmaBuffer taken = connection.group.tryAcquire(dataBytes);
        if (taken == null) {
            return false;
        }
        connection.buffers.onTaken(dataBytes);
        buffer = taken;
        address = taken.address();
        regionIndex = taken.regionIndex();
        return true;
    }

    /** A buffer is there: ask for the data, or execute. */
    @HotPath
    void onBuffer() {
        if (direction == Opcodes.DATA_TO_CONTROLLER) {
            setState(RequestState.TRANSFERRING);
            requestTransfers();
        } else {
            commands.execute(this);
        }
    }

    @Override
    @HotPath
    public void onIoComplete(BdevIo io) {
        assert state == RequestState.EXECUTING;
        int ioStatus = io.status();
        io.release();
        IoCommands.onIoEnded(this, ioStatus);
    }

    /** Ends the command: the response is queued. Data that the host sent is not needed any more. */
    @HotPath
    void complete(int newStatus) {
        status = newStatus;
        if (direction != Opcodes.DATA_TO_HOST || newStatus != NvmeStatus.SUCCESS) {
            releaseData();
        }
        connection.onCompleted(this);
    }

    /** The response has left, or the connection is gone: everything returns to where it came from. */
    @HotPath
    void free() {
        releaseData();
        namespace = null;
        setState(RequestState.FREE);
    }

    @HotPath
    private void releaseData() {
        releaseCapsule();
        if (buffer != null) {
            DmaBuffer released = buffer;
            buffer = null;
            connection.buffers.onReleased(dataBytes);
            connection.group.release(released);
        }
        address = 0;
    }

    @HotPath
    private void releaseCapsule() {
        if (capsuleBuffer >= 0) {
            connection.releaseCapsuleBuffer(capsuleBuffer);
        }
        capsuleBuffer = CAPSULE_NONE;
    }

    // --- R2T (TCP transport 1.0, section 3.3.2.1.2) ------------------------------------------------

    /** Asks for as much as the window allows. */
    @HotPath
    private void requestTransfers() {
        int window = connection.r2tWindow;
        int chunk = dataBytes;
        if (window > 1) {
            chunk = Math.max(4096, (dataBytes / window + 4095) & -4096);
        }
        for (int i = 0; i < window && transferOffset < dataBytes; i++) {
            if ((r2tActive & 1 << i) == 0) {
                int length = Math.min(chunk, dataBytes - transferOffset);
                r2tOffset[i] = transferOffset;
                r2tEnd[i] = transferOffset + length;
                transferOffset += length;
                r2tActive |= 1 << i;
                r2tToSend |= 1 << i;
                writeR2t(i, length);
            }
        }
        if (r2tToSend != 0) {
            connection.transmitter.queue(this);
        }
    }

    @HotPath
    private void writeR2t(int i, int length) {
        long at = slot + Slot.R2T + (long) i * Slot.R2T_STRIDE;
        int flags = connection.headerDigestBytes != 0 ? Pdu.FLAG_HEADER_DIGEST : 0;
        Pdu.set(ALL, at, Pdu.TYPE_R2T, flags, Pdu.R2T_BYTES, 0, Pdu.R2T_BYTES + connection.headerDigestBytes);
        DataPdu.set(ALL, at, cid, tag(i), r2tOffset[i], length);
        connection.transmitter.sealHeader(at, Pdu.R2T_BYTES);
    }

    @HotPath
    private int tag(int r2t) {
        return index | r2t << TAG_INDEX_BITS
                | (generation & TAG_GENERATION_MASK) << TAG_INDEX_BITS + TAG_R2T_BITS;
    }

    @HotPath
    static int indexOfTag(int tag) {
        return tag & (1 << TAG_INDEX_BITS) - 1;
    }

    /** The R2T that a tag names, or -1 when this request has none such. */
    @HotPath
    int r2tOfTag(int tag) {
        int r2t = tag >>> TAG_INDEX_BITS & (1 << TAG_R2T_BITS) - 1;
        if (state != RequestState.TRANSFERRING || tag(r2t) != tag || (r2tActive & 1 << r2t) == 0) {
            return -1;
        }
        return r2t;
    }

    /** Where the next data of an R2T belongs, from the start of the command's data. */
    @HotPath
    int r2tOffset(int r2t) {
        return r2tOffset[r2t];
    }

    @HotPath
    int r2tRemaining(int r2t) {
        return r2tEnd[r2t] - r2tOffset[r2t];
    }

    /** A piece of data lies in the buffer. */
    @HotPath
    void onDataReceived(int r2t, int length) {
        assert length <= r2tRemaining(r2t);
        r2tOffset[r2t] += length;
        receivedBytes += length;
        if (r2tOffset[r2t] == r2tEnd[r2t]) {
            r2tActive &= ~(1 << r2t);
        }
        if (receivedBytes == dataBytes) {
            if (digestError) {
                complete(NvmeStatus.TRANSIENT_TRANSPORT_ERROR);
            } else {
                commands.execute(this);
            }
        } else if (transferOffset < dataBytes) {
            requestTransfers();
        }
    }
}
