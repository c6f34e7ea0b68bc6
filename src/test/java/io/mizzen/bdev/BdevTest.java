package io.mizzen.bdev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Mthread;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.TestIo;
import io.mizzen.testsupport.TestMemory;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BdevTest {
    private final HandReactors hand = new HandReactors(2, 3);
    private final TestMemory memory = TestMemory.install(hand.reactors());
    private final TestIo io = new TestIo(hand);
    private final BdevRegistry registry = new BdevRegistry();
    private final MallocBdev malloc = register(new MallocBdev("m0", UUID.randomUUID(), 512, 2048));
    private final Descriptor descriptor = io.open(registry, malloc, true);
    private final DmaBuffer buffer = hand.call(0, () -> memory.pools().large().cache(0).tryAcquire());
    private final long address = buffer.address();

    private <T extends Bdev> T register(T bdev) {
        registry.register(bdev);
        return bdev;
    }

    @AfterEach
    void nothingLeaks() {
        hand.on(0, buffer::close);
        for (int i = 0; i < 2; i++) {
            assertEquals(1024, BdevContext.of(hand.reactor(i)).ioPool().freeCount(), "I/O records of reactor " + i);
        }
        memory.pools().all().forEach(pool -> assertEquals(pool.count(), pool.freeCount(), pool.name()));
    }

    private void pattern(int seed, int lengthBytes) {
        for (int i = 0; i < lengthBytes; i++) {
            RawMemory.putByte(address + i, (byte) (seed + i * 31 + (i >> 8) * 7));
        }
    }

    @Test
    void whatWasWrittenIsRead() {
        IoChannel channel = io.channel(descriptor, 0);
        pattern(1, 4096);
        assertEquals(0, io.run(channel, IoType.WRITE, 8, 8, address));
        RawMemory.zero(address, 8192);
        assertEquals(0, io.run(channel, IoType.READ, 8, 8, address + 4096));
        pattern(1, 4096);
        assertTrue(RawMemory.equal(address, address + 4096, 4096));
        assertEquals(0, io.run(channel, IoType.COMPARE, 8, 8, address));
        assertEquals(Status.COMPARE_FAILURE | Status.DNR, io.run(channel, IoType.COMPARE, 9, 7, address));
        assertEquals(0, io.run(channel, IoType.WRITE_ZEROES, 8, 8, 0));
        assertTrue(RawMemory.isZero(malloc.baseAddress(), 8192));
        assertEquals(2, malloc.stats().operations(IoType.COMPARE));
        assertEquals(1, malloc.stats().errors(IoType.COMPARE));
        hand.on(0, channel::close);
    }

    /** More at once than the memory disk has room for at first, so that it has to make more. */
    @Test
    void manyCopiesOfOneTurnAllEndWithTheirOwnData() {
        IoChannel channel = io.channel(descriptor, 0);
        pattern(3, 64 << 10);
        List<TestIo.Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < 700; i++) {
            outcomes.add(io.submit(channel, IoType.WRITE, i, 1, address + i % 128 * 512));
        }
        assertFalse(outcomes.getFirst().isDone());
        hand.runUntil(() -> outcomes.stream().allMatch(TestIo.Outcome::isDone));
        for (int i = 0; i < 700; i++) {
            assertTrue(RawMemory.equal(malloc.baseAddress() + i * 512, address + i % 128 * 512, 512), "block " + i);
            outcomes.set(i, io.submit(channel, IoType.READ, 699 - i, 1, address + (128 + i % 128) * 512));
        }
        hand.runUntil(() -> outcomes.stream().allMatch(TestIo.Outcome::isDone));
        for (int i = 700 - 128; i < 700; i++) {
            assertTrue(RawMemory.equal(address + (128 + i % 128) * 512, address + (699 - i) % 128 * 512, 512), "read " + i);
        }
        assertTrue(outcomes.stream().allMatch(outcome -> outcome.status == 0));
        hand.on(0, channel::close);
    }

    /** Nobody on the core waits for the zeroing of a large disk, and what goes to other blocks meanwhile stays. */
    @Test
    void aLongZeroingOfAMemoryDiskTakesManyTurns() {
        MallocBdev large = register(new MallocBdev("m9", UUID.randomUUID(), 512, 40 << 11));
        IoChannel channel = io.channel(io.open(registry, large, true), 0);
        long end = large.baseAddress() + large.sizeBytes();
        for (long at = large.baseAddress(); at < end; at += 8) {
            RawMemory.putLong(at, 7);
        }
        TestIo.Outcome first = io.submit(channel, IoType.UNMAP, 0, 20 << 11, 0);
        TestIo.Outcome second = io.submit(channel, IoType.WRITE_ZEROES, 20 << 11, (19 << 11) + 1, 0);
        TestIo.Outcome brief = io.submit(channel, IoType.WRITE_ZEROES, (40 << 11) - 1, 1, 0);
        hand.runUntil(brief::isDone);
        assertFalse(first.isDone() || second.isDone());
        hand.runUntil(first::isDone);
        assertTrue(RawMemory.isZero(large.baseAddress(), 20 << 20));
        assertFalse(second.isDone());
        hand.runUntil(second::isDone);
        assertTrue(RawMemory.isZero(large.baseAddress(), (39 << 20) + 512));
        assertEquals(7, RawMemory.getLong(large.baseAddress() + (39 << 20) + 512));
        assertEquals(7, RawMemory.getLong(end - 520));
        assertTrue(RawMemory.isZero(end - 512, 512));
        assertEquals(0, first.status | second.status | brief.status);
        hand.on(0, channel::close);
    }

    @Test
    void rangesBeyondTheEndAndOverflowsAreRefused() {
        IoChannel channel = io.channel(descriptor, 0);
        int expected = Status.LBA_OUT_OF_RANGE | Status.DNR;
        assertEquals(expected, io.run(channel, IoType.READ, 2048, 1, address));
        assertEquals(expected, io.run(channel, IoType.READ, 2047, 2, address));
        assertEquals(expected, io.run(channel, IoType.WRITE, Long.MAX_VALUE, 2, address));
        assertEquals(expected, io.run(channel, IoType.WRITE, -1, 2, address));
        assertEquals(expected, io.run(channel, IoType.UNMAP, 0, Long.MAX_VALUE, 0));
        assertEquals(expected, io.run(channel, IoType.WRITE_ZEROES, 4, 0, 0));
        assertEquals(0, io.run(channel, IoType.READ, 2047, 1, address));
        hand.on(0, channel::close);
    }

    @Test
    void aPauseWaitsForWhatIsInFlightAndHoldsTheRest() {
        FaultBdev fault = hand.call(0, () -> FaultBdev.open("f0", UUID.randomUUID(), register(
                new MallocBdev("m1", UUID.randomUUID(), 512, 64)), registry));
        registry.register(fault);
        fault.putRule(new FaultRule("slow", IoType.WRITE, FaultRule.Stage.SUBMIT, FaultRule.Kind.DELAY, 0, 500_000, 0,
                Long.MAX_VALUE, 1));
        Descriptor d = io.open(registry, fault, true);
        IoChannel channel = io.channel(d, 1);
        TestIo.Outcome slow = io.submit(channel, IoType.WRITE, 0, 1, address);
        boolean[] paused = new boolean[2];
        hand.on(0, () -> fault.pause(hand.reactor(0).mthread(), (v, f) -> {
            assertTrue(slow.isDone());
            paused[0] = true;
        }));
        hand.on(0, () -> fault.pause(hand.reactor(0).mthread(), (v, f) -> paused[1] = true));
        hand.tickAll(20);
        assertFalse(paused[0]);
        TestIo.Outcome held = io.submit(channel, IoType.READ, 0, 1, address);
        hand.runUntil(() -> paused[0] && paused[1]);
        IoChannel late = io.channel(d, 0);
        TestIo.Outcome heldToo = io.submit(late, IoType.READ, 0, 1, address);
        hand.tickAll(50);
        assertFalse(held.isDone() || heldToo.isDone());
        hand.on(0, () -> fault.resume(hand.reactor(0).mthread(), (v, f) -> { }));
        hand.tickAll(50);
        assertFalse(held.isDone(), "one pause is left");
        hand.on(0, () -> fault.resume(hand.reactor(0).mthread(), (v, f) -> { }));
        hand.runUntil(() -> held.isDone() && heldToo.isDone());
        hand.on(1, channel::close);
        hand.on(0, late::close);
        hand.on(0, d::close);
    }

    @Test
    void aRangeLockHoldsWritesOnEveryChannelAndLetsReadsPass() {
        IoChannel first = io.channel(descriptor, 0);
        IoChannel second = io.channel(descriptor, 1);
        List<RangeLock> granted = new ArrayList<>();
        hand.on(0, () -> malloc.lockRange(100, 10, false, hand.reactor(0).mthread(), (lock, f) -> granted.add(lock)));
        hand.on(0, () -> malloc.lockRange(105, 10, false, hand.reactor(0).mthread(), (lock, f) -> granted.add(lock)));
        hand.runUntil(() -> granted.size() == 1);
        TestIo.Outcome write = io.submit(second, IoType.WRITE, 109, 1, address);
        TestIo.Outcome zeroes = io.submit(first, IoType.WRITE_ZEROES, 90, 11, 0);
        assertEquals(0, io.run(first, IoType.WRITE, 110, 1, address));
        assertEquals(0, io.run(second, IoType.READ, 100, 10, address));
        hand.tickAll(30);
        assertFalse(write.isDone() || zeroes.isDone());
        assertEquals(1, granted.size(), "an overlapping lock waits");
        hand.on(0, () -> malloc.unlockRange(granted.get(0), hand.reactor(0).mthread(), (v, f) -> { }));
        hand.runUntil(() -> granted.size() == 2 && zeroes.isDone());
        hand.on(0, () -> malloc.unlockRange(granted.get(1), hand.reactor(0).mthread(), (v, f) -> { }));
        hand.runUntil(write::isDone);
        hand.on(0, first::close);
        hand.on(1, second::close);
    }

    /** Who has a lock may wait for what who holds the writes has. */
    @Test
    void writesAreHeldWithoutWaitingForALockAndReadsPass() {
        IoChannel first = io.channel(descriptor, 0);
        IoChannel second = io.channel(descriptor, 1);
        List<RangeLock> granted = new ArrayList<>();
        hand.on(0, () -> malloc.lockRange(100, 10, true, hand.reactor(0).mthread(), (lock, f) -> granted.add(lock)));
        hand.runUntil(() -> granted.size() == 1);
        hand.on(0, () -> malloc.holdWrites(hand.reactor(0).mthread(), (lock, f) -> granted.add(lock)));
        hand.runUntil(() -> granted.size() == 2);
        TestIo.Outcome write = io.submit(second, IoType.WRITE, 200, 1, address);
        TestIo.Outcome zeroes = io.submit(first, IoType.WRITE_ZEROES, 0, 1, 0);
        assertEquals(0, io.run(first, IoType.READ, 200, 10, address));
        hand.tickAll(30);
        assertFalse(write.isDone() || zeroes.isDone());
        hand.on(0, () -> malloc.unlockRange(granted.get(1), hand.reactor(0).mthread(), (v, f) -> { }));
        hand.runUntil(() -> write.isDone() && zeroes.isDone());
        hand.on(0, () -> malloc.unlockRange(granted.get(0), hand.reactor(0).mthread(), (v, f) -> { }));
        hand.tickAll(30);
        hand.on(0, first::close);
        hand.on(1, second::close);
    }

    @Test
    void aSecondWriterIsRefusedAndToldWhoHasIt() {
        OperationException e = assertThrows(OperationException.class, () -> io.open(registry, malloc, true));
        assertEquals("bdev-claimed", e.code());
        assertTrue(e.getMessage().contains("test"), e.getMessage());
        Descriptor reader = io.open(registry, malloc, false);
        hand.on(0, reader::close);
        hand.on(0, descriptor::close);
        Descriptor again = io.open(registry, malloc, true);
        hand.on(0, again::close);
    }

    @Test
    void removalTellsTheUsersAndWaitsForThem() {
        IoChannel channel = io.channel(descriptor, 1);
        boolean[] destroyed = new boolean[1];
        hand.on(0, () -> registry.unregister(malloc, (v, f) -> destroyed[0] = true));
        assertEquals(Status.INTERNAL_ERROR | Status.DNR, io.run(channel, IoType.READ, 0, 1, address));
        assertFalse(destroyed[0]);
        assertThrows(OperationException.class, () -> io.open(registry, malloc, false));
        hand.on(1, channel::close);
        hand.on(0, descriptor::close);
        assertTrue(destroyed[0]);
    }

    @Test
    void compareAndWriteZeroesAreEmulatedInPieces() {
        Bdev plain = register(new PlainBdev(registry.find("m0")));
        Descriptor d = io.open(registry, plain, true);
        IoChannel channel = io.channel(d, 0);
        for (int i = 0; i < 2048 * 512; i++) {
            RawMemory.putByte(malloc.baseAddress() + i, (byte) 0x5A);
        }
        assertEquals(0, io.run(channel, IoType.WRITE_ZEROES, 0, 2048, 0));
        assertTrue(RawMemory.isZero(malloc.baseAddress(), 2048 * 512));
        RawMemory.zero(address, 131072);
        assertEquals(0, io.run(channel, IoType.COMPARE, 3, 256, address));
        RawMemory.putByte(malloc.baseAddress() + 512 * 200, (byte) 1);
        assertEquals(Status.COMPARE_FAILURE | Status.DNR, io.run(channel, IoType.COMPARE, 3, 256, address));
        assertEquals(0, io.run(channel, IoType.VERIFY, 0, 2048, 0));
        assertEquals(1, plain.stats().operations(IoType.VERIFY));
        assertEquals(Status.INVALID_OPCODE | Status.DNR, io.run(channel, IoType.UNMAP, 3, 256, 0));
        assertEquals(0, io.flush(channel));
        assertEquals(1, plain.stats().operations(IoType.WRITE_ZEROES));
        assertEquals(0, plain.stats().operations(IoType.WRITE), "parts are not counted");
        hand.on(0, channel::close);
        hand.on(0, d::close);
    }

    @Test
    void layersLeaveRecordsToTheLayersBelowAndComparesGoOnWithEmptyPools() {
        Bdev plain = register(new PlainBdev(registry.find("m0")));
        FaultBdev fault = hand.call(0, () -> FaultBdev.open("f2", UUID.randomUUID(), plain, registry));
        registry.register(fault);
        Descriptor d = io.open(registry, fault, true);
        IoChannel channel = io.channel(d, 0);
        List<BdevIo> records = new ArrayList<>();
        List<DmaBuffer> buffers = new ArrayList<>();
        hand.on(0, () -> {
            for (BdevIo one = channel.tryAcquire(); one != null; one = channel.tryAcquire()) {
                records.add(one);
            }
            for (DmaBuffer one = BdevContext.of(hand.reactor(0)).large().tryAcquire(); one != null;
                    one = BdevContext.of(hand.reactor(0)).large().tryAcquire()) {
                buffers.add(one);
            }
        });
        assertEquals(1024 - 256 - 128, records.size(), "some are left for parts and for the layer below");
        int[] done = new int[1];
        hand.on(0, () -> records.forEach(one -> {
            one.prepare(IoType.COMPARE, 0, 8, address, 0, ended -> {
                done[0] += ended.status() == Status.SUCCESS ? 1 : 0;
                ended.release();
            });
            channel.submit(one);
        }));
        hand.on(0, () -> RawMemory.copy(malloc.baseAddress(), address, 4096));
        hand.runUntil(() -> done[0] == records.size(), 1_000_000);
        hand.on(0, () -> {
            buffers.forEach(DmaBuffer::close);
            channel.close();
        });
        hand.on(0, d::close);
    }

    @Test
    void faultsHitTheRangeAndCountTheyWereAskedFor() {
        MallocBdev base = register(new MallocBdev("m2", UUID.randomUUID(), 512, 64));
        FaultBdev fault = hand.call(0, () -> FaultBdev.open("f1", UUID.randomUUID(), base, registry));
        registry.register(fault);
        Descriptor d = io.open(registry, fault, true);
        IoChannel channel = io.channel(d, 0);
        fault.putRule(new FaultRule("e", IoType.READ, FaultRule.Stage.COMPLETION, FaultRule.Kind.ERROR,
                Status.UNRECOVERED_READ_ERROR, 0, 10, 5, 2));
        pattern(9, 512);
        assertEquals(0, io.run(channel, IoType.WRITE, 12, 1, address));
        assertEquals(0, io.run(channel, IoType.READ, 15, 1, address));
        assertEquals(Status.UNRECOVERED_READ_ERROR, io.run(channel, IoType.READ, 14, 1, address));
        assertEquals(Status.UNRECOVERED_READ_ERROR, io.run(channel, IoType.READ, 0, 64, address));
        assertEquals(0, io.run(channel, IoType.READ, 12, 1, address));
        fault.putRule(new FaultRule("c", IoType.WRITE, FaultRule.Stage.SUBMIT, FaultRule.Kind.CORRUPT, 0, 0, 0, 64, 1));
        byte before = RawMemory.getByte(address);
        assertEquals(0, io.run(channel, IoType.WRITE, 20, 1, address));
        assertEquals(before, RawMemory.getByte(address), "the caller's buffer stays as it was");
        assertEquals((byte) ~before, RawMemory.getByte(base.baseAddress() + 20 * 512));
        assertTrue(fault.removeRule("c"));
        assertFalse(fault.removeRule("c"));
        hand.on(0, channel::close);
        hand.on(0, d::close);
    }

    /** Reads and writes, once in three times says that it has no resources. */
    private static final class PlainBdev extends Bdev {
        private final MallocBdev target;

        PlainBdev(Bdev target) {
            super("plain", UUID.randomUUID(), "plain", target.blockSizeBytes(), target.blockCount());
            this.target = (MallocBdev) target;
        }

        @Override
        public boolean supports(int ioType) {
            return ioType == IoType.READ || ioType == IoType.WRITE;
        }

        @Override
        protected IoChannel createChannel(Mthread mthread) {
            return new IoChannel(this, mthread) {
                private int count;

                @Override
                protected void doSubmit(BdevIo part) {
                    if (++count % 3 == 0) {
                        part.completeDeferred(Status.NO_RESOURCES);
                        return;
                    }
                    long disk = target.baseAddress() + part.offsetBlocks * 512;
                    boolean read = part.type == IoType.READ;
                    RawMemory.copy(read ? disk : part.address, read ? part.address : disk, part.blockCount * 512);
                    part.completeDeferred(Status.SUCCESS);
                }
            };
        }
    }
}
