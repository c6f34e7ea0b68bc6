package io.mizzen.concat;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.FaultBdev;
import io.mizzen.bdev.FaultRule;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.MallocBdev;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Mthread;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.TestIo;
import io.mizzen.testsupport.TestMemory;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Disks joined to one: where data lies, how the whole is put together again, and grows, whatever fails meanwhile. */
class ConcatBdevTest {
    private static final int BLOCK = 512;
    private static final long MIB = 1 << 20;

    private final HandReactors hand = new HandReactors(2, 11);
    private final TestMemory memory = TestMemory.install(hand.reactors());
    private final TestIo io = new TestIo(hand);
    private final BdevRegistry registry = new BdevRegistry();
    private final Mthread control = hand.reactor(0).mthread();
    private final DmaBuffer buffer = hand.call(0, () -> memory.pools().large().cache(0).tryAcquire());
    private final long address = buffer.address();
    private final List<Bdev> opened = new ArrayList<>();

    @AfterEach
    void nothingLeaks() {
        hand.on(0, buffer::close);
        for (int i = 0; i < 2; i++) {
            assertThat(BdevContext.of(hand.reactor(i)).ioPool().freeCount()).as("I/O records of reactor %d", i).isEqualTo(1024);
        }
        memory.pools().all().forEach(pool -> assertThat(pool.freeCount()).as(pool.name()).isEqualTo(pool.count()));
        opened.forEach(disk -> assertThat(disk.isOpen()).as(disk.name()).isFalse());
    }

    private MallocBdev disk(String name, long sizeBytes) {
        MallocBdev disk = new MallocBdev(name, UUID.randomUUID(), BLOCK, sizeBytes / BLOCK);
        hand.on(0, () -> registry.register(disk));
        opened.add(disk);
        return disk;
    }

    private <T> T ok(Consumer<Completion<T>> operation) {
        Object[] outcome = run(operation);
        assertThat(outcome[1]).isNull();
        @SuppressWarnings("unchecked")
        T value = (T) outcome[0];
        return value;
    }

    private <T> OperationException refused(Consumer<Completion<T>> operation) {
        OperationException failure = (OperationException) run(operation)[1];
        assertThat(failure).isNotNull();
        return failure;
    }

    private <T> Object[] run(Consumer<Completion<T>> operation) {
        Object[] outcome = new Object[3];
        hand.on(0, () -> {
            try {
                operation.accept((value, failure) -> {
                    assertThat(outcome[2]).as("completed once").isNull();
                    outcome[0] = value;
                    outcome[1] = failure;
                    outcome[2] = true;
                });
            } catch (OperationException refused) {
                outcome[1] = refused;
                outcome[2] = true;
            }
        });
        hand.runUntil(() -> outcome[2] != null);
        return outcome;
    }

    private ConcatBdev create(Bdev... disks) {
        List<ConcatBdev.NewDisk> all = new ArrayList<>();
        for (Bdev disk : disks) {
            all.add(new ConcatBdev.NewDisk(disk, null));
        }
        ConcatBdev concat = hand.call(0, () -> ConcatBdev.create("set", all, registry, control));
        hand.on(0, () -> registry.register(concat));
        this.<Void>ok(concat::store);
        return concat;
    }

    private void close(ConcatBdev concat) {
        this.<Void>ok(done -> registry.unregister(concat, done));
    }

    private void heads(Bdev[] disks, int next, List<DiskHead> heads, Completion<List<DiskHead>> done) {
        if (next == disks.length) {
            done.ok(heads);
            return;
        }
        ConcatBdev.inspect(disks[next], registry, control, (head, failure) -> {
            heads.add(head);
            heads(disks, next + 1, heads, done);
        });
    }

    private ConcatBdev assemble(Bdev... disks) {
        List<DiskHead> heads = ok(done -> heads(disks, 0, new ArrayList<>(), done));
        ConcatBdev concat = this.<ConcatBdev>ok(done -> ConcatBdev.assemble(heads, false, registry, control, done));
        hand.on(0, () -> registry.register(concat));
        return concat;
    }

    private OperationException notAssembled(Bdev... disks) {
        List<DiskHead> heads = ok(done -> heads(disks, 0, new ArrayList<>(), done));
        OperationException refused = this.<ConcatBdev>refused(done -> ConcatBdev.assemble(heads, false, registry, control, done));
        for (Bdev disk : disks) {
            assertThat(disk.isOpen()).isFalse();
        }
        return refused;
    }

    private void pattern(int seed, int lengthBytes) {
        for (int i = 0; i < lengthBytes; i++) {
            RawMemory.putByte(address + i, (byte) (seed + i * 31 + (i >> 8) * 7));
        }
    }

    @Test
    void dataLiesWhereSpdkLooksForItAlsoAcrossDisks() {
        MallocBdev a = disk("a", 3 * MIB + MIB / 2);
        MallocBdev b = disk("b", 2 * MIB);
        MallocBdev c = disk("c", 4 * MIB);
        ConcatBdev concat = create(a, b, c);
        assertThat(concat.sizeBytes()).isEqualTo((2 + 1 + 3) * MIB);
        Descriptor descriptor = io.open(registry, concat, true);
        for (int reactor = 0; reactor < 2; reactor++) {
            IoChannel channel = io.channel(descriptor, reactor);
            pattern(reactor, 65_536);
            long block = 2 * MIB / BLOCK - 64;          // The last 32 KiB of a, the first of b.
            assertThat(io.run(channel, IoType.WRITE, block, 128, address)).isZero();
            assertThat(RawMemory.equal(a.baseAddress() + 3 * MIB - 32_768, address, 32_768)).isTrue();
            assertThat(RawMemory.equal(b.baseAddress() + MIB, address + 32_768, 32_768)).isTrue();
            RawMemory.zero(address, 65_536);
            assertThat(io.run(channel, IoType.READ, block, 128, address)).isZero();
            assertThat(RawMemory.equal(a.baseAddress() + 3 * MIB - 32_768, address, 32_768)).isTrue();
            assertThat(io.run(channel, IoType.WRITE_ZEROES, block - 64, 5 * MIB / 2 / BLOCK, 0)).isZero();
            assertThat(RawMemory.isZero(b.baseAddress() + MIB, (int) MIB)).isTrue();
            pattern(7, 4096);
            assertThat(io.run(channel, IoType.WRITE, 6 * MIB / BLOCK - 8, 8, address)).isZero();
            assertThat(RawMemory.equal(c.baseAddress() + 4 * MIB - 4096, address, 4096)).isTrue();
            assertThat(io.run(channel, IoType.COMPARE, 6 * MIB / BLOCK - 8, 8, address)).isZero();
            long flushes = a.stats().operations(IoType.FLUSH);
            assertThat(io.flush(channel)).isZero();
            for (Bdev disk : concat.disks()) {
                assertThat(disk.stats().operations(IoType.FLUSH)).isEqualTo(flushes + 1);
            }
            assertThat(io.run(channel, IoType.READ, 6 * MIB / BLOCK - 7, 8, address)).isEqualTo(Status.LBA_OUT_OF_RANGE | Status.DNR);
            hand.on(reactor, channel::close);
        }
        hand.on(0, descriptor::close);
        close(concat);
    }

    @Test
    void aSetIsFoundInAnyOrderAndOnlyWhole() {
        MallocBdev a = disk("a", 3 * MIB);
        MallocBdev b = disk("b", 3 * MIB);
        MallocBdev c = disk("c", 3 * MIB);
        MallocBdev stranger = disk("stranger", 3 * MIB);
        ConcatBdev made = create(a, b, c);
        close(made);
        ConcatBdev again = assemble(c, a, b);
        assertThat(again.disks()).containsExactly(a, b, c);
        assertThat(again.uuid()).isEqualTo(made.uuid());
        close(again);
        OperationException missing = notAssembled(a, c);
        assertThat(missing.code()).isEqualTo("pool-disk-missing");
        assertThat(missing.getMessage()).contains("3 disks", "1 missing", "member 2");
        assertThat(notAssembled(a, b, c, stranger).code()).isEqualTo("disk-not-member");
        assertThat(notAssembled(stranger, stranger).code()).isEqualTo("disk-not-member");
        close(create(stranger));
        assertThat(notAssembled(a, b, c, stranger).code()).isEqualTo("disks-of-different-sets");
        MallocBdev copy = disk("copy", 3 * MIB);
        RawMemory.copy(a.baseAddress(), copy.baseAddress(), 3 * MIB);
        assertThat(notAssembled(a, b, c, copy).getMessage()).contains("one is a copy");
        MallocBdev small = disk("small", 2 * MIB);
        RawMemory.copy(a.baseAddress(), small.baseAddress(), 2 * MIB);
        assertThat(notAssembled(small, b, c).code()).isEqualTo("pool-device-truncated");
    }

    @Test
    void aDamagedSuperBlockIsToldUnlessAnotherDiskAndTheLabelMakeUpForIt() {
        MallocBdev a = disk("a", 3 * MIB);
        MallocBdev b = disk("b", 3 * MIB);
        close(create(a, b));
        RawMemory.putByte(b.baseAddress() + 300, (byte) 1);
        ConcatBdev healed = assemble(a, b);
        close(healed);
        assertThat(RawMemory.equal(a.baseAddress(), b.baseAddress(), BLOCK)).as("written again").isTrue();
        RawMemory.putByte(b.baseAddress() + MemberLabel.AT_BYTES + 40, (byte) ~RawMemory.getByte(b.baseAddress()
                + MemberLabel.AT_BYTES + 40));
        OperationException unknown = notAssembled(a, b);
        assertThat(unknown.code()).isEqualTo("disk-identity-unknown");
        assertThat(unknown.getMessage()).contains("disk b", "?uuid=");
        RawMemory.putByte(b.baseAddress() + 300, (byte) 1);
        OperationException damaged = notAssembled(a, b);
        assertThat(damaged.code()).isEqualTo("disk-superblock-corrupt");
        assertThat(damaged.getMessage()).contains("disk b", "CRC");
        close(create(a));
        RawMemory.zero(a.baseAddress(), BLOCK);
        assertThat(notAssembled(a).getMessage()).contains("labelled", "byte 0 is gone");
    }

    /** A disk that was given to something else since is not written to, though its label is still there. */
    @Test
    void aDiskInAnotherUseIsLeftAlone() {
        MallocBdev a = disk("a", 3 * MIB);
        MallocBdev b = disk("b", 3 * MIB);
        close(create(a, b));
        RawMemory.zero(b.baseAddress(), BLOCK);
        RawMemory.putByte(b.baseAddress() + 510, (byte) 0x55);
        OperationException refused = notAssembled(a, b);
        assertThat(refused.code()).isEqualTo("disk-superblock-corrupt");
        assertThat(refused.getMessage()).contains("disk b", "another use");
        assertThat(RawMemory.getByte(b.baseAddress() + 510)).isEqualTo((byte) 0x55);
        RawMemory.putByte(b.baseAddress() + 510, (byte) 0);
        close(assemble(a, b));
    }

    /** What some disks may have got already is never described differently under the same number. */
    @Test
    void aGrowthThatFailedHalfwayIsFollowedByANewerOne() {
        MallocBdev a = disk("a", 2 * MIB);
        MallocBdev b = disk("b", 2 * MIB);
        MallocBdev c = disk("c", 2 * MIB);
        close(create(a, b));
        MallocBdev larger = disk("larger", 5 * MIB);
        RawMemory.copy(b.baseAddress(), larger.baseAddress(), 2 * MIB);
        FaultBdev fault = hand.call(0, () -> FaultBdev.open("f", UUID.randomUUID(), larger, registry));
        hand.on(0, () -> registry.register(fault));
        ConcatBdev concat = assemble(a, fault);
        fault.putRule(new FaultRule("dead", IoType.WRITE, FaultRule.Stage.SUBMIT, FaultRule.Kind.ERROR, Status.WRITE_FAULT, 0, 0,
                Long.MAX_VALUE, Integer.MAX_VALUE));
        this.<Void>refused(concat::growLast);
        this.<Void>refused(done -> concat.add(new ConcatBdev.NewDisk(c, null), done));
        close(concat);
        this.<Void>ok(done -> registry.unregister(fault, done));
        List<DiskHead> heads = ok(done -> heads(new Bdev[] {a, larger, c}, 0, new ArrayList<>(), done));
        assertThat(heads.get(1).superBlock().sequence()).as("creation").isEqualTo(1);
        assertThat(heads.get(2).superBlock().sequence()).as("the growth took 2, on the first disk").isEqualTo(3);
        close(assemble(a, larger));
    }

    /** Whoever stands on the set was told what an unmap does before the disk came. */
    @Test
    void anUnmapKeepsItsPromiseOnADiskAddedLater() {
        MallocBdev a = disk("a", 2 * MIB);
        HintBdev b = new HintBdev("b", 2 * MIB / BLOCK);
        hand.on(0, () -> registry.register(b));
        opened.add(b);
        ConcatBdev concat = create(a);
        Descriptor descriptor = io.open(registry, concat, true);
        IoChannel channel = io.channel(descriptor, 1);
        this.<Void>ok(done -> concat.add(new ConcatBdev.NewDisk(b, null), done));
        assertThat(concat.unmapReadsZeroes()).isTrue();
        pattern(3, 8192);
        assertThat(io.run(channel, IoType.WRITE, MIB / BLOCK - 8, 16, address)).isZero();
        assertThat(concat.hasVolatileCache()).isFalse();
        assertThat(b.cached).as("writes left in the cache of the disk, which nobody would flush").isZero();
        assertThat(io.run(channel, IoType.UNMAP, MIB / BLOCK - 8, 12, 0)).isZero();
        assertThat(io.run(channel, IoType.UNMAP, MIB / BLOCK + 4, 4, 0)).isZero();
        assertThat(io.run(channel, IoType.READ, MIB / BLOCK - 8, 16, address)).isZero();
        assertThat(RawMemory.isZero(address, 8192)).isTrue();
        hand.on(1, channel::close);
        hand.on(0, descriptor::close);
        close(concat);
        ConcatBdev again = assemble(a, b);
        assertThat(again.unmapReadsZeroes()).isFalse();
        assertThat(again.hasVolatileCache()).isTrue();
        close(again);
    }

    /** A disk with a cache, to which an unmap is a hint that it does not follow. */
    private static final class HintBdev extends Bdev {
        private final byte[] content;
        /** Writes that were to be flushed. */
        private int cached;

        HintBdev(String name, long blocks) {
            super(name, UUID.randomUUID(), "hint", BLOCK, blocks);
            content = new byte[(int) (blocks * BLOCK)];
        }

        @Override
        public boolean supports(int ioType) {
            return ioType == IoType.READ || ioType == IoType.WRITE || ioType == IoType.UNMAP || ioType == IoType.FLUSH;
        }

        @Override
        public boolean hasVolatileCache() {
            return true;
        }

        @Override
        public boolean unmapReadsZeroes() {
            return false;
        }

        @Override
        protected IoChannel createChannel(Mthread mthread) {
            return new IoChannel(this, mthread) {
                @Override
                protected void doSubmit(BdevIo io) {
                    int at = (int) io.offsetBlocks * BLOCK;
                    for (int i = 0; i < io.blockCount * BLOCK; i++) {
                        if (io.type == IoType.WRITE) {
                            content[at + i] = RawMemory.getByte(io.address + i);
                        } else if (io.type == IoType.READ) {
                            RawMemory.putByte(io.address + i, content[at + i]);
                        }
                    }
                    cached += io.type == IoType.WRITE && (io.flags & BdevIo.FLAG_FUA) == 0 ? 1 : 0;
                    io.completeDeferred(Status.SUCCESS);
                }
            };
        }
    }

    @Test
    void aDiskIsAddedUnderIo() {
        MallocBdev a = disk("a", 2 * MIB);
        MallocBdev b = disk("b", 3 * MIB);
        ConcatBdev concat = create(a);
        Descriptor descriptor = io.open(registry, concat, true);
        IoChannel old = io.channel(descriptor, 1);
        assertThat(io.run(old, IoType.READ, MIB / BLOCK, 1, address)).isNotZero();
        this.<Void>ok(done -> concat.add(new ConcatBdev.NewDisk(b, null), done));
        assertThat(concat.sizeBytes()).isEqualTo(3 * MIB);
        pattern(3, 8192);
        assertThat(io.run(old, IoType.WRITE, MIB / BLOCK - 8, 16, address)).isZero();
        assertThat(RawMemory.equal(b.baseAddress() + MIB, address + 4096, 4096)).isTrue();
        hand.on(1, old::close);
        hand.on(0, descriptor::close);
        close(concat);
        assertThat(notAssembled(a).getMessage()).contains("member 2");
        close(assemble(b, a));
    }

    /** Wherever the power fails while a disk is added, the set is whole with the disks of before, or with all. */
    @Test
    void aDiskThatCouldNotBeAddedIsNotMissed() {
        for (int writes = 0; writes < 5; writes++) {
            for (boolean dead : new boolean[] {false, true}) {
                String name = "_" + writes + dead;
                MallocBdev[] media = {disk("a" + name, 2 * MIB), disk("b" + name, 2 * MIB), disk("c" + name, 2 * MIB)};
                FaultBdev[] faults = new FaultBdev[3];
                for (int i = 0; i < 3; i++) {
                    int n = i;
                    faults[i] = hand.call(0, () -> FaultBdev.open("f" + media[n].name(), UUID.randomUUID(), media[n], registry));
                    hand.on(0, () -> registry.register(faults[n]));
                }
                ConcatBdev concat = create(faults[0], faults[1]);
                // In order: the new disk's label and superblock, then the others', from the last one on.
                int victim = writes <= 1 ? 2 : writes == 2 ? 1 : 0;
                if (writes < 4) {
                    faults[victim].putRule(new FaultRule("dead", IoType.WRITE, FaultRule.Stage.SUBMIT, FaultRule.Kind.ERROR,
                            Status.WRITE_FAULT, 0, 0, writes == 1 ? 63 : Long.MAX_VALUE, dead ? Integer.MAX_VALUE : 1));
                }
                Object[] outcome = this.<Void>run(done -> concat.add(new ConcatBdev.NewDisk(faults[2], null), done));
                assertThat(outcome[1] == null).as("writes %d", writes).isEqualTo(writes == 4);
                assertThat(concat.sizeBytes()).isEqualTo(writes == 4 ? 3 * MIB : 2 * MIB);
                close(concat);
                for (FaultBdev fault : faults) {
                    this.<Void>ok(done -> registry.unregister(fault, done));
                }
                if (writes == 4) {
                    close(assemble(media[0], media[1], media[2]));
                } else {
                    close(assemble(media[0], media[1]));
                }
            }
        }
    }

    /** A write of the set's own that ends with a flush may take the only notice of what a disk has lost. */
    @Test
    void aFlushIsToldOnceThatOneOfTheSetsOwnHasFailed() {
        MallocBdev medium = disk("a", 2 * MIB);
        MallocBdev more = disk("b", 2 * MIB);
        FaultBdev fault = hand.call(0, () -> FaultBdev.open("fa", UUID.randomUUID(), medium, registry));
        hand.on(0, () -> registry.register(fault));
        ConcatBdev concat = create(fault);
        Descriptor descriptor = io.open(registry, concat, true);
        IoChannel channel = io.channel(descriptor, 1);
        assertThat(io.run(channel, IoType.FLUSH, 0, 0, 0)).isZero();
        fault.putRule(new FaultRule("dead", IoType.WRITE, FaultRule.Stage.SUBMIT, FaultRule.Kind.ERROR, Status.WRITE_FAULT, 0, 0,
                Long.MAX_VALUE, 1));
        assertThat(this.<Void>refused(done -> concat.add(new ConcatBdev.NewDisk(more, null), done))).isNotNull();
        assertThat(io.run(channel, IoType.FLUSH, 0, 0, 0)).isEqualTo(Status.WRITE_FAULT);
        assertThat(io.run(channel, IoType.FLUSH, 0, 0, 0)).isZero();
        hand.on(1, channel::close);
        hand.on(0, descriptor::close);
        close(concat);
        this.<Void>ok(done -> registry.unregister(fault, done));
    }

    @Test
    void onlyTheLastDiskGrowsIn() {
        MallocBdev a = disk("a", 2 * MIB);
        MallocBdev b = disk("b", 2 * MIB);
        ConcatBdev concat = create(a, b);
        assertThat(concat.growableToBytes()).isEqualTo(2 * MIB);
        close(concat);
        MallocBdev larger = disk("larger", 5 * MIB);
        RawMemory.copy(b.baseAddress(), larger.baseAddress(), 2 * MIB);
        ConcatBdev grown = assemble(a, larger);
        assertThat(grown.sizeBytes()).isEqualTo(2 * MIB);
        assertThat(grown.growableToBytes()).isEqualTo(5 * MIB);
        this.<Void>ok(grown::growLast);
        assertThat(grown.sizeBytes()).isEqualTo(5 * MIB);
        close(grown);
        assertThat(notAssembled(a, b).code()).as("the smaller one is behind").isEqualTo("pool-device-truncated");
        close(assemble(larger, a));
    }

    @Test
    void disksThatDoNotFitAreRefused() {
        MallocBdev a = disk("a", 2 * MIB);
        MallocBdev tiny = disk("tiny", MIB);
        MallocBdev coarse = new MallocBdev("coarse", UUID.randomUUID(), 4096, 1024);
        hand.on(0, () -> registry.register(coarse));
        assertThat(notJoined(a, tiny)).isEqualTo("pool-device-too-small");
        assertThat(notJoined(a, coarse)).isEqualTo("disks-block-size-mismatch");
        ConcatBdev concat = create(a);
        assertThat(this.<Void>refused(done -> concat.add(new ConcatBdev.NewDisk(coarse, null), done)).code())
                .isEqualTo("disks-block-size-mismatch");
        assertThat(this.<Void>refused(done -> concat.add(new ConcatBdev.NewDisk(a, null), done)).code()).isEqualTo("bdev-claimed");
        this.<Void>ok(concat::wipe);
        close(concat);
        assertThat(RawMemory.isZero(a.baseAddress(), (int) MIB)).isTrue();
    }

    private String notJoined(Bdev... disks) {
        List<ConcatBdev.NewDisk> all = Arrays.stream(disks).map(disk -> new ConcatBdev.NewDisk(disk, null)).toList();
        return this.<Void>refused(done -> ConcatBdev.create("set", all, registry, control)).code();
    }

    @Test
    void aDiskThatGoesTakesTheSetWithIt() {
        MallocBdev a = disk("a", 2 * MIB);
        MallocBdev b = disk("b", 2 * MIB);
        ConcatBdev concat = create(a, b);
        hand.on(0, b::notifyRemoved);
        assertThat(concat.isRemoved()).isTrue();
        close(concat);
    }
}
