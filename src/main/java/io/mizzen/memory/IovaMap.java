package io.mizzen.memory;

import io.mizzen.util.HotPath;
import java.util.List;

/**
 * Where a device finds the engine's memory: the I/O virtual (or physical) address of each page of each region. A region
 * that the IOMMU maps in one piece has a single page. Immutable; any thread.
 */
public final class IovaMap {
    /** Page shift of a region that is mapped in one piece. */
    public static final int WHOLE_REGION = 40;

    private final long[] bases;
    private final long[] sizes;
    private final int[] shifts;
    private final long[][] pages;

    /**
     * @param regions the engine's regions, by index
     * @param pageShifts log2 of the page size of each region, or {@link #WHOLE_REGION}
     * @param iovas for each region the address of each of its pages, from its start on
     */
    public IovaMap(List<DmaRegion> regions, int[] pageShifts, long[][] iovas) {
        int count = regions.size();
        if (pageShifts.length != count || iovas.length != count) {
            throw new IllegalArgumentException(count + " regions, " + pageShifts.length + " page sizes, "
                    + iovas.length + " tables");
        }
        bases = new long[count];
        sizes = new long[count];
        shifts = pageShifts.clone();
        pages = new long[count][];
        for (int i = 0; i < count; i++) {
            bases[i] = regions.get(i).address();
            sizes[i] = regions.get(i).sizeBytes();
            pages[i] = iovas[i].clone();
            if (shifts[i] < 12 || pages[i].length != (sizes[i] + (1L << shifts[i]) - 1) >>> shifts[i]) {
                throw new IllegalArgumentException("region " + i + " of " + sizes[i] + " bytes with " + pages[i].length
                        + " pages of 2^" + shifts[i]);
            }
        }
    }

    /** The region that holds an address, or -1. */
    @HotPath
    public int regionOf(long address) {
        for (int i = 0; i < bases.length; i++) {
            if (address >= bases[i] && address - bases[i] < sizes[i]) {
                return i;
            }
        }
        return -1;
    }

    /** The device's address of a byte of that region. It holds to the end of the byte's page at least. */
    @HotPath
    public long iova(int regionIndex, long address) {
        long offset = address - bases[regionIndex];
        assert offset >= 0;
        assert offset < sizes[regionIndex];
        int shift = shifts[regionIndex];
        return pages[regionIndex][(int) (offset >>> shift)] + (offset & (1L << shift) - 1);
    }

    /** Whether the device sees the range in one piece. The range lies in one region. */
    @HotPath
    public boolean isContiguous(int regionIndex, long address, long lengthBytes) {
        assert lengthBytes > 0;
        long first = address - bases[regionIndex];
        int shift = shifts[regionIndex];
        int last = (int) (first + lengthBytes - 1 >>> shift);
        for (int page = (int) (first >>> shift); page < last; page++) {
            if (pages[regionIndex][page + 1] != pages[regionIndex][page] + (1L << shift)) {
                return false;
            }
        }
        return true;
    }
}
