package io.mizzen.sim;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import java.util.Random;

/**
 * How a disk behaves: delays always, and one kind of fault at a time until it is healed. Decides the fate of each I/O when
 * it arrives.
 */
final class DiskFaults {
    /** What can be wrong with a disk. */
    enum Kind {
        NONE,
        /** Every I/O fails. */
        DEAD,
        /** Every command that changes something fails. */
        READ_ONLY,
        /** Some writes fail, having happened or not. */
        SOME_WRITES,
        /** Exactly one write fails. */
        ONE_WRITE,
        /** Some reads fail. */
        SOME_READS,
        /** Writes of metadata fail. */
        METADATA_WRITES,
        /** Flushes fail. */
        FLUSHES,
        /** Some completions are seconds late. */
        LATE,
        /** Commands get lost: they fail seconds later, having happened or not. */
        STUCK,
        /** Everything is slow. */
        SLOW
    }

    /**
     * What becomes of an I/O.
     *
     * @param effective whether it happens at all
     * @param effectDelayNs from arrival until it happens
     * @param completionDelayNs from then until it is told
     */
    record Fate(int status, boolean effective, long effectDelayNs, long completionDelayNs) {
    }

    private static final long DELAY_MAX_NS = 200_000;
    private static final long LATE_MAX_NS = 3_000_000_000L;
    /** The nexus's metadata lies below; on a disk with a pool that of the pool and of its first volumes. */
    private static final long METADATA_END_BYTES = 4L << 20;

    private final int blockBytes;
    private long metadataEndBytes = METADATA_END_BYTES;
    private Kind kind = Kind.NONE;
    private boolean spent;
    private long healedAtNs = Long.MIN_VALUE;
    private int shortOneIn;
    private boolean flushFailed;

    DiskFaults(int blockBytes) {
        this.blockBytes = blockBytes;
    }

    Kind kind() {
        return kind;
    }

    void heal(long nowNs) {
        if (fails()) {
            // What it has decided to fail may still be on its way.
            healedAtNs = Math.max(healedAtNs, nowNs + (kind == Kind.STUCK ? 2 * LATE_MAX_NS : 100 * DELAY_MAX_NS));
        }
        kind = Kind.NONE;
        shortOneIn = 0;
    }

    /** Whether commands may have failed since then. */
    boolean failedSince(long sinceNs) {
        return fails() || healedAtNs >= sinceNs;
    }

    /** What counts as metadata from now on. */
    void metadataEndsAt(long offsetBytes) {
        metadataEndBytes = offsetBytes;
    }

    /** The disk has been this way, and now is that way. */
    void fail(Kind next, long nowNs) {
        heal(nowNs);
        kind = next;
        spent = false;
    }

    /** From now on one in so many submissions finds no resources. */
    void beShortOfResources(int oneIn) {
        shortOneIn = oneIn;
    }

    boolean isShortOfResources(Random random) {
        return shortOneIn > 0 && random.nextInt(shortOneIn) == 0;
    }

    /** Whether commands may fail. */
    boolean fails() {
        return kind != Kind.NONE && kind != Kind.SLOW && kind != Kind.LATE;
    }

    /** Whether a flush has failed of which a user of the pool on the disk may learn still, from a flush of its own. */
    boolean hasFlushFailed() {
        return flushFailed;
    }

    /** Nobody has written to the pool since that would have to learn of it. */
    void forgetFailedFlush() {
        flushFailed = false;
    }

    Fate judge(BdevIo io, Random random) {
        long effectNs = 1 + random.nextLong(DELAY_MAX_NS);
        long completionNs = random.nextBoolean() ? 0 : random.nextLong(DELAY_MAX_NS);
        if (kind == Kind.SLOW) {
            effectNs *= 20;
        } else if (kind == Kind.LATE && random.nextInt(10) == 0) {
            completionNs = random.nextLong(LATE_MAX_NS);
        } else if (kind == Kind.STUCK) {
            completionNs = LATE_MAX_NS + random.nextLong(LATE_MAX_NS);
        }
        boolean fails = fails(io, random);
        flushFailed |= fails && io.type == IoType.FLUSH;
        boolean effective = !fails || IoType.isWrite(io.type) && kind != Kind.DEAD && random.nextInt(3) == 0;
        int status = !fails ? Status.SUCCESS
                : io.type == IoType.READ ? Status.UNRECOVERED_READ_ERROR : Status.WRITE_FAULT;
        return new Fate(status, effective, effectNs, completionNs);
    }

    private boolean fails(BdevIo io, Random random) {
        boolean changes = IoType.isWrite(io.type);
        return switch (kind) {
            case NONE, LATE, SLOW -> false;
            case DEAD, STUCK -> true;
            case READ_ONLY -> changes || io.type == IoType.FLUSH;
            case SOME_WRITES -> changes && random.nextInt(4) == 0;
            case ONE_WRITE -> {
                boolean hit = changes && !spent && random.nextInt(8) == 0;
                spent |= hit;
                yield hit;
            }
            case SOME_READS -> io.type == IoType.READ && random.nextInt(3) == 0;
            case METADATA_WRITES -> changes && io.offsetBlocks * blockBytes < metadataEndBytes;
            case FLUSHES -> io.type == IoType.FLUSH;
        };
    }
}
