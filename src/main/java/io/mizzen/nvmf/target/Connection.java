package io.mizzen.nvmf.target;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.bdev.IoStats;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvmf.IcPdu;
import io.mizzen.nvmf.Pdu;
import io.mizzen.nvmf.TermPdu;
import io.mizzen.reactor.Sockets;
import io.mizzen.util.HotPath;
import io.mizzen.util.OperationException;
import java.net.InetSocketAddress;

/**
 * One TCP connection, which becomes one queue pair. Belongs to its poll group; its thread only, but for the fields that a
 * view reads.
 *
 * <pre>
 * INITIALIZING → CONNECTING → READY → (TERMINATING →) CLOSING → CLOSED
 *  ICReq          connect     commands  C2HTermReq sent  socket or I/O left
 * </pre>
 */
final class Connection implements Sockets.SocketHandler {
    enum State { INITIALIZING, CONNECTING, READY, TERMINATING, CLOSING, CLOSED }

    final PollGroup group;
    final long id;
    final long area;
    final int areaIndex;
    final long acceptedNs;
    final IoStats stats = new IoStats();
    final BufferShare buffers;
    Sockets.Socket socket;
    Transmitter transmitter;
    private Receiver receiver;
    private State state = State.INITIALIZING;
    private InetSocketAddress localAddress;
    private InetSocketAddress remoteAddress;

    // Negotiated (TCP transport 1.0, section 3.6.2.1).
    int headerDigestBytes;
    int dataDigestBytes;
    int r2tWindow = 1;
    int c2hDataOffset = Pdu.DATA_BYTES;
    int capsuleBytesMax = Area.ADMIN_CAPSULE_BYTES;
    boolean mayOmitResponse;

    // The queue.
    Controller controller;
    GroupSubsystem subsystem;
    private int queueId;
    private int queueEntries = 1;
    private int sqHead;
    private boolean flowControl = true;
    private CommandSet commands;
    private DmaMemory.Block block;
    private Request[] slots;
    private Request[] freeSlots;
    private int freeSlotCount;
    private long capsules;
    private int capsuleStride;
    private int[] freeCapsules;
    private int freeCapsuleCount;
    /** Commands begun whose response has not been handed to the socket. */
    int outstanding;
    /** Requests in the hands of a bdev or of the control reactor. */
    int executing;
    int transferring;
    boolean dirty;
    Connection dirtyNext;

    /** When the peer must have closed, after a termination. */
    long terminateDeadlineNs;
    long receivedBytes;
    long receivedBytesSeen;
    long lastReceiveNs;
    long commandCount;
    String closeReason = "";
    private boolean socketClosed;

    Connection(PollGroup group, long id, long area, int areaIndex, long nowNs) {
        this.group = group;
        this.id = id;
        this.area = area;
        this.areaIndex = areaIndex;
        this.acceptedNs = nowNs;
        this.lastReceiveNs = nowNs;
        this.buffers = new BufferShare(group);
        RawMemory.zero(area, Area.CAPSULE);
        Request connect = new Request(this, 0, area + Area.CONNECT_SLOT);
        commands = new ConnectCommands();
        connect.commands = commands;
        slots = new Request[] {connect};
        freeSlots = new Request[] {connect};
        freeSlotCount = 1;
        receiver = new Receiver(this, area + Area.RX_HEADER);
    }

    void attach(Sockets.Socket newSocket) {
        socket = newSocket;
        localAddress = newSocket.localAddress();
        remoteAddress = newSocket.remoteAddress();
        transmitter = new Transmitter(this, newSocket, area + Area.IOVEC);
    }

    // --- state ------------------------------------------------------------------------------------

    State state() {
        return state;
    }

    private void setState(State next) {
        assert next.ordinal() > state.ordinal();
        state = next;
    }

    @HotPath
    boolean isReceiving() {
        return state.ordinal() < State.TERMINATING.ordinal();
    }

    @HotPath
    boolean isClosing() {
        return state.ordinal() >= State.CLOSING.ordinal();
    }

    @HotPath
    boolean awaitsInitialization() {
        return state == State.INITIALIZING;
    }

    @HotPath
    long nowNs() {
        return group.reactor.nowNs();
    }

    @HotPath
    int queueId() {
        return queueId;
    }

    int queueEntries() {
        return queueEntries;
    }

    InetSocketAddress localAddress() {
        return localAddress;
    }

    InetSocketAddress remoteAddress() {
        return remoteAddress;
    }

    /** SQHD of a response: FFFFh without flow control. */
    @HotPath
    int sqHead() {
        return flowControl ? sqHead : 0xFFFF;
    }

    @HotPath
    int h2cDataBytesMax() {
        return group.config.h2cDataBytesMax();
    }

    // --- socket events -----------------------------------------------------------------------------

    @Override
    @HotPath
    public void onReceive(long address, int lengthBytes) {
        receivedBytes += lengthBytes;
        receiver.receive(address, lengthBytes);
    }

    @Override
    @HotPath
    public void onExpected(int lengthBytes) {
        receivedBytes += lengthBytes;
        receiver.onExpected(lengthBytes);
    }

    @Override
    @HotPath
    public void onSent(int result) {
        if (result == 0 && !isClosing()) {
            transmitter.onSent();
        }
    }

    @Override
    public void onClosed(int errno) {
        socketClosed = true;
        if (!isClosing()) {
            closeReason = errno == 0 ? "closed by the host" : "socket error " + -errno;
            setState(State.CLOSING);
            group.onConnectionClosing(this);
        }
        finishIfIdle();
    }

    // --- initialization ----------------------------------------------------------------------------

    /** The host's ICReq lies in the area. */
    void onInitialize(long header) {
        if (IcPdu.format(ALL, header) != 0) {
            terminate(TermPdu.FES_UNSUPPORTED_PARAMETER, 8, header, Pdu.IC_BYTES);
            return;
        }
        int alignment = IcPdu.alignment(ALL, header);
        if (alignment > IcPdu.ALIGNMENT_MAX) {
            terminate(TermPdu.FES_INVALID_HEADER_FIELD, 10, header, Pdu.IC_BYTES);
            return;
        }
        int asked = IcPdu.digests(ALL, header);
        int granted = asked & ((group.config.headerDigest() ? IcPdu.DIGEST_HEADER : 0)
                | (group.config.dataDigest() ? IcPdu.DIGEST_DATA : 0));
        r2tWindow = (int) Math.min(IcPdu.maxR2t(ALL, header) + 1, group.config.r2tMax());
        IcPdu.response(ALL, area + Area.TX_IC, 0, granted, group.config.h2cDataBytesMax());
        headerDigestBytes = (granted & IcPdu.DIGEST_HEADER) != 0 ? Pdu.DIGEST_BYTES : 0;
        dataDigestBytes = (granted & IcPdu.DIGEST_DATA) != 0 ? Pdu.DIGEST_BYTES : 0;
        int unit = (alignment + 1) * 4;
        c2hDataOffset = (Pdu.DATA_BYTES + headerDigestBytes + unit - 1) / unit * unit;
        assert c2hDataOffset <= Slot.DATA_HEADER_BYTES;
        setState(State.CONNECTING);
        transmitter.queueSpecial(area + Area.TX_IC, Pdu.IC_BYTES);
    }

    /**
     * The connect command has succeeded: the queue gets its memory.
     *
     * @throws OperationException RESOURCE_EXHAUSTED without memory; nothing has changed then
     */
    void becomeQueue(Controller owner, int id, int entries, boolean withFlowControl) {
        assert state == State.CONNECTING;
        int capsuleBytes = id == 0 ? Area.ADMIN_CAPSULE_BYTES : group.config.inCapsuleBytes();
        int slotCount = 2 * entries;    // Responses in flight hold a slot while the host already sends new commands.
        long slotBytes = (long) slotCount * Slot.STRIDE_BYTES;
        long capsuleOffset = slotBytes + 4095 & -4096L;
        capsuleStride = capsuleBytes + 511 & -512;
        block = group.memory.allocate(capsuleOffset + (long) entries * capsuleStride, -1);
        RawMemory.zero(block.address(), slotBytes);
        capsules = block.address() + capsuleOffset;
        capsuleBytesMax = capsuleBytes;
        controller = owner;
        subsystem = group.subsystem(owner.subsystem);
        queueId = id;
        queueEntries = entries;
        flowControl = withFlowControl;
        mayOmitResponse = !withFlowControl || id != 0 && group.config.successFlag();
        commands = id == 0 ? new AdminCommands(owner) : new IoCommands(this);
        slots = new Request[slotCount];
        freeSlots = new Request[slotCount];
        for (int i = 0; i < slotCount; i++) {
            slots[i] = new Request(this, i, block.address() + (long) i * Slot.STRIDE_BYTES);
            slots[i].commands = commands;
            freeSlots[slotCount - 1 - i] = slots[i];
        }
        freeSlotCount = slotCount;
        freeCapsules = new int[entries];
        for (int i = 0; i < entries; i++) {
            freeCapsules[i] = entries - 1 - i;
        }
        freeCapsuleCount = entries;
        sqHead = 1 % entries;
        setState(State.READY);
    }

    // --- slots and in-capsule buffers ---------------------------------------------------------------

    /** A request for a command; null when the host has more commands out than the queue has entries. */
    @HotPath
    Request acquire() {
        if (outstanding >= queueEntries || freeSlotCount == 0) {
            return null;
        }
        outstanding++;
        commandCount++;
        if (++sqHead >= queueEntries) {
            sqHead = 0;
        }
        return freeSlots[--freeSlotCount];
    }

    /** The request of a slot, or null. */
    @HotPath
    Request find(int index) {
        return index < slots.length ? slots[index] : null;
    }

    @HotPath
    void release(Request request) {
        request.free();
        if (request.index < slots.length && slots[request.index] == request) {
            freeSlots[freeSlotCount++] = request;
        }
    }

    /** Gives the request a place for its capsule's data: there is one for each entry of the queue. */
    @HotPath
    void assignCapsuleBuffer(Request request) {
        if (state == State.CONNECTING) {
            request.capsuleBuffer = Request.CAPSULE_OWN;
            request.address = area + Area.CAPSULE;
            request.regionIndex = group.slabRegionIndex();
            return;
        }
        int index = freeCapsules[--freeCapsuleCount];
        request.capsuleBuffer = index;
        request.address = capsules + (long) index * capsuleStride;
        request.regionIndex = block.regionIndex();
    }

    @HotPath
    void releaseCapsuleBuffer(int index) {
        freeCapsules[freeCapsuleCount++] = index;
    }

    /** A command has its outcome. */
    @HotPath
    void onCompleted(Request request) {
        group.stats.commands++;
        if (request.status != NvmeStatus.SUCCESS) {
            group.stats.commandErrors++;
        }
        if (isReceiving()) {
            request.setState(RequestState.RESPONDING);
            transmitter.queue(request);
        } else {
            release(request);
            finishIfIdle();
        }
    }

    /** The command is in the hands of somebody who will complete it. */
    @HotPath
    void beginExecuting(Request request) {
        request.setState(RequestState.EXECUTING);
        executing++;
    }

    @HotPath
    void endExecuting() {
        executing--;
        assert executing >= 0;
    }

    // --- ends ---------------------------------------------------------------------------------------

    void onHostTerminates(int status, int information) {
        group.stats.terminationsReceived++;
        group.log("nvmf host terminates", status, information);
        close("terminated by the host, status " + status);
    }

    /** Fatal transport error: tell the host what and why, then wait for it to close (TCP transport 1.0, section 3.5). */
    void terminate(int status, int information, long header, int headerBytes) {
        if (!isReceiving()) {
            return;
        }
        group.stats.terminationsSent++;
        group.log("nvmf terminate", status, information);
        closeReason = "transport error, status " + status + ", information " + information;
        setState(State.TERMINATING);
        terminateDeadlineNs = nowNs() + group.config.terminateTimeoutNs();
        transmitter.dropQueued();
        long at = area + Area.TX_TERM;
        TermPdu.set(ALL, at, Pdu.TYPE_C2H_TERM_REQ, status, information, headerBytes);
        RawMemory.copy(header, at + Pdu.TERM_BYTES, headerBytes);
        transmitter.queueSpecial(at, Pdu.TERM_BYTES + headerBytes);
    }

    /** Closes without a word. */
    void close(String reason) {
        if (isClosing()) {
            return;
        }
        closeReason = reason;
        setState(State.CLOSING);
        group.onConnectionClosing(this);
        socket.close();
    }

    /** When the socket has gone and nothing executes, everything is given back. */
    void finishIfIdle() {
        if (!socketClosed || executing != 0 || state == State.CLOSED) {
            return;
        }
        setState(State.CLOSED);
        transmitter.dropQueued();
        for (Request request : slots) {
            if (request.state() != RequestState.FREE) {
                group.forget(request);
                request.free();
            }
        }
        assert transferring == 0;
        if (block != null) {
            group.memory.free(block);
            block = null;
        }
        group.onConnectionClosed(this);
    }
}
