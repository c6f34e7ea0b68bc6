package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.nvme.Features;
import io.mizzen.nvme.Identify;
import io.mizzen.nvme.IdentifyController;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.Properties;
import io.mizzen.nvme.QueueCommands;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.function.Consumer;

/**
 * One attempt to bring a controller up, whatever it did before (base specification 2.0, section 3.5.1). Each state has
 * what ends it, and a deadline. Admin reactor.
 *
 * <pre>
 * DISABLING → STOPPED → ENABLING → ASKING → DONE
 *  CSTS.RDY 0  pairs     CSTS.RDY 1 answers of admin commands: identify, features, shadow doorbells, namespaces, queues
 *      any ─→ FAILED
 * </pre>
 */
final class ControllerStart {
    private enum State {
        DISABLING, STOPPED, ENABLING, ASKING, DONE, FAILED
    }

    /** What the controller turned out to be and have. */
    record Result(ControllerInfo info, int pairsGranted, boolean shadowDoorbells, List<NvmeNamespace> namespaces) {
    }

    /** Spare, temperature, reliability, read only, backup: all that the specification has; others are reserved bits. */
    private static final int HEALTH_EVENTS = 0x1F;

    private final NvmeController controller;
    private final ControllerRegisters registers;
    private final Consumer<Runnable> whenStopped;
    private final Completion<Result> done;
    private State state = State.DISABLING;
    private ControllerDisable disable;
    private long deadlineNs;
    private ControllerInfo info;
    private int pairsGranted;
    private boolean shadowDoorbells;

    /** @param whenStopped what is to be done while the controller is stopped; it runs what it is given afterwards */
    ControllerStart(NvmeController controller, ControllerRegisters registers, Consumer<Runnable> whenStopped,
            Completion<Result> done) {
        this.controller = controller;
        this.registers = registers;
        this.whenStopped = whenStopped;
        this.done = done;
    }

    void begin(long nowNs) {
        if (registers.askedReadyNs() > ControllerRegisters.READY_TIMEOUT_NS_MAX && !ControllerRegisters.isGone(registers.status())) {
            controller.tell("nvme-slow-start", "asks for " + registers.askedReadyNs() / 1_000_000_000L + " s to become ready; it is given "
                    + registers.readyTimeoutNs() / 1_000_000_000L);
        }
        disable = new ControllerDisable(registers, nowNs);
        tick(nowNs);
    }

    boolean isOver() {
        return state == State.DONE || state == State.FAILED;
    }

    /** Looks at the registers. */
    void tick(long nowNs) {
        if (state == State.DISABLING) {
            onDisabling(disable.tick(nowNs));
        } else if (state == State.ENABLING || state == State.ASKING) {
            onEnabled(registers.status(), nowNs);
        }
    }

    private void onDisabling(ControllerDisable.Outcome outcome) {
        switch (outcome) {
            case PENDING -> { }
            case GONE -> fail(gone());
            case STUCK -> fail(late("idle"));
            default -> {
                state = State.STOPPED;
                whenStopped.accept(this::enable);
            }
        }
    }

    private void onEnabled(int csts, long nowNs) {
        if (ControllerRegisters.isGone(csts)) {
            fail(gone());
        } else if (ControllerRegisters.isFatal(csts)) {
            fail(controller.failure("nvme-fatal", "reports a fatal status (CSTS.CFS) while it starts"));
        } else if (state == State.ENABLING && (csts & Properties.CSTS_RDY) != 0) {
            state = State.ASKING;
            identify();
        } else if (state == State.ENABLING && deadlineNs - nowNs <= 0) {
            fail(late("ready"));
        }
    }

    private OperationException gone() {
        return controller.failure("nvme-removed", "is gone: its registers read as all ones");
    }

    private OperationException late(String what) {
        return new OperationException(ErrorKind.TIMEOUT, "nvme-not-ready", controller.address() + " did not become " + what
                + " within " + registers.readyTimeoutNs() / 1_000_000 + " ms (it asks for " + registers.askedReadyNs() / 1_000_000
                + "); power-cycle the drive");
    }

    /** Ends it, and nobody is told. */
    void cancel() {
        state = State.FAILED;
    }

    void fail(OperationException failure) {
        if (!isOver()) {
            state = State.FAILED;
            done.fail(failure);
        }
    }

    private void enable() {
        if (state != State.STOPPED) {
            return;
        }
        try {
            controller.startDma();              // Not before: what the controller still did would have reached memory.
        } catch (OperationException refused) {
            fail(refused);
            return;
        }
        controller.adminQueue().start();
        state = State.ENABLING;
        deadlineNs = controller.nowNs() + registers.readyTimeoutNs();
        registers.adminQueues(AdminQueue.ENTRIES, controller.adminQueue().submissionIova(),
                controller.adminQueue().completionIova());
        registers.enable(Properties.ccEnable(Properties.CC_CSS_NVM), controller.nowNs());
        if (!controller.hasVectors()) {
            registers.maskInterrupts(!controller.usesWire());
        }
    }

    // --- admin commands, one after the other --------------------------------------------------------

    /** Hands an answer on while this attempt lasts; a failure where one is not allowed ends it. */
    private AdminCommand.Receiver answer(String what, boolean mayFail, AdminCommand.Receiver next) {
        return (status, result, page) -> {
            if (state != State.ASKING) {
                return;
            }
            if (status == AdminCommand.NO_ANSWER || status != 0 && !mayFail) {
                fail(controller.refused(what, status));
                return;
            }
            try {
                next.onDone(status, result, page);
            } catch (OperationException noMemory) {
                fail(noMemory);
            }
        };
    }

    private void identify() {
        controller.send(new AdminCommand(Opcodes.ADMIN_IDENTIFY, answer("identify controller", false,
                (status, result, page) -> onIdentified(page))).cdw10(Identify.CNS_CONTROLLER).page());
    }

    private void onIdentified(long page) {
        info = ControllerInfo.parse(page, registers.version(), registers.cap());
        int type = IdentifyController.controllerType(ALL, page);
        if (type > IdentifyController.TYPE_IO) {
            fail(OperationException.precondition("not-an-io-controller", controller.address()
                    + " is an NVMe controller of type " + type + ", which has no namespaces to read and write"));
            return;
        }
        controller.send(new AdminCommand(Opcodes.ADMIN_IDENTIFY, answer("identify controller (NVM)", true,
                (status, result, limits) -> {
                    info = info.withNvmLimits(status, limits, registers.cap());
                    configureRetries();
                })).cdw10(Identify.CNS_COMMAND_SET_CONTROLLER).page());
    }

    /** Only a host that says that it heeds the times of {@link ControllerInfo#retryDelayNs} is told which (section 5.27.1.18). */
    private void configureRetries() {
        if (!info.hasRetryDelays()) {
            askForQueues();
            return;
        }
        controller.send(new AdminCommand(Opcodes.ADMIN_SET_FEATURES, answer("host behaviour", true,
                (status, result, page) -> askForQueues())).cdw10(Features.HOST_BEHAVIOR)
                .page(Features.HOST_BEHAVIOR_RETRY_DELAYS));
    }

    private void askForQueues() {
        int wanted = controller.pairsWanted();
        controller.send(new AdminCommand(Opcodes.ADMIN_SET_FEATURES, answer("number of queues", false,
                (status, result, page) -> {
                    pairsGranted = Math.min(wanted, QueueCommands.pairs(result));
                    configureDoorbells();
                })).cdw10(Features.NUMBER_OF_QUEUES).cdw11(QueueCommands.count(wanted, wanted)));
    }

    private void configureDoorbells() {
        if (!info.doorbellBuffers() || !controller.shadows().prepare(pairsGranted, registers.doorbellStrideBytes())) {
            configureEvents();
            return;
        }
        controller.send(new AdminCommand(Opcodes.ADMIN_DOORBELL_BUFFERS, answer("shadow doorbells", true,
                (status, result, page) -> {
                    shadowDoorbells = status == 0;
                    configureEvents();
                })).memory(controller.shadows().shadowIova(), controller.shadows().eventIova()));
    }

    private void configureEvents() {
        int events = HEALTH_EVENTS | info.oaes() & Features.EVENT_NAMESPACE_ATTRIBUTES;
        controller.send(new AdminCommand(Opcodes.ADMIN_SET_FEATURES, answer("asynchronous events", true,
                (status, result, page) -> scan())).cdw10(Features.ASYNC_EVENTS).cdw11(events));
    }

    private void scan() {
        NamespaceScan.start(controller, info, (namespaces, failure) -> {
            if (state != State.ASKING) {
                return;
            }
            if (failure != null) {
                fail(failure);
                return;
            }
            state = State.DONE;
            done.ok(new Result(info, pairsGranted, shadowDoorbells, namespaces));
        });
    }
}
