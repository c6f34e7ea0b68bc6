package io.mizzen.nvme.pcie;

import io.mizzen.nvme.Properties;
import io.mizzen.pci.PciDevice;
import java.util.function.Consumer;

/**
 * The end of a controller: an orderly shutdown if it works (base specification 2.0, section 3.6.1), then it is made idle, then
 * its access to memory ends. Each state has a deadline. Admin reactor.
 *
 * <pre>
 * SHUTTING_DOWN → DISABLING → OVER
 *  CSTS.SHST 10b   CSTS.RDY 0
 * </pre>
 */
final class ControllerStop {
    private enum State {
        SHUTTING_DOWN, DISABLING, OVER
    }

    private static final long SHUTDOWN_NS_MIN = 5_000_000_000L;
    private static final long SHUTDOWN_NS_MAX = 60_000_000_000L;
    /** Between the look that misses the function and the end of its power, when it is unplugged. */
    private static final long AWAY_NS = 2_000_000_000L;
    private static final int CC_SHN_SHIFT = 14;

    private final ControllerRegisters registers;
    private final PciDevice device;
    private final NvmeListener listener;
    private final Consumer<Boolean> done;
    private State state = State.DISABLING;
    private ControllerDisable disable;
    private long deadlineNs;
    private boolean away;
    private Consumer<Boolean> cutOff = nothing -> { };

    /** @param done told at the end whether the device certainly reaches no memory any more, whoever has it next */
    ControllerStop(ControllerRegisters registers, PciDevice device, NvmeListener listener, Consumer<Boolean> done) {
        this.registers = registers;
        this.device = device;
        this.listener = listener;
        this.done = done;
    }

    /** Asks for an orderly shutdown first. {@code shutdownNs}: how long it says that this takes; 0: not said. */
    void beginOrderly(long nowNs, long shutdownNs) {
        state = State.SHUTTING_DOWN;
        deadlineNs = nowNs + Math.clamp(shutdownNs, SHUTDOWN_NS_MIN, SHUTDOWN_NS_MAX);
        if (isThere()) {
            registers.configure(registers.configuration() & ~(3 << CC_SHN_SHIFT) | Properties.CC_SHN_NORMAL << CC_SHN_SHIFT);
        }
        tick(nowNs);
    }

    /**
     * Cuts it off: its access to memory ends at once.
     *
     * @param whenCutOff told when that is certain; when this is over and it is not, whether the controller is idle at least
     */
    void beginAtOnce(long nowNs, Consumer<Boolean> whenCutOff) {
        disable = new ControllerDisable(registers, nowNs);
        if (device.stopDma()) {
            whenCutOff.accept(true);
        } else {
            cutOff = whenCutOff;
        }
    }

    boolean isOver() {
        return state == State.OVER;
    }

    void tick(long nowNs) {
        if (state == State.SHUTTING_DOWN && shutDownIsOver(nowNs)) {
            state = State.DISABLING;
            disable = new ControllerDisable(registers, nowNs);
        }
        if (state != State.DISABLING) {
            return;
        }
        ControllerDisable.Outcome outcome = isThere() ? disable.tick(nowNs) : lookFromAway(nowNs);
        if (outcome != ControllerDisable.Outcome.PENDING) {
            state = State.OVER;
            boolean stopped = device.stopDma();
            cutOff.accept(stopped || outcome != ControllerDisable.Outcome.STUCK);
            done.accept(stopped && outcome != ControllerDisable.Outcome.STUCK);
        }
    }

    /**
     * One that was taken away while it ran goes on as soon as somebody else lets it at memory. Its registers are only read: it was
     * pulled, or its next driver makes it idle, or it is stuck.
     */
    private ControllerDisable.Outcome lookFromAway(long nowNs) {
        int csts = registers.status();
        if (ControllerRegisters.isGone(csts)) {
            return ControllerDisable.Outcome.GONE;
        }
        if (!Properties.ccEnabled(registers.configuration()) && (csts & Properties.CSTS_RDY) == 0) {
            return ControllerDisable.Outcome.IDLE;
        }
        if (!away) {
            away = true;
            deadlineNs = nowNs + AWAY_NS;
        }
        return deadlineNs - nowNs <= 0 ? ControllerDisable.Outcome.STUCK : ControllerDisable.Outcome.PENDING;
    }

    private boolean shutDownIsOver(long nowNs) {
        boolean there = isThere();
        boolean complete = there && (registers.status() & Properties.CSTS_SHST_MASK) == Properties.CSTS_SHST_COMPLETE;
        if (!complete && there && deadlineNs - nowNs > 0) {
            return false;
        }
        if (!complete) {
            listener.onEvent("nvme-shutdown-late", device.address()
                    + " did not confirm its shutdown; what it had not stored yet may be lost at power failure");
        }
        return true;
    }

    /** Registers of a function that is gone, or another driver's, are not written. */
    private boolean isThere() {
        return device.isPresent() && !ControllerRegisters.isGone(registers.status());
    }
}
