package io.mizzen.bdev;

import io.mizzen.reactor.Deferred;
import io.mizzen.util.HotPath;

/**
 * One I/O to a bdev: pre-allocated, taken from the pool of a reactor ({@link IoChannel#tryAcquire()}), filled in,
 * submitted on a channel of that reactor, completed once, released. One reactor's own.
 *
 * <pre>
 * FREE → ACQUIRED → (WAITING →) SUBMITTED → COMPLETED → FREE
 * </pre>
 */
public final class BdevIo extends Deferred {
    /** The data is durable when a write completes. */
    public static final int FLAG_FUA = 1;
    /** Of write-zeroes: whoever can give the blocks back as with an unmap may do so. They read as zeroes in any case. */
    public static final int FLAG_DEALLOCATE = 1 << 1;
    /** The driver's own, between submit and complete. Unlike its fields it is clear at first. */
    public static final int FLAG_DRIVER = 1 << 2;
    /** What a layer hands on to those below with each part of an I/O. */
    public static final int FLAGS_HANDED_ON = FLAG_FUA | FLAG_DEALLOCATE;

    static final int FREE = 0;
    static final int ACQUIRED = 1;
    static final int WAITING = 2;
    static final int SUBMITTED = 3;
    static final int COMPLETED = 4;

    /** One of {@link IoType}. */
    public int type;
    /** {@link #FLAG_FUA}, {@link #FLAG_DEALLOCATE}. */
    public int flags;
    public long offsetBlocks;
    public long blockCount;
    /** Contiguous buffer of blockCount blocks; 0 where the type has no data. */
    public long address;
    /** The registered region that holds the buffer, or -1. */
    public int regionIndex;

    /** Who is told. */
    public IoCompletion completion;
    /** The submitter's own. */
    public Object context;
    /** The submitter's own. */
    public long tag;

    /** For layers that split or fan out: the I/O that waits for this one. */
    public BdevIo parent;
    /** For layers that split or fan out: children still in flight, set before the first is submitted. */
    public int childCount;
    /** For layers that split or fan out: what their children came to. */
    public int childStatus;

    /** The driver's own, between submit and complete. */
    public Object driverContext;
    /** The driver's own. */
    public long driverLong;
    /** The driver's own. */
    public long driverLong2;
    /** The driver's own. */
    public int driverInt;
    /** Link for whichever queue of a driver or of the channel the I/O waits in. */
    public BdevIo queueNext;

    final BdevIoPool pool;
    /** On which it was submitted. */
    IoChannel channel;
    /** Between {@link #channel} and the one to which it has handed it down; null when it has not. */
    Standing standing;
    long upperOffsetBlocks;
    BdevIo flightPrevious;
    BdevIo flightNext;
    long submitNs;
    int state = FREE;
    private int status;

    BdevIo(BdevIoPool pool) {
        this.pool = pool;
    }

    /** Sets what every I/O needs. */
    @HotPath
    public BdevIo prepare(int ioType, long firstBlock, long blocks, long bufferAddress, int bufferRegion,
            IoCompletion receiver) {
        assert state == ACQUIRED;
        type = ioType;
        flags = 0;
        offsetBlocks = firstBlock;
        blockCount = blocks;
        address = bufferAddress;
        regionIndex = bufferRegion;
        if (completion != receiver) {
            completion = receiver;      // Mostly it is the one of last time.
        }
        return this;
    }

    /** The outcome, a {@link Status}; valid in and after the completion. */
    @HotPath
    public int status() {
        return status;
    }

    /** The channel whose driver has it, or had it last: the one it was submitted on, unless that has handed it down. */
    @HotPath
    public IoChannel channel() {
        return standing == null ? channel : standing.lower;
    }

    /** Driver: the I/O ended. Never inside {@code doSubmit}: use {@link #completeDeferred} there. */
    @HotPath
    public void complete(int newStatus) {
        assert state == SUBMITTED;
        state = COMPLETED;
        status = newStatus;
        channel.onDriverComplete(this);
    }

    /** Driver: the I/O ended within {@code doSubmit}; its owner is told later in the turn, or in the next. */
    @HotPath
    public void completeDeferred(int newStatus) {
        assert state == SUBMITTED;
        state = COMPLETED;
        if (status != newStatus) {
            status = newStatus;
        }
        channel.mthread().reactor().defer(this);
    }

    @Override
    @HotPath
    protected void runDeferred() {
        assert state == COMPLETED;
        channel.onDriverComplete(this);
    }

    /** Makes a completed I/O ready for another submission. */
    @HotPath
    void reuse() {
        assert state == COMPLETED;
        state = ACQUIRED;
    }

    /** In the pool: holds on to nothing that may be closed before it is used again. */
    void forget() {
        assert state == FREE;
        channel = null;
        completion = null;
    }

    /** Returns the I/O to its pool. */
    @HotPath
    public void release() {
        assert state == COMPLETED || state == ACQUIRED;
        pool.release(this);
    }
}
