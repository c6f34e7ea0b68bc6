package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoQueue;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.IovaMap;
import io.mizzen.nvme.Cqe;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.reactor.Poller;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Timer;
import io.mizzen.util.HotPath;

/**
 * An I/O queue pair of a controller and the commands in it. Owned by one reactor, which polls it every turn; all
 * namespaces share it. What finds no free slot waits in order. The controller's reset machine suspends it, collects what
 * the stopped controller left, and resumes it; each I/O ends exactly once.
 *
 * <pre>
 * SUSPENDED ⇄ LIVE
 *     ↓         ↓
 *        DEAD        every I/O fails
 * </pre>
 *
 * <p>An I/O uses {@code driverLong} for the blocks that have a command, {@code driverInt} for its commands in flight,
 * {@code driverLong2} for the first failure.
 */
final class IoQueuePair {
    private static final int SUSPENDED = 0;
    private static final int LIVE = 1;
    private static final int DEAD = 2;

    /** Commands of one I/O at a time, so that a long one leaves slots to others. */
    private static final int PER_IO_MAX = 16;
    private static final int REAP_BATCH_MAX = 128;
    private static final long SCAN_PERIOD_NS = 250_000_000L;
    /** Shorter than reactors spin: while commands are in flight and something moved not long ago, they do not sleep. */
    private static final long POLL_PERIOD_NS = 25_000;
    /** How long that is; then an interrupt is to wake the reactor, or a slower look where there is none. */
    private static final long FAST_NS = 1_000_000;
    private static final long SLOW_PERIOD_NS = 1_000_000;
    /** With interrupts: bounds what a lost one could cost. */
    private static final long INTERRUPT_PERIOD_NS = 10_000_000;
    private static final long RETRY_DELAY_NS = 1_000_000;

    /** What a pair tells its controller; called on the pair's reactor. */
    interface Owner {
        /** A command is too late: abort it. */
        void onTimeout(IoQueuePair pair, int commandId);

        /** The abort did not help either. */
        void onStuck(IoQueuePair pair, int commandId);
    }

    private final Owner controller;
    private final QueueMemory memory;
    private final IovaMap iovas;
    private final NvmeOptions options;
    private final Reactor reactor;
    private final PairWaker waker;
    private final QueueRings rings;
    private final DmaMemory.Block lists;
    private final IoCommand[] commands;
    private final int[] free;
    private final int indexMask;
    private final int generationShift;
    private final int generationMask;
    private final IoQueue waiting = new IoQueue();
    private final PairTimer timer = new PairTimer();
    private final Runnable onInterrupt = this::onInterrupt;
    private Poller poller;
    private int freeCount;
    private int outstanding;
    private int delayed;
    private int state = SUSPENDED;
    private long scanNs;
    private long activityNs;
    private ControllerInfo info;

    // Counters, read by anybody.
    long completions;
    long unknownCompletions;
    long errors;
    long retries;
    long timeouts;

    /**
     * Takes the memory; the queues are not known to the controller yet.
     *
     * @param waker what wakes its reactor; null: it is polled
     */
    IoQueuePair(Owner controller, int id, int entries, Reactor reactor, QueueMemory memory,
            ControllerRegisters registers, NvmeOptions options, PairWaker waker) {
        this.controller = controller;
        this.memory = memory;
        this.iovas = memory.iovas();
        this.options = options;
        this.reactor = reactor;
        this.waker = waker;
        this.rings = new QueueRings(id, entries, memory, registers);
        this.indexMask = entries - 1;
        this.generationShift = Integer.numberOfTrailingZeros(entries);
        this.generationMask = 0xFFFF >>> generationShift;
        this.commands = new IoCommand[entries - 1];     // One less than entries: a full queue would look empty.
        this.free = new int[commands.length];
        this.freeCount = commands.length;
        try {
            this.lists = memory.allocate((long) entries * IoCommand.LIST_BYTES);
        } catch (RuntimeException e) {
            rings.free(memory);
            throw e;
        }
        for (int i = 0; i < commands.length; i++) {
            long list = lists.address() + (long) i * IoCommand.LIST_BYTES;
            commands[i] = new IoCommand(i, list, iovas.iova(lists.regionIndex(), list));
            free[i] = commands.length - 1 - i;
        }
    }

    QueueRings rings() {
        return rings;
    }

    long submissionIova() {
        return memory.iova(rings.submission());
    }

    long completionIova() {
        return memory.iova(rings.completion());
    }

    Reactor reactor() {
        return reactor;
    }

    /** Interrupt vector for the completion queue, or negative. */
    int vector() {
        return waker == null ? -1 : waker.vector();
    }

    // --- set-up and end, on the pair's reactor ----------------------------------------------------

    private void attach() {
        poller = reactor.mthread().addPoller("nvme queue " + rings.id(), 0, this::poll);
        PairFlusher.of(reactor).add(this);
    }

    /** Is polled no more; nothing is in flight or waiting. */
    void detach() {
        assert reactor.isCurrent();
        assert outstanding == 0;
        assert delayed == 0;
        assert waiting.isEmpty();
        reactor.cancel(timer);
        if (poller != null) {
            reactor.mthread().removePoller(poller);
            PairFlusher.of(reactor).remove(this);
            if (waker != null) {
                waker.forget();
            }
            poller = null;
        }
        state = DEAD;
    }

    /** Gives the memory back: the device reaches it no more. Any thread, last of all. */
    void free() {
        rings.free(memory);
        memory.free(lists);
    }

    /** The controller stops: sends nothing from here on. */
    void suspend() {
        assert reactor.isCurrent();
        if (state == LIVE) {
            state = SUSPENDED;
        }
    }

    /**
     * The controller has stopped and writes no completion any more: what it completed ends, what timed out fails, the
     * rest is sent again by {@link #resume}, if it was not tried too often.
     */
    void collect() {
        assert reactor.isCurrent();
        if (state != SUSPENDED) {
            return;
        }
        reap(reactor.nowNs(), Integer.MAX_VALUE);
        for (IoCommand command : commands) {
            if (command.state == IoCommand.SENT) {
                if (command.timeout != IoCommand.IN_TIME) {
                    end(command, Status.ABORTED_BY_REQUEST);
                } else if (command.tries >= options.retryMax()) {
                    end(command, Status.INTERNAL_ERROR);
                } else {
                    command.tries++;
                    delay(command, 0);
                }
            }
        }
        rings.reset();
    }

    /**
     * The controller knows the queues, which are empty: everything goes on.
     *
     * @param now what the controller says of itself
     * @param shadowAddress page of shadow doorbells, or 0
     * @param eventAddress page of event indexes, or 0
     */
    void resume(ControllerInfo now, long shadowAddress, long eventAddress) {
        assert reactor.isCurrent();
        if (state == SUSPENDED) {
            if (poller == null) {
                attach();
            }
            rings.useShadows(shadowAddress, eventAddress, waker != null && waker.needsHeads());
            info = now;
            state = LIVE;
            scanNs = reactor.nowNs();
            sendDelayed(Long.MAX_VALUE);
            startWaiting();
        }
    }

    /**
     * The controller is gone: every I/O fails, those to come too.
     *
     * @param harmless whether it certainly reaches no memory any more
     */
    void kill(boolean harmless) {
        assert reactor.isCurrent();
        if (state == DEAD) {
            return;
        }
        state = SUSPENDED;
        reap(reactor.nowNs(), Integer.MAX_VALUE);
        state = DEAD;
        for (IoCommand command : commands) {
            if (command.state != IoCommand.FREE) {
                if (!harmless) {
                    command.quarantine(memory);
                }
                end(command, Status.INTERNAL_ERROR | Status.DNR);
            }
        }
        for (BdevIo io = waiting.poll(); io != null; io = waiting.poll()) {
            finish(io, Status.INTERNAL_ERROR | Status.DNR);
        }
    }

    // --- submission ---------------------------------------------------------------------------------

    /** Starts an I/O of a namespace; it ends later, never inside this call. */
    @HotPath
    void submit(BdevIo io) {
        assert reactor.isCurrent();
        io.driverLong = 0;
        io.driverLong2 = Status.SUCCESS;
        io.driverInt = 0;
        int refused = state == DEAD ? Status.INTERNAL_ERROR | Status.DNR : check(io);
        if (refused != Status.SUCCESS) {
            finishDeferred(io, refused);
        } else if (freeCount == 0 || !waiting.isEmpty()) {
            waiting.add(io);
        } else {
            startParts(io);
        }
    }

    @HotPath
    private int check(BdevIo io) {
        if (!IoType.hasData(io.type)) {
            return Status.SUCCESS;
        }
        if ((io.address & 3) != 0) {
            return Status.INVALID_FIELD | Status.DNR;           // PRPs and SGLs begin at dwords.
        }
        if (io.regionIndex < 0 && iovas.regionOf(io.address) < 0) {
            return Status.DATA_TRANSFER_ERROR | Status.DNR;     // The device cannot reach it.
        }
        return Status.SUCCESS;
    }

    /** As many commands as there may be now; the others follow as these end. */
    @HotPath
    private void startParts(BdevIo io) {
        long total = total(io);
        while (freeCount > 0 && io.driverInt < PER_IO_MAX && io.driverLong < total) {
            start(io, total);
        }
    }

    /** What a flush has in place of blocks is one unit. */
    @HotPath
    private static long total(BdevIo io) {
        return io.type == IoType.FLUSH ? 1 : io.blockCount;
    }

    @HotPath
    private void start(BdevIo io, long total) {
        IoCommand command = commands[free[--freeCount]];
        assert command.state == IoCommand.FREE;
        command.io = io;
        command.firstBlock = io.driverLong;
        command.blockCount = Math.min(total - io.driverLong, ((NvmeBdev) io.channel().bdev()).commandBlocksMax(io.type));
        command.tries = 0;
        io.driverLong += command.blockCount;
        io.driverInt++;
        if (state == LIVE) {
            send(command);
        } else {
            command.state = IoCommand.DELAYED;
            command.dueNs = 0;
            delayed++;
        }
    }

    @HotPath
    private void send(IoCommand command) {
        command.generation = command.generation + 1 & generationMask;
        command.timeout = IoCommand.IN_TIME;
        activityNs = reactor.nowNs();
        command.dueNs = activityNs + options.ioTimeoutNs();
        command.state = IoCommand.SENT;
        outstanding++;
        command.encode(rings.nextEntry(), commandId(command), (NvmeBdev) command.io.channel().bdev(), iovas);
    }

    @HotPath
    private int commandId(IoCommand command) {
        return command.generation << generationShift | command.index;
    }

    @HotPath
    private void startWaiting() {
        while (freeCount > 0 && !waiting.isEmpty()) {
            startParts(waiting.poll());
        }
    }

    /** End of a turn: one doorbell for all that it queued, and the timer while anything is in flight. */
    @HotPath
    int flush() {
        if (state != LIVE) {
            return 0;
        }
        if ((outstanding | delayed) != 0 && !timer.isArmed()) {
            reactor.arm(timer, periodNs(reactor.nowNs()));
        }
        return rings.ring();
    }

    // --- completion ---------------------------------------------------------------------------------

    @HotPath
    private int poll(long nowNs) {
        if (outstanding == 0 || state != LIVE) {
            return 0;
        }
        int count = reap(nowNs, REAP_BATCH_MAX);
        if (count != 0) {
            startWaiting();
        }
        return count;
    }

    @HotPath
    private int reap(long nowNs, int limit) {
        int count = 0;
        while (count < limit && count < rings.entries()) {
            long entry = rings.completionEntry();
            if (entry == 0) {
                break;
            }
            int cid = Cqe.cid(ALL, entry);
            int status = Cqe.status(ALL, entry);
            boolean mine = Cqe.sqId(ALL, entry) == rings.id();
            rings.consume();
            count++;
            int index = cid & indexMask;
            if (mine && index < commands.length && commands[index].state == IoCommand.SENT
                    && commands[index].generation == cid >>> generationShift) {
                completed(commands[index], status);
            } else {
                unknownCompletions++;
            }
        }
        if (count != 0) {
            completions += count;
            activityNs = nowNs;
        }
        return count;
    }

    @HotPath
    private void completed(IoCommand command, int status) {
        if (Status.code(status) == Status.SUCCESS) {
            end(command, Status.SUCCESS);
            return;
        }
        errors += Status.isCallerError(status) ? 0 : 1;
        if (command.timeout == IoCommand.IN_TIME && command.tries < options.retryMax() && isRetryable(status)) {
            retries++;
            long askedNs = Math.min(info.retryDelayNs(NvmeStatus.retryDelay(status)), options.ioTimeoutNs());
            delay(command, Math.max(askedNs, RETRY_DELAY_NS * pow10(command.tries++)));
        } else {
            end(command, translate(status));
        }
    }

    @HotPath
    private static long pow10(int exponent) {
        long value = 1;
        for (int i = 0; i < exponent && value < 1000; i++) {
            value *= 10;
        }
        return value;
    }

    /** Whether the same command may succeed later: the controller did not rule it out, and it is not the request's fault. */
    @HotPath
    private static boolean isRetryable(int status) {
        int code = Status.code(status);
        return (status & NvmeStatus.DNR) == 0 && !Status.isCallerError(status) && code != Status.CAPACITY_EXCEEDED
                && code != Status.NAMESPACE_WRITE_PROTECTED && code != Status.ACCESS_DENIED;
    }

    /** Type, code and do-not-retry as the drive gave them, but for the one value that means something else here. */
    @HotPath
    private static int translate(int status) {
        int code = Status.code(status);
        return (code == Status.NO_RESOURCES ? Status.INTERNAL_ERROR : code) | status & Status.DNR;
    }

    /** The command is done with: the I/O goes on with its next part, or ends. */
    @HotPath
    private void end(IoCommand command, int status) {
        BdevIo io = command.io;
        release(command);
        io.driverInt--;
        if (status != Status.SUCCESS && io.driverLong2 == Status.SUCCESS) {
            io.driverLong2 = status;
        }
        long total = total(io);
        if (io.driverLong < total && io.driverLong2 == Status.SUCCESS) {
            start(io, total);
        } else if (io.driverInt == 0) {
            finish(io, (int) io.driverLong2);
        }
    }

    @HotPath
    private void release(IoCommand command) {
        assert command.state != IoCommand.FREE;
        if (command.state == IoCommand.SENT) {
            outstanding--;
        } else {
            delayed--;
        }
        command.state = IoCommand.FREE;
        command.io = null;
        free[freeCount++] = command.index;
    }

    @HotPath
    private void finish(BdevIo io, int status) {
        if (io.channel().mthread().reactor() == reactor) {
            io.complete(status);
        } else {
            ((NvmeChannel.Remote) io.driverContext).giveBack(status);
        }
    }

    @HotPath
    private void finishDeferred(BdevIo io, int status) {
        if (io.channel().mthread().reactor() == reactor) {
            io.completeDeferred(status);
        } else {
            ((NvmeChannel.Remote) io.driverContext).giveBack(status);
        }
    }

    // --- time ---------------------------------------------------------------------------------------

    private void delay(IoCommand command, long delayNs) {
        assert command.state == IoCommand.SENT;
        outstanding--;
        delayed++;
        command.state = IoCommand.DELAYED;
        command.dueNs = reactor.nowNs() + delayNs;
    }

    private void sendDelayed(long nowNs) {
        for (int i = 0; i < commands.length && delayed > 0; i++) {
            IoCommand command = commands[i];
            if (command.state == IoCommand.DELAYED && (nowNs == Long.MAX_VALUE || command.dueNs - nowNs <= 0)) {
                delayed--;
                send(command);
            }
        }
    }

    private long periodNs(long nowNs) {
        if (delayed > 0) {
            return RETRY_DELAY_NS;
        }
        if (nowNs - activityNs < FAST_NS) {
            return POLL_PERIOD_NS;
        }
        return waker != null && waker.isAwaited() ? INTERRUPT_PERIOD_NS : SLOW_PERIOD_NS;
    }

    private void onTimer(long nowNs) {
        if (state != LIVE) {
            return;
        }
        if (delayed > 0) {
            sendDelayed(nowNs);
        }
        if (waker != null && outstanding > 0 && nowNs - activityNs >= FAST_NS) {
            waker.await(onInterrupt);
        }
        if (nowNs - scanNs >= SCAN_PERIOD_NS) {
            scanNs = nowNs;
            scan(nowNs);
        }
    }

    private void scan(long nowNs) {
        for (IoCommand command : commands) {
            if (command.state != IoCommand.SENT || command.dueNs - nowNs > 0) {
                continue;
            }
            if (command.timeout == IoCommand.IN_TIME) {
                timeouts++;
                command.timeout = IoCommand.ABORTING;
                command.dueNs = nowNs + options.abortTimeoutNs();
                controller.onTimeout(this, commandId(command));
            } else if (command.timeout == IoCommand.ABORTING) {
                command.timeout = IoCommand.STUCK;
                controller.onStuck(this, commandId(command));
            }
        }
    }

    private final class PairTimer extends Timer {
        @Override
        protected void onTimer(long nowNs) {
            IoQueuePair.this.onTimer(nowNs);
        }
    }

    /** The next look is due by what is found now, not by how long an interrupt was awaited. */
    private void onInterrupt() {
        poll(reactor.nowNs());
        reactor.cancel(timer);
    }

    // --- views, any thread --------------------------------------------------------------------------

    int outstanding() {
        return outstanding;
    }

    int waiting() {
        return waiting.size();
    }

    /** Commands that may be in flight at a time. */
    int slots() {
        return commands.length;
    }

    long interrupts() {
        return waker == null ? 0 : waker.interrupts();
    }
}
