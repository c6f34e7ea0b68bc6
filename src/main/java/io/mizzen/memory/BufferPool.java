package io.mizzen.memory;

import io.mizzen.util.HotPath;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jctools.queues.atomic.MpmcAtomicArrayQueue;

/**
 * A named pool of equal DMA buffers, made at start: a lockless ring that the cores of a NUMA node share, and a cache of
 * each core. What a core took returns to that core's cache and is touched by no other; the cache trades with the ring in
 * batches. A core takes buffers of another node only when its own has none left; they go home to their node's ring.
 */
public final class BufferPool {
    private final String name;
    private final int bufferSizeBytes;
    private final int count;
    private final DmaMemory memory;
    private final List<MpmcAtomicArrayQueue<DmaBuffer>> shared = new ArrayList<>();
    private final Cache[] caches;

    /**
     * @param cacheCapacity buffers that a core may keep; half of it moves at a time
     * @param nodes the NUMA node of each reactor's core, by index; -1 where it does not matter
     */
    public BufferPool(String name, int bufferSizeBytes, int count, int cacheCapacity, int[] nodes, DmaMemory memory) {
        if (bufferSizeBytes <= 0 || bufferSizeBytes % 4096 != 0 || count < 1 || cacheCapacity < 2) {
            throw new IllegalArgumentException("pool " + name + ": " + count + " buffers of " + bufferSizeBytes);
        }
        this.name = name;
        this.bufferSizeBytes = bufferSizeBytes;
        this.count = count;
        this.memory = memory;
        int[] distinct = Arrays.stream(nodes).distinct().sorted().toArray();
        for (int slot = 0; slot < distinct.length; slot++) {
            shared.add(new MpmcAtomicArrayQueue<>(Math.max(2, count)));
            int share = count / distinct.length + (slot < count % distinct.length ? 1 : 0);
            fill(memory, slot, distinct[slot], share);
        }
        this.caches = new Cache[nodes.length];
        for (int i = 0; i < nodes.length; i++) {
            caches[i] = new Cache(Arrays.binarySearch(distinct, nodes[i]),
                    Math.min(cacheCapacity, Math.max(2, count)));
        }
    }

    private void fill(DmaMemory memory, int slot, int node, int wanted) {
        int perBlock = (int) Math.min(wanted, Math.max(1, (16L << 20) / bufferSizeBytes));
        int made = 0;
        while (made < wanted) {
            int some = Math.min(perBlock, wanted - made);
            DmaMemory.Block block = memory.allocate((long) some * bufferSizeBytes, node);
            for (int i = 0; i < some; i++) {
                shared.get(slot).offer(new DmaBuffer(this, block.address() + (long) i * bufferSizeBytes,
                        bufferSizeBytes, block.regionIndex(), slot));
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

    /** Buffers in the shared rings. Any thread, approximate. */
    public int sharedFreeCount() {
        int free = 0;
        for (MpmcAtomicArrayQueue<DmaBuffer> ring : shared) {
            free += ring.size();
        }
        return free;
    }

    /** Buffers in the ring and in all caches. Any thread, approximate; exact when nothing runs. */
    public int freeCount() {
        int free = sharedFreeCount();
        for (Cache cache : caches) {
            free += cache.size;
        }
        return free;
    }

    /** One core's part. */
    public final class Cache {
        private final int home;
        private final DmaBuffer[] local;
        private int size;
        private long acquireCount;
        private long refillCount;
        private long spillCount;
        private long emptyCount;

        Cache(int home, int capacity) {
            this.home = home;
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
            if (memory.isQuarantined(buffer.address(), bufferSizeBytes)) {
                memory.keep(buffer);
                return;
            }
            if (size == local.length) {
                spill();
            }
            local[size++] = buffer;
        }

        @HotPath
        private boolean refill() {
            take(home, Math.max(1, local.length / 2));
            for (int slot = 0; size == 0 && slot < shared.size(); slot++) {
                take(slot, 1);
            }
            refillCount++;
            return size > 0;
        }

        @HotPath
        private void take(int slot, int want) {
            MpmcAtomicArrayQueue<DmaBuffer> ring = shared.get(slot);
            while (size < want) {
                DmaBuffer buffer = ring.poll();
                if (buffer == null) {
                    break;
                }
                local[size++] = buffer;
            }
        }

        @HotPath
        private void spill() {
            int keep = local.length / 2;
            while (size > keep) {
                DmaBuffer buffer = local[--size];
                local[size] = null;
                boolean offered = shared.get(buffer.homeSlot).offer(buffer);
                assert offered;
            }
            spillCount++;
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
