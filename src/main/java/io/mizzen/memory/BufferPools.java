package io.mizzen.memory;

import java.util.Arrays;
import java.util.List;

/** The named pools of the engine, made once at start. */
public final class BufferPools {
    /** Metadata and small requests: 8 KiB. */
    public static final String SMALL = "small";
    /** Data of one request: 128 KiB, the target's largest transfer. */
    public static final String LARGE = "large";
    public static final int SMALL_BYTES = 8 << 10;
    public static final int LARGE_BYTES = 128 << 10;
    private static final int CACHE_CAPACITY_MAX = 64;

    private final BufferPool small;
    private final BufferPool large;
    private final DmaMemory memory;
    private final DmaMemory.Block[] spares;

    /** Pools for so many reactors, wherever their cores are. */
    public BufferPools(DmaMemory memory, int smallCount, int largeCount, int coreCount) {
        this(memory, smallCount, largeCount, anywhere(coreCount));
    }

    /** @param nodes the NUMA node of each reactor's core, by index; -1 where it does not matter */
    public BufferPools(DmaMemory memory, int smallCount, int largeCount, int[] nodes) {
        this.memory = memory;
        small = new BufferPool(SMALL, SMALL_BYTES, smallCount, cacheCapacity(smallCount, nodes.length), nodes, memory);
        large = new BufferPool(LARGE, LARGE_BYTES, largeCount, cacheCapacity(largeCount, nodes.length), nodes, memory);
        spares = new DmaMemory.Block[nodes.length];
        for (int i = 0; i < nodes.length; i++) {
            spares[i] = memory.allocate(LARGE_BYTES, nodes[i]);
        }
    }

    private static int[] anywhere(int coreCount) {
        int[] nodes = new int[coreCount];
        Arrays.fill(nodes, -1);
        return nodes;
    }

    private static int cacheCapacity(int count, int coreCount) {
        return Math.max(2, Math.min(CACHE_CAPACITY_MAX, count / (2 * coreCount)));
    }

    public DmaMemory memory() {
        return memory;
    }

    public BufferPool small() {
        return small;
    }

    public BufferPool large() {
        return large;
    }

    /** A block of 128 KiB of that reactor's own, outside the pools: there when they are empty. */
    public DmaMemory.Block spare(int reactorIndex) {
        return spares[reactorIndex];
    }

    public List<BufferPool> all() {
        return List.of(small, large);
    }
}
