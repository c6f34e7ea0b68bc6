package io.mizzen.rebuild;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.Status;
import io.mizzen.memory.BufferPool;
import io.mizzen.memory.BufferPools;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Timer;
import io.mizzen.util.Completion;
import java.util.List;

/**
 * Copies pieces of a volume from one leg to others while hosts use the volume: each piece is locked against writes,
 * read from the source, compared with each destination, written where it differs, and unlocked. Several pieces are in
 * flight. Only the source is believed: an error there, or on a destination, ends the job.
 *
 * <pre>
 * INIT → RUNNING → COMPLETED
 *           ├────→ STOPPING → STOPPED     (asked to stop)
 *           └────→ FAILING → FAILED      (an error of the source or of a destination)
 * </pre>
 *
 * Control reactor, but for the tasks' I/O, which runs on the worker's reactor.
 */
public final class CopyJob {
    /** States of a job; waiting states end when the pieces in flight have ended and the channels are closed. */
    public enum State {
        INIT, RUNNING, STOPPING, FAILING, COMPLETED, STOPPED, FAILED;

        boolean mayBecome(State next) {
            return switch (this) {
                case INIT -> next == RUNNING;
                case RUNNING -> next == STOPPING || next == FAILING || next == COMPLETED;
                case STOPPING -> next == STOPPED;
                case FAILING -> next == FAILED;
                default -> false;
            };
        }
    }

    /**
     * One leg.
     *
     * @param descriptor open for writing, at least where the leg is a destination
     * @param dataOffsetBlocks where block 0 of the volume lies on it
     */
    public record Leg(Descriptor descriptor, long dataOffsetBlocks) {
    }

    /** Told on the control reactor. */
    public interface Listener {
        /** The job ended; its channels are closed. */
        void onEnd(CopyJob job);
    }

    /** No destination failed. */
    public static final int NONE = -1;
    /** Pieces in flight. */
    public static final int TASK_COUNT = 4;
    /** Bytes of a piece: what one buffer holds. */
    public static final int SEGMENT_BYTES = BufferPools.LARGE_BYTES;
    /** Until the next attempt to get buffers: with none nothing goes on, with some it goes more slowly. */
    private static final long FIRST_SUPPLY_RETRY_NS = 1_000_000;
    private static final long SUPPLY_RETRY_NS = 100_000_000;

    private final Bdev volume;
    private final Mthread home;
    private final Mthread worker;
    private final Leg source;
    private final List<Leg> destinations;
    private final CopyPlan plan;
    private final Listener listener;
    private final CopyTask[] tasks = new CopyTask[TASK_COUNT];
    private State state = State.INIT;
    private int busyTasks;
    private boolean exhausted;
    private boolean channelsOpen;
    private boolean closing;
    private long copiedBlocks;
    private long writtenBlocks;
    private int failedDestination = NONE;
    private boolean sourceFailed;
    private int failureStatus;

    // The worker's own.
    private IoChannel sourceChannel;
    private IoChannel[] destinationChannels;
    private final Timer supplyRetry = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            supply();
        }
    };

    /**
     * @param volume the bdev whose ranges are locked
     * @param home the control reactor's mthread
     * @param worker where the copying I/O runs
     */
    public CopyJob(Bdev volume, Mthread home, Mthread worker, Leg source, List<Leg> destinations, CopyPlan plan,
            Listener listener) {
        this.volume = volume;
        this.home = home;
        this.worker = worker;
        this.source = source;
        this.destinations = List.copyOf(destinations);
        this.plan = plan;
        this.listener = listener;
        for (int i = 0; i < TASK_COUNT; i++) {
            tasks[i] = new CopyTask(this);
        }
    }

    private void setState(State next) {
        assert home.reactor().isCurrent();
        assert state.mayBecome(next);
        state = next;
    }

    /** Begins. */
    public void start() {
        setState(State.RUNNING);
        worker.send(() -> {
            sourceChannel = source.descriptor().openChannel(worker);
            destinationChannels = new IoChannel[destinations.size()];
            for (int i = 0; i < destinationChannels.length; i++) {
                destinationChannels[i] = destinations.get(i).descriptor().openChannel(worker);
            }
            home.send(() -> {
                channelsOpen = true;
                advance();
            });
            supply();
        });
    }

    /**
     * Gives buffers to the tasks, for as long as the job lasts: no lock is asked for before. One task gets them whenever
     * there are two; the others leave half of the pool to the hosts. Worker.
     */
    private void supply() {
        BufferPool large = BdevContext.of(worker.reactor()).large().pool();
        for (int i = 0; i < TASK_COUNT; i++) {
            CopyTask task = tasks[i];
            if (task.hasBuffers()) {
                continue;
            }
            boolean mayTake = i == 0 || large.freeCount() > large.count() / 2;
            if (!mayTake || !task.tryTakeBuffers()) {
                worker.reactor().arm(supplyRetry, i == 0 ? FIRST_SUPPLY_RETRY_NS : SUPPLY_RETRY_NS);
                return;
            }
            home.send(() -> {
                task.supplied = true;
                advance();
            });
        }
    }

    /** Ends the job early; the listener hears of the end. Harmless when it is ending already. */
    public void stop() {
        if (state == State.RUNNING) {
            setState(State.STOPPING);
            advance();
        }
    }

    /** The one place that decides what comes next. */
    private void advance() {
        if (!channelsOpen) {
            return;
        }
        for (int i = 0; i < TASK_COUNT && state == State.RUNNING && !exhausted; i++) {
            if (tasks[i].supplied && !tasks[i].busy) {
                exhausted = !startTask(tasks[i]);
            }
        }
        boolean over = state == State.STOPPING || state == State.FAILING || state == State.RUNNING && exhausted;
        if (over && busyTasks == 0 && !closing) {
            closing = true;
            worker.send(() -> {
                worker.reactor().cancel(supplyRetry);
                for (CopyTask task : tasks) {
                    task.returnBuffers();
                }
                sourceChannel.close();
                for (IoChannel channel : destinationChannels) {
                    channel.close();
                }
                home.send(this::end);
            });
        }
    }

    private void end() {
        setState(switch (state) {
            case STOPPING -> State.STOPPED;
            case FAILING -> State.FAILED;
            default -> State.COMPLETED;
        });
        listener.onEnd(this);
    }

    private boolean startTask(CopyTask task) {
        CopyPlan.Segment segment = task.segment;
        if (!plan.next(segment, SEGMENT_BYTES >>> volume.blockShift())) {
            return false;
        }
        busyTasks++;
        task.busy = true;
        volume.lockRange(segment.offsetBlocks, segment.blockCount, false, home, (lock, failure) -> {
            task.lock = lock;
            if (state == State.RUNNING) {
                worker.send(task::start);
            } else {
                // The write that the lock waited for may be what the source has failed: it must not be undone.
                volume.unlockRange(lock, home, unlocked(task));
            }
        });
        return true;
    }

    /** A task's I/O has ended; posted by the worker. */
    void onTaskEnd(CopyTask task) {
        if (task.sourceStatus != Status.SUCCESS) {
            fail(NONE, task.sourceStatus);
        } else if (task.failedDestination != NONE) {
            fail(task.failedDestination, task.destinationStatus);
        } else {
            copiedBlocks += task.segment.blockCount;
            writtenBlocks += task.writtenBlocks;
            plan.onCopied(task.segment.offsetBlocks, task.segment.blockCount);
        }
        volume.unlockRange(task.lock, home, unlocked(task));
    }

    private Completion<Void> unlocked(CopyTask task) {
        return (value, failure) -> {
            task.lock = null;
            task.busy = false;
            busyTasks--;
            advance();
        };
    }

    private void fail(int destination, int status) {
        if (state == State.RUNNING) {
            setState(State.FAILING);
        }
        if (failureStatus == Status.SUCCESS) {
            failureStatus = status;
            failedDestination = destination;
            sourceFailed = destination == NONE;
        }
    }

    void postToHome(CopyTask task) {
        home.send(task.ended, worker.reactor());
    }

    IoChannel sourceChannel() {
        return sourceChannel;
    }

    IoChannel destinationChannel(int index) {
        return destinationChannels[index];
    }

    Leg source() {
        return source;
    }

    Leg destination(int index) {
        return destinations.get(index);
    }

    int destinationCount() {
        return destinations.size();
    }

    int blockShift() {
        return volume.blockShift();
    }

    Mthread worker() {
        return worker;
    }

    public State state() {
        return state;
    }

    /** Blocks that are equal on all legs by this job's doing. */
    public long copiedBlocks() {
        return copiedBlocks;
    }

    /** Blocks that had to be written, over all destinations. */
    public long writtenBlocks() {
        return writtenBlocks;
    }

    public long totalBlocks() {
        return plan.totalBlocks();
    }

    /** Whether it was the source that failed. */
    public boolean sourceFailed() {
        return sourceFailed;
    }

    /** The index of the destination that failed, or {@link #NONE}. */
    public int failedDestination() {
        return failedDestination;
    }

    /** The I/O status that ended the job, or SUCCESS. */
    public int failureStatus() {
        return failureStatus;
    }
}
