package io.mizzen.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

class IovaMapTest {
    private static final long FIRST = 0x7000_0000_0000L;
    private static final long SECOND = 0x7100_0000_0000L;

    private static DmaRegion region(int index, long address, long sizeBytes) {
        return new DmaRegion(index, address, sizeBytes, MemoryKind.HUGETLB_2M, 2L << 20, -1, ByteBuffer.allocate(0));
    }

    private final List<DmaRegion> regions = List.of(region(0, FIRST, 8L << 20), region(1, SECOND, 4L << 20));

    /** The first region in one piece, the second of two pages the wrong way round. */
    private final IovaMap map = new IovaMap(regions, new int[] {IovaMap.WHOLE_REGION, 21},
            new long[][] {{0x1_0000_0000L}, {0x80_0000L, 0x60_0000L}});

    @Test
    void eachByteHasTheAddressOfItsPage() {
        assertEquals(0x1_0000_0000L, map.iova(0, FIRST));
        assertEquals(0x1_007F_FFFFL, map.iova(0, FIRST + (8L << 20) - 1));
        assertEquals(0x80_0010L, map.iova(1, SECOND + 16));
        assertEquals(0x9F_FFFFL, map.iova(1, SECOND + (2L << 20) - 1));
        assertEquals(0x60_0000L, map.iova(1, SECOND + (2L << 20)));
    }

    @Test
    void regionsAreFoundByAddress() {
        assertEquals(0, map.regionOf(FIRST));
        assertEquals(1, map.regionOf(SECOND + (4L << 20) - 1));
        assertEquals(-1, map.regionOf(SECOND + (4L << 20)));
        assertEquals(-1, map.regionOf(FIRST - 1));
    }

    @Test
    void aRangeOverPagesThatDoNotFollowEachOtherIsNotContiguous() {
        assertTrue(map.isContiguous(0, FIRST + 4096, 6L << 20));
        assertTrue(map.isContiguous(1, SECOND, 2L << 20));
        assertTrue(map.isContiguous(1, SECOND + (2L << 20), 2L << 20));
        assertFalse(map.isContiguous(1, SECOND + (2L << 20) - 4096, 8192));
    }

    @Test
    void aTableThatDoesNotCoverItsRegionIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new IovaMap(regions, new int[] {21, 21},
                new long[][] {{0, 0, 0}, {0, 0}}));
        assertThrows(IllegalArgumentException.class, () -> new IovaMap(regions, new int[] {21}, new long[][] {{0}}));
    }
}
