package io.mizzen.bdev;

import io.mizzen.util.Completion;
import io.mizzen.util.HotPath;

/**
 * A locked range of blocks of a bdev: new writes to it wait, and the lock is held once those in flight have ended on
 * every channel. Made and released on the control reactor ({@link Bdev#lockRange}).
 */
public final class RangeLock {
    /** Locks nothing: in its way is what {@link Bdev#awaitInFlight} waits for. */
    static final RangeLock AWAITED = new RangeLock(0, 0, false, null);

    private final long offsetBlocks;
    private final long blockCount;
    private final boolean blocksReads;
    final Completion<RangeLock> granted;
    private volatile boolean givenUp;

    RangeLock(long offsetBlocks, long blockCount, boolean blocksReads, Completion<RangeLock> granted) {
        this.offsetBlocks = offsetBlocks;
        this.blockCount = blockCount;
        this.blocksReads = blocksReads;
        this.granted = granted;
    }

    public long offsetBlocks() {
        return offsetBlocks;
    }

    public long blockCount() {
        return blockCount;
    }

    /** It holds nothing back any more. */
    void giveUp() {
        givenUp = true;
    }

    boolean overlaps(RangeLock other) {
        return offsetBlocks < other.offsetBlocks + other.blockCount
                && other.offsetBlocks < offsetBlocks + blockCount;
    }

    /** Whether the I/O, which lies there on the locked bdev, has to wait for this lock. */
    @HotPath
    boolean blocks(BdevIo io, long ioOffsetBlocks) {
        if (this == AWAITED) {
            return (io.flags & Bdev.FLAG_AWAITED) != 0;
        }
        return (io.flags & Bdev.FLAG_INTERNAL) == 0
                && (IoType.isWrite(io.type) || blocksReads && IoType.hasData(io.type))
                && ioOffsetBlocks < offsetBlocks + blockCount
                && offsetBlocks < ioOffsetBlocks + io.blockCount && !givenUp;
    }
}
