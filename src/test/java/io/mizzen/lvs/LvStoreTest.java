package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pools and volumes on a simulated disk. */
class LvStoreTest {
    private static final long MIB = 1 << 20;

    private final LvsRig rig = new LvsRig(7);

    private SimDisk disk(int blockSize, long sizeBytes) {
        return rig.register(new SimDisk("disk", blockSize, sizeBytes, new SimDisk.Contents(), false, new Random(1)));
    }

    private SimDisk again(SimDisk disk) {
        return rig.register(new SimDisk(disk.name() + "'", disk.blockSizeBytes(), disk.sizeBytes(), disk.current(), false,
                new Random(2)));
    }

    /** What a thin volume does not hold is known without reading it; a thick one may hold data everywhere. */
    @Test
    void allocationIsKnownByCluster() {
        SimDisk disk = disk(512, 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, 20 * MIB, true, done));
        Lvol thick = rig.<Lvol>ok(done -> store.createLvol("thick", null, 5 * MIB, false, done));
        LvsRig.Handle handle = rig.open(thin.bdev(), 1);
        int shift = thin.bdev().blockShift();
        long cluster = MIB >>> shift;
        long end = 20 * cluster;
        assertThat(thin.bdev().nextAllocated(3, end)).isEqualTo(end);
        assertThat(thin.bdev().nextUnallocated(3, end)).isEqualTo(3);
        assertThat(handle.write(4 * MIB + 8192, LvsRig.pattern((int) MIB, 1))).isZero();
        assertThat(thin.bdev().nextAllocated(3, end)).isEqualTo(4 * cluster);
        assertThat(thin.bdev().nextAllocated(3, 4 * cluster - 1)).isEqualTo(4 * cluster - 1);
        assertThat(thin.bdev().nextAllocated(4 * cluster + 7, end)).isEqualTo(4 * cluster + 7);
        assertThat(thin.bdev().nextUnallocated(4 * cluster + 7, end)).isEqualTo(6 * cluster);
        assertThat(thin.bdev().nextUnallocated(4 * cluster, 5 * cluster + 1)).isEqualTo(5 * cluster + 1);
        assertThat(thin.bdev().nextAllocated(6 * cluster, end)).isEqualTo(end);
        assertThat(thick.bdev().nextAllocated(0, cluster)).isZero();
        assertThat(thick.bdev().nextUnallocated(0, cluster)).isEqualTo(cluster);
        handle.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void volumesAndTheirDataSurviveExportAndImport(int blockSize) {
        SimDisk disk = disk(blockSize, 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        assertThat(store.clusterCount()).isEqualTo(63);
        UUID uuid = UUID.randomUUID();
        Lvol thick = rig.<Lvol>ok(done -> store.createLvol("thick", uuid, 10 * MIB - 5, false, done));
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, 20 * MIB, true, done));
        assertThat(thick.sizeBytes()).isEqualTo(10 * MIB);
        assertThat(thin.allocatedClusterCount()).isZero();
        assertThat(store.freeClusterCount()).isEqualTo(53);
        LvsRig.Handle a = rig.open(thick.bdev(), 1);
        LvsRig.Handle b = rig.open(thin.bdev(), 1);
        byte[] data = LvsRig.pattern((int) (2 * MIB), 3);
        assertThat(a.write(3 * MIB + 8192, data)).isZero();
        assertThat(b.write(5 * MIB + 4096, data)).isZero();
        assertThat(b.read(5 * MIB + 4096, data.length)).isEqualTo(data);
        assertThat(thin.allocatedClusterCount()).isEqualTo(3);
        a.close();
        b.close();
        rig.<Void>ok(store::export);
        assertThat(disk.isOpen()).isFalse();
        LvStore loaded = rig.load(again(disk));
        assertThat(loaded.recovered()).isFalse();
        assertThat(loaded.freeClusterCount()).isEqualTo(50);
        assertThat(loaded.findLvol(uuid).name()).isEqualTo("thick");
        assertThat(rig.registry.get("pool/thick").uuid()).isEqualTo(uuid);
        LvsRig.Handle c = rig.open(loaded.findLvol("thick").bdev(), 0);
        LvsRig.Handle d = rig.open(loaded.findLvol("thin").bdev(), 0);
        assertThat(c.read(3 * MIB + 8192, data.length)).isEqualTo(data);
        assertThat(d.read(5 * MIB + 4096, data.length)).isEqualTo(data);
        assertThat(d.read(5 * MIB, 4096)).isEqualTo(new byte[4096]);
        assertThat(d.read(15 * MIB, 65536)).isEqualTo(new byte[65536]);
    }

    @Test
    void aVolumeIsBlankUntilItIsWrittenOrNobodyKnows() {
        SimDisk disk = rig.register(new SimDisk("disk", 512, 64 * MIB, new SimDisk.Contents(), true, new Random(1)));
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, 20 * MIB, true, done));
        Lvol thick = rig.<Lvol>ok(done -> store.createLvol("thick", null, 20 * MIB, false, done));
        Lvol resized = rig.<Lvol>ok(done -> store.createLvol("resized", null, 2 * MIB, false, done));
        for (Lvol lvol : List.of(thin, thick, resized)) {
            LvsRig.Handle reader = rig.open(lvol.bdev(), 1);
            assertThat(reader.read(MIB, 4096)).isEqualTo(new byte[4096]);
            reader.close();
            assertThat(lvol.bdev().isBlank()).isTrue();
        }
        rig.<Lvol>ok(done -> store.resizeLvol(resized, 3 * MIB, done));
        assertThat(resized.bdev().isBlank()).isFalse();
        for (Lvol lvol : List.of(thin, thick)) {
            LvsRig.Handle writer = rig.open(lvol.bdev(), 1);
            assertThat(writer.write(MIB, new byte[512])).isZero();
            assertThat(lvol.bdev().isBlank()).isFalse();
            writer.close();
            assertThat(lvol.bdev().isBlank()).isFalse();
        }
        rig.<Lvol>ok(done -> store.createLvol("untouched", null, 2 * MIB, false, done));
        rig.<Void>ok(store::export);
        assertThat(rig.load(again(disk)).findLvol("untouched").bdev().isBlank()).as("of an earlier run").isFalse();
    }

    @Test
    void aThickVolumeIsNotBlankWhereOnlyItsHeadIsZeroed() {
        LvStore store = rig.create(disk(512, 64 * MIB), "pool", MIB);
        Lvol small = rig.<Lvol>ok(done -> store.createLvol("small", null, 8 * MIB, false, done));
        Lvol large = rig.<Lvol>ok(done -> store.createLvol("large", null, 9 * MIB, false, done));
        assertThat(small.bdev().isBlank()).isTrue();
        assertThat(large.bdev().isBlank()).isFalse();
    }

    /** The records that I/O to a volume may take are not those of its parts. */
    @Test
    void hostsThatTakeEveryRecordAreServed() {
        LvStore store = rig.create(disk(512, 64 * MIB), "pool", MIB);
        Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v", null, 4 * MIB, false, done));
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        int[] count = new int[2];
        rig.hand.on(1, () -> {
            for (BdevIo io = handle.channel.tryAcquire(); io != null; io = handle.channel.tryAcquire()) {
                count[0]++;
                io.prepare(count[0] % 2 == 0 ? IoType.WRITE_ZEROES : IoType.FLUSH, count[0], 1, 0, 0, done -> {
                    count[1] += done.status() == Status.SUCCESS ? 1 : 0;
                    done.release();
                });
                handle.channel.submit(io);
            }
        });
        assertThat(count[0]).isGreaterThan(100);
        rig.hand.runUntil(() -> count[1] == count[0]);
        handle.close();
    }

    /** Whether the device guarantees zeroes after an unmap, does not, or guarantees them and then refuses to unmap. */
    @ParameterizedTest
    @CsvSource({"false, false", "true, false", "true, true"})
    void aNewPoolHasNothingOfWhatWasThereBefore(boolean unmapZeroes, boolean unmapFails) {
        SimDisk.Contents old = new SimDisk.Contents();
        old.write(0, LvsRig.pattern((int) (8 * MIB), 9), 0, 8 * MIB);
        SimDisk disk = rig.register(new SimDisk("disk", 512, 64 * MIB, old, unmapZeroes, new Random(1)));
        disk.failType = unmapFails ? IoType.UNMAP : unmapZeroes ? IoType.WRITE_ZEROES : -1;
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v", null, 4 * MIB, false, done));
        LvsRig.Handle handle = rig.open(lvol.bdev(), 0);
        assertThat(handle.read(0, (int) (4 * MIB))).isEqualTo(new byte[(int) (4 * MIB)]);
        LvStore loaded = rigOnCopy(disk);
        assertThat(loaded.recovered()).isTrue();
        assertThat(loaded.lvols()).hasSize(1);
    }

    private LvStore rigOnCopy(SimDisk disk) {
        LvsRig other = new LvsRig(8);
        SimDisk copy = other.register(new SimDisk("copy", disk.blockSizeBytes(), disk.sizeBytes(), disk.current(), false,
                new Random(2)));
        return other.load(copy);
    }

    @Test
    void aFullPoolFailsOnlyTheWriteThatNeedsSpace() {
        SimDisk disk = disk(512, 16 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, 14 * MIB, true, done));
        rig.<Lvol>ok(done -> store.createLvol("thick", null, 12 * MIB, false, done));
        LvsRig.Handle handle = rig.open(thin.bdev(), 1);
        byte[] data = LvsRig.pattern(4096, 1);
        for (int i = 0; i < store.clusterCount() - 12; i++) {
            assertThat(handle.write(i * MIB, data)).isZero();
        }
        assertThat(store.freeClusterCount()).isZero();
        assertThat(Status.code(handle.write(13 * MIB, data))).isEqualTo(Status.CAPACITY_EXCEEDED);
        assertThat(handle.write(4096, data)).isZero();
        assertThat(handle.io(IoType.WRITE_ZEROES, 12 * MIB, 2 * MIB, 0)).isZero();
        assertThat(handle.read(12 * MIB, 4096)).isEqualTo(new byte[4096]);
        assertThat(rig.<Lvol>refused(done -> store.createLvol("more", null, MIB, false, done)).kind())
                .isEqualTo(ErrorKind.RESOURCE_EXHAUSTED);
        assertThat(store.state()).isEqualTo(LvStore.State.ONLINE);
    }

    /** Writes that wait for a cluster may hold every buffer there is; the metadata they wait for is written all the same. */
    @Test
    void aClusterIsAllocatedWithoutAFreeBuffer() {
        LvStore store = rig.create(disk(512, 16 * MIB), "pool", MIB);
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, 4 * MIB, true, done));
        LvsRig.Handle handle = rig.open(thin.bdev(), 1);
        List<DmaBuffer> taken = rig.hand.call(0, () -> {
            List<DmaBuffer> all = new ArrayList<>();
            for (DmaBuffer b = rig.takeLarge(); b != null; b = rig.takeLarge()) {
                all.add(b);
            }
            return all;
        });
        VolumeHandle.Pending write = handle.submit(IoType.WRITE, MIB, 4096, LvsRig.payloadAddress(), 0);
        for (int turn = 0; turn < 20_000 && !write.ended; turn++) {
            rig.hand.tickAny();
        }
        rig.hand.on(0, () -> taken.forEach(DmaBuffer::close));
        assertThat(write.ended).isTrue();
        assertThat(write.status).isZero();
    }

    @Test
    void resizeKeepsDataAndGivesClustersBack() {
        SimDisk disk = disk(512, 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        for (boolean thin : new boolean[] {false, true}) {
            int free = store.freeClusterCount();
            Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v" + thin, null, 4 * MIB, thin, done));
            LvsRig.Handle handle = rig.open(lvol.bdev(), 0);
            byte[] data = LvsRig.pattern((int) MIB, 5);
            assertThat(handle.write(3 * MIB, data)).isZero();
            rig.<Lvol>ok(done -> store.resizeLvol(lvol, 9 * MIB, done));
            assertThat(handle.write(8 * MIB, data)).isZero();
            assertThat(handle.read(3 * MIB, data.length)).isEqualTo(data);
            assertThat(rig.<Lvol>refused(done -> store.resizeLvol(lvol, 4 * MIB, done)).code()).isEqualTo("replica-in-use");
            assertThat(rig.<Void>refused(done -> store.destroyLvol(lvol, done)).code()).isEqualTo("replica-in-use");
            assertThat(rig.<Void>refused(store::export).code()).isEqualTo("pool-in-use");
            handle.close();
            rig.<Lvol>ok(done -> store.resizeLvol(lvol, 4 * MIB, done));
            assertThat(store.freeClusterCount()).isEqualTo(free - (thin ? 1 : 4));
            LvsRig.Handle shorter = rig.open(lvol.bdev(), 1);
            assertThat(Status.code(shorter.write(4 * MIB, Arrays.copyOf(data, 4096)))).isEqualTo(Status.LBA_OUT_OF_RANGE);
            shorter.close();
            rig.<Void>ok(done -> store.destroyLvol(lvol, done));
            assertThat(store.freeClusterCount()).isEqualTo(free);
            assertThat(rig.registry.find("pool/v" + thin)).isNull();
        }
        assertThat(store.usedMetadataPageCount()).isEqualTo(1);
        LvStore loaded = rigOnCopy(disk);
        assertThat(loaded.lvols()).isEmpty();
        assertThat(loaded.freeClusterCount()).isEqualTo(store.freeClusterCount());
    }

    @Test
    void namesAndSizesAreChecked() {
        LvStore store = rig.create(disk(512, 64 * MIB), "pool", MIB);
        Lvol first = rig.<Lvol>ok(done -> store.createLvol("a".repeat(63), null, MIB, true, done));
        assertThat(rig.<Lvol>refused(done -> store.createLvol("a".repeat(64), null, MIB, true, done)).kind())
                .isEqualTo(ErrorKind.INVALID_ARGUMENT);
        assertThat(rig.<Lvol>refused(done -> store.createLvol(first.name(), null, MIB, true, done)).kind())
                .isEqualTo(ErrorKind.ALREADY_EXISTS);
        assertThat(rig.<Lvol>refused(done -> store.createLvol("b", first.uuid(), MIB, true, done)).kind())
                .isEqualTo(ErrorKind.ALREADY_EXISTS);
        assertThat(rig.<Lvol>refused(done -> store.createLvol("b", null, 0, true, done)).kind())
                .isEqualTo(ErrorKind.INVALID_ARGUMENT);
        assertThat(rig.<Lvol>refused(done -> store.createLvol("b", null, 65 * MIB, true, done)).kind())
                .isEqualTo(ErrorKind.RESOURCE_EXHAUSTED);
    }

    @Test
    void anUnmapOfAWholeVolumeReachesEveryCluster() {
        SimDisk disk = rig.register(new SimDisk("disk", 512, 64 * MIB, new SimDisk.Contents(), true, new Random(1)));
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v", null, 40 * MIB, false, done));
        LvsRig.Handle handle = rig.open(lvol.bdev(), 0);
        for (int i = 0; i < 40; i += 7) {
            assertThat(handle.write(i * MIB, LvsRig.pattern(4096, i))).isZero();
        }
        assertThat(handle.io(IoType.UNMAP, 4096, 40 * MIB - 4096, 0)).isZero();
        for (int i = 7; i < 40; i += 7) {
            assertThat(handle.read(i * MIB, 4096)).isEqualTo(new byte[4096]);
        }
        assertThat(handle.read(0, 4096)).isEqualTo(LvsRig.pattern(4096, 0));
        assertThat(lvol.allocatedClusterCount()).isEqualTo(40);
    }

    @Test
    void aPoolPromisesNoMoreThanItsLimit() {
        SimDisk disk = disk(512, 17 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        assertThat(store.clusterCount()).isEqualTo(16);
        assertThat(store.commitLimitPercent()).isZero();
        Lvol one = rig.<Lvol>ok(done -> store.createLvol("one", null, 16 * MIB, true, done));
        Lvol two = rig.<Lvol>ok(done -> store.createLvol("two", null, 16 * MIB, true, done));
        for (int wrong : new int[] {-1, 99, 1_000_001}) {
            assertThat(rig.<Void>refused(done -> store.setCommitLimit(wrong, done)).code()).isEqualTo("commit-limit-invalid");
        }
        rig.<Void>ok(done -> store.setCommitLimit(150, done));
        assertThat(store.committedBytes()).isEqualTo(32 * MIB);
        OperationException refused = rig.<Lvol>refused(done -> store.createLvol("three", null, MIB, true, done));
        assertThat(refused.code()).isEqualTo("pool-commit-limit");
        assertThat(refused.getMessage()).contains("150 %").contains(Long.toString(24 * MIB));
        rig.<Lvol>ok(done -> store.resizeLvol(two, 9 * MIB, done));     // Less is never refused.
        rig.<Lvol>ok(done -> store.resizeLvol(two, 8 * MIB, done));
        assertThat(rig.<Lvol>refused(done -> store.resizeLvol(one, 16 * MIB + 1, done)).kind())
                .isEqualTo(ErrorKind.RESOURCE_EXHAUSTED);
        assertThat(rig.<Lvol>refused(done -> store.resizeLvol(two, 9 * MIB, done)).code()).isEqualTo("pool-commit-limit");
        rig.<Void>ok(done -> store.destroyLvol(one, done));
        rig.<Lvol>ok(done -> store.createLvol("thick", null, 16 * MIB, false, done));
        rig.<Void>ok(store::export);
        LvStore loaded = rig.load(disk);
        assertThat(loaded.commitLimitPercent()).isEqualTo(150);
        rig.<Void>ok(done -> loaded.setCommitLimit(0, done));
        rig.<Lvol>ok(done -> loaded.createLvol("three", null, 16 * MIB, true, done));
        assertThat(rigOnCopy(disk).commitLimitPercent()).isZero();
    }

    @Test
    void zeroesFreeClustersOnlyIfTheyMay() {
        SimDisk disk = rig.register(new SimDisk("disk", 512, 64 * MIB, new SimDisk.Contents(), false, new Random(1)));
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, 10 * MIB, true, done));
        int free = store.freeClusterCount();
        LvsRig.Handle handle = rig.open(thin.bdev(), 1);
        byte[] data = LvsRig.pattern(8 * (int) MIB, 3);
        assertThat(handle.write(0, data)).isZero();
        int from = (int) MIB - 4096;
        int end = 5 * (int) MIB + 512;
        Arrays.fill(data, from, end, (byte) 0);
        assertThat(handle.io(IoType.WRITE_ZEROES, from, end - from, 0)).isZero();
        assertThat(handle.read(0, data.length)).isEqualTo(data);
        assertThat(store.freeClusterCount()).isEqualTo(free - 8);
        assertThat(handle.io(IoType.WRITE_ZEROES, from, end - from, BdevIo.FLAG_DEALLOCATE)).isZero();
        assertThat(handle.read(0, data.length)).isEqualTo(data);
        assertThat(store.freeClusterCount()).isEqualTo(free - 4);
    }

    /** Whatever the device does with an unmap: whole clusters are given back, their rest is zeroed. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anUnmapOfAThinVolumeFreesClustersAndLeavesZeroes(boolean deviceZeroes) {
        SimDisk disk = rig.register(new SimDisk("disk", 512, 64 * MIB, new SimDisk.Contents(), deviceZeroes, new Random(1)));
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, 10 * MIB, true, done));
        int free = store.freeClusterCount();
        LvsRig.Handle handle = rig.open(thin.bdev(), 1);
        assertThat(thin.bdev().unmapReadsZeroes()).isTrue();
        byte[] data = LvsRig.pattern(8 * (int) MIB, 3);
        assertThat(handle.write(0, data)).isZero();
        assertThat(store.freeClusterCount()).isEqualTo(free - 8);
        int from = (int) MIB - 4096;
        int end = 5 * (int) MIB + 512;
        assertThat(handle.io(IoType.UNMAP, from, end - from, 0)).isZero();
        Arrays.fill(data, from, end, (byte) 0);
        assertThat(handle.read(0, data.length)).isEqualTo(data);
        assertThat(store.freeClusterCount()).isEqualTo(free - 4);
        assertThat(thin.bdev().nextUnallocated(0, 20_000)).isEqualTo(MIB / 512);
        assertThat(thin.bdev().nextAllocated(MIB / 512, 20_000)).isEqualTo(5 * MIB / 512);
        LvStore loaded = rigOnCopy(disk);
        assertThat(loaded.freeClusterCount()).isEqualTo(free - 4);
        assertThat(loaded.findLvol("thin").allocatedClusterCount()).isEqualTo(4);
        assertThat(handle.io(IoType.UNMAP, 0, 10 * MIB, 0)).isZero();
        assertThat(store.freeClusterCount()).isEqualTo(free);
        assertThat(handle.read(0, 8 * (int) MIB)).isEqualTo(new byte[8 * (int) MIB]);
        assertThat(thin.bdev().isBlank()).isTrue();
    }

    @Test
    void whatAnUnmapFreesIsThereForAnotherVolume() {
        LvStore store = rig.create(disk(512, 16 * MIB), "pool", MIB);
        Lvol one = rig.<Lvol>ok(done -> store.createLvol("one", null, 15 * MIB, true, done));
        Lvol two = rig.<Lvol>ok(done -> store.createLvol("two", null, 15 * MIB, true, done));
        LvsRig.Handle first = rig.open(one.bdev(), 1);
        LvsRig.Handle second = rig.open(two.bdev(), 0);
        byte[] data = LvsRig.pattern(4096, 1);
        for (int i = 0; i < store.clusterCount(); i++) {
            assertThat(first.write(i * MIB, data)).isZero();
        }
        assertThat(Status.code(second.write(0, data))).isEqualTo(Status.CAPACITY_EXCEEDED);
        assertThat(first.io(IoType.UNMAP, 3 * MIB, MIB, 0)).isZero();
        assertThat(second.write(5 * MIB, LvsRig.pattern(4096, 2))).isZero();
        assertThat(second.read(5 * MIB + 4096, 4096)).isEqualTo(new byte[4096]);
        assertThat(first.read(3 * MIB, 4096)).isEqualTo(new byte[4096]);
        assertThat(first.read(2 * MIB, 4096)).isEqualTo(data);
    }

    /** On a device that keeps its word about unmaps. */
    @Test
    void whatIsKnownToBeZeroIsNotZeroedAgain() {
        SimDisk disk = rig.register(new SimDisk("disk", 512, 16 * MIB, new SimDisk.Contents(), true, new Random(1)));
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, 4 * MIB, true, done));
        LvsRig.Handle handle = rig.open(thin.bdev(), 1);
        assertThat(handle.write(0, LvsRig.pattern((int) MIB, 1))).isZero();
        assertThat(handle.io(IoType.UNMAP, 0, MIB, 0)).isZero();
        long zeroed = disk.zeroedBytes;
        assertThat(handle.write(2 * MIB + 4096, LvsRig.pattern(4096, 2))).isZero();
        assertThat(disk.zeroedBytes).isEqualTo(zeroed);
        assertThat(handle.read(2 * MIB, 4096)).isEqualTo(new byte[4096]);
        assertThat(handle.write(MIB, LvsRig.pattern(4096, 3))).isZero();
        assertThat(disk.zeroedBytes).isEqualTo(zeroed + MIB);
    }

    /** What one flush has made durable of freed clusters is not flushed for each of them when they are used again. */
    @Test
    void zeroesAreMadeDurableOnce() {
        SimDisk disk = rig.register(new SimDisk("disk", 512, 16 * MIB, new SimDisk.Contents(), true, new Random(1)));
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, 8 * MIB, true, done));
        LvsRig.Handle handle = rig.open(thin.bdev(), 1);
        assertThat(handle.write(0, LvsRig.pattern((int) (3 * MIB), 1))).isZero();
        assertThat(handle.io(IoType.UNMAP, 0, 3 * MIB, 0)).isZero();
        long flushes = disk.flushCount;
        assertThat(handle.write(0, LvsRig.pattern(4096, 2))).isZero();
        assertThat(disk.flushCount).isEqualTo(flushes + 1);
        assertThat(handle.write(5 * MIB, LvsRig.pattern(4096, 3))).isZero();
        assertThat(handle.write(7 * MIB, LvsRig.pattern(4096, 4))).isZero();
        assertThat(disk.flushCount).isEqualTo(flushes + 1);
        assertThat(handle.io(IoType.UNMAP, 5 * MIB, MIB, 0)).isZero();
        assertThat(handle.write(5 * MIB + 4096, LvsRig.pattern(4096, 5))).isZero();
        assertThat(disk.flushCount).isEqualTo(flushes + 2);
        assertThat(handle.read(5 * MIB, 4096)).isEqualTo(new byte[4096]);
    }

    @Test
    void writeZeroesTakesNoClusterAndUnmapNeedsNoMetadata() {
        SimDisk disk = disk(512, 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, 30 * MIB, true, done));
        LvsRig.Handle handle = rig.open(thin.bdev(), 1);
        long writes = disk.writeCount;
        assertThat(handle.io(IoType.WRITE_ZEROES, 0, 30 * MIB, 0)).isZero();
        assertThat(handle.io(IoType.UNMAP, 0, 30 * MIB, 0)).isZero();
        assertThat(disk.writeCount).isEqualTo(writes);
        assertThat(thin.allocatedClusterCount()).isZero();
    }

    @Test
    void oneClusterIsAllocatedOnceForManyWritersOnTwoCores() {
        SimDisk disk = disk(512, 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, 16 * MIB, true, done));
        LvsRig.Handle[] handles = {rig.open(thin.bdev(), 0), rig.open(thin.bdev(), 1)};
        byte[] data = LvsRig.pattern(65536, 4);
        MemorySegment.copy(data, 0, RawMemory.ALL, ValueLayout.JAVA_BYTE,
                LvsRig.payloadAddress(), data.length);
        List<VolumeHandle.Pending> pending = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            pending.add(handles[i % 2].submit(IoType.WRITE, (i % 4) * 3 * MIB + (i / 4) * 65536L, 65536,
                    LvsRig.payloadAddress(), 0));
        }
        rig.hand.runUntil(() -> pending.stream().allMatch(p -> p.ended));
        assertThat(pending).allMatch(p -> p.status == 0);
        assertThat(thin.allocatedClusterCount()).isEqualTo(4);
        assertThat(disk.zeroedBytes).isGreaterThanOrEqualTo(4 * MIB);
        for (int i = 0; i < 64; i++) {
            assertThat(handles[1].read((i % 4) * 3 * MIB + (i / 4) * 65536L, 65536)).isEqualTo(data);
        }
    }

    @Test
    void aPoolMadeOnLargeBlocksKeepsThemOnADeviceOfSmallOnes() {
        SimDisk disk = disk(4096, 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v", null, 8 * MIB, true, done));
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        byte[] data = LvsRig.pattern(3 * 4096, 8);
        assertThat(handle.write(MIB - 4096, data)).isZero();
        handle.close();
        rig.<Void>ok(store::export);
        SimDisk small = rig.register(new SimDisk("small", 512, 64 * MIB, disk.current(), false, new Random(2)));
        LvStore loaded = rig.load(small);
        LvolBdev bdev = loaded.findLvol("v").bdev();
        assertThat(bdev.blockSizeBytes()).isEqualTo(4096);
        LvsRig.Handle again = rig.open(bdev, 0);
        assertThat(again.read(MIB - 4096, data.length)).isEqualTo(data);
        assertThat(again.write(5 * MIB - 8192, data)).isZero();
        assertThat(again.read(5 * MIB - 8192, data.length)).isEqualTo(data);
    }
}
