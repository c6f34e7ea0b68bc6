package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.ffi.RawMemory;
import io.mizzen.nvme.Features;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.Properties;
import io.mizzen.nvme.QueueCommands;
import io.mizzen.nvme.Sqe;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.TreeMap;

/**
 * An NVMe controller in plain memory: whoever polls it makes it look at its registers and doorbells, execute what is due
 * and complete it. It notes what a driver must not do. Not thread-safe; the driver may run on other threads.
 */
final class SimDrive {
    /** What becomes of a command. */
    interface Faults {
        SimFate fate(int queueId, int opcode);
    }

    /** A command that was fetched. */
    static final class Command {
        private final MemorySegment copy = Arena.ofAuto().allocate(Sqe.SIZE_BYTES, 8);
        final long sqe = copy.address();
        SimQueues.Submission queue;
        SimFate fate;
        long dueNs;
        long order;
    }

    static final int ENTRIES_MAX = 1024;
    private static final long UNIT_NS = 500_000_000L;
    private static final int CFG_SHN_SHIFT = 14;

    final SimPci pci;
    final SimDriveAdmin admin;
    final SimMedia media;
    final List<String> violations = new ArrayList<>();
    final Map<Integer, SimNamespace> namespaces = new TreeMap<>();

    // What kind of drive it is; set before it is opened.
    int mdts = 5;
    int queuesMax = 8;
    int entriesMax = ENTRIES_MAX;
    int version = 0x0001_0400;
    boolean hasDoorbellBuffers;
    int sgls;
    /** A memory buffer, which somebody before us has put where it hides host memory. */
    boolean hasMemoryBuffer;
    /** CRTO.CRWMT in units of 500 ms; 0: it has no CRTO. */
    int readyUnits;
    long readyDelayNs = 3_000_000;
    long disableDelayNs = 2_000_000;
    long shutdownDelayNs = 4_000_000;
    boolean neverReady;
    boolean neverIdle;
    boolean neverShutDown;
    Faults faults = (queueId, opcode) -> SimFate.NORMAL;

    // What happened, for checks.
    int enables;
    /** Called when the wire is let through and a completion is not consumed. */
    Runnable onInterrupt = () -> { };
    int shutdowns;
    long fetched;
    long doorbellWakes;

    final Map<Integer, SimQueues.Submission> submissions = new TreeMap<>();
    final Map<Integer, SimQueues.Completion> completions = new TreeMap<>();
    private final Queue<Command> due = new PriorityQueue<>(Comparator.<Command>comparingLong(c -> c.dueNs)
            .thenComparingLong(c -> c.order));
    private final List<Command> lost = new ArrayList<>();
    private final long bar;
    private int cc;
    private int csts;
    private long changeNs;
    private boolean changing;
    private long enabledNs;
    private long readyTimeoutNs;
    private long order;
    long shadowIova;
    long eventIova;

    SimDrive(SimPci pci) {
        this.pci = pci;
        this.bar = pci.barAddress();
        this.admin = new SimDriveAdmin(this);
        this.media = new SimMedia(this);
        RawMemory.putInt(bar + Properties.CSTS, 0);
    }

    /** Writes the registers that say what it is. */
    void powerOn(int timeout500Ms) {
        RawMemory.putLong(bar + Properties.CAP, Properties.cap(entriesMax, timeout500Ms));
        if (readyUnits != 0) {
            RawMemory.putLong(bar + Properties.CAP, Properties.cap(entriesMax, timeout500Ms) | 1L << 59);
            RawMemory.putInt(bar + Properties.CRTO, readyUnits);
        }
        if (hasMemoryBuffer) {
            RawMemory.putLong(bar + Properties.CAP, RawMemory.getLong(bar + Properties.CAP) | 1L << 57);
            RawMemory.putLong(bar + Properties.CMBMSC, 0x5_0000_0003L);
        }
        RawMemory.putInt(bar + Properties.VS, version);
        readyTimeoutNs = timeout500Ms * UNIT_NS;
        clearDoorbells();
    }

    private void clearDoorbells() {
        for (int i = 0; i < SimPci.BAR_BYTES - Properties.DOORBELLS; i += 4) {
            RawMemory.putInt(bar + Properties.DOORBELLS + i, hasDoorbellBuffers ? -1 : 0);
        }
    }

    private void checkDoorbells() {
        for (int i = 0; i < SimPci.BAR_BYTES - Properties.DOORBELLS; i += 4) {
            if (RawMemory.getInt(bar + Properties.DOORBELLS + i) != (hasDoorbellBuffers ? -1 : 0)) {
                violations.add("doorbell " + i / 4 + " was written while the controller was down");
            }
        }
    }

    /** When something is due next, or Long.MAX_VALUE. */
    long nextNs() {
        if (!pci.present) {
            return Long.MAX_VALUE;
        }
        long next = changing ? changeNs : Long.MAX_VALUE;
        return due.isEmpty() ? next : Math.min(next, due.peek().dueNs);
    }

    /** An orderly shutdown takes no longer, also one that has begun. */
    void endShutdown() {
        neverShutDown = false;
        shutdownDelayNs = 0;
        if (Properties.ccShutdown(cc) != 0) {
            changing = true;
            changeNs = 0;
        }
    }

    /** Breaks down: a fatal status until it is reset. */
    void failFatally() {
        if (!pci.present) {
            return;
        }
        csts |= Properties.CSTS_CFS;
        RawMemory.putIntRelease(bar + Properties.CSTS, csts);
    }

    boolean isReady() {
        return (csts & (Properties.CSTS_RDY | Properties.CSTS_CFS)) == Properties.CSTS_RDY;
    }

    int poll(long nowNs) {
        if (!pci.present) {
            return 0;
        }
        int work = configuration(nowNs);
        if (!isReady()) {
            return work;
        }
        for (SimQueues.Submission queue : List.copyOf(submissions.values())) {
            work += fetch(queue, nowNs);
        }
        for (SimQueues.Completion queue : completions.values()) {
            int head = doorbell(queue.id, true);
            if (head >= 0) {
                queue.head = head;
            }
        }
        while (!due.isEmpty() && due.peek().dueNs - nowNs <= 0 && isReady()) {
            if (due.peek().queue.target.isFull()) {
                break;
            }
            complete(due.poll());
            work++;
        }
        if (pci.wireEnabled && completions.values().stream().anyMatch(queue -> queue.interrupts && queue.head != queue.tail)) {
            pci.wireEnabled = false;
            pci.interrupts++;
            onInterrupt.run();
        }
        return work;
    }

    // --- registers ------------------------------------------------------------------------------------

    private int configuration(long nowNs) {
        int now = RawMemory.getIntAcquire(bar + Properties.CC);
        int changed = now ^ cc;
        cc = now;
        if ((changed & Properties.CC_EN) != 0) {
            if (Properties.ccEnabled(now)) {
                enabledNs = nowNs;
                if ((RawMemory.getLong(bar + Properties.CMBMSC) & 3) != 0) {
                    violations.add("the memory buffer hides memory of the host");
                }
            } else if ((csts & (Properties.CSTS_RDY | Properties.CSTS_CFS)) == 0 && nowNs - enabledNs < readyTimeoutNs) {
                violations.add("CC.EN was cleared on the way to ready");
            }
            changing = Properties.ccEnabled(now) ? !neverReady : !neverIdle;
            changeNs = nowNs + (Properties.ccEnabled(now) ? readyDelayNs : disableDelayNs);
            stopQueues();
            return 1;
        }
        if (Properties.ccShutdown(changed) != 0 && Properties.ccShutdown(now) != 0) {
            csts = csts & ~Properties.CSTS_SHST_MASK | Properties.CSTS_SHST_OCCURRING;
            changing = !neverShutDown;
            changeNs = nowNs + shutdownDelayNs;
            return 1;
        }
        if (!changing || changeNs - nowNs > 0) {
            return 0;
        }
        changing = false;
        if (Properties.ccShutdown(cc) != 0) {
            csts = csts & ~Properties.CSTS_SHST_MASK | Properties.CSTS_SHST_COMPLETE;
            shutdowns++;
        } else if (Properties.ccEnabled(cc)) {
            enable();
        } else {
            csts = 0;
            clearDoorbells();
        }
        RawMemory.putIntRelease(bar + Properties.CSTS, csts);
        return 1;
    }

    private void stopQueues() {
        submissions.clear();
        completions.clear();
        for (Command command : due) {
            if (order++ % 2 == 0) {
                media.executeUnseen(command);
            }
        }
        due.clear();
        lost.clear();
        admin.forget();
        shadowIova = 0;
    }

    private void enable() {
        if (Properties.ccSqeBytes(cc) != 64 || Properties.ccCqeBytes(cc) != 16 || Properties.ccPageSizeBytes(cc) != 4096) {
            violations.add("CC is " + Integer.toHexString(cc));
        }
        enables++;
        checkDoorbells();
        clearDoorbells();
        int entries = (RawMemory.getInt(bar + Properties.AQA) & 0xFFF) + 1;
        SimQueues.Completion completion = new SimQueues.Completion(0, entries, RawMemory.getLong(bar + Properties.ACQ), true);
        completions.put(0, completion);
        submissions.put(0, new SimQueues.Submission(0, entries, RawMemory.getLong(bar + Properties.ASQ), completion));
        csts = Properties.CSTS_RDY;
    }

    // --- queues ---------------------------------------------------------------------------------------

    /**
     * Value of a doorbell, or -1 when it was not written since. With shadows every write is to be seen, the same value
     * twice too, so the register is marked when it was read.
     */
    private int doorbell(int queueId, boolean completion) {
        long offset = Properties.doorbell(queueId, completion, 4);
        long register = bar + Properties.DOORBELLS + offset;
        int value = RawMemory.getIntAcquire(register);
        if (!hasDoorbellBuffers) {
            return value;
        }
        if (value != -1) {
            RawMemory.putInt(register, -1);
        }
        if (shadowIova == 0 || queueId == 0) {
            return value;
        }
        if (completion) {
            return RawMemory.getIntAcquire(pci.translate(shadowIova) + offset);
        }
        SimQueues.Submission queue = submissions.get(queueId);
        if (value != -1) {
            queue.awake = true;
            doorbellWakes++;
        }
        return queue.awake ? RawMemory.getIntAcquire(pci.translate(shadowIova) + offset) : -1;
    }

    private int fetch(SimQueues.Submission queue, long nowNs) {
        int tail = doorbell(queue.id, false);
        if (tail >= queue.entries) {
            violations.add("tail " + tail + " of queue " + queue.id + " with " + queue.entries + " entries");
            return 0;
        }
        if (tail >= 0) {
            queue.tail = tail;
        }
        int count = 0;
        while (queue.head != queue.tail && pci.translate(queue.iova) >= 0) {
            Command command = new Command();
            command.queue = queue;
            RawMemory.copy(pci.translate(queue.iova) + (long) queue.head * Sqe.SIZE_BYTES, command.sqe, Sqe.SIZE_BYTES);
            queue.head = (queue.head + 1) % queue.entries;
            accept(command, nowNs);
            count++;
        }
        if (count == 0 && shadowIova != 0 && queue.id != 0 && queue.awake) {
            long offset = Properties.doorbell(queue.id, false, 4);
            RawMemory.putIntRelease(pci.translate(eventIova) + offset, queue.tail);
            queue.awake = RawMemory.getIntAcquire(pci.translate(shadowIova) + offset) != queue.tail;
        }
        return count;
    }

    private void accept(Command command, long nowNs) {
        fetched++;
        int cid = Sqe.cid(ALL, command.sqe);
        if (find(command.queue.id, cid) != null) {
            violations.add("command id " + cid + " of queue " + command.queue.id + " is in flight already");
        }
        int opcode = Sqe.opcode(ALL, command.sqe);
        if (command.queue.id == 0 && opcode == Opcodes.ADMIN_ASYNC_EVENT) {
            admin.keep(command);
            return;
        }
        command.fate = faults.fate(command.queue.id, opcode);
        command.dueNs = nowNs + command.fate.delayNs();
        command.order = order++;
        due.add(command);
    }

    private Command find(int queueId, int cid) {
        for (Iterable<Command> some : Arrays.<Iterable<Command>>asList(due, lost)) {
            for (Command command : some) {
                if (command.queue.id == queueId && Sqe.cid(ALL, command.sqe) == cid) {
                    return command;
                }
            }
        }
        return null;
    }

    /** Takes a command out that was neither executed nor completed. */
    boolean abort(int queueId, int cid) {
        Command command = find(queueId, cid);
        if (command == null || lost.contains(command)) {
            return false;
        }
        due.remove(command);
        post(command, 0, NvmeStatus.ABORTED_BY_REQUEST);
        return true;
    }

    private void complete(Command command) {
        if (command.fate.lost()) {
            lost.add(command);
            if (command.order % 2 == 0) {
                media.executeUnseen(command);
            }
            return;
        }
        if (command.fate.status() >= 0) {
            post(command, 0, command.fate.status());
        } else if (command.queue.id == 0) {
            admin.execute(command);
        } else {
            post(command, 0, media.execute(command));
        }
        if (command.fate.twice() && !command.queue.target.isFull()) {
            post(command, 0, NvmeStatus.SUCCESS);
        }
    }

    void post(Command command, int result, int status) {
        post(command.queue, Sqe.cid(ALL, command.sqe), result, status);
    }

    /** Writes a completion, whatever it is for. */
    void post(SimQueues.Submission queue, int cid, int result, int status) {
        SimQueues.Completion target = queue.target;
        long base = pci.translate(target.iova);
        if (base < 0 || completions.get(target.id) != target) {
            return;                                     // It reaches no memory any more.
        }
        target.post(base + target.tail * 16L, result, queue.head, queue.id, cid, status);
    }

    // --- queues made by command -------------------------------------------------------------------------

    int createCompletionQueue(long sqe) {
        int id = QueueCommands.queueId(Sqe.cdw(ALL, sqe, 10));
        int entries = QueueCommands.entries(Sqe.cdw(ALL, sqe, 10));
        if (id == 0 || id > queuesMax || completions.containsKey(id)) {
            return NvmeStatus.INVALID_QUEUE_IDENTIFIER;
        }
        if (entries > entriesMax) {
            return NvmeStatus.INVALID_QUEUE_SIZE;
        }
        completions.put(id, new SimQueues.Completion(id, entries, Sqe.prp1(ALL, sqe),
                (Sqe.cdw(ALL, sqe, 11) & QueueCommands.INTERRUPTS) != 0));
        return NvmeStatus.SUCCESS;
    }

    int createSubmissionQueue(long sqe) {
        int id = QueueCommands.queueId(Sqe.cdw(ALL, sqe, 10));
        int entries = QueueCommands.entries(Sqe.cdw(ALL, sqe, 10));
        SimQueues.Completion target = completions.get(QueueCommands.completionQueueId(Sqe.cdw(ALL, sqe, 11)));
        if (id == 0 || id > queuesMax || submissions.containsKey(id) || target == null) {
            return NvmeStatus.INVALID_QUEUE_IDENTIFIER;
        }
        submissions.put(id, new SimQueues.Submission(id, entries, Sqe.prp1(ALL, sqe), target));
        return NvmeStatus.SUCCESS;
    }

    int featureResult(int featureId) {
        return featureId == Features.NUMBER_OF_QUEUES ? QueueCommands.count(queuesMax, queuesMax) : 0;
    }
}
