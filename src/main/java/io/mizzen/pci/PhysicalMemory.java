package io.mizzen.pci;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.memory.IovaMap;
import io.mizzen.memory.MemoryKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;

/**
 * Physical addresses of the engine's memory, from {@code /proc/self/pagemap} (Linux, admin-guide/mm/pagemap). Of hugetlb
 * pages only: the kernel moves all others.
 */
final class PhysicalMemory {
    private static final int O_RDONLY_CLOEXEC = 0x80000;
    private static final int ENTRY_BYTES = 8;
    private static final long SMALL_PAGE_BYTES = 4096;
    private static final long PRESENT = 1L << 63;
    private static final long FRAME_MASK = (1L << 55) - 1;
    private static final long HUGE_PAGE_BYTES = 2L << 20;

    private PhysicalMemory() {
    }

    /**
     * The map for devices without an IOMMU.
     *
     * @throws OperationException FAILED_PRECONDITION {@code hugetlb-required}, {@code missing-rights}
     */
    static IovaMap map(List<DmaRegion> regions, Path pagemap) {
        requireHugetlb(regions);
        int[] shifts = new int[regions.size()];
        long[][] tables = new long[regions.size()][];
        try (Arena arena = Arena.ofConfined()) {
            int fd = Libc.open(Libc.cString(arena, pagemap.toString()).address(), O_RDONLY_CLOEXEC, 0);
            if (fd < 0) {
                throw forbidden(pagemap, Errno.describe(-fd));
            }
            try {
                for (int i = 0; i < tables.length; i++) {
                    DmaRegion region = regions.get(i);
                    shifts[i] = Long.numberOfTrailingZeros(region.pageSizeBytes());
                    tables[i] = pages(arena, fd, pagemap, region);
                }
            } finally {
                Libc.close(fd);
            }
        }
        return new IovaMap(regions, shifts, tables);
    }

    private static void requireHugetlb(List<DmaRegion> regions) {
        for (DmaRegion region : regions) {
            if (region.kind() != MemoryKind.HUGETLB_2M && region.kind() != MemoryKind.HUGETLB_1G) {
                long totalBytes = regions.stream().mapToLong(DmaRegion::sizeBytes).sum();
                throw OperationException.precondition("hugetlb-required", "uio_pci_generic needs the engine's memory in reserved "
                        + "huge pages, and it is of kind " + region.kind() + "; reserve them (sysctl vm.nr_hugepages="
                        + (totalBytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES + "), start the engine again, or use vfio-pci");
            }
        }
    }

    private static long[] pages(Arena arena, int fd, Path pagemap, DmaRegion region) {
        long[] pages = new long[(int) (region.sizeBytes() / region.pageSizeBytes())];
        long entry = arena.allocate(ENTRY_BYTES, ENTRY_BYTES).address();
        for (int i = 0; i < pages.length; i++) {
            long virtual = region.address() + i * region.pageSizeBytes();
            long result = Libc.pread(fd, entry, ENTRY_BYTES, virtual / SMALL_PAGE_BYTES * ENTRY_BYTES);
            long value = RawMemory.getLong(entry);
            if (result != ENTRY_BYTES || (value & PRESENT) == 0 || (value & FRAME_MASK) == 0) {
                throw forbidden(pagemap, result < 0 ? Errno.describe((int) -result) : "no physical address is shown");
            }
            pages[i] = (value & FRAME_MASK) * SMALL_PAGE_BYTES;
        }
        return pages;
    }

    private static OperationException forbidden(Path pagemap, String why) {
        return OperationException.precondition("missing-rights", "uio_pci_generic needs the physical addresses of " + pagemap
                + ": " + why + "; run the engine as root with CAP_SYS_ADMIN, or use vfio-pci");
    }
}
