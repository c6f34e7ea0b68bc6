package io.mizzen.rebuild;

import io.mizzen.bdev.Status;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Copies from one leg of a volume to others, or compares them, while hosts use the volume: each window is locked against
 * writes, dealt with in pieces, and unlocked. Several windows are under way, so that the next is locked while one is
 * copied. Only the source is believed: an error there, or on a destination, ends the job. What was written is flushed
 * before the job completes.
 *
 * <p>Stretches that the source is known not to hold are not read: destinations that may hold something there are zeroed.
 * A rate limit holds windows back before they are locked, never within.
 *
 * <p>{@link RebuildState} has the states. Control reactor, but for {@link RebuildWorker}'s I/O and the views, which are
 * for any thread.
 */
public final class RebuildJob {
    /** Told on the control reactor. */
    public interface Listener {
        /** The job ended; its channels are closed. */
        void onEnd(RebuildJob job);

        /** Everything is written, and the destinations are flushed now. */
        default void onFlush(RebuildJob job) {
            // For those who count flushes.
        }

        /** The job is paused: nothing is locked, no buffer is held. */
        default void onPaused(RebuildJob job) {
            // For those who asked.
        }
    }

    /** No destination failed. */
    public static final int NONE = -1;
    /** Differences that are listed; all are counted. */
    public static final int DIFFERENCE_MAX = 100;
    /** Windows under way at a time. */
    private static final int WINDOW_MAX = 32;
    /** Windows that a worker has at a time: one that it copies, others that wait or are being locked. */
    private static final long WINDOWS_AHEAD = 3;
    /** What one lock may cover where neither side holds anything. */
    private static final long HOLE_BYTES_MAX = 64 << 20;

    private final RebuildSpec spec;
    private final Mthread home;
    private final LongSupplier wallClockMs;
    private final RangeLocker locker;
    private final Listener listener;
    private final RebuildCrew crew;
    private final RateControl rate;
    private final List<Window> windows = new ArrayList<>();
    private final List<RebuildDifference> differences = new ArrayList<>();
    private final int blockShift;
    private RebuildSettings settings;
    private int busyWindows;
    private long lockedBytes;
    private boolean opened;
    private boolean flushing;
    private boolean releasing;
    private boolean closing;
    private int failedDestination = NONE;
    private boolean sourceFailed;
    private int failureStatus;
    private long startedAtMs;
    private RebuildRecord record;

    // Written here only, read by anybody.
    private volatile RebuildState state = RebuildState.INIT;
    private volatile long copiedBlocks;
    private volatile long skippedBlocks;
    private volatile long writtenBlocks;
    private volatile long differentBlocks;
    private volatile long runningSinceNs;
    private volatile long ranNs;
    private volatile RebuildPace pace = RebuildPace.from(0, 0);

    /**
     * @param home the control reactor's mthread
     * @param chooser where the copying I/O runs
     * @param wallClockMs milliseconds since 1970
     */
    public RebuildJob(RebuildSpec spec, Mthread home, WorkerChooser chooser, LongSupplier wallClockMs,
            Listener listener) {
        this(spec, home, chooser, wallClockMs, RangeLocker.of(spec.volume(), home), listener);
    }

    RebuildJob(RebuildSpec spec, Mthread home, WorkerChooser chooser, LongSupplier wallClockMs, RangeLocker locker,
            Listener listener) {
        this.spec = spec;
        this.home = home;
        this.wallClockMs = wallClockMs;
        this.locker = locker;
        this.listener = listener;
        this.settings = spec.settings();
        this.blockShift = spec.volume().blockShift();
        this.crew = new RebuildCrew(this, spec, home, chooser);
        this.rate = new RateControl(this, spec, home.reactor());
        for (int i = 0; i < WINDOW_MAX; i++) {
            windows.add(new Window(this));
        }
    }

    private void setState(RebuildState next) {
        assert home.reactor().isCurrent();
        assert state.mayBecome(next);
        long nowNs = home.reactor().nowNs();
        if (state == RebuildState.INIT || state == RebuildState.PAUSED) {
            runningSinceNs = nowNs;
            pace = RebuildPace.from(nowNs, doneBytes());
        } else if (next == RebuildState.PAUSED || next.isEnd()) {
            ranNs += nowNs - runningSinceNs;
        }
        state = next;
    }

    // --- orders ---------------------------------------------------------------------------------------

    /** Begins. */
    public void start() {
        setState(RebuildState.RUNNING);
        startedAtMs = wallClockMs.getAsLong();
        crew.choose(() -> {
            opened = true;
            if (state == RebuildState.STOPPING) {
                close();
                return;
            }
            crew.open();
            if (state == RebuildState.RUNNING) {
                supply();
            }
            advance();
        });
    }

    /** Lets the windows under way end, then begins no other. The listener hears of it. False when it is ending. */
    public boolean pause() {
        if (state == RebuildState.RUNNING && !flushing && !closing) {
            setState(RebuildState.PAUSING);
            advance();
        }
        return state == RebuildState.PAUSING || state == RebuildState.PAUSED;
    }

    /** Goes on after {@link #pause}. False when it is ending. */
    public boolean resume() {
        if (state == RebuildState.PAUSED || state == RebuildState.PAUSING) {
            boolean wasPaused = state == RebuildState.PAUSED;
            setState(RebuildState.RUNNING);
            if (wasPaused) {
                supply();
            }
            advance();
        }
        return state == RebuildState.RUNNING;
    }

    /** Ends the job early; the listener hears of the end. Harmless when it is ending already. */
    public void stop() {
        boolean runs = state == RebuildState.RUNNING || state == RebuildState.PAUSING || state == RebuildState.PAUSED;
        if (runs && !closing) {
            setState(RebuildState.STOPPING);
            advance();
        }
    }

    /**
     * Ends the job early, in the middle of windows; {@code then} runs when no destination will be written any more, which
     * does not wait for the source. The listener hears of the end.
     */
    public void cut(Runnable then) {
        stop();
        crew.cut(then);
    }

    /** Changes rate, floor and back-off at once; segments and windows stay as they are. */
    public void setSettings(RebuildSettings changed) {
        settings = changed;
        rate.setSettings(changed);
        advance();
    }

    // --- the course -----------------------------------------------------------------------------------

    /** Buffers are taken, and then windows are locked. */
    private void supply() {
        crew.supply();
        rate.start();
    }

    /** The one place that decides what comes next. */
    void advance() {
        if (!opened || closing || flushing || releasing) {
            return;
        }
        boolean exhausted = state == RebuildState.RUNNING && crew.isSupplied() && !beginWindows();
        if (busyWindows > 0) {
            return;
        }
        switch (state) {
            case PAUSING -> release();
            case STOPPING, FAILING -> close();
            case RUNNING -> {
                if (exhausted && spec.kind().writes()) {
                    flushing = true;
                    listener.onFlush(this);
                    crew.flush();
                } else if (exhausted) {
                    close();
                }
            }
            default -> { }
        }
    }

    /** Nothing is locked any more: a pause gives the buffers back. */
    private void release() {
        releasing = true;
        rate.stop();
        crew.release(this::onReleased);
    }

    private void onReleased() {
        releasing = false;
        if (state == RebuildState.PAUSING) {
            setState(RebuildState.PAUSED);
            listener.onPaused(this);
            return;
        }
        if (state == RebuildState.RUNNING) {
            supply();
        }
        advance();
    }

    /** The destinations have been flushed, or one could not be. */
    void onFlushed(int destination, int status) {
        flushing = false;
        if (destination != NONE) {
            fail(destination, status);
        }
        close();
    }

    private void close() {
        closing = true;
        rate.stop();
        crew.close(this::end);
    }

    private void end() {
        setState(switch (state) {
            case STOPPING -> RebuildState.STOPPED;
            case FAILING -> RebuildState.FAILED;
            default -> RebuildState.COMPLETED;
        });
        record = new RebuildRecord(spec.kind(), spec.source().name(),
                spec.destinations().stream().map(RebuildLeg::name).toList(), spec.volume().blockSizeBytes(), startedAtMs,
                wallClockMs.getAsLong(), progress(), failure(), differences);
        listener.onEnd(this);
    }

    // --- windows --------------------------------------------------------------------------------------

    /** Begins as many windows as may be; false when the plan has no more for now. */
    private boolean beginWindows() {
        long inFlightMax = WINDOWS_AHEAD * Math.max((long) crew.size() * settings.windowBytes(),
                (long) settings.segments() * RebuildSettings.PIECE_BYTES);
        for (int i = 0; i < WINDOW_MAX && lockedBytes < inFlightMax; i++) {
            Window window = windows.get(i);
            if (window.busy) {
                continue;
            }
            if (!spec.plan().mayHaveNext()) {
                return false;
            }
            if (!rate.mayBegin()) {
                return true;
            }
            if (!spec.plan().next(window.segment, nextWindowBytes() >>> blockShift)) {
                return false;
            }
            begin(window);
        }
        return true;
    }

    private long nextWindowBytes() {
        long at = spec.plan().peekBlock();
        if (at >= 0) {
            long end = Math.min(at + (HOLE_BYTES_MAX >>> blockShift), spec.volume().blockCount());
            long data = spec.source().nextData(at, end);
            for (RebuildLeg destination : spec.destinations()) {
                data = Math.min(data, destination.nextData(at, end));
            }
            long holeBytes = data - at << blockShift;
            if (holeBytes >= settings.windowBytes()) {
                return holeBytes;               // A hint only: what is there when it is locked, counts.
            }
        }
        return rate.windowBytes();
    }

    private void begin(Window window) {
        long bytes = window.segment.blockCount << blockShift;
        window.busy = true;
        window.chargedBytes = Math.min(bytes, settings.windowBytes());
        rate.charge(window.chargedBytes);
        window.worker = crew.next();
        window.worker.windowsOut++;
        busyWindows++;
        lockedBytes += bytes;
        locker.lock(window.segment.offsetBlocks, window.segment.blockCount, (lock, failure) -> {
            window.lock = lock;
            if (state == RebuildState.RUNNING || state == RebuildState.PAUSING) {
                window.worker.mthread().send(window.toWorker, home.reactor());
            } else {
                // The write that the lock waited for may be what the source has failed: it must not be undone.
                rate.settle(window.chargedBytes, 0);
                window.worker.windowsOut--;
                lockedBytes -= bytes;
                spec.plan().onNotCopied(window.segment.offsetBlocks, window.segment.blockCount);
                locker.unlock(lock, unlocked(window));
            }
        });
    }

    /** A window's I/O has ended; posted by the worker. */
    void onWindowEnd(Window window) {
        long copiedBytes = window.copiedBlocks << blockShift;
        rate.settle(window.chargedBytes, copiedBytes);
        copiedBlocks += window.copiedBlocks;
        skippedBlocks += window.skippedBlocks;
        writtenBlocks += window.writtenBlocks;
        differentBlocks += window.differentBlocks;
        for (RebuildDifference difference : window.differences) {
            if (differences.size() < DIFFERENCE_MAX) {
                differences.add(difference);
            }
        }
        long offset = window.segment.offsetBlocks;
        if (window.hasFailed()) {
            boolean bySource = window.sourceStatus != Status.SUCCESS;
            fail(bySource ? NONE : window.failedDestination,
                    bySource ? window.sourceStatus : window.destinationStatus);
            spec.plan().onNotCopied(offset, window.segment.blockCount);
        } else if (window.wasCut) {
            spec.plan().onNotCopied(offset, window.segment.blockCount);
        } else {
            assert window.copiedBlocks + window.skippedBlocks == window.segment.blockCount;
            spec.plan().onCopied(offset, window.segment.blockCount);
        }
        pace = pace.at(home.reactor().nowNs(), doneBytes());
        window.worker.windowsOut--;
        lockedBytes -= window.segment.blockCount << blockShift;
        locker.unlock(window.lock, unlocked(window));
        advance();                              // The next one is locked while this one is unlocked.
    }

    private Completion<Void> unlocked(Window window) {
        return (value, failure) -> {
            window.lock = null;
            window.busy = false;
            busyWindows--;
            advance();
        };
    }

    private void fail(int destination, int status) {
        if (state == RebuildState.RUNNING || state == RebuildState.PAUSING) {
            setState(RebuildState.FAILING);
        }
        if (failureStatus == Status.SUCCESS) {
            failureStatus = status;
            failedDestination = destination;
            sourceFailed = destination == NONE;
        }
    }

    private long doneBytes() {
        return copiedBlocks + skippedBlocks << blockShift;
    }

    // --- views ------------------------------------------------------------------------------------------

    Mthread home() {
        return home;
    }

    /** Any thread. */
    public RebuildState state() {
        return state;
    }

    public RebuildKind kind() {
        return spec.kind();
    }

    public RebuildSettings settings() {
        return settings;
    }

    /** How far it is. Any thread, approximate while it runs. */
    public RebuildProgress progress() {
        RebuildState now = state;
        boolean counts = now != RebuildState.INIT && now != RebuildState.PAUSED && !now.isEnd();
        long nowNs = home.reactor().nowNs();
        long elapsedNs = ranNs + (counts ? Math.max(0, nowNs - runningSinceNs) : 0);
        long total = spec.plan().totalBlocks();
        long copied = copiedBlocks;
        long skipped = skippedBlocks;
        long done = copied + skipped;
        long late = counts ? pace.bytesPerSecond(nowNs, done << blockShift)
                : now.isEnd() && elapsedNs > 0 ? (long) ((done << blockShift) * 1e9 / elapsedNs) : 0;
        long limit = rate.limit();
        long expected = limit == RebuildSettings.UNLIMITED ? late : Math.min(late, limit);
        long remainingNs = now.isEnd() || done >= total ? 0
                : expected == 0 ? -1 : (long) ((total - done << blockShift) * 1e9 / expected);
        return new RebuildProgress(now, total, copied, skipped, writtenBlocks, differentBlocks, elapsedNs, late,
                limit, remainingNs);
    }

    /** What is to be kept of it; null before it has ended. */
    public RebuildRecord record() {
        return record;
    }

    /** The differences found so far, at most {@link #DIFFERENCE_MAX}. */
    public List<RebuildDifference> differences() {
        return List.copyOf(differences);
    }

    /** Blocks that were read from the source and are equal on all legs now. Any thread. */
    public long copiedBlocks() {
        return copiedBlocks;
    }

    /** Blocks that had to be written, over all destinations. Any thread. */
    public long writtenBlocks() {
        return writtenBlocks;
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

    private String failure() {
        if (failureStatus == Status.SUCCESS) {
            return null;
        }
        String leg = sourceFailed ? "source " + spec.source().name()
                : "destination " + spec.destinations().get(failedDestination).name();
        return leg + ": " + Status.describe(failureStatus);
    }
}
