package io.mizzen.nvme.pcie;

import static io.mizzen.nvme.Properties.ACQ;
import static io.mizzen.nvme.Properties.AQA;
import static io.mizzen.nvme.Properties.ASQ;
import static io.mizzen.nvme.Properties.CAP;
import static io.mizzen.nvme.Properties.CC;
import static io.mizzen.nvme.Properties.CMBMSC;
import static io.mizzen.nvme.Properties.CRTO;
import static io.mizzen.nvme.Properties.CSTS;
import static io.mizzen.nvme.Properties.DOORBELLS;
import static io.mizzen.nvme.Properties.INTMC;
import static io.mizzen.nvme.Properties.INTMS;
import static io.mizzen.nvme.Properties.VS;

import io.mizzen.ffi.RawMemory;
import io.mizzen.nvme.Properties;
import io.mizzen.util.OperationException;

/** The registers of a controller, where BAR 0 is mapped (base specification 2.0, section 3.1.3). Admin reactor. */
final class ControllerRegisters {
    /** What every register of a device that is gone reads as. */
    private static final int GONE = -1;
    private static final int PAGE_BYTES = 4096;
    private static final long READY_TIMEOUT_NS_MIN = 1_000_000_000L;
    /** More than CAP.TO can say; CRTO can ask for nine hours. */
    static final long READY_TIMEOUT_NS_MAX = 150_000_000_000L;
    private static final long UNIT_NS = 500_000_000L;

    private final long bar;
    private final long cap;
    private long settlesNs;

    ControllerRegisters(long bar) {
        this.bar = bar;
        this.cap = RawMemory.getLongAcquire(bar + CAP);
    }

    long cap() {
        return cap;
    }

    /** @throws OperationException FAILED_PRECONDITION {@code nvme-not-supported} */
    void requireSupported(String address) {
        if ((Properties.capCommandSets(cap) & 1) == 0) {
            throw OperationException.precondition("nvme-not-supported", address + " does not have the NVM command set (CAP.CSS)");
        }
        if (Properties.capPageSizeMinBytes(cap) > PAGE_BYTES) {
            throw OperationException.precondition("nvme-not-supported", address + " wants pages of "
                    + Properties.capPageSizeMinBytes(cap) + " bytes; " + PAGE_BYTES + " are supported");
        }
    }

    int version() {
        return RawMemory.getIntAcquire(bar + VS);
    }

    /** CSTS. */
    int status() {
        return RawMemory.getIntAcquire(bar + CSTS);
    }

    static boolean isGone(int status) {
        return status == GONE;
    }

    static boolean isFatal(int status) {
        return (status & Properties.CSTS_CFS) != 0;
    }

    /** CC. */
    int configuration() {
        return RawMemory.getIntAcquire(bar + CC);
    }

    void configure(int cc) {
        RawMemory.putIntRelease(bar + CC, cc);
    }

    /**
     * Begins to enable the controller. Its memory buffer is not used; where a driver before us has put it, which a reset does not
     * change (section 3.1.3.16), addresses of ours would not reach our memory.
     */
    void enable(int cc, long nowNs) {
        if (Properties.capHasMemoryBuffer(cap)) {
            RawMemory.putLongRelease(bar + CMBMSC, 0);
        }
        settlesNs = nowNs + readyTimeoutNs();
        configure(cc);
    }

    /** Until when a controller that is enabled and not ready may be on its way there: the time that it has since we enabled it. */
    long settlesNs(long nowNs) {
        return settlesNs == 0 ? nowNs + readyTimeoutNs() : settlesNs;
    }

    /** Resets the controller, without waiting for it. */
    void disable() {
        configure(configuration() & ~(Properties.CC_EN | 3 << 14));
    }

    void adminQueues(int entries, long submissionIova, long completionIova) {
        RawMemory.putIntRelease(bar + AQA, entries - 1 << 16 | entries - 1);
        RawMemory.putLongRelease(bar + ASQ, submissionIova);
        RawMemory.putLongRelease(bar + ACQ, completionIova);
    }

    /** Lets interrupts by wire out, or masks them. Not with MSI-X: what happens then is not defined (section 3.1.3.3). */
    void maskInterrupts(boolean masked) {
        RawMemory.putIntRelease(bar + (masked ? INTMS : INTMC), -1);
    }

    /** How long becoming ready, or not ready, may take: what the controller asks for, within bounds. */
    long readyTimeoutNs() {
        return Math.min(askedReadyNs(), READY_TIMEOUT_NS_MAX);
    }

    /** CAP.TO, or CRTO.CRWMT where CAP.CRMS says that there is one; however long that is. */
    long askedReadyNs() {
        long timeoutNs = Math.max(READY_TIMEOUT_NS_MIN, Properties.capTimeoutNs(cap));
        if ((cap >>> 59 & 1) != 0) {
            timeoutNs = Math.max(timeoutNs, (RawMemory.getIntAcquire(bar + CRTO) & 0xFFFFL) * UNIT_NS);
        }
        return timeoutNs;
    }

    int doorbellStrideBytes() {
        return Properties.capDoorbellStrideBytes(cap);
    }

    /** Address of a doorbell. */
    long doorbell(int queueId, boolean completion) {
        return bar + DOORBELLS + Properties.doorbell(queueId, completion, doorbellStrideBytes());
    }
}
