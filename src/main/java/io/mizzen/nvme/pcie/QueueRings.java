package io.mizzen.nvme.pcie;

import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.Cqe;
import io.mizzen.nvme.Properties;
import io.mizzen.nvme.Sqe;
import io.mizzen.util.HotPath;
import java.lang.invoke.VarHandle;

/**
 * A submission and a completion queue of the same size, with their doorbells (base specification 2.0, section 3.3). What
 * a turn queued is told to the controller by {@link #ring}, once. With shadow doorbells (section 5.8) the register is only
 * written when the controller has asked for it. The owner has fewer commands in flight than there are entries, so that
 * neither queue overflows. One reactor's own.
 */
final class QueueRings {
    private static final int STATUS_DWORD = 12;

    private final int id;
    private final int entries;
    private final DmaMemory.Block submission;
    private final DmaMemory.Block completion;
    private final long sqDoorbell;
    private final long cqDoorbell;
    private final int strideBytes;
    private long shadowBase;
    private long eventBase;
    private boolean tellsHeads;
    private int sqTail;
    private int sqRung;
    private int cqHead;
    private int cqRung;
    private int phase = 1;

    // Counters, read by anybody.
    private long sqDoorbells;
    private long cqDoorbells;
    private long doorbellsSaved;

    QueueRings(int id, int entries, QueueMemory memory, ControllerRegisters registers) {
        this.id = id;
        this.entries = entries;
        this.strideBytes = registers.doorbellStrideBytes();
        this.sqDoorbell = registers.doorbell(id, false);
        this.cqDoorbell = registers.doorbell(id, true);
        this.submission = memory.allocateContiguous((long) entries * Sqe.SIZE_BYTES);
        DmaMemory.Block second;
        try {
            second = memory.allocateContiguous((long) entries * Cqe.SIZE_BYTES);
        } catch (RuntimeException e) {
            memory.free(submission);
            throw e;
        }
        this.completion = second;
    }

    void free(QueueMemory memory) {
        memory.free(submission);
        memory.free(completion);
    }

    int id() {
        return id;
    }

    int entries() {
        return entries;
    }

    DmaMemory.Block submission() {
        return submission;
    }

    DmaMemory.Block completion() {
        return completion;
    }

    /** Both queues are empty, as the controller will see them after they are created. */
    void reset() {
        RawMemory.zero(submission.address(), submission.sizeBytes());
        RawMemory.zero(completion.address(), completion.sizeBytes());
        sqTail = 0;
        sqRung = 0;
        cqHead = 0;
        cqRung = 0;
        phase = 1;
    }

    /**
     * Uses shadow doorbells from here on; 0 and 0: the registers only. Both pages are zero for this queue.
     *
     * @param everyHead whether the register of the completion queue is written all the same
     */
    void useShadows(long shadowAddress, long eventAddress, boolean everyHead) {
        shadowBase = shadowAddress;
        eventBase = eventAddress;
        tellsHeads = everyHead;
    }

    /** Address of the entry to fill; it is the controller's after the next {@link #ring}. */
    @HotPath
    long nextEntry() {
        long entry = submission.address() + (long) sqTail * Sqe.SIZE_BYTES;
        int next = sqTail + 1;
        sqTail = next == entries ? 0 : next;
        return entry;
    }

    /** Address of the oldest completion, or 0. */
    @HotPath
    long completionEntry() {
        long entry = completion.address() + (long) cqHead * Cqe.SIZE_BYTES;
        return (RawMemory.getIntAcquire(entry + STATUS_DWORD) >>> 16 & 1) == phase ? entry : 0;
    }

    /** The oldest completion is done with. */
    @HotPath
    void consume() {
        int next = cqHead + 1;
        if (next == entries) {
            cqHead = 0;
            phase ^= 1;
        } else {
            cqHead = next;
        }
    }

    /** Tells the controller what was queued and what was consumed; returns how many doorbells changed. */
    @HotPath
    int ring() {
        int changed = 0;
        if (sqTail != sqRung) {
            if (publish(sqTail, Properties.doorbell(id, false, strideBytes), sqDoorbell, false)) {
                sqDoorbells++;
            }
            sqRung = sqTail;
            changed++;
        }
        if (cqHead != cqRung) {
            if (publish(cqHead, Properties.doorbell(id, true, strideBytes), cqDoorbell, tellsHeads)) {
                cqDoorbells++;
            }
            cqRung = cqHead;
            changed++;
        }
        return changed;
    }

    /** Whether the register was written. */
    @HotPath
    private boolean publish(int value, long shadowOffset, long doorbell, boolean always) {
        if (shadowBase != 0) {
            long shadow = shadowBase + shadowOffset;
            int old = RawMemory.getInt(shadow);
            RawMemory.putIntRelease(shadow, value);
            VarHandle.fullFence();                  // The controller writes its index, then looks at the shadow.
            int event = RawMemory.getIntAcquire(eventBase + shadowOffset);
            if (!always && (value - event - 1 & 0xFFFF) >= (value - old & 0xFFFF)) {
                doorbellsSaved++;
                return false;
            }
        }
        RawMemory.putIntRelease(doorbell, value);
        return true;
    }

    /** Writes of submission doorbells. Any thread. */
    long sqDoorbells() {
        return sqDoorbells;
    }

    long cqDoorbells() {
        return cqDoorbells;
    }

    /** Writes that shadow doorbells made unnecessary. Any thread. */
    long doorbellsSaved() {
        return doorbellsSaved;
    }
}
