package io.mizzen.nvme.pcie;

import io.mizzen.bdev.Status;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.Opcodes;
import io.mizzen.pci.PciDevice;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Reactors;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * An NVMe controller that this process owns: its start, its queue pairs (one per reactor, or fewer that are shared), its
 * namespaces, its recovery and its end. Everything on the admin mthread's reactor, unless a method says otherwise; it does
 * not block.
 *
 * <pre>
 * STARTING → READY ⇄ RESETTING      a fatal status, a command that can neither be answered nor aborted
 *              ↓         ↓
 *              ↓       DEAD          gone, or not to be brought back: every I/O fails
 *           CLOSING ──→ CLOSED
 * </pre>
 */
public final class NvmeController implements IoQueuePair.Owner {
    private enum State {
        STARTING, READY, RESETTING, DEAD, CLOSING, CLOSED
    }

    private static final int BRING_UP_ATTEMPTS = 2;

    private final PciDevice device;
    private final QueueMemory memory;
    private final Mthread admin;
    private final NvmeOptions options;
    private final NvmeListener listener;
    private final ControllerRegisters registers;
    private final AdminQueue adminQueue;
    private final QueuePairs pairs;
    private final AdminWatch watch;
    private final WireInterrupt wire;
    private final ShadowDoorbells shadows;
    private final EventRequests events;
    private final NamespaceTable table;
    private final long[] resetTimes;
    private ControllerStart start;
    private ControllerStop stop;
    private int bringUps;
    private boolean dmaStarted;
    /** Whether its memory may be used for something else; until then it is a question that nobody has asked. */
    private boolean reachesNothing = true;
    private Completion<Void> closed;
    private boolean killed;
    private volatile State state = State.STARTING;
    private volatile ControllerInfo info;
    private volatile long resets;

    private NvmeController(PciDevice device, DmaMemory memory, Reactors reactors, Mthread admin, NvmeOptions options,
            NvmeListener listener) {
        this.device = device;
        this.memory = new QueueMemory(memory, device.iovas(), device.numaNode());
        this.admin = admin;
        this.table = new NamespaceTable(this, listener, reactors.first().mthread());
        this.options = options;
        this.listener = listener;
        this.registers = new ControllerRegisters(device.barAddress());
        this.shadows = new ShadowDoorbells(this.memory);
        this.pairs = new QueuePairs(device, reactors, admin, options);
        this.resetTimes = new long[options.resetMax()];
        Arrays.fill(resetTimes, Long.MIN_VALUE);
        requireSupported();
        this.adminQueue = new AdminQueue(this.memory, registers);
        this.events = new EventRequests(this, listener);
        this.watch = new AdminWatch(this, adminQueue, admin, device, options.interrupts());
        this.wire = new WireInterrupt(device, admin, options.interrupts());
    }

    /**
     * Takes a controller over, whatever it was doing, and brings it up. On the admin mthread's reactor, which completes.
     *
     * @param device stays the caller's, who closes it after {@link #close}, or after a failure
     * @param memory where queues are allocated; every region of it is in the device's map
     */
    public static void open(PciDevice device, DmaMemory memory, Reactors reactors, Mthread admin, NvmeOptions options,
            NvmeListener listener, Completion<NvmeController> done) {
        assert admin.reactor().isCurrent();
        NvmeController controller;
        try {
            controller = new NvmeController(device, memory, reactors, admin, options, listener);
        } catch (OperationException refused) {
            done.fail(refused);
            return;
        }
        controller.watch.begin();
        controller.wire.begin();
        controller.bringUp((nothing, failure) -> {
            if (failure == null) {
                done.ok(controller);
            } else {
                controller.endStart(() -> done.fail(failure));
            }
        });
    }

    /** What did not start is cut off. */
    private void endStart(Runnable then) {
        state = State.CLOSING;
        start = null;
        adminQueue.stop();
        Runnable last = () -> {
            end();
            then.run();
        };
        if (dmaStarted) {
            cutOff(nothing -> { }, last);
        } else {
            last.run();                 // It has not been told of any memory.
        }
    }

    private void requireSupported() {
        if (registers.cap() == -1L) {
            throw failure("nvme-removed", "is gone: its registers read as all ones");
        }
        registers.requireSupported(device.address());
        if (pairs.doorbellsThatFit(registers) < 1) {
            throw failure("nvme-not-supported", "maps " + device.barSizeBytes() + " bytes of registers, too few for I/O queues");
        }
    }

    // --- bringing it up ---------------------------------------------------------------------------

    private void bringUp(Completion<Void> done) {
        bringUps++;
        adminQueue.stop();
        start = new ControllerStart(this, registers, next -> pairs.forEach(IoQueuePair::collect, next),
                (result, failure) -> {
                    if (failure != null) {
                        done.fail(failure);
                    } else {
                        onStarted(result, done);
                    }
                });
        watch.hurry();
        start.begin(nowNs());
    }

    private void onStarted(ControllerStart.Result result, Completion<Void> done) {
        ControllerInfo before = info;
        if (before != null && (!before.serial().equals(result.info().serial())
                || !before.model().equals(result.info().model()))) {
            done.fail(failure("nvme-replaced", "is another drive now: " + result.info().serial() + " in place of " + before.serial()));
            return;
        }
        try {
            table.requireSameFormats(result.namespaces());
            info = result.info();
            shadows.use(result.shadowDoorbells());
            makePairs(result.pairsGranted());
        } catch (OperationException failure) {
            done.fail(failure);
            return;
        }
        ControllerStart attempt = start;
        new QueueCreation(this, pairs.all()).begin((created, failure) -> {
            if (attempt != start) {
                return;                     // Of an attempt that is over; whoever ended it answers for it.
            }
            if (failure != null && (created == 0 || state != State.STARTING || failure.kind() == ErrorKind.TIMEOUT)) {
                done.fail(failure);         // One that did not answer may make the queue yet, and its admin queue is stopped.
            } else {
                pairs.keep(created);
                goOn(result.namespaces(), done);
            }
        });
    }

    private void makePairs(int granted) {
        if (pairs.count() > granted) {
            throw failure("nvme-queues-lost", "grants " + granted + " I/O queues now, " + pairs.count() + " before");
        }
        if (pairs.count() == 0) {
            pairs.make(granted, this, memory, registers, wire);
        }
    }

    private void goOn(List<NvmeNamespace> namespaces, Completion<Void> done) {
        ControllerInfo now = info;
        long shadow = shadows.shadowAddress();
        long event = shadows.eventAddress();
        pairs.forEach(pair -> pair.resume(now, shadow, event), () -> {
            if (state == State.STARTING || state == State.RESETTING) {
                state = State.READY;
                start = null;
                if (closed != null) {
                    shutDown();
                    return;
                }
                table.update(namespaces);
                events.begin(info.asyncEventsMax());
                done.ok(null);
            }
        });
    }

    // --- what the start machine asks for ------------------------------------------------------------

    String address() {
        return device.address();
    }

    long nowNs() {
        return admin.reactor().nowNs();
    }

    AdminQueue adminQueue() {
        return adminQueue;
    }

    void startDma() {
        device.startDma();
        dmaStarted = true;
    }

    int pairsWanted() {
        return pairs.wanted(registers);
    }

    /** Whether interrupts are messages (MSI-X). */
    boolean hasVectors() {
        return device.interruptVectors() > 0;
    }

    /** Whether a pair may wait for interrupts by wire. */
    boolean usesWire() {
        return wire.works();
    }

    ShadowDoorbells shadows() {
        return shadows;
    }

    /** Sends an admin command with the usual deadline. */
    void send(AdminCommand command) {
        if (!adminQueue.submit(command, nowNs(), options.adminTimeoutNs())) {
            command.receiver.onDone(AdminCommand.NO_ANSWER, 0, 0);
        }
        watch.hurry();
    }

    void tell(String code, String what) {
        listener.onEvent(code, device.address() + " " + what);
    }

    OperationException failure(String code, String what) {
        return OperationException.internal(code, device.address() + " " + what);
    }

    /** A command had no answer, or one that says no. */
    OperationException refused(String what, int status) {
        return status == AdminCommand.NO_ANSWER
                ? new OperationException(ErrorKind.TIMEOUT, "nvme-no-answer", device.address() + " did not answer: " + what)
                : failure("nvme-command-failed", "refused " + what + ": " + Status.describe(status));
    }

    // --- time, called by the watch ------------------------------------------------------------------

    /** Whether something is awaited, so that looks have to be frequent. */
    boolean isBusy() {
        return start != null && !start.isOver() || stop != null && !stop.isOver() || adminQueue.isBusy();
    }

    void tick(long nowNs) {
        if (start != null) {
            start.tick(nowNs);
        }
        if (stop != null) {
            stop.tick(nowNs);
        }
        if (adminQueue.isLate(nowNs)) {
            onAdminLate();
        }
        if (state == State.READY && !device.isPresent()) {
            giveUp("the system does not list it any more");
        } else if (state == State.READY) {
            int csts = registers.status();
            if (ControllerRegisters.isGone(csts)) {
                giveUp("it is gone: its registers read as all ones");
            } else if (ControllerRegisters.isFatal(csts)) {
                reset("it reports a fatal status (CSTS.CFS)");
            } else {
                events.tick(nowNs);
            }
        }
    }

    private void onAdminLate() {
        reset("an admin command had no answer in time");
        adminQueue.stop();                              // Whoever waits for an answer ends this attempt.
    }

    /** The system wants the device back. */
    void onRemovalRequest() {
        giveUp("the system takes it away (unplugged or unbound)");
    }

    // --- recovery -----------------------------------------------------------------------------------

    /** Asks for a reset: commands in flight are sent again afterwards. Does nothing unless it is READY. */
    public void reset(String reason) {
        assert admin.reactor().isCurrent();
        if (state != State.READY) {
            return;
        }
        long nowNs = nowNs();
        int slot = (int) (resets % resetTimes.length);
        if (resetTimes[slot] != Long.MIN_VALUE && nowNs - resetTimes[slot] < NvmeOptions.RESET_WINDOW_NS) {
            giveUp("it was reset " + resetTimes.length + " times within "
                    + NvmeOptions.RESET_WINDOW_NS / 1_000_000_000L + " s, and now " + reason);
            return;
        }
        resetTimes[slot] = nowNs;
        resets++;
        state = State.RESETTING;
        bringUps = 0;
        events.forget();
        adminQueue.stop();
        tell("nvme-reset", "is reset: " + reason);
        pairs.forEach(IoQueuePair::suspend, this::bringBack);
    }

    private void bringBack() {
        if (state != State.RESETTING) {
            return;
        }
        bringUp((nothing, failure) -> {
            if (failure == null) {
                tell("nvme-reset-done", "works again");
            } else {
                resetFailed(failure);
            }
        });
    }

    private void resetFailed(OperationException failure) {
        if (state != State.RESETTING) {
            return;
        }
        if (bringUps >= BRING_UP_ATTEMPTS || failure.code().equals("nvme-removed")) {
            giveUp("its reset failed: " + failure.getMessage());
        } else {
            bringBack();
        }
    }

    /**
     * Ends it for good. I/O fails and its buffers are others' again once the device reaches no memory, as a rule at once; nobody's
     * if it can be neither cut off nor made idle in its time. The system has it back when it is idle too, or was given its time.
     */
    private void giveUp(String reason) {
        if (state != State.READY && state != State.RESETTING) {
            return;
        }
        state = State.DEAD;
        if (start != null) {
            start.cancel();
            start = null;
        }
        events.forget();
        adminQueue.stop();
        wire.end();
        tell("nvme-dead", "is given up: " + reason);
        int[] left = {2};
        Runnable half = () -> {
            if (--left[0] == 0) {
                killed = true;
                listener.onDead(reason);
                if (closed != null) {
                    closePairs(this::end);
                }
            }
        };
        cutOff(harmless -> {
            if (!harmless) {
                tell("nvme-memory-kept", "can be neither stopped nor cut off from memory: buffers of its commands in flight, which fail,"
                        + " are used for nothing else any more; restart the engine, with the drive power-cycled");
            }
            pairs.forEach(pair -> pair.kill(harmless), () -> {
                table.removeAll();
                half.run();
            });
        }, half);
    }

    /** Ends the device's access to memory, then makes it idle; {@code cut} runs as soon as the first is certain or cannot be had. */
    private void cutOff(Consumer<Boolean> cut, Runnable idle) {
        stop = newStop(idle);
        stop.beginAtOnce(nowNs(), cut);
        watch.hurry();
    }

    private ControllerStop newStop(Runnable then) {
        return new ControllerStop(registers, device, listener, nothing -> {
            reachesNothing = nothing;
            then.run();
        });
    }

    @Override
    public void onTimeout(IoQueuePair pair, int commandId) {
        admin.send(() -> abort(pair, commandId));
    }

    @Override
    public void onStuck(IoQueuePair pair, int commandId) {
        admin.send(() -> reset("command " + commandId + " of queue " + pair.rings().id()
                + " was neither completed nor aborted in time"));
    }

    private void abort(IoQueuePair pair, int commandId) {
        if (state != State.READY) {
            return;
        }
        listener.onEvent("nvme-timeout", device.address() + ": command " + commandId + " of queue " + pair.rings().id()
                + " is too late and aborted");
        if (events.tryTakeAbort(info.abortsMax())) {
            send(new AdminCommand(Opcodes.ADMIN_ABORT, (status, result, page) -> events.returnAbort())
                    .cdw10(commandId << 16 | pair.rings().id()));
        }
    }

    // --- namespaces -----------------------------------------------------------------------------------

    /** Looks at the namespaces again; bdevs and the listener are told. */
    void rescan() {
        table.rescan();
    }

    /**
     * The bdev of a namespace, for the caller to register. Control reactor.
     *
     * @param uuid of the bdev, or null for the namespace's own
     * @throws OperationException when there is no such namespace, it cannot be used, has a bdev already, or the controller
     *     is down
     */
    public NvmeBdev createBdev(int nsid, String name, UUID uuid) {
        if (state == State.DEAD || state == State.CLOSING || state == State.CLOSED) {
            throw OperationException.precondition("nvme-dead", device.address() + " was given up; unbind and bind it again");
        }
        return table.create(nsid, name, uuid);
    }

    /** A bdev is destroyed: nothing is in flight. Control reactor. */
    void forget(NvmeBdev bdev, Completion<Void> done) {
        table.forget(bdev);
        done.ok(null);
    }

    /** The queue pair that serves a reactor. Any thread, for a bdev of this controller. */
    IoQueuePair pairFor(Reactor reactor) {
        return pairs.of(reactor);
    }

    // --- the end ------------------------------------------------------------------------------------

    /**
     * Shuts the controller down in order (CC.SHN), so that the drive stores what it has; once nothing refers to it any
     * more it completes. All bdevs are destroyed. A drive that does not answer in time is cut off.
     */
    public void close(Completion<Void> done) {
        assert admin.reactor().isCurrent();
        assert closed == null;
        if (bdevCount() != 0) {
            done.fail(OperationException.precondition("bdev-in-use", device.address() + " still has bdevs: "
                    + table.bdevs()));
            return;
        }
        closed = done;
        if (state == State.READY) {
            shutDown();
        } else if (killed) {
            closePairs(this::end);
        }                                               // Else when the reset or the end of all I/O is over.
    }

    private void shutDown() {
        state = State.CLOSING;
        closePairs(() -> {
            events.forget();
            adminQueue.stop();
            stop = newStop(this::end);
            stop.beginOrderly(nowNs(), info.shutdownNs());
            watch.hurry();
        });
    }

    private void closePairs(Runnable then) {
        pairs.forEach(pair -> {
            pair.suspend();
            pair.detach();
        }, then);
    }

    /** The device reaches no memory any more: everything is given back. Else it is nobody's for ever. */
    private void end() {
        state = State.CLOSED;
        watch.end();
        wire.end();
        if (!reachesNothing) {
            memory.keepAll();
        }
        pairs.free();
        adminQueue.free();
        shadows.free();
        if (!reachesNothing) {
            tell("nvme-memory-kept", "could not be stopped and may still write to memory: that of its queues is used for nothing"
                    + " else any more (" + memory.keptBytes() + " bytes in all); restart the engine, with the drive power-cycled");
        }
        if (closed != null) {
            closed.ok(null);
        }
    }

    // --- views ----------------------------------------------------------------------------------------

    /** The device that was opened. Any thread. */
    public PciDevice device() {
        return device;
    }

    /** What the controller says of itself. Any thread. */
    public ControllerInfo info() {
        return info;
    }

    /** A snapshot, ascending. Any thread. */
    public List<NvmeNamespace> namespaces() {
        return table.all();
    }

    /** {@code READY}, {@code RESETTING} ... Any thread. */
    public String state() {
        return state.name();
    }

    /** Bdevs that exist. Any thread. */
    public int bdevCount() {
        return table.bdevs().size();
    }

    /** Queue pairs of this controller. Any thread. */
    public int pairCount() {
        return pairs.count();
    }

    /** Where commands that need the admin reactor are to be posted. Any thread. */
    public Mthread admin() {
        return admin;
    }

    /** Reads the SMART / health log page. */
    public void readHealth(Completion<NvmeHealth> done) {
        if (isReady(done)) {
            events.readHealth(done);
        }
    }

    /** Reads the newest entries of the error log. */
    public void readErrors(Completion<List<NvmeError>> done) {
        if (isReady(done)) {
            events.readErrors(Math.min(info.errorEntriesMax(), EventRequests.ERRORS_MAX), done);
        }
    }

    /** Whether admin commands of users are taken. */
    boolean isReady() {
        return state == State.READY;
    }

    private boolean isReady(Completion<?> done) {
        assert admin.reactor().isCurrent();
        if (state != State.READY) {
            done.fail(new OperationException(ErrorKind.UNAVAILABLE, "nvme-not-ready", device.address() + " is "
                    + state.name().toLowerCase(Locale.ROOT)));
            return false;
        }
        return true;
    }

    /** Any thread. */
    public NvmeStats stats() {
        return NvmeStats.of(pairs.all(), adminQueue.unknownCompletions(), events.abortsSent(), resets);
    }
}
