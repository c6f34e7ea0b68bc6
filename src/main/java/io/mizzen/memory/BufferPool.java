package io.mizzen.memory;

import io.mizzen.util.HotPath;
import org.jctools.queues.atomic.MpmcAtomicArrayQueue;

/**
 * A named pool of equal DMA buffers, made at start: a lockless ring that the cores share, and a cache of each core. What
 * a core took returns to that core's cache and is touched by no other; the cache trades with the ring in batches.
 */
public final class BufferPool {
    private final String name;
    private final int bufferSizeBytes;
    private final int count;
    private final MpmcAtomicArrayQueue<DmaBuffer> shared;
    private final Cache[] caches;

    /**
     * @param cacheCapacity buffers that a core may keep; half of it moves at a time
     * @param coreCount reactors
     */
    public BufferPool(String name, int bufferSizeBytes, int count, int cacheCapacity, int coreCount, DmaMemory memory) {
        if (bufferSizeBytes <= 0 || bufferSizeBytes % 4096 != 0 || count < 1 || cacheCapacity < 2) {
            throw new IllegalArgumentException("pool " + name + ": " + count + " buffers of " + bufferSizeBytes);
        }
        this.name = name;
        this.bufferSizeBytes = bufferSizeBytes;
        this.count = count;
        this.shared = new MpmcAtomicArrayQueue<>(Math.max(2, count));
        this.caches = new Cache[coreCount];
        for (int i = 0; i < coreCount; i++) {
            caches[i] = new Cache(i, Math.min(cacheCapacity, Math.max(2, count)));
        }
        fill(memory);
    }

    private void fill(DmaMemory memory) {
        int perBlock = (int) Math.min(count, Math.max(1, (16L << 20) / bufferSizeBytes));
        int made = 0;
        while (made < count) {
            int some = Math.min(perBlock, count - made);
            DmaMemory.Block block = memory.allocate((long) some * bufferSizeBytes, -1);
            for (int i = 0; i < some; i++) {
                shared.offer(new DmaBuffer(this, block.address() + (long) i * bufferSizeBytes, bufferSizeBytes,
                        block.regionIndex()));
            }
            made += some;
        }
    }

    public String name() {
        return name;
    }

    public int bufferSizeBytes() {
        return bufferSizeBytes;
    }

    public int count() {
        return count;
    }

    /** The cache of the reactor with that index; for its thread only. */
    public Cache cache(int reactorIndex) {
        return caches[reactorIndex];
    }

    /** Buffers in the shared ring. Any thread, approximate. */
    public int sharedFreeCount() {
        return shared.size();
    }

    /** Buffers in the ring and in all caches. Any thread, approximate; exact when nothing runs. */
    public int freeCount() {
        int free = shared.size();
        for (Cache cache : caches) {
            free += cache.size;
        }
        return free;
    }

    /** One core's part. */
    public final class Cache {
        private final int reactorIndex;
        private final DmaBuffer[] local;
        private int size;
        private long acquireCount;
        private long refillCount;
        private long spillCount;
        private long emptyCount;

        Cache(int reactorIndex, int capacity) {
            this.reactorIndex = reactorIndex;
            this.local = new DmaBuffer[capacity];
        }

        /** A buffer, or null when the pool is empty: backpressure. */
        @HotPath
        public DmaBuffer tryAcquire() {
            if (size == 0 && !refill()) {
                emptyCount++;
                return null;
            }
            DmaBuffer buffer = local[--size];
            assert buffer.owner == null;
            buffer.owner = this;
            acquireCount++;
            return buffer;
        }

        @HotPath
        void release(DmaBuffer buffer) {
            assert buffer.owner == this;
            buffer.owner = null;
            buffer.next = null;
            if (size == local.length) {
                spill();
            }
            local[size++] = buffer;
        }

        @HotPath
        private boolean refill() {
            int want = Math.max(1, local.length / 2);
            while (size < want) {
                DmaBuffer buffer = shared.poll();
                if (buffer == null) {
                    break;
                }
                local[size++] = buffer;
            }
            refillCount++;
            return size > 0;
        }

        @HotPath
        private void spill() {
            int keep = local.length / 2;
            while (size > keep) {
                boolean offered = shared.offer(local[--size]);
                assert offered;
                local[size] = null;
            }
            spillCount++;
        }

        public int reactorIndex() {
            return reactorIndex;
        }

        public BufferPool pool() {
            return BufferPool.this;
        }

        public int size() {
            return size;
        }

        public long acquireCount() {
            return acquireCount;
        }

        public long refillCount() {
            return refillCount;
        }

        public long spillCount() {
            return spillCount;
        }

        /** How often nothing was left. */
        public long emptyCount() {
            return emptyCount;
        }
    }
}
