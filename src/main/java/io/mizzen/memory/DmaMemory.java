package io.mizzen.memory;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.HotPath;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;

/**
 * The engine's memory: a list of regions reserved once, at start, and a first-fit allocator over it. Set-up and control
 * path only, any thread; the I/O path uses {@link BufferPool}s made from it. An allocation never crosses a region.
 */
public final class DmaMemory {
    private static final long ALIGNMENT_BYTES = 4096;

    /**
     * An allocation.
     *
     * @param address page aligned
     * @param sizeBytes multiple of 4 KiB
     * @param regionIndex the region that holds it
     */
    public record Block(long address, long sizeBytes, int regionIndex) {
    }

    private final List<DmaRegion> regions;
    private final List<TreeMap<Long, Long>> free = new ArrayList<>();
    private long usedBytes;
    private long keptBytes;
    /** Pairs of start and end. */
    private volatile long[] reached = {};

    public DmaMemory(List<DmaRegion> regions) {
        this.regions = List.copyOf(regions);
        for (DmaRegion region : regions) {
            TreeMap<Long, Long> map = new TreeMap<>();
            map.put(region.address(), region.sizeBytes());
            free.add(map);
        }
    }

    public List<DmaRegion> regions() {
        return regions;
    }

    public long totalBytes() {
        return regions.stream().mapToLong(DmaRegion::sizeBytes).sum();
    }

    public synchronized long usedBytes() {
        return usedBytes;
    }

    /**
     * Allocates, rounded up to 4 KiB; prefers regions of the NUMA node where it is not negative.
     *
     * @throws OperationException RESOURCE_EXHAUSTED when no region has a free piece that large
     */
    public synchronized Block allocate(long sizeBytes, int numaNode) {
        long rounded = (sizeBytes + ALIGNMENT_BYTES - 1) & -ALIGNMENT_BYTES;
        if (sizeBytes <= 0) {
            throw new IllegalArgumentException("allocation of " + sizeBytes + " bytes");
        }
        Block block = null;
        if (numaNode >= 0) {
            block = allocateFrom(rounded, numaNode);
        }
        if (block == null) {
            block = allocateFrom(rounded, -1);
        }
        if (block == null) {
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "out-of-memory", "no " + rounded
                    + " contiguous bytes are left of the " + totalBytes() + " reserved (" + usedBytes
                    + " used); raise mizzen.memory.size");
        }
        usedBytes += rounded;
        return block;
    }

    private Block allocateFrom(long sizeBytes, int numaNode) {
        for (DmaRegion region : regions) {
            if (numaNode >= 0 && region.numaNode() != numaNode) {
                continue;
            }
            TreeMap<Long, Long> map = free.get(region.index());
            for (var entry : map.entrySet()) {
                if (entry.getValue() >= sizeBytes) {
                    long address = entry.getKey();
                    long rest = entry.getValue() - sizeBytes;
                    map.remove(address);
                    if (rest > 0) {
                        map.put(address + sizeBytes, rest);
                    }
                    return new Block(address, sizeBytes, region.index());
                }
            }
        }
        return null;
    }

    /** Bytes that are never given back, since a device may still write to them. */
    public synchronized long keptBytes() {
        return keptBytes;
    }

    /** Takes an allocation out of use for good: a device that nobody can stop may still write to it. */
    public synchronized void keep(Block block) {
        keptBytes += block.sizeBytes();
    }

    /**
     * A device that could be neither stopped nor cut off may still read or write these bytes: whatever holds them is not used
     * for anything else once it is given back, here or to a {@link BufferPool}.
     */
    public synchronized void quarantine(long address, long lengthBytes) {
        long[] more = Arrays.copyOf(reached, reached.length + 2);
        more[reached.length] = address;
        more[reached.length + 1] = address + lengthBytes;
        reached = more;
    }

    /** Whether any of these bytes are in {@link #quarantine}. Any thread. */
    @HotPath
    public boolean isQuarantined(long address, long lengthBytes) {
        long[] ranges = reached;
        for (int i = 0; i < ranges.length; i += 2) {
            if (address < ranges[i + 1] && ranges[i] < address + lengthBytes) {
                return true;
            }
        }
        return false;
    }

    /** A pool's buffer is not used again. */
    synchronized void keep(DmaBuffer buffer) {
        keptBytes += buffer.sizeBytes();
    }

    /** Gives an allocation back. */
    public synchronized void free(Block block) {
        if (isQuarantined(block.address(), block.sizeBytes())) {
            keep(block);
            return;
        }
        TreeMap<Long, Long> map = free.get(block.regionIndex());
        long start = block.address();
        long size = block.sizeBytes();
        var before = map.floorEntry(start);
        var after = map.ceilingEntry(start);
        if (before != null && before.getKey() + before.getValue() > start
                || after != null && start + size > after.getKey()) {
            throw new IllegalStateException("block at " + Long.toHexString(start) + " was free already");
        }
        if (before != null && before.getKey() + before.getValue() == start) {
            map.remove(before.getKey());
            start = before.getKey();
            size += before.getValue();
        }
        if (after != null && start + size == after.getKey()) {
            map.remove(after.getKey());
            size += after.getValue();
        }
        map.put(start, size);
        usedBytes -= block.sizeBytes();
    }
}
