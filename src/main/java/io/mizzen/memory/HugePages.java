package io.mizzen.memory;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.ffi.Sysfs;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reserves the engine's memory, once, at start: 1 GiB or 2 MiB hugetlb pages if they are reserved, else transparent huge
 * pages, locked if the limit allows, else plain pages. Every page is touched here, so that lack of memory shows now and
 * not under load. Any thread.
 */
public final class HugePages {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    private static final int MAP_HUGETLB = 0x40000;
    private static final int MAP_NORESERVE = 0x4000;
    private static final int MAP_HUGE_SHIFT = 26;
    private static final int MADV_HUGEPAGE = 14;
    private static final int MADV_NOHUGEPAGE = 15;
    private static final int MADV_POPULATE_WRITE = 23;
    private static final int MPOL_PREFERRED = 1;
    private static final int NODE_MASK_BITS = 1024;
    private static final int ANY_NODE = -1;
    private static final long PAGE_4K = 4096;
    private static final long PAGE_2M = 2L << 20;
    private static final long PAGE_1G = 1L << 30;
    private static final long POPULATE_STEP_BYTES = 16L << 20;

    private HugePages() {
    }

    /**
     * Reserves at least {@code sizeBytes}, rounded up to the page size, in regions of at most 1 GiB.
     *
     * @throws OperationException RESOURCE_EXHAUSTED when not even plain pages can be had
     */
    public static List<DmaRegion> reserve(long sizeBytes) {
        return reserve(sizeBytes, PageUse.RESERVED, List.of(ANY_NODE));
    }

    /** As above; the memory is divided evenly among NUMA nodes, each part from its node as long as that has pages. */
    public static List<DmaRegion> reserve(long sizeBytes, PageUse pages, List<Integer> nodes) {
        List<DmaRegion> regions = new ArrayList<>();
        for (int node : nodes) {
            long left = round((sizeBytes + nodes.size() - 1) / nodes.size(), PAGE_2M);
            while (left > 0) {
                long wanted = Math.min(left, DmaRegion.SIZE_BYTES_MAX);
                DmaRegion region = pages == PageUse.RESERVED ? reserveRegion(regions.size(), wanted, node)
                        : ordinary(regions.size(), round(wanted, PAGE_2M), pages, node);
                regions.add(region);
                left -= region.sizeBytes();
            }
        }
        return regions;
    }

    /** Takes the pages from the node if it has some; a kernel without NUMA has one node and refuses the call. */
    private static void prefer(int node, long address, long sizeBytes) {
        if (node == ANY_NODE) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(NODE_MASK_BITS / 8, 8);
            mask.set(ValueLayout.JAVA_BYTE, node / 8, (byte) (1 << node % 8));
            Libc.mbind(address, sizeBytes, MPOL_PREFERRED, mask.address(), NODE_MASK_BITS, 0);
        }
    }

    /** Gives the regions back; nothing may refer to them any more. */
    public static void release(List<DmaRegion> regions) {
        for (DmaRegion region : regions) {
            int result = Libc.munmap(region.address(), region.sizeBytes());
            if (result < 0) {
                throw OperationException.internal("munmap-failed", "munmap: " + Errno.describe(-result));
            }
        }
    }

    private static DmaRegion reserveRegion(int index, long wanted, int node) {
        if (wanted == PAGE_1G) {
            DmaRegion region = hugetlb(index, PAGE_1G, PAGE_1G, MemoryKind.HUGETLB_1G, node);
            if (region != null) {
                return region;
            }
        }
        DmaRegion region = hugetlb(index, round(wanted, PAGE_2M), PAGE_2M, MemoryKind.HUGETLB_2M, node);
        return region != null ? region : ordinary(index, round(wanted, PAGE_2M), PageUse.TRANSPARENT, node);
    }

    private static DmaRegion hugetlb(int index, long sizeBytes, long pageBytes, MemoryKind kind, int node) {
        long address = mapHugetlb(sizeBytes, pageBytes, node);
        return address == 0 ? null : region(index, address, sizeBytes, kind, pageBytes, node);
    }

    /** Address of populated hugetlb pages, or 0 if they cannot be had. */
    private static long mapHugetlb(long sizeBytes, long pageBytes, int node) {
        int shift = Long.numberOfTrailingZeros(pageBytes) << MAP_HUGE_SHIFT;
        long address = Libc.mmap(0, sizeBytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS | MAP_HUGETLB | shift, -1, 0);
        if (address < 0) {
            return 0;
        }
        prefer(node, address, sizeBytes);
        if (touch(address, sizeBytes, Math.max(pageBytes, POPULATE_STEP_BYTES)) < 0) {     // A cgroup may still refuse the pages.
            Libc.munmap(address, sizeBytes);
            return 0;
        }
        return address;
    }

    private static DmaRegion ordinary(int index, long sizeBytes, PageUse pages, int node) {
        long address = mapAligned(sizeBytes);
        boolean huge = advise(address, sizeBytes, pages);
        populate(address, sizeBytes, node);
        boolean locked = Libc.mlock(address, sizeBytes) == 0;
        MemoryKind kind = huge ? MemoryKind.TRANSPARENT_HUGE : locked ? MemoryKind.LOCKED : MemoryKind.PLAIN;
        return region(index, address, sizeBytes, kind, huge ? PAGE_2M : PAGE_4K, node);
    }

    /**
     * Zeroed memory apart from the reservation, for data that no device reaches: contents of memory disks. Small ones
     * take no huge pages. {@link #unmap} gives it back.
     *
     * @throws OperationException RESOURCE_EXHAUSTED when there is no memory
     */
    public static Mapping map(long sizeBytes, PageUse pages) {
        long rounded = round(sizeBytes, PAGE_2M);
        if (sizeBytes < PAGE_2M) {
            rounded = round(sizeBytes, PAGE_4K);
        } else if (pages == PageUse.RESERVED) {
            long address = mapHugetlb(rounded, PAGE_2M, ANY_NODE);
            if (address != 0) {
                return new Mapping(address, rounded);
            }
        }
        long address = mapAligned(rounded);
        advise(address, rounded, pages);
        populate(address, rounded, ANY_NODE);
        return new Mapping(address, rounded);
    }

    /** Memory from {@link #map}. */
    public record Mapping(long address, long sizeBytes) {
    }

    /** Gives a mapping back; nothing may refer to it any more. */
    public static void unmap(Mapping mapping) {
        int result = Libc.munmap(mapping.address(), mapping.sizeBytes());
        if (result < 0) {
            throw OperationException.internal("munmap-failed", "munmap: " + Errno.describe(-result));
        }
    }

    /** Maps ordinary pages, aligned so that 2 MiB of them can become one. */
    private static long mapAligned(long sizeBytes) {
        long span = sizeBytes + PAGE_2M;
        long mapped = Libc.mmap(0, span, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapped < 0) {
            throw exhausted(sizeBytes, (int) -mapped);
        }
        long address = round(mapped, PAGE_2M);
        if (address > mapped) {
            Libc.munmap(mapped, address - mapped);
        }
        long tail = mapped + span - (address + sizeBytes);
        if (tail > 0) {
            Libc.munmap(address + sizeBytes, tail);
        }
        return address;
    }

    /** Asks for huge pages, or for none; whether there will be some. */
    private static boolean advise(long address, long sizeBytes, PageUse pages) {
        if (pages == PageUse.SMALL) {
            Libc.madvise(address, sizeBytes, MADV_NOHUGEPAGE);     // Refused by kernels that have no others anyway.
            return false;
        }
        return Libc.madvise(address, sizeBytes, MADV_HUGEPAGE) == 0 && transparentEnabled();
    }

    private static void populate(long address, long sizeBytes, int node) {
        prefer(node, address, sizeBytes);
        int populated = touch(address, sizeBytes, POPULATE_STEP_BYTES);
        if (populated < 0) {
            Libc.munmap(address, sizeBytes);
            throw exhausted(sizeBytes, -populated);
        }
    }

    /** Step by step: the kernel holds a lock meanwhile for which all threads of the process may wait, reactors too. */
    private static int touch(long address, long sizeBytes, long stepBytes) {
        int result = 0;
        for (long at = 0; at < sizeBytes && result >= 0; at += stepBytes) {
            result = Libc.madvise(address + at, Math.min(stepBytes, sizeBytes - at), MADV_POPULATE_WRITE);
        }
        return result;
    }

    private static boolean transparentEnabled() {
        String enabled = Sysfs.text(Path.of("/sys/kernel/mm/transparent_hugepage/enabled"));
        return enabled != null && !enabled.contains("[never]");
    }

    private static OperationException exhausted(long sizeBytes, int errno) {
        return new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "out-of-memory", "cannot reserve " + sizeBytes
                + " bytes of memory: " + Errno.describe(errno) + "; lower mizzen.memory.size or free memory");
    }

    private static DmaRegion region(int index, long address, long sizeBytes, MemoryKind kind, long pageBytes,
            int node) {
        return new DmaRegion(index, address, sizeBytes, kind, pageBytes, node,
                RawMemory.ALL.asSlice(address, sizeBytes).asByteBuffer());
    }

    private static long round(long value, long unit) {
        return (value + unit - 1) & -unit;
    }
}
