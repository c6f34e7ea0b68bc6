package io.mizzen.bdev;

import io.mizzen.util.HotPath;
import io.mizzen.util.OperationException;
import java.util.concurrent.atomic.AtomicLong;

/** One injected fault of a {@link FaultBdev}: which I/O it hits, what it does, how often. Any thread. */
public final class FaultRule {
    /** Applies to every I/O type. */
    public static final int ANY_TYPE = -1;

    /** Before the I/O reaches the base bdev, or after the base has completed it. */
    public enum Stage {
        SUBMIT, COMPLETION
    }

    /** What happens to an I/O that is hit. */
    public enum Kind {
        /** It ends with the status; at stage SUBMIT the base never sees it. */
        ERROR,
        /** It is delayed. */
        DELAY,
        /** One byte of its first block is flipped: in the data read, or on the disk after a write. */
        CORRUPT
    }

    private final String id;
    private final int ioType;
    private final Stage stage;
    private final Kind kind;
    private final int status;
    private final long delayNs;
    private final long offsetBlocks;
    private final long blockCount;
    private final long hitLimit;
    private final AtomicLong hits = new AtomicLong();

    /**
     * @param ioType an {@link IoType} or {@link #ANY_TYPE}
     * @param status for ERROR
     * @param delayNs for DELAY
     * @param offsetBlocks first block of the range that is hit
     * @param blockCount length of the range; Long.MAX_VALUE for all
     * @param hitLimit how many I/Os are hit; Long.MAX_VALUE for all
     */
    public FaultRule(String id, int ioType, Stage stage, Kind kind, int status, long delayNs, long offsetBlocks,
            long blockCount, long hitLimit) {
        if (kind == Kind.ERROR && Status.code(status) == Status.SUCCESS) {
            throw OperationException.invalid("invalid-fault", "an error fault needs a status other than success");
        }
        if (kind == Kind.DELAY && delayNs <= 0) {
            throw OperationException.invalid("invalid-fault", "a delay fault needs a delay above zero");
        }
        if (kind == Kind.CORRUPT && ioType != IoType.READ && ioType != IoType.WRITE) {
            throw OperationException.invalid("invalid-fault", "a corruption hits reads or writes");
        }
        if (offsetBlocks < 0 || blockCount <= 0 || hitLimit <= 0) {
            throw OperationException.invalid("invalid-fault", "offset, length and count must not be negative or empty");
        }
        this.id = id;
        this.ioType = ioType;
        this.stage = stage;
        this.kind = kind;
        this.status = status;
        this.delayNs = delayNs;
        this.offsetBlocks = offsetBlocks;
        this.blockCount = blockCount;
        this.hitLimit = hitLimit;
    }

    /** Whether the I/O is hit; counts the hit. */
    @HotPath
    boolean hit(BdevIo io, Stage at) {
        if (stage != at || ioType != ANY_TYPE && ioType != io.type) {
            return false;
        }
        if (IoType.hasRange(io.type)) {
            boolean before = io.offsetBlocks + io.blockCount <= offsetBlocks;
            boolean after = io.offsetBlocks >= offsetBlocks && io.offsetBlocks - offsetBlocks >= blockCount;
            if (before || after) {
                return false;
            }
        }
        long count = hits.get();
        while (count < hitLimit) {
            if (hits.compareAndSet(count, count + 1)) {
                return true;
            }
            count = hits.get();
        }
        return false;
    }

    public String id() {
        return id;
    }

    public int ioType() {
        return ioType;
    }

    public Stage stage() {
        return stage;
    }

    public Kind kind() {
        return kind;
    }

    public int status() {
        return status;
    }

    public long delayNs() {
        return delayNs;
    }

    public long offsetBlocks() {
        return offsetBlocks;
    }

    public long blockCount() {
        return blockCount;
    }

    public long hitLimit() {
        return hitLimit;
    }

    /** I/Os hit so far. */
    public long hitCount() {
        return hits.get();
    }
}
