package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.util.OperationException;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Snapshots and clones on a simulated disk. */
class LvolSnapshotTest {
    private static final long MIB = 1 << 20;
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private final LvsRig rig = new LvsRig(11);
    private int nextDisk;

    private SimDisk disk(int blockSize, long sizeBytes) {
        return rig.register(new SimDisk("disk", blockSize, sizeBytes, new SimDisk.Contents(), false, new Random(1)));
    }

    private SimDisk again(SimDisk disk) {
        return rig.register(new SimDisk("disk" + ++nextDisk, disk.blockSizeBytes(), disk.sizeBytes(), disk.current(), false,
                new Random(2)));
    }

    private Lvol create(LvStore store, String name, long sizeBytes, boolean thin) {
        return rig.<Lvol>ok(done -> store.createLvol(name, null, sizeBytes, thin, done));
    }

    private static SnapshotOptions named(String name) {
        return new SnapshotOptions(name, null, null, null, NOW);
    }

    private Lvol snapshot(LvStore store, Lvol lvol, String name) {
        return rig.<Lvol>ok(done -> store.createSnapshot(lvol, named(name), done));
    }

    private Lvol clone(LvStore store, Lvol snapshot, String name) {
        return rig.<Lvol>ok(done -> store.cloneSnapshot(snapshot, name, null, NOW, done));
    }

    /** Also where the volume was thick, and across an import; what each holds is counted once. */
    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void aSnapshotKeepsWhatTheVolumeHeld(int blockSize) {
        SimDisk disk = disk(blockSize, 128 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        for (boolean thin : List.of(true, false)) {
            Lvol lvol = create(store, "v-" + thin, 6 * MIB, thin);
            byte[] before = LvsRig.pattern(300_000 / 4096 * 4096, 1);
            rig.write(lvol, MIB - 8192, before);
            int free = store.freeClusterCount();
            int held = lvol.allocatedClusterCount();
            Lvol snapshot = snapshot(store, lvol, "s-" + thin);
            assertThat(store.freeClusterCount()).isEqualTo(free);
            assertThat(snapshot.allocatedClusterCount()).isEqualTo(held);
            assertThat(lvol.allocatedClusterCount()).isZero();
            assertThat(lvol.thin()).isTrue();
            assertThat(lvol.parent()).isSameAs(snapshot);
            assertThat(snapshot.clones()).containsExactly(lvol);
            byte[] after = LvsRig.pattern(8192, 2);
            rig.write(lvol, MIB - 4096, after);
            assertThat(lvol.allocatedClusterCount()).isEqualTo(2);
            check(lvol, snapshot, before, after);
        }
        rig.<Void>ok(store::export);
        new SlowDecoder(disk.current());
        LvStore loaded = rig.load(again(disk));
        for (boolean thin : List.of(true, false)) {
            check(loaded.findLvol("v-" + thin), loaded.findLvol("s-" + thin), LvsRig.pattern(300_000 / 4096 * 4096, 1), LvsRig.pattern(8192, 2));
            SnapshotInfo info = loaded.findLvol("s-" + thin).snapshotInfo();
            assertThat(info.sourceUuid()).isEqualTo(loaded.findLvol("v-" + thin).uuid());
            assertThat(info.createdAt()).isEqualTo(NOW.toString());
            assertThat(info.discarded()).isFalse();
        }
    }

    private void check(Lvol lvol, Lvol snapshot, byte[] before, byte[] after) {
        assertThat(rig.read(snapshot, MIB - 8192, before.length)).isEqualTo(before);
        byte[] now = before.clone();
        System.arraycopy(after, 0, now, 4096, after.length);
        assertThat(rig.read(lvol, MIB - 8192, now.length)).isEqualTo(now);
        assertThat(rig.read(lvol, 5 * MIB, 4096)).isEqualTo(new byte[4096]);
    }

    @Test
    void chainsOfSnapshotsAndClonesReadEachTheirOwn() {
        SimDisk disk = disk(512, 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = create(store, "v", 4 * MIB, true);
        byte[] all = new byte[(int) (4 * MIB)];
        Random random = new Random(3);
        List<byte[]> states = new java.util.ArrayList<>();
        for (int i = 0; i < 8; i++) {
            byte[] data = LvsRig.pattern(12288, 100 + i);
            int at = random.nextInt(1000) * 4096;
            rig.write(lvol, at, data);
            System.arraycopy(data, 0, all, at, data.length);
            snapshot(store, lvol, "s" + i);
            states.add(all.clone());
        }
        Lvol clone = clone(store, store.findLvol("s3"), "c");
        Lvol ofClone = snapshot(store, clone, "cs");
        rig.write(clone, 0, LvsRig.pattern(4096, 7));
        Lvol second = clone(store, ofClone, "cc");
        for (int i = 0; i < 8; i++) {
            assertThat(Arrays.equals(rig.read(store.findLvol("s" + i), 0, all.length), states.get(i))).isTrue();
        }
        assertThat(Arrays.equals(rig.read(second, 0, all.length), states.get(3))).isTrue();
        assertThat(rig.read(clone, 0, 4096)).isEqualTo(LvsRig.pattern(4096, 7));
        assertThat(second.snapshotInfo().sourceUuid()).isEqualTo(ofClone.uuid());
        rig.<Lvol>ok(done -> store.resizeLvol(second, 6 * MIB, done));
        assertThat(rig.read(second, 5 * MIB, 4096)).isEqualTo(new byte[4096]);
        SlowDecoder decoder = new SlowDecoder(disk.current());
        assertThat(decoder.volumes.get("cc").parent.name).isEqualTo("cs");
        assertThat(decoder.freeClusters()).isEqualTo(store.freeClusterCount());
    }

    /** What nobody up the chain holds is known without reading it. */
    @Test
    void allocationOfACloneIsKnownByCluster() {
        LvStore store = rig.create(disk(512, 64 * MIB), "pool", MIB);
        Lvol lvol = create(store, "v", 10 * MIB, true);
        rig.write(lvol, 3 * MIB, new byte[4096]);
        snapshot(store, lvol, "s");
        rig.write(lvol, 6 * MIB, new byte[4096]);
        long cluster = MIB / 512;
        assertThat(lvol.bdev().nextAllocated(0, 10 * cluster)).isEqualTo(3 * cluster);
        assertThat(lvol.bdev().nextUnallocated(3 * cluster, 10 * cluster)).isEqualTo(4 * cluster);
        assertThat(lvol.bdev().nextAllocated(4 * cluster, 10 * cluster)).isEqualTo(6 * cluster);
        assertThat(lvol.bdev().isBlank()).isFalse();
    }

    /** Zeroes that nobody can see need no cluster; others do, and none is filled from the snapshot in vain. */
    @Test
    void zeroesOnACloneTakeAClusterOnlyWhereTheSnapshotHasOne() {
        SimDisk disk = disk(512, 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = create(store, "v", 8 * MIB, true);
        rig.write(lvol, 2 * MIB, LvsRig.pattern((int) (2 * MIB), 1));
        snapshot(store, lvol, "s");
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        assertThat(handle.io(IoType.WRITE_ZEROES, 4 * MIB, 4 * MIB, 0)).isZero();
        assertThat(lvol.allocatedClusterCount()).isZero();
        assertThat(handle.io(IoType.WRITE_ZEROES, MIB, 2 * MIB, 0)).isZero();
        assertThat(lvol.allocatedClusterCount()).isEqualTo(1);
        assertThat(handle.io(IoType.UNMAP, 3 * MIB, 4096, 0)).isZero();
        assertThat(lvol.allocatedClusterCount()).isEqualTo(2);
        assertThat(handle.read(2 * MIB, (int) MIB)).isEqualTo(new byte[(int) MIB]);
        assertThat(handle.read(3 * MIB + 4096, 4096)).isEqualTo(Arrays.copyOfRange(LvsRig.pattern((int) (2 * MIB), 1),
                (int) MIB + 4096, (int) MIB + 8192));
        handle.close();
    }

    /** A full pool fails only the first write; what it could not change is as it was. */
    @Test
    void aFullPoolFailsOnlyTheFirstWriteToACloneAndTheSnapshotIsMadeAllTheSame() {
        LvStore store = rig.create(disk(512, 24 * MIB), "pool", MIB);
        Lvol lvol = create(store, "v", store.freeBytes(), false);
        rig.write(lvol, 0, LvsRig.pattern(8192, 1));
        snapshot(store, lvol, "s");
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        assertThat(handle.write(0, LvsRig.pattern(4096, 2))).isEqualTo(LvStore.STATUS_CAPACITY_EXCEEDED);
        assertThat(handle.read(0, 8192)).isEqualTo(LvsRig.pattern(8192, 1));
        handle.close();
    }

    @Test
    void refusalsSayWhy() {
        LvStore store = rig.create(disk(512, 64 * MIB), "pool", MIB);
        Lvol lvol = create(store, "v", 4 * MIB, true);
        Lvol snapshot = snapshot(store, lvol, "s");
        assertThat(rig.<Lvol>refused(done -> store.createSnapshot(snapshot, named("ss"), done)).code()).isEqualTo("snapshot-immutable");
        OperationException named = rig.<Lvol>refused(done -> store.createSnapshot(lvol, named("s"), done));
        assertThat(named.code()).isEqualTo("replica-exists");
        assertThat(named).hasMessageContainingAll("a snapshot named s (" + snapshot.uuid() + ")", "give another name");
        assertThat(rig.<Lvol>refused(done -> store.createSnapshot(lvol, named("a/b"), done)).code()).isEqualTo("name-invalid");
        assertThat(rig.<Lvol>refused(done -> store.cloneSnapshot(lvol, "c", null, NOW, done)).code()).isEqualTo("snapshot-required");
        OperationException known = rig.<Lvol>refused(done -> store.cloneSnapshot(snapshot, "c", lvol.uuid(), NOW, done));
        assertThat(known.code()).isEqualTo("replica-exists");
        assertThat(known).hasMessageContainingAll("replica pool/v has it", "give another one");
        assertThat(rig.<Lvol>refused(done -> store.resizeLvol(lvol, MIB, done)).code()).isEqualTo("replica-has-snapshot");
        LvsRig.Outcome<Lvol> first = rig.start(done -> store.createSnapshot(lvol, named("one"), done));
        OperationException busy = rig.<Lvol>refused(done -> store.createSnapshot(lvol, named("two"), done));
        assertThat(busy.code()).isEqualTo("replica-busy");
        assertThat(busy).hasMessageContaining("volume pool/v is being changed (a snapshot of it is being taken)");
        rig.hand.runUntil(() -> first.ended, 100_000);
        assertThat(first.failure).isNull();
        UUID uuid = UUID.randomUUID();
        SnapshotOptions full = new SnapshotOptions("full", uuid, "entity", "tx-7", NOW);
        Lvol made = rig.<Lvol>ok(done -> store.createSnapshot(lvol, full, done));
        assertThat(made.uuid()).isEqualTo(uuid);
        assertThat(made.snapshotInfo()).isEqualTo(new SnapshotInfo(lvol.uuid(), "entity", "tx-7", NOW.toString(), false, null, false));
    }

    /** A snapshot that finds no metadata page leaves nothing behind. */
    @Test
    void fullMetadataRefusesASnapshotAndNothingIsLost() {
        SimDisk disk = disk(512, 64 * MIB);
        LvStore store = rig.<LvStore>ok(done -> rig.stores.create(disk, new LvStores.Options("pool", null, MIB, 10), done));
        Lvol lvol = create(store, "v", 4 * MIB, true);
        rig.write(lvol, 0, LvsRig.pattern(4096, 1));
        int count = 0;
        LvsRig.Outcome<Lvol> last;
        do {
            int number = count++;
            last = rig.run(done -> store.createSnapshot(lvol, named("s" + number), done));
        } while (last.failure == null);
        assertThat(last.failure.code()).isEqualTo("pool-metadata-full");
        assertThat(count).isGreaterThan(2);
        assertThat(rig.read(lvol, 0, 4096)).isEqualTo(LvsRig.pattern(4096, 1));
        SlowDecoder decoder = new SlowDecoder(disk.current());
        assertThat(decoder.usedPages).hasSize(store.usedMetadataPageCount());
        assertThat(store.lvols()).hasSize(count);
    }

    /**
     * Two writers on two cores, each of which writes its next number when the other's last one has been acknowledged: a
     * snapshot never holds a number without the one before it, nor lacks one acknowledged before it was asked for.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6})
    void aSnapshotUnderLoadIsAPointInTimeOnAllCores(int seed) {
        Random random = new Random(seed);
        LvStore store = rig.create(disk(512, 96 * MIB), "pool", MIB);
        Lvol lvol = create(store, "v", 4 * MIB, random.nextBoolean());
        LvsRig.Handle[] handles = {rig.open(lvol.bdev(), 0), rig.open(lvol.bdev(), 1)};
        VolumeHandle.Pending[] load = new VolumeHandle.Pending[6];
        long acknowledged = 0;
        VolumeHandle.Pending pending = null;
        for (int round = 0; round < 5; round++) {
            int number = round;
            LvsRig.Outcome<Lvol> outcome = null;
            long before = 0;
            int startAt = random.nextInt(3000);
            for (int tick = 0; outcome == null || !outcome.ended; tick++) {
                if (tick == startAt) {
                    before = acknowledged;
                    outcome = rig.start(done -> store.createSnapshot(lvol, named("s" + number), done));
                }
                if (pending == null || pending.ended) {
                    acknowledged = pending == null ? 0 : acknowledged + 1;
                    assertThat(pending == null ? 0 : pending.status).isZero();
                    pending = number(handles[(int) (acknowledged & 1)], acknowledged + 1);
                }
                int slot = random.nextInt(load.length);
                if (load[slot] == null || load[slot].ended) {
                    load[slot] = handles[slot & 1].submit(slot < 4 ? IoType.WRITE : IoType.READ,
                            (2 + random.nextInt(500)) * 4096L, 4096, LvsRig.payloadAddress() + (4 + slot) * MIB / 4, 0);
                }
                rig.hand.tickAny();
            }
            assertThat(outcome.failure).isNull();
            long even = longAt(rig.read(outcome.value, 0, 4096));
            long odd = longAt(rig.read(outcome.value, 4096, 4096));
            assertThat(Math.abs(even - odd)).as("%s and %s", even, odd).isLessThanOrEqualTo(1);
            assertThat(Math.max(even, odd)).isGreaterThanOrEqualTo(before);
        }
    }

    /** Odd numbers go to the second block, even ones to the first; each through its own core. */
    private VolumeHandle.Pending number(LvsRig.Handle handle, long number) {
        long address = LvsRig.payloadAddress() + 6 * MIB + (number & 1) * MIB / 2;
        for (int at = 0; at < 4096; at += 8) {
            RawMemory.ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, address + at, number);
        }
        return handle.submit(IoType.WRITE, (number & 1) * 4096, 4096, address, BdevIo.FLAG_FUA);
    }

    /** Whoever reads through a volume whose snapshot is lost would read zeroes for what that held. */
    @Test
    void nothingThatReadsThroughAMissingSnapshotIsServed() {
        SimDisk disk = disk(512, 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = create(store, "v", 4 * MIB, true);
        rig.write(lvol, 0, LvsRig.pattern(4096, 1));
        Lvol lost = snapshot(store, lvol, "s1");
        rig.write(lvol, MIB, LvsRig.pattern(4096, 2));
        snapshot(store, lvol, "s2");
        create(store, "other", MIB, true);
        long root = store.geometry().metadataPageAtBytes(lost.blob().rootPage);
        rig.<Void>ok(store::export);
        SimDisk damaged = again(disk);
        damaged.current().write(root, null, 0, 4096);
        LvStore loaded = rig.<LvStore>ok(done -> rig.stores.load(damaged, new LvStores.Expected(null, null, true), done));
        assertThat(loaded.findLvol("s2").unusableReason()).contains("missing");
        assertThat(loaded.findLvol("v").unusableReason()).contains("s2", "missing");
        assertThat(loaded.findLvol("other").usable()).isTrue();
    }

    /** What was being copied for a first write is not used after the snapshot has gone and an unmap has ended since. */
    @Test
    void aCopyThatASnapshotsRemovalOvertookIsNotUsed() {
        SimDisk disk = disk(512, 64 * MIB);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = create(store, "v", 4 * MIB, true);
        rig.write(lvol, 0, LvsRig.pattern(16384, 1));
        Lvol snapshot = snapshot(store, lvol, "s");
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        disk.holdsReads = true;
        RawMemory.ALL.asSlice(LvsRig.payloadAddress(), 4096).fill((byte) 9);
        VolumeHandle.Pending write = handle.submit(IoType.WRITE, 8192, 4096, LvsRig.payloadAddress(), 0);
        rig.hand.tickAll(200);
        rig.<Void>ok(done -> store.destroyLvol(snapshot, done));
        assertThat(handle.io(IoType.UNMAP, 0, MIB, 0)).isZero();
        assertThat(write.ended).isFalse();
        disk.holdsReads = false;
        rig.hand.runUntil(() -> write.ended);
        assertThat(write.status).isZero();
        byte[] expected = new byte[16384];
        Arrays.fill(expected, 8192, 12288, (byte) 9);
        assertThat(handle.read(0, expected.length)).isEqualTo(expected);
        handle.close();
        rig.<Void>ok(store::export);
        new SlowDecoder(disk.current());
    }

    /** Of a volume that stays open all the while: it is thin from its snapshot on, and thick again once it is inflated. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatASnapshotMadeThinIsFreedByAnUnmap(boolean deviceZeroes) {
        SimDisk disk = rig.register(new SimDisk("disk", 512, 64 * MIB, new SimDisk.Contents(), deviceZeroes, new Random(1)));
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = create(store, "v", 6 * MIB, false);
        int free = store.freeClusterCount();
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        byte[] data = LvsRig.pattern(6 * (int) MIB, 1);
        assertThat(handle.write(0, data)).isZero();
        assertThat(handle.io(IoType.UNMAP, 5 * MIB, MIB, 0)).isZero();
        assertThat(store.freeClusterCount()).as("of a thick one").isEqualTo(free);
        assertThat(handle.write(0, data)).isZero();
        Lvol snapshot = snapshot(store, lvol, "s");
        assertThat(lvol.bdev().unmapReadsZeroes()).isTrue();
        rig.<Void>ok(done -> store.destroyLvol(snapshot, done));
        int from = (int) MIB - 4096;
        int end = 3 * (int) MIB + 512;
        assertThat(handle.io(IoType.UNMAP, from, end - from, 0)).isZero();
        assertThat(store.freeClusterCount()).isEqualTo(free + 2);
        Arrays.fill(data, from, end, (byte) 0);
        assertThat(handle.read(0, data.length)).isEqualTo(data);
        rig.<Lvol>ok(done -> store.inflateLvol(lvol, WorkWatch.NONE, done));
        assertThat(store.freeClusterCount()).isEqualTo(free);
        assertThat(handle.io(IoType.UNMAP, 0, MIB, 0)).isZero();
        assertThat(store.freeClusterCount()).isEqualTo(free);
        Arrays.fill(data, 0, (int) MIB, (byte) 0);
        assertThat(handle.read(0, data.length)).as("what was promised once is kept").isEqualTo(data);
        handle.close();
        rig.<Void>ok(store::export);
        new SlowDecoder(disk.current());
    }

    private static long longAt(byte[] data) {
        return java.nio.ByteBuffer.wrap(data).order(java.nio.ByteOrder.LITTLE_ENDIAN).getLong();
    }
}
