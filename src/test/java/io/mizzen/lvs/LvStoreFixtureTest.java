package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.util.ErrorKind;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
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
        int blockSize = FixtureImages.manifest(name).get("base_bdev_block_size").asInt();
        try (FileChannel file = FixtureImages.open(FixtureImages.image(name))) {
            return rig.register(new SimDisk(name, blockSize, IMAGE_BYTES, SimDisk.load(file), false, new Random(1)));
        }
    }

    @ParameterizedTest
    @MethodSource("images")
    void thickVolumesReadBackAndOthersAreListedAndRefused(String name) throws Exception {
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
            boolean plain = !volume.get("snapshot").asBoolean() && !volume.get("clone").asBoolean();
            assertThat(lvol.usable()).isEqualTo(plain);
            if (plain) {
                assertThat(sha256(lvol)).isEqualTo(volume.get("sha256").asString());
            } else {
                assertThat(lvol.bdev()).isNull();
                assertThat(rig.registry.find(store.name() + "/" + lvol.name())).isNull();
                assertThat(rig.<Void>refused(done -> store.destroyLvol(lvol, done)).kind())
                        .isEqualTo(ErrorKind.FAILED_PRECONDITION);
                assertThat(rig.<Lvol>refused(done -> store.resizeLvol(lvol, MIB, done)).code())
                        .isEqualTo("replica-unsupported");
            }
        }
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
