package io.mizzen.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.ffi.RawMemory;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HugePagesTest {
    @Test
    void memoryIsThereWhateverTheMachineOffers() {
        List<DmaRegion> regions = HugePages.reserve(5L << 20);
        long total = 0;
        for (DmaRegion region : regions) {
            assertEquals(0, region.address() % region.pageSizeBytes());
            assertTrue(RawMemory.isZero(region.address(), region.sizeBytes()));
            RawMemory.putLong(region.address() + region.sizeBytes() - 8, 42);
            total += region.sizeBytes();
        }
        assertTrue(total >= 5L << 20);
        HugePages.release(regions);
    }

    @Test
    void allocatorNeverOverlapsAndGetsEverythingBack() {
        List<DmaRegion> regions = HugePages.reserve(8L << 20);
        DmaMemory memory = new DmaMemory(regions);
        Random random = new Random(11);
        List<DmaMemory.Block> blocks = new ArrayList<>();
        for (int i = 0; i < 3_000; i++) {
            if (blocks.size() > 40 || !blocks.isEmpty() && random.nextInt(3) == 0) {
                DmaMemory.Block block = blocks.remove(random.nextInt(blocks.size()));
                assertEquals(block.address(), RawMemory.getLong(block.address()));
                assertEquals(block.address(), RawMemory.getLong(block.address() + block.sizeBytes() - 8));
                memory.free(block);
                assertThrows(IllegalStateException.class, () -> memory.free(block));
            } else {
                DmaMemory.Block block = memory.allocate(1 + random.nextInt(100_000), -1);
                assertTrue(regions.get(block.regionIndex()).contains(block.address(), block.sizeBytes()));
                RawMemory.putLong(block.address(), block.address());
                RawMemory.putLong(block.address() + block.sizeBytes() - 8, block.address());
                blocks.add(block);
            }
        }
        blocks.forEach(memory::free);
        assertEquals(0, memory.usedBytes());
        memory.free(memory.allocate(memory.totalBytes(), -1));
        OperationException e =
                assertThrows(OperationException.class, () -> memory.allocate(memory.totalBytes() + 1, -1));
        assertEquals("out-of-memory", e.code());
        HugePages.release(regions);
    }

    @Test
    void coresTradeBuffersInBatchesAndLoseNone() {
        List<DmaRegion> regions = HugePages.reserve(2L << 20);
        BufferPool pool = new BufferPool("t", 4096, 100, 8, new int[] {-1, -1}, new DmaMemory(regions));
        List<DmaBuffer> taken = new ArrayList<>();
        DmaBuffer buffer;
        while ((buffer = pool.cache(0).tryAcquire()) != null) {
            taken.add(buffer);
        }
        assertEquals(100, taken.size());
        assertEquals(1, pool.cache(0).emptyCount());
        assertEquals(100, taken.stream().map(DmaBuffer::address).distinct().count());
        taken.forEach(DmaBuffer::close);
        assertEquals(100, pool.freeCount());
        assertThrows(AssertionError.class, taken.get(0)::close, "closed twice");
        int other = 0;
        while (pool.cache(1).tryAcquire() != null) {
            other++;
        }
        assertTrue(other >= 92, "the other core gets all but what is cached: " + other);
        HugePages.release(regions);
    }

    @Test
    void coresTakeBuffersOfTheirNodeFirstAndSendOthersHome() {
        List<DmaRegion> plain = HugePages.reserve(4L << 20);
        DmaRegion whole = plain.getFirst();
        List<DmaRegion> regions = new ArrayList<>();
        for (int node = 0; node < 2; node++) {
            regions.add(new DmaRegion(node, whole.address() + node * (2L << 20), 2L << 20, whole.kind(),
                    whole.pageSizeBytes(), node, whole.view()));
        }
        BufferPool pool = new BufferPool("n", 4096, 40, 8, new int[] {1, 0, 1}, new DmaMemory(regions));
        List<DmaBuffer> taken = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            taken.add(pool.cache(0).tryAcquire());
            assertEquals(1, taken.getLast().regionIndex(), "a buffer of node 1");
        }
        for (int i = 0; i < 20; i++) {
            taken.add(pool.cache(0).tryAcquire());
            assertEquals(0, taken.getLast().regionIndex(), "node 1 is used up");
        }
        assertEquals(null, pool.cache(0).tryAcquire());
        taken.forEach(DmaBuffer::close);
        assertEquals(40, pool.freeCount());
        assertEquals(0, pool.cache(1).tryAcquire().regionIndex());
        HugePages.release(plain);
    }
}
