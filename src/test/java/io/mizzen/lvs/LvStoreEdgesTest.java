package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pools that are full to the last cluster and page, names and UUIDs at their limits, two of one identity. */
class LvStoreEdgesTest {
    private static final long MIB = 1 << 20;

    private final LvsRig rig = new LvsRig(21);
    private int diskCount;

    private SimDisk disk(long sizeBytes) {
        return disk(sizeBytes, new SimDisk.Contents());
    }

    private SimDisk disk(long sizeBytes, SimDisk.Contents contents) {
        return rig.register(new SimDisk("disk" + diskCount++, 512, sizeBytes, contents, false, new Random(3)));
    }

    private LvStore create(SimDisk disk, int pagesPerHundredClusters) {
        return rig.<LvStore>ok(done -> rig.stores.create(disk, new LvStores.Options("pool", null, MIB, pagesPerHundredClusters),
                done));
    }

    private LvStore reload(LvStore store, SimDisk disk) {
        rig.<Void>ok(store::export);
        return rig.load(disk);
    }

    private static byte[] pattern(int seed) {
        byte[] data = new byte[4096];
        new Random(seed).nextBytes(data);
        return data;
    }

    private void compare(LvStore store, SimDisk disk) {
        SlowDecoder decoder = new SlowDecoder(disk.current());
        assertThat(decoder.freeClusters()).isEqualTo(store.freeClusterCount());
        assertThat(decoder.usedPages).hasSize(store.usedMetadataPageCount());
    }

    @Test
    void thereAreAsManyVolumesAsMetadataPagesButOne() {
        SimDisk disk = disk(64 * MIB);
        LvStore store = create(disk, 60);
        int pages = store.metadataPageCount();
        for (int i = 1; i < pages; i++) {
            String name = "v" + i;
            rig.<Lvol>ok(done -> store.createLvol(name, null, MIB, true, done));
        }
        OperationException full = rig.<Lvol>refused(done -> store.createLvol("more", null, MIB, true, done));
        assertThat(full.code()).isEqualTo("pool-metadata-full");
        assertThat(full.kind()).isEqualTo(ErrorKind.RESOURCE_EXHAUSTED);
        assertThat(full.getMessage()).contains("delete volumes");
        compare(store, disk);
        LvStore loaded = reload(store, disk);
        assertThat(loaded.lvols()).hasSize(pages - 1);
        rig.<Void>ok(done -> loaded.destroyLvol(loaded.findLvol("v7"), done));      // Needs no page of its own.
        rig.<Lvol>ok(done -> loaded.createLvol("more", null, MIB, true, done));
        compare(loaded, disk);
    }

    @Test
    void withFullMetadataOnlyWhatNeedsAPageFails() {
        SimDisk disk = disk(64 * MIB);
        LvStore store = create(disk, 20);
        Lvol mapped = rig.<Lvol>ok(done -> store.createLvol("mapped", null, 8 * MIB, true, done));
        Lvol empty = rig.<Lvol>ok(done -> store.createLvol("empty", null, 8 * MIB, true, done));
        LvsRig.Handle first = rig.open(mapped.bdev(), 1);
        LvsRig.Handle second = rig.open(empty.bdev(), 0);
        assertThat(first.write(0, pattern(1))).isZero();
        for (int i = store.usedMetadataPageCount(); i < store.metadataPageCount(); i++) {
            String name = "v" + i;
            rig.<Lvol>ok(done -> store.createLvol(name, null, MIB, true, done));
        }
        assertThat(Status.code(second.write(0, pattern(2)))).isEqualTo(Status.CAPACITY_EXCEEDED);
        assertThat(second.read(0, 4096)).isEqualTo(new byte[4096]);
        assertThat(first.write(3 * MIB, pattern(3))).isZero();      // Its page of the map is there already.
        assertThat(first.io(IoType.UNMAP, 0, MIB, 0)).isZero();
        assertThat(rig.<Lvol>refused(done -> store.resizeLvol(mapped, 9 * MIB, done)).code()).isEqualTo("pool-metadata-full");
        assertThat(mapped.sizeBytes()).isEqualTo(8 * MIB);
        compare(store, disk);
        rig.<Void>ok(done -> store.destroyLvol(store.findLvol("v" + (store.metadataPageCount() - 1)), done));
        assertThat(second.write(0, pattern(2))).isZero();
        assertThat(second.read(0, 4096)).isEqualTo(pattern(2));
        assertThat(store.state()).isEqualTo(LvStore.State.ONLINE);
        compare(store, disk);
    }

    @Test
    void theLastClusterIsUsedAndAFullPoolClosesAndOpens() {
        SimDisk disk = disk(16 * MIB);
        LvStore store = create(disk, 100);
        int clusters = store.clusterCount();
        Lvol thick = rig.<Lvol>ok(done -> store.createLvol("thick", null, clusters * MIB, false, done));
        assertThat(store.freeBytes()).isZero();
        assertThat(rig.<Lvol>refused(done -> store.createLvol("more", null, 1, false, done)).code()).isEqualTo("pool-no-space");
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, clusters * MIB, true, done));
        LvsRig.Handle last = rig.open(thick.bdev(), 1);
        LvsRig.Handle none = rig.open(thin.bdev(), 1);
        assertThat(last.write(clusters * MIB - 4096, pattern(4))).isZero();
        assertThat(Status.code(none.write(0, pattern(5)))).isEqualTo(Status.CAPACITY_EXCEEDED);
        last.close();
        none.close();
        LvStore loaded = reload(store, disk);
        LvsRig.Handle again = rig.open(loaded.findLvol("thick").bdev(), 0);
        assertThat(again.read(clusters * MIB - 4096, 4096)).isEqualTo(pattern(4));
        again.close();
        rig.<Lvol>ok(done -> loaded.resizeLvol(loaded.findLvol("thick"), (clusters - 1) * MIB, done));
        LvsRig.Handle now = rig.open(loaded.findLvol("thin").bdev(), 0);
        assertThat(now.write(5 * MIB, pattern(5))).isZero();
        assertThat(now.read(5 * MIB + 4096, 4096)).isEqualTo(new byte[4096]);
        compare(loaded, disk);
    }

    @Test
    void aVerifyIsTheDisksWhereAVolumeOrASnapshotHasData() {
        SimDisk disk = disk(64 * MIB);
        LvStore store = create(disk, 100);
        Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v", null, 8 * MIB, true, done));
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        assertThat(handle.write(2 * MIB, pattern(1))).isZero();
        rig.<Lvol>ok(done -> store.createSnapshot(lvol, new SnapshotOptions("s", null, null, null, Instant.EPOCH), done));
        assertThat(handle.write(5 * MIB, pattern(2))).isZero();
        assertThat(handle.io(IoType.VERIFY, 0, 8 * MIB, 0)).isZero();
        disk.failType = IoType.VERIFY;
        for (int at = 0; at < 8; at++) {
            assertThat(handle.io(IoType.VERIFY, at * MIB, MIB, 0)).isEqualTo(at == 2 || at == 5 ? Status.WRITE_FAULT : Status.SUCCESS);
        }
        disk.failType = -1;
        assertThat(lvol.allocatedClusterCount()).isEqualTo(1);
        handle.close();
    }

    /** 63 bytes, not characters; anything but '/' and NUL. */
    @Test
    void namesAtTheirLimitsSurviveAndOthersAreRefused() {
        List<String> names = List.of("a", "n".repeat(63), "\u20ac".repeat(21), "two words", "..", "a@b:c", "\u00e4\u00f6\u00fc",
                "\ud83d\udcbe disk", "-", "%2F");
        SimDisk disk = disk(64 * MIB);
        String poolName = "p".repeat(60) + "\u20ac";
        LvStore store = rig.<LvStore>ok(done -> rig.stores.create(disk, new LvStores.Options(poolName, null, MIB, 100), done));
        for (String name : names) {
            rig.<Lvol>ok(done -> store.createLvol(name, null, MIB, true, done));
        }
        for (String wrong : Arrays.asList(null, "", "n".repeat(64), "\u20ac".repeat(22), "a/b", "a\0b")) {
            OperationException refused = rig.<Lvol>refused(done -> store.createLvol(wrong, null, MIB, true, done));
            assertThat(refused.code()).isEqualTo("name-invalid");
            assertThat(refused.getMessage()).contains("63");
            SimDisk another = disk(16 * MIB);
            assertThat(rig.<LvStore>refused(done -> rig.stores.create(another, new LvStores.Options(wrong, null, MIB, 100),
                    done)).code()).isEqualTo("name-invalid");
        }
        LvStore loaded = reload(store, disk);
        assertThat(loaded.name()).isEqualTo(poolName);
        assertThat(loaded.lvols()).extracting(Lvol::name).containsExactlyInAnyOrderElementsOf(names);
        assertThat(loaded.lvols()).allMatch(Lvol::usable);
    }

    /** Any 128 bits but none. */
    @ParameterizedTest
    @ValueSource(strings = {"ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000001",
        "80000000-0000-0000-0000-000000000000", "12345678-9abc-0def-0000-abcdefabcdef"})
    void unusualUuidsSurvive(String text) {
        UUID uuid = UUID.fromString(text);
        SimDisk disk = disk(32 * MIB);
        LvStore store = rig.<LvStore>ok(done -> rig.stores.create(disk, new LvStores.Options("pool", uuid, MIB, 100), done));
        UUID other = new UUID(uuid.getMostSignificantBits() ^ 1, uuid.getLeastSignificantBits());
        rig.<Lvol>ok(done -> store.createLvol("v", other, MIB, true, done));
        LvStore loaded = reload(store, disk);
        assertThat(loaded.uuid()).isEqualTo(uuid);
        assertThat(loaded.findLvol(other).name()).isEqualTo("v");
        assertThat(rig.registry.find(other)).isSameAs(loaded.findLvol("v").bdev());
    }

    @Test
    void theNilUuidIsNobodys() {
        UUID nil = new UUID(0, 0);
        SimDisk disk = disk(32 * MIB);
        assertThat(rig.<LvStore>refused(done -> rig.stores.create(disk, new LvStores.Options("pool", nil, MIB, 100),
                done)).code()).isEqualTo("uuid-invalid");
        LvStore store = create(disk, 100);
        assertThat(rig.<Lvol>refused(done -> store.createLvol("v", nil, MIB, true, done)).code()).isEqualTo("uuid-invalid");
        assertThat(store.lvols()).isEmpty();
    }

    /** A copy of a disk, as a storage array's snapshot of it is. */
    @Test
    void ofTwoPoolsWithOneUuidTheSecondIsRefusedUntouched() {
        SimDisk one = disk(32 * MIB);
        LvStore store = create(one, 100);
        SimDisk copy = disk(32 * MIB, one.current());
        OperationException refused = rig.<LvStore>refused(done -> rig.stores.load(copy, LvStores.Expected.any(), done));
        assertThat(refused.code()).isEqualTo("pool-exists");
        assertThat(refused.kind()).isEqualTo(ErrorKind.ALREADY_EXISTS);
        assertThat(copy.writeCount).isZero();
        assertThat(copy.isOpen()).isFalse();
        SimDisk third = disk(32 * MIB);
        assertThat(rig.<LvStore>refused(done -> rig.stores.create(third, new LvStores.Options("other", store.uuid(), MIB,
                100), done)).getMessage()).contains(store.uuid().toString());
        rig.<Void>ok(store::export);
        assertThat(rig.load(copy).uuid()).isEqualTo(store.uuid());
    }

    @Test
    void ofTwoVolumesWithOneUuidTheSecondIsListedWithTheReason() {
        UUID uuid = new UUID(5, 6);
        SimDisk one = disk(32 * MIB);
        LvStore first = create(one, 100);
        rig.<Lvol>ok(done -> first.createLvol("a", uuid, MIB, false, done));
        rig.<Void>ok(first::export);
        SimDisk two = disk(32 * MIB);
        LvStore second = rig.<LvStore>ok(done -> rig.stores.create(two, new LvStores.Options("other", null, MIB, 100),
                done));
        Lvol mine = rig.<Lvol>ok(done -> second.createLvol("b", uuid, MIB, true, done));
        LvStore loaded = rig.load(one);
        Lvol clashing = loaded.findLvol("a");
        assertThat(clashing.usable()).isFalse();
        assertThat(clashing.unusableReason()).contains(uuid.toString());
        assertThat(clashing.allocatedClusterCount()).isEqualTo(1);
        assertThat(rig.registry.find(uuid)).isSameAs(mine.bdev());
        assertThat(rig.<Void>refused(done -> loaded.destroyLvol(clashing, done)).code()).isEqualTo("replica-unsupported");
        assertThat(reload(loaded, one).findLvol("a").uuid()).isEqualTo(uuid);
    }

    /** The largest clusters that there are, on both sizes of blocks. */
    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void clustersOfAGibibyteAreUsedToTheirLastBlock(int blockSize) {
        long gib = 1L << 30;
        SimDisk disk = rig.register(new SimDisk("large" + blockSize, blockSize, 7 * gib, new SimDisk.Contents(), true, new Random(1)));
        LvStore store = rig.create(disk, "pool", gib);
        assertThat(store.clusterCount()).isEqualTo(6);
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("thin", null, 4 * gib, true, done));
        byte[] data = new byte[2 * blockSize];
        new Random(2).nextBytes(data);
        LvsRig.Handle handle = rig.open(thin.bdev(), 1);
        for (long at : new long[] {0, gib - blockSize, 4 * gib - data.length}) {
            assertThat(handle.write(at, data)).isZero();
        }
        assertThat(thin.allocatedClusterCount()).isEqualTo(3);
        assertThat(handle.io(IoType.UNMAP, 3 * gib, gib, 0)).isZero();
        assertThat(thin.allocatedClusterCount()).isEqualTo(2);
        Lvol snapshot = rig.<Lvol>ok(done -> store.createSnapshot(thin, new SnapshotOptions("s", null, null, null, Instant.EPOCH), done));
        assertThat(handle.write(2 * gib + blockSize, data)).isZero();
        handle.close();
        rig.<Lvol>ok(done -> store.resizeLvol(thin, 5 * gib, done));
        rig.<Void>ok(store::export);
        SlowDecoder decoder = new SlowDecoder(disk.current());
        assertThat(decoder.clean).isTrue();
        assertThat(decoder.freeClusters()).isEqualTo(3);
        assertThat(decoder.volumes.get("s").clusters).hasSize(4).filteredOn(cluster -> cluster != 0).hasSize(2);
        assertThat(decoder.volumes.get("thin").clusters).hasSize(5).filteredOn(cluster -> cluster != 0).hasSize(1);
        LvStore again = rig.load(disk);
        LvsRig.Handle back = rig.open(again.findLvol("thin").bdev(), 0);
        assertThat(back.read(gib - blockSize, data.length)).isEqualTo(data);
        assertThat(back.read(0, data.length)).isEqualTo(data);
        assertThat(back.read(2 * gib + blockSize, data.length)).isEqualTo(data);
        assertThat(back.read(4 * gib - data.length, data.length)).isEqualTo(new byte[data.length]);
        back.close();
        assertThat(again.findLvol(snapshot.uuid()).allocatedClusterCount()).isEqualTo(2);
        rig.<Void>ok(again::export);
    }
}
