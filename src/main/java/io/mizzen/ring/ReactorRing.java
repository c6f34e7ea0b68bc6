package io.mizzen.ring;

import static io.mizzen.ffi.IoUringAbi.*;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.IoUringAbi;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.reactor.IdleStrategy;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.ReactorLocal;
import io.mizzen.util.HotPath;
import io.mizzen.util.OperationException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * The io_uring of a reactor: files, sockets, wake-ups and sleep go through this one ring, so that a turn costs at most
 * one system call. Reaps in a poller, hands over in a flusher. Reactor's thread only, but for {@link #wake}.
 */
public final class ReactorRing implements IdleStrategy {
    private static final ReactorLocal<ReactorRing> LOCAL = new ReactorLocal<>();
    /** Slots kept for listeners and watched descriptors. */
    private static final int SLOTS_FOR_REST = 128;
    private static final long DRAIN_TIMEOUT_NS = 5_000_000_000L;
    private static final int REAP_BATCH_MAX = 256;
    /** Operations on files that wait for the end of the turn, at most. */
    private static final int FILE_ENTRIES_MAX = 4;
    private static final long WAKE_USER_DATA = -2L;
    private static final long IGNORED_USER_DATA = -3L;
    /** Work that the kernel does in threads of its own, at most so many a ring. */
    private static final int BOUNDED_WORKERS_MAX = 8;
    private static final int UNBOUNDED_WORKERS_MAX = 8;

    private final Arena arena = Arena.ofConfined();
    private final Reactor reactor;
    private final IoUring ring;
    private final RingSlot[] slots;
    private final int[] freeSlots;
    private final Waker waker;
    private final RingFiles files;
    private final RingSockets sockets;
    private final RingFdWatcher watcher;
    private final boolean registeredBuffers;
    private final int socketReserve;
    private boolean closing;
    private int freeSlotCount;
    private int fileEntries;
    private long slotsEmpty;
    private long submissions;
    private long completions;
    private long lateCompletions;

    /** Opens the ring and gives the reactor its ports. On the reactor's thread. */
    public static ReactorRing open(Reactor reactor, RingConfig config, DmaMemory memory, List<Integer> workerCores) {
        ReactorRing ring = new ReactorRing(reactor, config, memory, workerCores);
        LOCAL.set(reactor, ring);
        reactor.install(ring, ring.sockets, ring.watcher);
        reactor.mthread().addPoller("ring", 0, ring::reap);
        reactor.addFlusher(ring::flush);
        return ring;
    }

    /** The reactor's ring. */
    public static ReactorRing of(Reactor reactor) {
        ReactorRing ring = LOCAL.get(reactor);
        if (ring == null) {
            throw new IllegalStateException("no ring on " + reactor);
        }
        return ring;
    }

    private ReactorRing(Reactor reactor, RingConfig config, DmaMemory memory, List<Integer> workerCores) {
        this.reactor = reactor;
        this.ring = new IoUring(config.entries());
        this.slots = new RingSlot[config.slots()];
        this.freeSlots = new int[config.slots()];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = new RingSlot(i);
            freeSlots[i] = slots.length - 1 - i;
        }
        this.freeSlotCount = slots.length;
        this.socketReserve = Math.min(slots.length / 2, 2 * config.connections() + SLOTS_FOR_REST);
        this.registeredBuffers = registerBuffers(memory.regions());
        this.files = new RingFiles(ring, config.files());
        keepWorkersOff(workerCores);
        this.waker = Waker.create(ring, WAKE_USER_DATA);
        this.watcher = new RingFdWatcher(this);
        this.sockets = new RingSockets(this, reactor, config, memory);
        if (waker.eventFd() >= 0) {
            watcher.watch(waker.eventFd(), waker::drain);
        }
    }

    private boolean registerBuffers(List<DmaRegion> regions) {
        MemorySegment vectors = arena.allocate(16L * regions.size(), 8);
        for (DmaRegion region : regions) {
            vectors.setAtIndex(ValueLayout.JAVA_LONG, 2L * region.index(), region.address());
            vectors.setAtIndex(ValueLayout.JAVA_LONG, 2L * region.index() + 1, region.sizeBytes());
        }
        return ring.register(IORING_REGISTER_BUFFERS, vectors.address(), regions.size()) >= 0;
    }

    private void keepWorkersOff(List<Integer> workerCores) {
        MemorySegment limits = arena.allocate(8, 8);
        limits.setAtIndex(ValueLayout.JAVA_INT, 0, BOUNDED_WORKERS_MAX);
        limits.setAtIndex(ValueLayout.JAVA_INT, 1, UNBOUNDED_WORKERS_MAX);
        ring.register(IORING_REGISTER_IOWQ_MAX_WORKERS, limits.address(), 2);
        if (workerCores.isEmpty()) {
            return;
        }
        MemorySegment mask = arena.allocate(128, 8);
        for (int core : workerCores) {
            byte old = mask.get(ValueLayout.JAVA_BYTE, core / 8);
            mask.set(ValueLayout.JAVA_BYTE, core / 8, (byte) (old | 1 << core % 8));
        }
        ring.register(IORING_REGISTER_IOWQ_AFF, mask.address(), 128);
    }

    public Reactor reactor() {
        return reactor;
    }

    public RingFiles files() {
        return files;
    }

    /** Whether READ_FIXED and WRITE_FIXED may name the engine's regions. */
    @HotPath
    public boolean hasRegisteredBuffers() {
        return registeredBuffers;
    }

    IoUring raw() {
        return ring;
    }

    // --- operations -----------------------------------------------------------------------------

    /**
     * A slot for an operation on a file, or null: backpressure. However many of those there are, receives and sends find
     * a slot: a busy disk must not cost a connection.
     */
    @HotPath
    public RingSlot tryAcquireForFile(CqeHandler handler) {
        if (freeSlotCount <= socketReserve) {
            slotsEmpty++;
            return null;
        }
        return tryAcquire(handler);
    }

    /** A slot for an operation of a socket or a watched descriptor, or null. */
    @HotPath
    RingSlot tryAcquire(CqeHandler handler) {
        if (freeSlotCount == 0) {
            slotsEmpty++;
            return null;
        }
        RingSlot slot = slots[freeSlots[--freeSlotCount]];
        assert !slot.busy;
        slot.busy = true;
        slot.handler = handler;
        return slot;
    }

    /** Gives a slot back whose operation was not submitted. */
    @HotPath
    public void release(RingSlot slot) {
        assert slot.busy;
        slot.busy = false;
        slot.generation = slot.generation + 1 & 0x3FFF_FFFF;     // User data stays positive.
        slot.handler = null;
        slot.context = null;
        freeSlots[freeSlotCount++] = slot.index;
    }

    /**
     * Address of an entry to fill for an operation on a file. A few are handed over at once, not at the end of the turn:
     * a disk that works while the next ones are prepared does a tenth more.
     */
    @HotPath
    public long nextSqeForFile() {
        if (fileEntries >= FILE_ENTRIES_MAX) {
            submissions += ring.submitOnly();
            fileEntries = 0;
        }
        fileEntries++;
        return nextSqe();
    }

    /** Address of an entry to fill; hands over what is pending when the queue is full. */
    @HotPath
    long nextSqe() {
        long sqe = ring.nextSqe();
        while (sqe == 0) {
            submissions += ring.submit();
            sqe = ring.nextSqe();
        }
        return sqe;
    }

    /** Asks the kernel to end an operation; its completion comes all the same. */
    void cancel(RingSlot slot) {
        IoUringAbi.fill(nextSqe(), IORING_OP_ASYNC_CANCEL, 0, 0, -1, 0, slot.userData(), 0, 0, IGNORED_USER_DATA, 0);
    }

    @HotPath
    private int reap(long nowNs) {
        int count = 0;
        while (count < REAP_BATCH_MAX && ring.hasCompletions()) {
            long cqe = ring.headCqe();
            long userData = RawMemory.getLong(cqe + CQE_USER_DATA);
            int result = RawMemory.getInt(cqe + CQE_RES);
            int flags = RawMemory.getInt(cqe + CQE_FLAGS);
            ring.dropHead();
            count++;
            dispatch(userData, result, flags);
        }
        if (count != 0) {
            ring.publishHead();
            completions += count;
        }
        return count;
    }

    @HotPath
    private void dispatch(long userData, int result, int flags) {
        if (userData < 0) {
            assert userData == WAKE_USER_DATA || userData == IGNORED_USER_DATA;
            return;
        }
        RingSlot slot = slots[(int) userData];
        if (!slot.busy || slot.generation != (int) (userData >>> 32)) {
            lateCompletions++;
            return;
        }
        boolean more = (flags & IORING_CQE_F_MORE) != 0;
        if (!closing) {
            slot.handler.onCqe(slot, result, flags, more);
        }
        if (!more) {
            release(slot);
        }
    }

    @HotPath
    private int flush() {
        if (ring.pending() == 0 && !ring.needsEnter()) {
            return 0;
        }
        int submitted = ring.submit();
        submissions += submitted;
        fileEntries = 0;
        return submitted;
    }

    // --- sleep and wake ---------------------------------------------------------------------------

    @Override
    public void sleep(long timeoutNs) {
        if (ring.hasCompletions()) {
            return;
        }
        ring.submitAndWait(timeoutNs);
    }

    @Override
    public void wake() {
        waker.wake();
    }

    public RingStats stats() {
        return new RingStats(ring.features() + (waker.eventFd() >= 0 ? " eventfd" : " msg-ring"), ring.enters(),
                submissions, completions, lateCompletions, freeSlotCount, slotsEmpty, sockets.connectionCount(),
                registeredBuffers, files.isRegistered());
    }

    /**
     * Closes after the reactor's last turn. What the kernel still has is cancelled and waited for, so that it writes to
     * no memory of ours afterwards; nobody is told of it any more.
     */
    public void close() {
        closing = true;
        watcher.close();
        IoUringAbi.fill(nextSqe(), IORING_OP_ASYNC_CANCEL, 0, 0, -1, 0, 0, 0,
                IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY, IGNORED_USER_DATA, 0);
        long deadlineNs = System.nanoTime() + DRAIN_TIMEOUT_NS;
        while (freeSlotCount < slots.length && System.nanoTime() < deadlineNs) {
            if (!ring.hasCompletions()) {
                ring.submitAndWait(DRAIN_TIMEOUT_NS / 50);
            }
            reap(0);
        }
        ring.close();
        sockets.closeBuffers();
        waker.close();
        arena.close();
    }

    static OperationException failed(String what, int errno) {
        return OperationException.internal("ring-setup-failed", what + ": " + Errno.describe(errno));
    }
}
