package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.Cqe;
import io.mizzen.nvme.Sqe;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * The admin queue: commands with a deadline each, some at a time, the others in order behind them. Admin reactor.
 */
final class AdminQueue {
    static final int ENTRIES = 32;
    private static final int SLOTS = 16;
    private static final int WAITING_MAX = 64;
    private static final int PAGE_BYTES = 4096;
    private static final int SLOT_BITS = 5;
    private static final int GENERATION_MASK = 0xFFFF >>> SLOT_BITS;

    private final QueueMemory memory;
    private final QueueRings rings;
    private final DmaMemory.Block pages;
    private final AdminCommand[] sent = new AdminCommand[SLOTS];
    /** Whose receiver reads the page just now. */
    private final boolean[] read = new boolean[SLOTS];
    private final int[] generations = new int[SLOTS];
    private final Queue<AdminCommand> waiting = new ArrayDeque<>();
    private boolean open;
    private int outstanding;
    private int endless;
    private long unknownCompletions;

    AdminQueue(QueueMemory memory, ControllerRegisters registers) {
        this.memory = memory;
        this.rings = new QueueRings(0, ENTRIES, memory, registers);
        try {
            this.pages = memory.allocate((long) SLOTS * PAGE_BYTES);
        } catch (RuntimeException e) {
            rings.free(memory);
            throw e;
        }
    }

    /** Gives the memory back: the device reaches it no more. */
    void free() {
        rings.free(memory);
        memory.free(pages);
    }

    long submissionIova() {
        return memory.iova(rings.submission());
    }

    long completionIova() {
        return memory.iova(rings.completion());
    }

    /** Commands that must be answered, sent or waiting. */
    boolean isBusy() {
        return outstanding > endless || !waiting.isEmpty();
    }

    long unknownCompletions() {
        return unknownCompletions;
    }

    /** The controller is idle, and will find both queues empty: commands are taken from here on. */
    void start() {
        rings.reset();
        open = true;
    }

    /**
     * Takes no command any more and forgets those that there are; who waits for one is told. What the controller answers from
     * here on, it answers to nobody.
     */
    void stop() {
        open = false;
        List<AdminCommand> forgotten = new ArrayList<>();
        for (int i = 0; i < SLOTS; i++) {
            if (sent[i] != null) {
                release(sent[i]);
                forgotten.add(sent[i]);
                sent[i] = null;
            }
        }
        forgotten.addAll(waiting);
        waiting.clear();
        forgotten.forEach(command -> command.receiver.onDone(AdminCommand.NO_ANSWER, 0, 0));
    }

    /** Sends a command, now or when there is room. False: too many wait, or the controller is down; its receiver is not told. */
    boolean submit(AdminCommand command, long nowNs, long timeoutNs) {
        if (!open) {
            return false;
        }
        command.deadlineNs = nowNs + timeoutNs;
        int slot = freeSlot();
        if (slot < 0 || !waiting.isEmpty()) {
            return waiting.size() < WAITING_MAX && waiting.add(command);
        }
        send(slot, command);
        return true;
    }

    private int freeSlot() {
        for (int i = 0; i < SLOTS; i++) {
            if (sent[i] == null && !read[i]) {
                return i;
            }
        }
        return -1;
    }

    private void send(int slot, AdminCommand command) {
        sent[slot] = command;
        generations[slot] = generations[slot] + 1 & GENERATION_MASK;
        outstanding++;
        endless += command.endless ? 1 : 0;
        long page = pages.address() + (long) slot * PAGE_BYTES;
        if (command.hasPage) {
            RawMemory.zero(page, PAGE_BYTES);
            RawMemory.putByte(page, command.firstByte);
            command.prp1 = memory.iovas().iova(pages.regionIndex(), page);
        }
        long sqe = rings.nextEntry();
        RawMemory.zero(sqe, Sqe.SIZE_BYTES);
        Sqe.opcode(ALL, sqe, command.opcode);
        Sqe.cid(ALL, sqe, generations[slot] << SLOT_BITS | slot);
        Sqe.nsid(ALL, sqe, command.nsid);
        Sqe.prp1(ALL, sqe, command.prp1);
        Sqe.prp2(ALL, sqe, command.prp2);
        Sqe.cdw(ALL, sqe, 10, command.cdw10);
        Sqe.cdw(ALL, sqe, 11, command.cdw11);
        rings.ring();
    }

    /** Hands answers out; returns how many there were. Receivers may submit. */
    int poll() {
        int count = 0;
        while (open && outstanding > 0 && count < ENTRIES) {
            long entry = rings.completionEntry();
            if (entry == 0) {
                break;
            }
            int cid = Cqe.cid(ALL, entry);
            int result = Cqe.result(ALL, entry);
            int status = Cqe.status(ALL, entry);
            rings.consume();
            count++;
            answered(cid, status, result);
        }
        if (count != 0 && open) {
            sendWaiting();
            rings.ring();
        }
        return count;
    }

    private void answered(int cid, int status, int result) {
        int slot = cid & (1 << SLOT_BITS) - 1;
        if (slot >= SLOTS || sent[slot] == null || generations[slot] != cid >>> SLOT_BITS) {
            unknownCompletions++;
            return;
        }
        AdminCommand command = sent[slot];
        long page = command.hasPage ? pages.address() + (long) slot * PAGE_BYTES : 0;
        sent[slot] = null;
        release(command);
        read[slot] = true;          // What the receiver sends does not take the page from under it.
        command.receiver.onDone(Status.code(status) == Status.SUCCESS ? Status.SUCCESS : status, result, page);
        read[slot] = false;
    }

    private void release(AdminCommand command) {
        outstanding--;
        endless -= command.endless ? 1 : 0;
    }

    private void sendWaiting() {
        int slot = freeSlot();
        while (slot >= 0 && !waiting.isEmpty()) {
            send(slot, waiting.poll());
            slot = freeSlot();
        }
    }

    /** Whether a command has had no answer for too long. */
    boolean isLate(long nowNs) {
        for (AdminCommand command : sent) {
            if (command != null && !command.endless && command.deadlineNs - nowNs <= 0) {
                return true;
            }
        }
        return false;
    }
}
