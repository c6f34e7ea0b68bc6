package io.mizzen.nvme.pcie;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.IdentifyController;
import io.mizzen.testsupport.TestIo.Outcome;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** I/O of a namespace against a simulated drive that does what it should. */
class NvmeIoSimTest {
    private static void fill(DmaMemory.Block buffer, long seed) {
        Random random = new Random(seed);
        for (long at = 0; at < buffer.sizeBytes(); at += 8) {
            RawMemory.putLong(buffer.address() + at, random.nextLong());
        }
    }

    private static byte[] bytes(long address, int length) {
        return RawMemory.ALL.asSlice(address, length).toArray(ValueLayout.JAVA_BYTE);
    }

    @ParameterizedTest
    @ValueSource(ints = {9, 12})
    void whatIsWrittenIsRead(int shift) {
        NvmeRig rig = new NvmeRig(2, 1);
        rig.drive.namespaces.put(1, new SimNamespace(1, shift, 1 << 14, 0, 0));
        rig.open();
        NvmeBdev bdev = rig.bdev(1);
        assertEquals(1 << shift, bdev.blockSizeBytes());
        assertEquals(1 << 14, bdev.blockCount());
        DmaMemory.Block buffer = rig.buffer(256 << 10);
        fill(buffer, 7);
        IoChannel first = rig.channel(bdev, 0);
        IoChannel second = rig.channel(bdev, 1);
        assertEquals(0, rig.io.run(first, IoType.WRITE, 33, 16, buffer.address()));
        assertEquals(0, rig.io.run(second, IoType.READ, 33, 16, buffer.address() + (128 << 10)));
        int length = 16 << shift;
        assertArrayEquals(bytes(buffer.address(), length), bytes(buffer.address() + (128 << 10), length));
        assertEquals(16, rig.drive.namespaces.get(1).blocks.size());
        rig.close(buffer);
    }

    /** From 128 KiB in one command down to one page per command, wherever the buffer begins. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 5})
    void largeTransfersAreSplitAsTheDriveWants(int mdts) {
        NvmeRig rig = new NvmeRig(1, 2);
        rig.drive.mdts = mdts;
        rig.drive.namespaces.put(1, new SimNamespace(1, 9, 1 << 14, 0, 0));
        rig.open();
        IoChannel channel = rig.channel(rig.bdev(1), 0);
        DmaMemory.Block buffer = rig.buffer(4 << 20);
        fill(buffer, 11);
        Random random = new Random(3);
        for (int i = 0; i < 30; i++) {
            int blocks = 1 + random.nextInt(2048);
            long from = buffer.address() + 4L * random.nextInt(2048);
            long to = buffer.address() + (2 << 20) + 4L * random.nextInt(2048);
            long at = random.nextInt(1 << 13);
            assertEquals(0, rig.io.run(channel, IoType.WRITE, at, blocks, from));
            assertEquals(0, rig.io.run(channel, IoType.READ, at, blocks, to));
            assertTrue(RawMemory.equal(from, to, blocks << 9), blocks + " blocks");
        }
        assertEquals(mdts == 0 ? 512 << 10 : 4096 << mdts, rig.drive.media.largestBytes, "no smaller pieces than need be");
        rig.close(buffer);
    }

    @Test
    void contiguousTransfersGoBySglWhereTheDriveTakesThem() {
        NvmeRig rig = new NvmeRig(1, 3);
        rig.drive.sgls = 1;
        rig.open();
        IoChannel channel = rig.channel(rig.bdev(1), 0);
        DmaMemory.Block buffer = rig.buffer(512 << 10);
        fill(buffer, 5);
        for (int i = 0; i < 20; i++) {
            assertEquals(0, rig.io.run(channel, IoType.WRITE, 8, 32, buffer.address() + i * 4096L));
            assertEquals(0, rig.io.run(channel, IoType.READ, 8, 32, buffer.address() + (256 << 10)));
            assertTrue(RawMemory.equal(buffer.address() + i * 4096L, buffer.address() + (256 << 10), 128 << 10));
        }
        assertEquals(0, rig.drive.media.sglTransfers, "a buffer of 128 KiB is never in one piece of 64 KiB");
        for (int i = 0; i < 40; i++) {
            assertEquals(0, rig.io.run(channel, IoType.WRITE, 8, 4, buffer.address() + i * 4096L));
        }
        assertTrue(rig.drive.media.sglTransfers > 20, rig.drive.media.sglTransfers + " by SGL");
        assertTrue(rig.drive.media.sglTransfers < 40, "those that are not in one piece go by PRP");
        rig.close(buffer);
    }

    @Test
    void zeroesUnmapCompareFlushAndFua() {
        NvmeRig rig = new NvmeRig(1, 4);
        rig.drive.admin.writeZeroesLimit = 3;
        rig.drive.namespaces.put(2, new SimNamespace(2, 9, 4096, 0, 0));
        rig.open();
        NvmeBdev deallocating = rig.bdev(1);
        NvmeBdev plain = rig.bdev(2);
        assertTrue(deallocating.unmapReadsZeroes(), "write zeroes deallocates, and blocks read as zeroes");
        assertFalse(plain.unmapReadsZeroes(), "dataset management is a hint");
        DmaMemory.Block buffer = rig.buffer(256 << 10);
        fill(buffer, 9);
        for (NvmeBdev bdev : List.of(deallocating, plain)) {
            SimNamespace stored = rig.drive.namespaces.get(bdev.nsid());
            IoChannel channel = rig.channel(bdev, 0);
            assertEquals(0, rig.io.run(channel, IoType.WRITE, 0, 30, buffer.address()));
            assertEquals(0, rig.io.run(channel, IoType.COMPARE, 0, 30, buffer.address()));
            RawMemory.putLong(buffer.address() + (29L << bdev.blockShift()), 1);
            assertEquals(Status.COMPARE_FAILURE, Status.code(rig.io.run(channel, IoType.COMPARE, 0, 30, buffer.address())));
            assertEquals(0, rig.io.run(channel, IoType.WRITE_ZEROES, 3, 2000, 0));
            assertEquals(3, stored.blocks.size());
            assertEquals(0, rig.io.run(channel, IoType.UNMAP, 0, 1000, 0));
            assertEquals(0, stored.blocks.size());
            long flushes = rig.drive.media.flushes;
            assertEquals(0, rig.io.flush(channel));
            assertEquals(flushes + 1, rig.drive.media.flushes);
        }
        long fuas = rig.drive.media.fuas;
        IoChannel channel = rig.channel(plain, 0);
        Outcome outcome = rig.io.submit(channel, IoType.WRITE, 0, 1, buffer.address(), BdevIo.FLAG_FUA);
        rig.hand.runUntil(outcome::isDone);
        assertEquals(0, outcome.status);
        assertEquals(fuas + 1, rig.drive.media.fuas);
        rig.close(buffer);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, -1})
    void blocksAreVerifiedWhereTheyLieOrElseRead(int limit) {
        NvmeRig rig = new NvmeRig(1, 6);
        rig.drive.admin.verifyLimit = Math.max(0, limit);
        rig.drive.admin.oncs &= limit < 0 ? ~IdentifyController.ONCS_VERIFY : -1;
        rig.open();
        IoChannel channel = rig.channel(rig.bdev(1), 0);
        long fetched = rig.drive.fetched;
        assertEquals(0, rig.io.run(channel, IoType.VERIFY, 5, 100, 0));
        assertEquals(limit < 0 ? 0 : 100, rig.drive.media.verified);
        assertEquals(limit == 3 ? 13 : 4, rig.drive.fetched - fetched, "commands of 8 blocks, or of as many as are read at a time");
        rig.drive.faults = (queue, opcode) -> queue != 0 ? SimFate.failing(Status.UNRECOVERED_READ_ERROR | Status.DNR) : SimFate.NORMAL;
        assertEquals(Status.UNRECOVERED_READ_ERROR | Status.DNR, rig.io.run(channel, IoType.VERIFY, 5, 100, 0));
        rig.close();
    }

    @Test
    void withoutACacheNothingIsFlushed() {
        NvmeRig rig = new NvmeRig(1, 5);
        rig.drive.admin.hasVolatileCache = false;
        rig.drive.admin.oncs = 0;
        rig.open();
        NvmeBdev bdev = rig.bdev(1);
        assertFalse(bdev.hasVolatileCache());
        IoChannel channel = rig.channel(bdev, 0);
        assertEquals(0, rig.io.flush(channel));
        assertEquals(0, rig.drive.media.flushes);
        DmaMemory.Block buffer = rig.buffer(128 << 10);
        fill(buffer, 1);
        assertEquals(0, rig.io.run(channel, IoType.WRITE, 0, 32, buffer.address()));
        assertEquals(0, rig.io.run(channel, IoType.COMPARE, 0, 32, buffer.address()), "made of reads");
        assertEquals(0, rig.io.run(channel, IoType.WRITE_ZEROES, 0, 32, 0), "made of writes");
        assertEquals(Status.COMPARE_FAILURE, Status.code(rig.io.run(channel, IoType.COMPARE, 0, 1, buffer.address())));
        assertEquals(Status.INVALID_OPCODE, Status.code(rig.io.run(channel, IoType.UNMAP, 0, 1, 0)));
        rig.close(buffer);
    }

    /** Depth above the queue's, for a long time: ring ends and phases go round. */
    @ParameterizedTest
    @ValueSource(ints = {2, 4, 32})
    void ringsGoRound(int entries) {
        NvmeRig rig = new NvmeRig(1, 6);
        rig.open(new NvmeOptions(entries, 1_000_000_000L, 500_000_000L, 2_000_000_000L, 3, 5, true), 0);
        IoChannel channel = rig.channel(rig.bdev(1), 0);
        DmaMemory.Block buffer = rig.buffer(1 << 20);
        fill(buffer, 2);
        for (int round = 0; round < 20; round++) {
            List<Outcome> outcomes = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                outcomes.add(rig.io.submit(channel, IoType.WRITE, i * 4L, 4, buffer.address() + i * 16_384L));
            }
            rig.hand.runUntil(() -> outcomes.stream().allMatch(Outcome::isDone));
            assertTrue(outcomes.stream().allMatch(outcome -> outcome.status == 0));
        }
        assertEquals(0, rig.controller.stats().resets());
        assertEquals(800, rig.controller.stats().completions());
        if (entries == 32) {
            assertTrue(rig.controller.stats().sqDoorbells() < 200, rig.controller.stats() + ": doorbells are batched");
        }
        assertEquals(160, rig.drive.namespaces.get(1).blocks.size());
        rig.close(buffer);
    }

    @Test
    void shadowDoorbellsSaveRegistersAndLoseNothing() {
        NvmeRig rig = new NvmeRig(2, 7);
        rig.drive.hasDoorbellBuffers = true;
        rig.open(new NvmeOptions(8, 1_000_000_000L, 500_000_000L, 2_000_000_000L, 3, 5, true), 1);
        NvmeBdev bdev = rig.bdev(1);
        IoChannel[] channels = {rig.channel(bdev, 0), rig.channel(bdev, 1)};
        DmaMemory.Block buffer = rig.buffer(1 << 20);
        for (int round = 0; round < 100; round++) {
            List<Outcome> outcomes = new ArrayList<>();
            for (int i = 0; i < 1 + round % 12; i++) {
                outcomes.add(rig.io.submit(channels[i & 1], IoType.READ, i, 1, buffer.address() + i * 4096L));
                rig.hand.tickAny();
            }
            rig.hand.runUntil(() -> outcomes.stream().allMatch(Outcome::isDone));
        }
        assertEquals(0, rig.controller.stats().timeouts(), "the drive was told of everything");
        assertTrue(rig.controller.stats().doorbellsSaved() > 100, rig.controller.stats().toString());
        assertTrue(rig.drive.doorbellWakes > 50, "and was woken when it slept");
        rig.onAdmin(() -> rig.controller.reset("the test wants it"));
        rig.hand.runUntil(() -> rig.controller.state().equals("READY"));
        assertEquals(0, rig.io.run(channels[0], IoType.READ, 0, 1, buffer.address()));
        assertEquals(0, rig.controller.stats().timeouts());
        rig.close(buffer);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void fewerQueuesThanReactorsAreShared(int queues) {
        NvmeRig rig = new NvmeRig(4, 8);
        rig.drive.queuesMax = queues;
        rig.open();
        assertEquals(queues, rig.controller.pairCount());
        NvmeBdev bdev = rig.bdev(1);
        DmaMemory.Block buffer = rig.buffer(1 << 20);
        fill(buffer, 4);
        List<Outcome> outcomes = new ArrayList<>();
        for (int reactor = 0; reactor < 4; reactor++) {
            IoChannel channel = rig.channel(bdev, reactor);
            for (int i = 0; i < 40; i++) {
                outcomes.add(rig.io.submit(channel, IoType.WRITE, reactor * 40 + i, 1,
                        buffer.address() + (reactor * 40 + i) * 4096L));
            }
        }
        rig.hand.runUntil(() -> outcomes.stream().allMatch(Outcome::isDone));
        assertTrue(outcomes.stream().allMatch(outcome -> outcome.status == 0));
        for (int i = 0; i < 160; i++) {
            assertArrayEquals(bytes(buffer.address() + i * 4096L, 4096), rig.drive.namespaces.get(1).read(i));
        }
        rig.close(buffer);
    }

    @Test
    void aDriveThatMakesFewerQueuesThanItGrantedIsUsedWithThose() {
        NvmeRig rig = new NvmeRig(3, 9);
        rig.drive.admin.createQueueFailsFrom = 3;
        rig.open();
        assertEquals(2, rig.controller.pairCount());
        DmaMemory.Block buffer = rig.buffer(4096);
        assertEquals(0, rig.io.run(rig.channel(rig.bdev(1), 2), IoType.READ, 0, 1, buffer.address()));
        rig.close(buffer);
    }

    @Test
    void whatTheDeviceCannotReachIsRefused() {
        NvmeRig rig = new NvmeRig(1, 10);
        rig.open();
        IoChannel channel = rig.channel(rig.bdev(1), 0);
        DmaMemory.Block buffer = rig.buffer(8192);
        long fetched = rig.drive.fetched;
        assertEquals(Status.INVALID_FIELD | Status.DNR, rig.io.run(channel, IoType.READ, 0, 1, buffer.address() + 2));
        Outcome outcome = new Outcome();
        rig.hand.on(0, () -> {
            BdevIo io = channel.tryAcquire();
            io.prepare(IoType.READ, 0, 1, rig.pci.barAddress(), -1, done -> {
                outcome.status = done.status();
                done.release();
            });
            channel.submit(io);
        });
        rig.hand.runUntil(outcome::isDone);
        assertEquals(Status.DATA_TRANSFER_ERROR | Status.DNR, outcome.status);
        assertEquals(fetched, rig.drive.fetched, "the drive heard of neither");
        rig.close(buffer);
    }

    @Test
    void aLongOneLeavesSlotsToOthers() {
        NvmeRig rig = new NvmeRig(1, 11);
        rig.drive.mdts = 1;
        rig.open();
        IoChannel channel = rig.channel(rig.bdev(1), 0);
        DmaMemory.Block buffer = rig.buffer(2 << 20);
        Outcome large = rig.io.submit(channel, IoType.WRITE, 0, 256, buffer.address());
        Outcome small = rig.io.submit(channel, IoType.READ, 1000, 1, buffer.address() + (1 << 20));
        rig.hand.runUntil(small::isDone);
        assertFalse(large.isDone(), "the small one did not wait for the large one");
        rig.hand.runUntil(large::isDone);
        assertEquals(0, large.status);
        rig.close(buffer);
    }
}
