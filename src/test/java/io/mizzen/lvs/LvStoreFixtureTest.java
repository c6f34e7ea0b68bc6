package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** Pools made by SPDK, loaded, used, changed and closed. */
class LvStoreFixtureTest {
    private static final long MIB = 1 << 20;
    private static final long IMAGE_BYTES = 256 * MIB;

    private final LvsRig rig = new LvsRig(3);

    static Stream<String> images() {
        return FixtureImages.NAMES.stream();
    }

    private SimDisk disk(String name) throws Exception {
        return disk(name, false);
    }

    private SimDisk disk(String name, boolean unmapZeroes) throws Exception {
        int blockSize = FixtureImages.manifest(name).get("base_bdev_block_size").asInt();
        try (FileChannel file = FixtureImages.open(FixtureImages.image(name))) {
            return rig.register(new SimDisk(name, blockSize, IMAGE_BYTES, SimDisk.load(file), unmapZeroes, new Random(1)));
        }
    }

    @ParameterizedTest
    @MethodSource("images")
    void volumesSnapshotsAndClonesReadBack(String name) throws Exception {
        JsonNode manifest = FixtureImages.manifest(name);
        SimDisk disk = disk(name);
        LvStore store = rig.load(disk);
        assertThat(store.name()).isEqualTo(manifest.get("lvstore").get("name").asString());
        assertThat(store.uuid().toString()).isEqualTo(manifest.get("lvstore").get("uuid").asString());
        assertThat(store.freeClusterCount()).isEqualTo(manifest.get("lvstore").get("free_clusters").asInt());
        assertThat(store.clusterCount()).isEqualTo(manifest.get("lvstore").get("total_data_clusters").asInt());
        assertThat(store.recovered()).isEqualTo(name.endsWith("unclean"));
        assertThat(store.lvols()).hasSize(manifest.get("volumes").size());
        for (JsonNode volume : manifest.get("volumes")) {
            Lvol lvol = store.findLvol(volume.get("name").asString());
            assertThat(lvol.uuid().toString()).isEqualTo(volume.get("uuid").asString());
            assertThat(lvol.sizeBytes()).isEqualTo(volume.get("size").asLong());
            assertThat(lvol.allocatedClusterCount()).isEqualTo(volume.get("num_allocated_clusters").asInt());
            assertThat(lvol.thin()).isEqualTo(volume.get("thin_provision").asBoolean());
            assertThat(lvol.features().contains(LvolFeature.SNAPSHOT)).isEqualTo(volume.get("snapshot").asBoolean());
            assertThat(lvol.features().contains(LvolFeature.CLONE)).isEqualTo(volume.get("clone").asBoolean());
            JsonNode base = volume.get("base_snapshot");
            assertThat(lvol.parentName()).isEqualTo(base.isNull() ? null : base.asString());
            assertThat(sha256(lvol)).isEqualTo(volume.get("sha256").asString());
            if (volume.get("snapshot").asBoolean()) {
                aSnapshotIsNotChanged(store, lvol);
            }
        }
    }

    private void aSnapshotIsNotChanged(LvStore store, Lvol snapshot) {
        assertThat(rig.<Lvol>refused(done -> store.resizeLvol(snapshot, MIB, done)).code()).isEqualTo("snapshot-immutable");
        assertThatThrownBy(() -> rig.hand.on(0, () -> rig.registry.open(snapshot.bdev(), "test", true, VolumeHandle.NO_LISTENER)))
                .hasMessageContaining("can only be read");
        LvsRig.Handle handle = rig.open(snapshot.bdev(), 1);
        for (int type : List.of(IoType.WRITE, IoType.WRITE_ZEROES, IoType.UNMAP)) {
            assertThat(Status.code(handle.io(type, 0, 4096, 0))).isEqualTo(Status.NAMESPACE_WRITE_PROTECTED);
        }
        handle.close();
    }

    /** First writes and zeroes to clones copy what they do not cover, and are seen by nobody else. */
    @ParameterizedTest
    @MethodSource("images")
    void writesToClonesHideTheSnapshotAndLeaveItAlone(String name) throws Exception {
        SimDisk disk = disk(name, true);
        LvStore store = rig.load(disk);
        Map<String, byte[]> expected = new HashMap<>();
        for (String volume : List.of("snap1", "thin", "clone1")) {
            expected.put(volume, contents(store.findLvol(volume)));
        }
        Random random = new Random(9);
        for (int round = 0; round < 60; round++) {
            String volume = random.nextBoolean() ? "thin" : "clone1";
            byte[] all = expected.get(volume);
            LvsRig.Handle handle = rig.open(store.findLvol(volume).bdev(), random.nextInt(2));
            boolean whole = random.nextInt(4) == 0;
            long unit = whole ? store.clusterSizeBytes() : 4096;
            long at = random.nextLong(all.length / unit) * unit;
            int size = (int) Math.min(whole ? 2 * unit : 4096 * (1 + random.nextInt(64)), all.length - at);
            byte[] data = new byte[size];
            if (random.nextInt(3) == 0) {
                assertThat(handle.io(random.nextBoolean() ? IoType.WRITE_ZEROES : IoType.UNMAP, at, size, 0)).isZero();
            } else {
                random.nextBytes(data);
                assertThat(handle.write(at, data)).isZero();
            }
            handle.close();
            System.arraycopy(data, 0, all, (int) at, size);
        }
        SlowDecoder decoder = new SlowDecoder(disk.current());
        for (Map.Entry<String, byte[]> entry : expected.entrySet()) {
            assertThat(Arrays.equals(contents(store.findLvol(entry.getKey())), entry.getValue())).as(entry.getKey()).isTrue();
            SlowDecoder.Volume v = decoder.volumes.get(entry.getKey());
            for (int c = 0; c < v.clusters.size(); c++) {
                assertThat(Arrays.equals(decoder.read(v, c), Arrays.copyOfRange(entry.getValue(),
                        (int) (c * decoder.clusterBytes), (int) ((c + 1) * decoder.clusterBytes)))).isTrue();
            }
        }
        assertThat(decoder.freeClusters()).isEqualTo(store.freeClusterCount());
        rig.<Void>ok(store::export);
        assertThat(new SlowDecoder(disk.current()).clean).isTrue();
    }

    private byte[] contents(Lvol lvol) {
        byte[] all = new byte[(int) lvol.sizeBytes()];
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        for (long at = 0; at < all.length; at += 2 * MIB) {
            System.arraycopy(handle.read(at, (int) (2 * MIB)), 0, all, (int) at, (int) (2 * MIB));
        }
        handle.close();
        return all;
    }

    private String sha256(Lvol lvol) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        for (long at = 0; at < lvol.sizeBytes(); at += 2 * MIB) {
            digest.update(handle.read(at, (int) Math.min(2 * MIB, lvol.sizeBytes() - at)));
        }
        handle.close();
        return HexFormat.of().formatHex(digest.digest());
    }

    @ParameterizedTest
    @MethodSource("images")
    void anIndependentDecoderAgreesAfterChangesAndForeignVolumesAreUntouched(String name) throws Exception {
        SimDisk disk = disk(name);
        SlowDecoder before = new SlowDecoder(disk.current());
        Set<String> foreign = new TreeSet<>(Set.of("thin", "snap1", "clone1"));
        Map<Integer, byte[]> foreignClusters = before.clustersOf(foreign);
        LvStore store = rig.load(disk);
        long cluster = store.clusterSizeBytes();
        Lvol thick = rig.<Lvol>ok(done -> store.createLvol("new-thick", null, 5 * cluster, false, done));
        Lvol thin = rig.<Lvol>ok(done -> store.createLvol("new-thin", null, 40 * cluster, true, done));
        byte[] data = new byte[65536];
        new Random(5).nextBytes(data);
        LvsRig.Handle a = rig.open(thick.bdev(), 0);
        LvsRig.Handle b = rig.open(thin.bdev(), 1);
        assertThat(a.write(3 * cluster + 4096, data)).isZero();
        assertThat(b.write(7 * cluster - 4096, data)).isZero();
        a.close();
        b.close();
        rig.<Lvol>ok(done -> store.resizeLvol(store.findLvol("thick"), 10 * MIB, done));
        rig.<Lvol>ok(done -> store.resizeLvol(thin, 45 * cluster, done));
        rig.<Lvol>ok(done -> store.resizeLvol(thick, 4 * cluster, done));
        rig.<Lvol>ok(done -> store.createLvol("brief", null, 3 * cluster, false, done));
        rig.<Void>ok(done -> store.destroyLvol(store.findLvol("brief"), done));
        compare(store, new SlowDecoder(disk.current()), before, foreign, foreignClusters);
        rig.<Void>ok(store::export);
        SlowDecoder after = new SlowDecoder(disk.current());
        assertThat(after.clean).isTrue();
        compare(store, after, before, foreign, foreignClusters);
        SlowDecoder.Volume v = after.volumes.get("new-thin");
        byte[] seventh = after.read(v, 7);
        assertThat(Arrays.copyOf(seventh, data.length - 4096)).isEqualTo(Arrays.copyOfRange(data, 4096, data.length));
        LvStore loaded = rig.load(disk);
        assertThat(loaded.recovered()).isFalse();
        assertThat(loaded.freeClusterCount()).isEqualTo(after.freeClusters());
    }

    private static void compare(LvStore store, SlowDecoder now, SlowDecoder before, Set<String> foreign,
            Map<Integer, byte[]> foreignClusters) {
        assertThat(now.freeClusters()).isEqualTo(store.freeClusterCount());
        assertThat(now.usedPages).hasSize(store.usedMetadataPageCount());
        Map<String, Long> sizes = new HashMap<>();
        store.lvols().forEach(lvol -> sizes.put(lvol.name(), lvol.sizeBytes()));
        assertThat(now.volumes.keySet()).isEqualTo(sizes.keySet());
        for (SlowDecoder.Volume v : now.volumes.values()) {
            assertThat(v.clusters.size() * now.clusterBytes).isEqualTo(sizes.get(v.name));
            assertThat(v.uuid).isEqualTo(store.findLvol(v.name).uuid().toString());
        }
        for (String name : foreign) {
            assertThat(now.volumes.get(name).clusters).isEqualTo(before.volumes.get(name).clusters);
            assertThat(now.volumes.get(name).internal.keySet()).isEqualTo(before.volumes.get(name).internal.keySet());
        }
        Map<Integer, byte[]> contents = now.clustersOf(foreign);
        assertThat(contents.keySet()).isEqualTo(foreignClusters.keySet());
        contents.forEach((cluster, bytes) -> assertThat(Arrays.equals(bytes, foreignClusters.get(cluster))).isTrue());
    }
}
