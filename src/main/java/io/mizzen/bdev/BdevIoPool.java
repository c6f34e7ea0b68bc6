package io.mizzen.bdev;

import io.mizzen.util.HotPath;

/** The I/O records of one reactor; sized at start. Empty means backpressure. That reactor's thread only. */
public final class BdevIoPool {
    /** Layers below the topmost that have a reserve of their own: nexus, fault, lvol, disk. */
    private static final int DEPTH_MAX = 3;

    private final BdevIo[] free;
    private int freeCount;
    private int freeCountMin;
    private long emptyCount;

    public BdevIoPool(int capacity) {
        free = new BdevIo[capacity];
        for (int i = 0; i < capacity; i++) {
            free[i] = new BdevIo(this);
        }
        freeCount = capacity;
        freeCountMin = capacity;
    }

    /**
     * A record, or null.
     *
     * @param reserve so many stay for others: I/O to a layer must not take the records that the layers below need to
     *     bring it to its end
     */
    @HotPath
    public BdevIo tryAcquire(int reserve) {
        if (freeCount <= reserve) {
            emptyCount++;
            return null;
        }
        BdevIo io = free[--freeCount];
        if (freeCount < freeCountMin) {
            freeCountMin = freeCount;
        }
        assert io.state == BdevIo.FREE;
        io.state = BdevIo.ACQUIRED;
        return io;
    }

    /** What is null is not written, since a core with too many writes under way waits for them. */
    @HotPath
    void release(BdevIo io) {
        assert io.pool == this;
        io.state = BdevIo.FREE;
        if (io.context != null) {
            io.context = null;
        }
        if (io.parent != null) {
            io.parent = null;
        }
        if (io.driverContext != null) {
            io.driverContext = null;
        }
        if (io.queueNext != null) {
            io.queueNext = null;
        }
        free[freeCount++] = io;
    }

    /** Records that are not in use keep nothing alive that was theirs: a closed channel, a volume's map. */
    void forget() {
        for (int i = freeCountMin; i < freeCount; i++) {    // Those before were never taken.
            free[i].forget();
        }
    }

    public int capacity() {
        return free.length;
    }

    /** What the parts of an I/O to a bdev of that depth leave to the layers below it. */
    int partReserve(int depth) {
        return free.length / (DEPTH_MAX + 1) * Math.min(depth, DEPTH_MAX);
    }

    /** What an I/O to a bdev of that depth leaves to its parts and to the layers below. */
    int reserve(int depth) {
        return partReserve(depth) + free.length / (DEPTH_MAX + 1) / 2;
    }

    /** Records not in use. Any thread, approximate. */
    public int freeCount() {
        return freeCount;
    }

    /** How often none was left. */
    public long emptyCount() {
        return emptyCount;
    }
}
