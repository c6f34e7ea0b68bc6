package io.mizzen.memory;

import java.util.List;

/** The named pools of the engine, made once at start. */
public final class BufferPools {
    /** Metadata and small requests: 8 KiB. */
    public static final String SMALL = "small";
    /** Data of one request: 128 KiB, the target's largest transfer. */
    public static final String LARGE = "large";
    public static final int SMALL_BYTES = 8 << 10;
    public static final int LARGE_BYTES = 128 << 10;

    private final BufferPool small;
    private final BufferPool large;
    private final DmaMemory memory;

    public BufferPools(DmaMemory memory, int smallCount, int largeCount, int coreCount) {
        this.memory = memory;
        small = new BufferPool(SMALL, SMALL_BYTES, smallCount, Math.max(2, Math.min(64, smallCount / (2 * coreCount))),
                coreCount, memory);
        large = new BufferPool(LARGE, LARGE_BYTES, largeCount, Math.max(2, Math.min(64, largeCount / (2 * coreCount))),
                coreCount, memory);
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

    public List<BufferPool> all() {
        return List.of(small, large);
    }
}
