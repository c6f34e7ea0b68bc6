package io.mizzen.nvmf.target;

import io.mizzen.bdev.BdevContext;
import io.mizzen.memory.BufferPool;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.memory.DmaMemory;
import io.mizzen.reactor.Deferred;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Poller;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Sockets;
import io.mizzen.reactor.Timer;
import io.mizzen.util.Crc32c;
import io.mizzen.util.HotPath;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The connections that one core serves, its part of each subsystem, and what waits there. Created and used on its
 * mthread; the load that {@link Target} looks at is approximate.
 */
final class PollGroup {
    /** How often time limits are looked at. */
    private static final long HOUSEKEEPING_NS = 100_000_000L;
    /** How soon a request is tried again that waits for what others release elsewhere. */
    private static final long RETRY_NS = 200_000L;
    /** One connection holds at most one part in so many of a pool. */
    private static final int CONNECTION_SHARE = 4;

    final Target target;
    final Mthread mthread;
    final Reactor reactor;
    final TargetConfig config;
    final DmaMemory memory;
    final Crc32c crc = new Crc32c();
    final TargetStats stats = new TargetStats();
    private final BufferPool.Cache small;
    private final BufferPool.Cache large;
    private final Map<Subsystem, GroupSubsystem> subsystems = new HashMap<>();
    private final List<Connection> connections = new ArrayList<>();
    /** Replaced, never changed: it may shrink while it is walked. */
    private Controller[] controllers = {};
    private final Flush flush = new Flush();
    private final Serve serve = new Serve();
    private final Retry retry = new Retry();
    private final WaitQueue smallWaiters = new WaitQueue();
    private final WaitQueue largeWaiters = new WaitQueue();
    private final WaitQueue ioWaiters = new WaitQueue();
    private final WaitQueue resumeWaiters = new WaitQueue();
    private DmaMemory.Block slab;
    private int[] freeAreas;
    private int freeAreaCount;
    private Connection dirtyHead;
    private Connection dirtyTail;
    private boolean flushPending;
    private boolean servePending;
    private Poller housekeeping;
    private long nextConnectionId;
    private volatile int connectionCount;
    private volatile List<Connection> connectionView = List.of();

    /** On the mthread's reactor. */
    PollGroup(Target target, Mthread mthread, TargetConfig config, DmaMemory memory, int connectionsMax) {
        assert mthread.reactor().isCurrent();
        this.target = target;
        this.mthread = mthread;
        this.reactor = mthread.reactor();
        this.config = config;
        this.memory = memory;
        BdevContext context = BdevContext.of(reactor);
        small = context.small();
        large = context.large();
        slab = memory.allocate((long) connectionsMax * Area.STRIDE_BYTES, -1);
        freeAreas = new int[connectionsMax];
        for (int i = 0; i < connectionsMax; i++) {
            freeAreas[i] = connectionsMax - 1 - i;
        }
        freeAreaCount = connectionsMax;
        housekeeping = mthread.addPoller("nvmf-housekeeping", HOUSEKEEPING_NS, this::housekeep);
    }

    /** The last connection is gone: gives the memory back. */
    void shutDown() {
        assert connections.isEmpty();
        assert subsystems.isEmpty();
        mthread.removePoller(housekeeping);
        reactor.cancel(retry);
        memory.free(slab);
    }

    /** Connections here, those being closed too. Any thread. */
    int connectionCount() {
        return connectionCount;
    }

    /** The connections. Any thread, a snapshot. */
    List<Connection> connections() {
        return connectionView;
    }

    int slabRegionIndex() {
        return slab.regionIndex();
    }

    void log(String event, long first, long second) {
        reactor.events().add(reactor.nowNs(), event, first, second);
    }

    // --- connections ---------------------------------------------------------------------------------

    /** Takes over an accepted socket. */
    void adopt(int socketId) {
        if (freeAreaCount == 0) {
            refuse(socketId);
            return;
        }
        int index = freeAreas[freeAreaCount - 1];
        Connection connection = new Connection(this, nextConnectionId++ << 8 | reactor.index(),
                slab.address() + (long) index * Area.STRIDE_BYTES, index, reactor.nowNs());
        Sockets.Socket socket = reactor.sockets().adopt(socketId, connection);
        if (socket == null) {
            refuse(socketId);
            return;
        }
        freeAreaCount--;
        connection.attach(socket);
        connections.add(connection);
        publish();
        stats.connectionsAccepted++;
    }

    private void refuse(int socketId) {
        stats.connectionsRefused++;
        reactor.sockets().discard(socketId);
        target.onConnectionEnded(this);
    }

    private void publish() {
        connectionCount = connections.size();
        connectionView = List.copyOf(connections);
    }

    /** The connection is going: its controller must know at once. */
    void onConnectionClosing(Connection connection) {
        log("nvmf closing", connection.id, connection.queueId());
        if (connection.subsystem != null) {         // Discovery has none.
            connection.subsystem.abortWaiting(connection);
        }
        if (connection.controller != null) {
            connection.controller.onQueueClosing(connection);
        }
    }

    /** Nothing refers to the connection any more. */
    void onConnectionClosed(Connection connection) {
        connections.remove(connection);
        publish();
        freeAreas[freeAreaCount++] = connection.areaIndex;
        stats.connectionsClosed++;
        target.onConnectionEnded(this);
        if (connection.controller != null) {
            target.onQueueClosed(connection.controller, connection.queueId());
        }
    }

    void addController(Controller controller) {
        controllers = Arrays.copyOf(controllers, controllers.length + 1);
        controllers[controllers.length - 1] = controller;
    }

    void removeController(Controller controller) {
        controllers = Arrays.stream(controllers).filter(c -> c != controller).toArray(Controller[]::new);
    }

    // --- sending: once a turn -----------------------------------------------------------------------

    @HotPath
    void markDirty(Connection connection) {
        if (connection.dirty) {
            return;
        }
        connection.dirty = true;
        connection.dirtyNext = null;
        if (dirtyTail == null) {
            dirtyHead = connection;
        } else {
            dirtyTail.dirtyNext = connection;
        }
        dirtyTail = connection;
        if (!flushPending) {
            flushPending = true;
            reactor.defer(flush);
        }
    }

    private final class Flush extends Deferred {
        @Override
        @HotPath
        protected void runDeferred() {
            flushPending = false;
            Connection connection = dirtyHead;
            dirtyHead = null;
            dirtyTail = null;
            while (connection != null) {
                Connection next = connection.dirtyNext;
                connection.dirtyNext = null;
                connection.dirty = false;
                connection.transmitter.flush();
                connection = next;
            }
        }
    }

    // --- buffers and I/O records: first come, first served ---------------------------------------------

    @HotPath
    boolean isSmall(int bytes) {
        return bytes <= small.pool().bufferSizeBytes();
    }

    @HotPath
    boolean mustWaitForBuffer(int bytes) {
        return !(isSmall(bytes) ? smallWaiters : largeWaiters).isEmpty();
    }

    @HotPath
    DmaBuffer tryAcquire(int bytes) {
        assert bytes <= large.pool().bufferSizeBytes();
        return (isSmall(bytes) ? small : large).tryAcquire();
    }

    @HotPath
    void waitForBuffer(Request request) {
        stats.bufferWaits++;
        (isSmall(request.dataBytes) ? smallWaiters : largeWaiters).add(request);
        armRetry();
    }

    @HotPath
    void release(DmaBuffer buffer) {
        buffer.close();
        if ((!smallWaiters.isEmpty() || !largeWaiters.isEmpty()) && !servePending) {
            servePending = true;
            reactor.defer(serve);
        }
    }

    @HotPath
    void waitForIo(Request request) {
        request.setState(RequestState.AWAITING_IO);
        ioWaiters.add(request);
        armRetry();
    }

    @HotPath
    void waitForResume(Request request) {
        request.setState(RequestState.AWAITING_RESUME);
        resumeWaiters.add(request);
    }

    @HotPath
    private void armRetry() {
        if (!retry.isArmed()) {
            reactor.arm(retry, RETRY_NS);
        }
    }

    /** Most buffers of a kind that one connection may hold, so that a host that does not read starves nobody else. */
    int shareOf(boolean ofSmall) {
        return Math.max(2, (ofSmall ? small : large).pool().count() / CONNECTION_SHARE);
    }

    /** Buffers came back: whoever waits gets them, not inside the call that gave them back. */
    private final class Serve extends Deferred {
        @Override
        @HotPath
        protected void runDeferred() {
            servePending = false;
            serve(smallWaiters);
            serve(largeWaiters);
        }
    }

    private final class Retry extends Timer {
        @Override
        protected void onTimer(long nowNs) {
            serve(smallWaiters);
            serve(largeWaiters);
            Request last = null;
            while (!ioWaiters.isEmpty() && ioWaiters.peek() != last) {
                Request request = ioWaiters.poll();
                request.commands.execute(request);
                if (request.state() == RequestState.AWAITING_IO) {
                    last = last == null ? request : last;
                }
            }
            if (!smallWaiters.isEmpty() || !largeWaiters.isEmpty() || !ioWaiters.isEmpty()) {
                armRetry();
            }
        }
    }

    @HotPath
    private void serve(WaitQueue waiters) {
        while (!waiters.isEmpty() && waiters.peek().takeBuffer()) {
            waiters.poll().onBuffer();
        }
    }

    /** The request's connection is gone: it waits for nothing any more. */
    void forget(Request request) {
        if (request.state() == RequestState.AWAITING_BUFFER) {
            smallWaiters.remove(request);
            largeWaiters.remove(request);
            request.connection.buffers.forget(request);
        } else if (request.state() == RequestState.AWAITING_IO) {
            ioWaiters.remove(request);
        } else if (request.state() == RequestState.AWAITING_RESUME) {
            resumeWaiters.remove(request);
        }
    }

    // --- subsystems (messages from the control reactor) ----------------------------------------------------

    GroupSubsystem subsystem(Subsystem subsystem) {
        return subsystems.get(subsystem);
    }

    void addSubsystem(Subsystem subsystem) {
        subsystems.put(subsystem, new GroupSubsystem(subsystem, config.namespacesMax()));
    }

    void removeSubsystem(Subsystem subsystem) {
        subsystems.remove(subsystem);
    }

    /** Opens the group's channel; null, or why not. */
    OperationException addNamespace(Subsystem subsystem, Namespace namespace) {
        try {
            GroupNamespace added = new GroupNamespace(namespace.descriptor().openChannel(mthread));
            subsystems.get(subsystem).put(namespace.nsid(), added);
            return null;
        } catch (OperationException e) {
            return e;
        }
    }

    /** New commands are refused from here on; when those in flight have ended the channel is closed. */
    void removeNamespace(Subsystem subsystem, int nsid, Runnable done) {
        GroupSubsystem groupSubsystem = subsystems.get(subsystem);
        GroupNamespace namespace = groupSubsystem.find(nsid);
        if (namespace == null) {
            done.run();
            return;
        }
        groupSubsystem.put(nsid, null);
        if (namespace.inFlight == 0) {
            if (!namespace.detached) {
                namespace.channel.close();
            }
            done.run();
        } else {
            // The last completion is still inside the channel: close it when that has returned.
            namespace.drained = () -> mthread.send(() -> {
                namespace.channel.close();
                done.run();
            });
            namespace.channel.releaseLimited();
        }
    }

    /** Closes the channel of a namespace of a paused subsystem, and keeps its place. */
    void detachNamespace(Subsystem subsystem, int nsid) {
        GroupNamespace namespace = subsystems.get(subsystem).find(nsid);
        assert namespace.inFlight == 0;
        namespace.detached = true;
        namespace.channel.close();
    }

    /** Holds commands back; {@code done} when none is in flight. */
    void pause(Subsystem subsystem, Runnable done) {
        GroupSubsystem groupSubsystem = subsystems.get(subsystem);
        groupSubsystem.paused = true;
        if (groupSubsystem.inFlight == 0) {
            done.run();
        } else {
            groupSubsystem.drained = done;
            groupSubsystem.releaseLimited();
        }
    }

    void resume(Subsystem subsystem) {
        GroupSubsystem groupSubsystem = subsystems.get(subsystem);
        groupSubsystem.paused = false;
        if (groupSubsystem.drained != null) {       // The pause ends before all I/O has.
            Runnable told = groupSubsystem.drained;
            groupSubsystem.drained = null;
            told.run();
        }
        Request last = null;
        while (!resumeWaiters.isEmpty() && resumeWaiters.peek() != last) {
            Request request = resumeWaiters.poll();
            if (request.commands.isHeld(request)) {
                resumeWaiters.add(request);
            } else {
                request.onResumed();
            }
            if (request.state() == RequestState.AWAITING_RESUME) {
                last = last == null ? request : last;   // Of another subsystem, still paused.
            }
        }
    }

    // --- time limits ---------------------------------------------------------------------------------------

    private int housekeep(long nowNs) {
        int work = 0;
        for (int i = connections.size() - 1; i >= 0; i--) {
            work += housekeep(connections.get(i), nowNs);
        }
        for (Controller controller : controllers) {
            controller.checkKeepAlive(nowNs);
        }
        return work;
    }

    private int housekeep(Connection connection, long nowNs) {
        if (connection.receivedBytes != connection.receivedBytesSeen) {
            connection.receivedBytesSeen = connection.receivedBytes;
            connection.lastReceiveNs = nowNs;
            if (connection.controller != null) {
                connection.controller.noteActivity(nowNs);
            }
        }
        switch (connection.state()) {
            case INITIALIZING, CONNECTING -> {
                if (nowNs - connection.acceptedNs > config.handshakeTimeoutNs()) {
                    stats.handshakeTimeouts++;
                    connection.close("no connect command in time");
                    return 1;
                }
            }
            case READY -> {
                boolean sendStalled = connection.transmitter.isSending()
                        && nowNs - connection.transmitter.sendStartNs > config.stallTimeoutNs();
                boolean transferStalled = connection.transferring > 0
                        && nowNs - connection.lastReceiveNs > config.stallTimeoutNs();
                if (sendStalled || transferStalled) {
                    stats.stallTimeouts++;
                    connection.close("the host does not go on with a transfer");
                    return 1;
                }
            }
            case TERMINATING -> {
                if (nowNs - connection.terminateDeadlineNs > 0) {
                    connection.close(connection.closeReason);
                    return 1;
                }
            }
            default -> {
                return 0;
            }
        }
        return 0;
    }
}
