package io.mizzen.rebuild;

import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.memory.BufferPool;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Timer;
import io.mizzen.util.HotPath;
import java.util.ArrayList;
import java.util.List;

/**
 * What a job has on the mthread that it copies on: channels, pieces with their buffers, and the windows that are locked.
 * The pieces take what is next in the oldest window, so that reads and writes of several overlap. Worker's reactor.
 *
 * <p>The first piece has its buffers for as long as the job runs, and before the first window is locked; the others take
 * theirs while half of the pool is free, and give them back when an eighth is left.
 */
final class RebuildWorker {
    /** Until the next attempt to get buffers: with none nothing goes on, with some it goes more slowly. */
    private static final long FIRST_SUPPLY_RETRY_NS = 1_000_000;
    private static final long SUPPLY_RETRY_NS = 20_000_000;
    private static final long ZERO_BYTES_MAX = 4 << 20;

    private final RebuildJob job;
    private final RebuildLeg source;
    private final RebuildLeg[] destinations;
    private final Piece[] pieces;
    private final long pieceBlocks;
    private final long zeroBlocksMax;
    private final boolean compares;
    private final Mthread mthread;
    private final BufferPool large;
    private IoChannel sourceChannel;
    private IoChannel[] destinationChannels;
    private Window head;
    private Window tail;
    private boolean supplying;
    private Runnable onSupplied;
    private boolean dispatching;
    private boolean cut;
    private int writesInFlight;
    private final List<Runnable> whenCut = new ArrayList<>();
    private int flushesLeft;
    private int failedFlush;
    private int flushStatus;
    private final Timer supplyRetry = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            supply();
        }
    };

    /** The crew's: it has had its first buffers since it was told to take some. */
    boolean supplied;
    /** The crew's: windows that were given to it and are not unlocked yet. */
    int windowsOut;

    /** Home; everything else is for the worker. */
    RebuildWorker(RebuildJob job, RebuildSpec spec, Mthread mthread, int pieceCount) {
        this.job = job;
        this.mthread = mthread;
        this.large = BdevContext.of(mthread.reactor()).large().pool();
        this.source = spec.source();
        this.destinations = spec.destinations().toArray(RebuildLeg[]::new);
        this.compares = spec.kind().compares();
        this.pieceBlocks = RebuildSettings.PIECE_BYTES >>> spec.volume().blockShift();
        this.zeroBlocksMax = ZERO_BYTES_MAX >>> spec.volume().blockShift();
        this.pieces = new Piece[pieceCount];
        for (int i = 0; i < pieces.length; i++) {
            pieces[i] = new Piece(this, spec);
        }
    }

    /** Opens the channels. */
    void open() {
        sourceChannel = source.descriptor().openChannel(mthread);
        destinationChannels = new IoChannel[destinations.length];
        for (int i = 0; i < destinationChannels.length; i++) {
            destinationChannels[i] = destinations[i].descriptor().openChannel(mthread);
        }
    }

    /** Closes them; nothing is in flight. */
    void close() {
        stopSupply();
        sourceChannel.close();
        for (IoChannel channel : destinationChannels) {
            channel.close();
        }
    }

    // --- buffers ------------------------------------------------------------------------------------

    /** Begins to take buffers; {@code first} runs here when there are enough for windows to be locked. */
    void startSupply(Runnable first) {
        supplying = true;
        onSupplied = first;
        supply();
    }

    /** Gives all buffers back; no window is here. */
    void stopSupply() {
        assert head == null;
        supplying = false;
        mthread.reactor().cancel(supplyRetry);
        for (Piece piece : pieces) {
            piece.returnBuffers();
        }
    }

    private void supply() {
        for (int i = 0; i < pieces.length; i++) {
            Piece piece = pieces[i];
            if (piece.hasBuffers()) {
                continue;
            }
            boolean mayTake = i == 0 || large.freeCount() > large.count() / 2;
            if (!mayTake || !piece.tryTakeBuffers()) {
                if (!supplyRetry.isArmed()) {
                    mthread.reactor().arm(supplyRetry, i == 0 ? FIRST_SUPPLY_RETRY_NS : SUPPLY_RETRY_NS);
                }
                break;
            }
            if (i == 0) {
                onSupplied.run();
            }
        }
        dispatch();
    }

    /** Whether the piece may go on with its buffers: hosts come first. */
    private boolean keepsBuffers(int index) {
        if (!pieces[index].hasLostBuffer() && (index == 0 || large.freeCount() >= large.count() / 8)) {
            return true;
        }
        pieces[index].returnBuffers();
        if (!supplyRetry.isArmed()) {
            mthread.reactor().arm(supplyRetry, SUPPLY_RETRY_NS);
        }
        return false;
    }

    // --- windows ------------------------------------------------------------------------------------

    /** A window is locked: its pieces may go. */
    @HotPath
    void onWindow(Window window) {
        assert supplying;
        window.begin();
        window.next = null;
        if (tail == null) {
            head = window;
        } else {
            tail.next = window;
        }
        tail = window;
        dispatch();
    }

    /** Gives work to idle pieces, the first ones first. */
    @HotPath
    private void dispatch() {
        if (dispatching) {
            return;
        }
        dispatching = true;
        for (int i = 0; i < pieces.length && head != null; i++) {
            Piece piece = pieces[i];
            if (piece.isIdle() && piece.hasBuffers() && keepsBuffers(i)) {
                feed(piece);
            }
        }
        dispatching = false;
    }

    /** Gives the piece the next stretch that needs I/O; what does not is counted on the way. */
    @HotPath
    private void feed(Piece piece) {
        while (head != null) {
            Window window = head;
            if (cut) {
                window.cutShort();
            }
            long end = window.endBlock();
            long data = window.cursor < end ? nextData(window.cursor, end) : end;
            window.skippedBlocks += data - window.cursor;
            window.cursor = data;
            if (data == end) {
                removeHead();
                endIfDone(window);
            } else {
                start(piece, window, data, end);
                return;
            }
        }
    }

    /** The first block from there on that some leg may hold data in. */
    @HotPath
    private long nextData(long from, long end) {
        long next = source.nextData(from, end);
        for (int i = 0; i < destinations.length && next > from; i++) {
            next = Math.min(next, destinations[i].nextData(from, end));
        }
        return next;
    }

    @HotPath
    private void start(Piece piece, Window window, long from, long end) {
        long data = source.nextData(from, end);
        if (data > from && !compares) {
            long count = Math.min(data - from, zeroBlocksMax);
            window.cursor = from + count;
            piece.zero(window, from, count);
            return;
        }
        long count = Math.min(pieceBlocks, end - from);
        if (!compares) {
            count = Math.min(count, source.nextHole(from, end) - from);
        }
        window.cursor = from + count;
        piece.copy(window, from, count);
    }

    @HotPath
    private void removeHead() {
        Window window = head;
        head = window.next;
        window.next = null;
        if (head == null) {
            tail = null;
        }
    }

    /** A piece of the window has ended; others may be idle since then. */
    @HotPath
    void onPieceEnd(Window window) {
        if (window != head) {
            endIfDone(window);
        }
        dispatch();
    }

    @HotPath
    private void endIfDone(Window window) {
        if (window.piecesOut == 0) {
            job.home().send(window.toHome, mthread.reactor());
        }
    }

    // --- the end ------------------------------------------------------------------------------------

    /** No destination is written any more; {@code then} runs here when no write is in flight. */
    void cut(Runnable then) {
        cut = true;
        whenCut.add(then);
        tellCut();
    }

    private void tellCut() {
        if (writesInFlight == 0) {
            List<Runnable> now = List.copyOf(whenCut);
            whenCut.clear();
            now.forEach(Runnable::run);
        }
    }

    @HotPath
    boolean isCut() {
        return cut;
    }

    @HotPath
    void onWriteStart() {
        writesInFlight++;
    }

    @HotPath
    void onWriteEnd() {
        writesInFlight--;
        if (cut) {
            tellCut();
        }
    }

    /** Makes what was written durable; the job hears of the outcome. */
    void flush() {
        flushesLeft = destinations.length;
        failedFlush = RebuildJob.NONE;
        flushStatus = Status.SUCCESS;
        for (int i = 0; i < destinations.length; i++) {
            flush(i);
        }
    }

    private void flush(int destination) {
        BdevIo io = destinationChannels[destination].tryAcquire();
        if (io == null) {
            mthread.reactor().arm(new Timer() {
                @Override
                protected void onTimer(long nowNs) {
                    flush(destination);
                }
            }, FIRST_SUPPLY_RETRY_NS);
            return;
        }
        io.prepare(IoType.FLUSH, 0, 0, 0, -1, done -> {
            if (done.status() != Status.SUCCESS && failedFlush == RebuildJob.NONE) {
                failedFlush = destination;
                flushStatus = done.status();
            }
            done.release();
            if (--flushesLeft == 0) {
                int failed = failedFlush;
                int status = flushStatus;
                job.home().send(() -> job.onFlushed(failed, status));
            }
        });
        destinationChannels[destination].submit(io);
    }

    // --- for the pieces -------------------------------------------------------------------------------

    @HotPath
    Mthread mthread() {
        return mthread;
    }

    @HotPath
    IoChannel sourceChannel() {
        return sourceChannel;
    }

    @HotPath
    IoChannel destinationChannel(int index) {
        return destinationChannels[index];
    }
}
