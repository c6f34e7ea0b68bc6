package io.mizzen.bdev;

import io.mizzen.util.HotPath;

/** The I/O records of one reactor; sized at start. Empty means backpressure. That reactor's thread only. */
public final class BdevIoPool {
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

    /** A record, or null. */
    @HotPath
    public BdevIo tryAcquire() {
        if (freeCount == 0) {
            emptyCount++;
            return null;
        }
        BdevIo io = free[--freeCount];
        if (freeCount < freeCountMin) {
            freeCountMin = freeCount;
        }
        assert io.state == BdevIo.FREE;
        io.state = BdevIo.ACQUIRED;
        io.submitNs = 0;
        io.channel = null;
        return io;
    }

    @HotPath
    void release(BdevIo io) {
        assert io.pool == this;
        io.state = BdevIo.FREE;
        io.completion = null;
        io.context = null;
        io.parent = null;
        io.driverContext = null;
        io.queueNext = null;
        free[freeCount++] = io;
    }

    public int capacity() {
        return free.length;
    }

    /** Records not in use. Any thread, approximate. */
    public int freeCount() {
        return freeCount;
    }

    /** Fewest ever free. Any thread, approximate. */
    public int freeCountMin() {
        return freeCountMin;
    }

    /** How often none was left. */
    public long emptyCount() {
        return emptyCount;
    }
}
