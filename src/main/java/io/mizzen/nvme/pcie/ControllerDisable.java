package io.mizzen.nvme.pcie;

import io.mizzen.nvme.Properties;

/**
 * Makes a controller idle, whatever it does: clears CC.EN and waits for CSTS.RDY to be 0 (base specification 2.0, sections
 * 3.1.3.5 and 3.1.3.6). While it is on its way to ready the effect of that is not defined, so it is given the time that it asks
 * for to arrive, or to fail. Admin reactor.
 */
final class ControllerDisable {
    /** What it has come to. */
    enum Outcome {
        PENDING, IDLE, GONE, STUCK
    }

    private final ControllerRegisters registers;
    private boolean cleared;
    private long deadlineNs;

    ControllerDisable(ControllerRegisters registers, long nowNs) {
        this.registers = registers;
        this.deadlineNs = registers.settlesNs(nowNs);
    }

    /** Looks at the registers, and goes on as far as they allow. */
    Outcome tick(long nowNs) {
        int csts = registers.status();
        if (ControllerRegisters.isGone(csts)) {
            return Outcome.GONE;
        }
        if (!cleared && (mayClear(csts) || deadlineNs - nowNs <= 0)) {
            cleared = true;
            deadlineNs = nowNs + registers.readyTimeoutNs();
            if (Properties.ccEnabled(registers.configuration())) {
                registers.disable();
                return Outcome.PENDING;         // One that was not ready shows no change: it has until the next look.
            }
        }
        if (cleared && (csts & Properties.CSTS_RDY) == 0) {
            return Outcome.IDLE;
        }
        return cleared && deadlineNs - nowNs <= 0 ? Outcome.STUCK : Outcome.PENDING;
    }

    /** Not between CC.EN set and CSTS.RDY. One that has shut down or failed does not become ready any more. */
    private boolean mayClear(int csts) {
        return !Properties.ccEnabled(registers.configuration()) || (csts & (Properties.CSTS_RDY | Properties.CSTS_CFS)) != 0
                || (csts & Properties.CSTS_SHST_MASK) == Properties.CSTS_SHST_COMPLETE;
    }
}
