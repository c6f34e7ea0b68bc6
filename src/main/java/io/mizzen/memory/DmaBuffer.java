package io.mizzen.memory;

import io.mizzen.util.HotPath;

/**
 * A slice of the engine's memory that holds one request: contiguous, 4 KiB aligned, within one region. Taken from a
 * core's cache of a {@link BufferPool}; {@link #close} gives it back to that same cache, on that core.
 */
public final class DmaBuffer implements AutoCloseable {
    private final BufferPool pool;
    private final long address;
    private final int sizeBytes;
    private final int regionIndex;
    final int homeSlot;
    /** For whoever queues or keeps the buffer. */
    public DmaBuffer next;
    BufferPool.Cache owner;

    DmaBuffer(BufferPool pool, long address, int sizeBytes, int regionIndex, int homeSlot) {
        this.pool = pool;
        this.address = address;
        this.sizeBytes = sizeBytes;
        this.regionIndex = regionIndex;
        this.homeSlot = homeSlot;
    }

    @HotPath
    public long address() {
        return address;
    }

    @HotPath
    public int sizeBytes() {
        return sizeBytes;
    }

    /** Registered-buffer index. */
    @HotPath
    public int regionIndex() {
        return regionIndex;
    }

    public BufferPool pool() {
        return pool;
    }

    @Override
    @HotPath
    public void close() {
        assert owner != null;
        owner.release(this);
    }
}
