package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.IoType;
import java.nio.channels.FileChannel;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Pools made by SPDK under random writes, snapshots, clones, deletions, rollbacks, inflations and resizes of ours, closed
 * cleanly and left open in turn: the independent decoder agrees with a plain model about every volume's contents, size, identity, place
 * in the tree and foreign attributes, and with the pool about its space. {@code -Dsim.seeds=n} tries more.
 */
class FixtureStoryPropertyTest {
    private static final long IMAGE_BYTES = 256L << 20;
    private static final int STEPS = 45;
    private static final int VOLUMES_MAX = 14;

    /** What a volume is: of each cluster the bytes, null for zeroes. Arrays are shared and replaced, never changed. */
    private static final class Model {
        String uuid;
        boolean snapshot;
        boolean discarded;
        Model parent;
        byte[][] clusters;
        Map<String, byte[]> foreign = Map.of();

        Model copy(String newUuid) {
            Model copy = new Model();
            copy.uuid = newUuid;
            copy.parent = parent;
            copy.clusters = clusters.clone();
            return copy;
        }
    }

    private static final Map<String, Integer> COUNTS = new TreeMap<>();

    private final Map<String, Model> models = new TreeMap<>();
    private LvsRig rig;
    private Random random;
    private SimDisk disk;
    private LvStore store;
    private int clusterBytes;
    private int nextName;

    static Stream<String> images() {
        return FixtureImages.NAMES.stream();
    }

    @ParameterizedTest
    @MethodSource("images")
    void theDecoderAgreesAfterEverythingThatWeDo(String name) throws Exception {
        SimDisk.Contents made;
        try (FileChannel file = FixtureImages.open(FixtureImages.image(name))) {
            made = SimDisk.load(file);
        }
        int seeds = Integer.getInteger("sim.seeds", 1);
        for (int seed = 1; seed <= seeds; seed++) {
            run(name, made, seed);
        }
    }

    @AfterAll
    static void everyKindOfChangeWasMade() {
        assertThat(COUNTS.keySet()).contains("write", "zeroes", "unmap", "snapshot", "clone", "delete", "discard", "rollback", "inflate",
                "decouple", "resize");
    }

    private void run(String name, SimDisk.Contents made, int seed) throws Exception {
        random = new Random(seed * 31L + name.hashCode());
        models.clear();
        SlowDecoder before = new SlowDecoder(made);
        clusterBytes = (int) before.clusterBytes;
        learn(before);
        open(made, FixtureImages.manifest(name).get("base_bdev_block_size").asInt());
        for (int life = 0; life < 2; life++) {
            for (int step = 0; step < STEPS; step++) {
                step();
            }
            if (life % 2 == 0) {
                rig.<Void>ok(store::export);
                assertThat(new SlowDecoder(disk.current()).clean).isTrue();
            }
            SimDisk.Contents left = disk.current();
            int blockSize = disk.blockSizeBytes();
            disk = null;        // Its copies of the image are not needed any more.
            rig = null;
            store = null;
            open(left, blockSize);
            assertThat(store.recovered()).as("what was left open is recovered").isEqualTo(life % 2 != 0);
            collect();
            check();
        }
    }

    private void open(SimDisk.Contents contents, int blockSize) {
        rig = new LvsRig(random.nextLong());
        disk = rig.register(new SimDisk("disk", blockSize, IMAGE_BYTES, contents, random.nextBoolean(), new Random(1)));
        store = rig.load(disk);
    }

    private void learn(SlowDecoder decoder) {
        Map<Integer, byte[]> read = new HashMap<>();
        decoder.volumes.forEach((name, volume) -> {
            Model model = new Model();
            model.uuid = volume.uuid;
            model.snapshot = volume.readOnly;
            model.foreign = volume.xattrs;
            model.clusters = new byte[volume.clusters.size()][];
            for (int c = 0; c < model.clusters.length; c++) {
                model.clusters[c] = contents(decoder, volume, c, read);
            }
            models.put(name, model);
        });
        decoder.volumes.forEach((name, volume) ->
                models.get(name).parent = volume.parent == null ? null : models.get(volume.parent.name));
    }

    /** What a volume holds there, null for zeroes; each cluster of the disk is read once. */
    private static byte[] contents(SlowDecoder decoder, SlowDecoder.Volume volume, int index, Map<Integer, byte[]> read) {
        for (SlowDecoder.Volume at = volume; at != null && index < at.clusters.size(); at = at.parent) {
            int cluster = at.clusters.get(index);
            if (cluster != 0) {
                return read.computeIfAbsent(cluster, key -> nonZero(decoder.read(volume, index)));
            }
        }
        return null;
    }

    private static byte[] nonZero(byte[] cluster) {
        for (byte b : cluster) {
            if (b != 0) {
                return cluster;
            }
        }
        return null;
    }

    // --- what is done ---------------------------------------------------------------------------------

    private void step() {
        switch (random.nextInt(16)) {
            case 0, 1 -> snapshot(pick(model -> !model.snapshot));
            case 2 -> clone(pick(model -> model.snapshot && !model.discarded));
            case 3, 4 -> delete(pick(this::canGo));
            case 5 -> rollback(pick(model -> !model.snapshot && model.parent != null && !model.parent.discarded));
            case 6, 8 -> inflate(pick(model -> !model.snapshot && model.parent != null));
            case 7 -> resize(pick(model -> !model.snapshot));
            default -> change(pick(model -> !model.snapshot));
        }
    }

    private void did(String what) {
        COUNTS.merge(what, 1, Integer::sum);
    }

    private String pick(Predicate<Model> fits) {
        List<String> some = models.entrySet().stream().filter(entry -> fits.test(entry.getValue())).map(Map.Entry::getKey).toList();
        return some.isEmpty() ? null : some.get(random.nextInt(some.size()));
    }

    private Lvol lvol(String name) {
        return store.findLvol(name);
    }

    private List<Model> clones(Model model) {
        return models.values().stream().filter(other -> other.parent == model).toList();
    }

    private void change(String name) {
        if (name == null || store.freeClusterCount() < 4) {
            return;
        }
        Model model = models.get(name);
        boolean whole = random.nextInt(clusterBytes > 1 << 20 ? 12 : 4) == 0;
        long sizeBytes = (long) model.clusters.length * clusterBytes;
        long unit = whole ? clusterBytes : 4096;
        long at = random.nextLong(sizeBytes / unit) * unit;
        int size = (int) Math.min(whole ? clusterBytes : 4096L * (1 + random.nextInt(80)), sizeBytes - at);
        byte[] data = new byte[size];
        boolean writes = random.nextInt(3) > 0;
        boolean unmaps = !writes && lvol(name).bdev().unmapReadsZeroes() && random.nextBoolean();
        LvsRig.Handle handle = rig.open(lvol(name).bdev(), random.nextInt(2));
        if (writes) {
            random.nextBytes(data);
            assertThat(handle.write(at, data)).isZero();
        } else {
            assertThat(handle.io(unmaps ? IoType.UNMAP : IoType.WRITE_ZEROES, at, size, 0)).isZero();
        }
        handle.close();
        put(model, at, data);
        did(writes ? "write" : unmaps ? "unmap" : "zeroes");
    }

    private void put(Model model, long at, byte[] data) {
        for (int done = 0; done < data.length;) {
            int index = (int) ((at + done) / clusterBytes);
            int within = (int) ((at + done) % clusterBytes);
            int part = Math.min(clusterBytes - within, data.length - done);
            byte[] changed = model.clusters[index] == null ? new byte[clusterBytes] : model.clusters[index].clone();
            System.arraycopy(data, done, changed, within, part);
            model.clusters[index] = nonZero(changed);
            done += part;
        }
    }

    private void snapshot(String name) {
        if (name == null || models.size() >= VOLUMES_MAX) {
            return;
        }
        String snapshot = "taken" + nextName++;
        Lvol taken = rig.<Lvol>ok(done -> store.createSnapshot(lvol(name), new SnapshotOptions(snapshot, null, null, null,
                Instant.EPOCH), done));
        Model model = models.get(name).copy(taken.uuid().toString());
        model.snapshot = true;
        models.put(snapshot, model);
        models.get(name).parent = model;
        did("snapshot");
    }

    private void clone(String snapshot) {
        if (snapshot == null || models.size() >= VOLUMES_MAX) {
            return;
        }
        String clone = "clone-of-ours" + nextName++;
        Lvol made = rig.<Lvol>ok(done -> store.cloneSnapshot(lvol(snapshot), clone, null, Instant.EPOCH, done));
        Model model = models.get(snapshot).copy(made.uuid().toString());
        model.parent = models.get(snapshot);
        models.put(clone, model);
        did("clone");
    }

    private boolean canGo(Model model) {
        List<Model> clones = clones(model);
        return !model.discarded && (clones.size() != 1 || !hides(model, clones.getFirst()));
    }

    /** A shorter snapshot hides what its parent holds behind its end. */
    private static boolean hides(Model snapshot, Model clone) {
        return snapshot.parent != null && snapshot.parent.clusters.length > snapshot.clusters.length
                && clone.clusters.length > snapshot.clusters.length;
    }

    private void delete(String name) {
        if (name == null) {
            return;
        }
        rig.<Void>ok(done -> store.destroyLvol(lvol(name), done));
        Model model = models.get(name);
        if (clones(model).size() > 1) {
            model.discarded = true;
            did("discard");
        } else {
            gone(model);
            did("delete");
        }
        collect();
    }

    private void gone(Model model) {
        clones(model).forEach(clone -> clone.parent = model.parent);
        models.values().remove(model);
    }

    /** Snapshots that were deleted while they had several clones go when one is left. */
    private void collect() {
        rig.hand.runUntil(store::quiet, 2_000_000);
        for (boolean any = true; any;) {
            List<Model> leaving = models.values().stream().filter(model -> model.discarded && clones(model).size() <= 1
                    && clones(model).stream().noneMatch(clone -> hides(model, clone))).toList();
            leaving.forEach(this::gone);
            any = !leaving.isEmpty();
        }
    }

    private void rollback(String name) {
        if (name == null) {
            return;
        }
        Model model = models.get(name);
        Model to = model.parent.parent != null && !model.parent.parent.discarded && random.nextBoolean() ? model.parent.parent
                : model.parent;
        rig.<Lvol>ok(done -> store.rollbackLvol(lvol(name), lvol(nameOf(to)), done));
        model.clusters = to.clusters.clone();
        model.parent = to;
        did("rollback");
        collect();
    }

    private String nameOf(Model model) {
        return models.entrySet().stream().filter(entry -> entry.getValue() == model).findAny().orElseThrow().getKey();
    }

    private void inflate(String name) {
        if (name == null) {
            return;
        }
        Model model = models.get(name);
        if (model.clusters.length > store.freeClusterCount() - 4) {
            return;
        }
        boolean entirely = random.nextBoolean();
        if (entirely) {
            rig.<Lvol>ok(done -> store.inflateLvol(lvol(name), WorkWatch.NONE, done));
            model.parent = null;
        } else if (!hides(model.parent, model)) {
            rig.<Lvol>ok(done -> store.decoupleLvol(lvol(name), WorkWatch.NONE, done));
            model.parent = model.parent.parent;
        } else {
            return;
        }
        did(entirely ? "inflate" : "decouple");
        collect();
    }

    private void resize(String name) {
        if (name == null || !lvol(name).thin()) {
            return;
        }
        Model model = models.get(name);
        int least = model.parent == null ? 1 : model.clusters.length;      // Of a clone the snapshot would show through again.
        int clusters = least + random.nextInt(model.clusters.length + 3 - least);
        rig.<Lvol>ok(done -> store.resizeLvol(lvol(name), (long) clusters * clusterBytes, done));
        model.clusters = Arrays.copyOf(model.clusters, clusters);
        did("resize");
    }

    // --- what is there --------------------------------------------------------------------------------

    private void check() {
        SlowDecoder decoder = new SlowDecoder(disk.current());
        assertThat(decoder.volumes.keySet()).isEqualTo(models.keySet());
        assertThat(store.freeClusterCount()).isEqualTo(decoder.freeClusters());
        assertThat(store.usedMetadataPageCount()).isEqualTo(decoder.usedPages.size());
        List<String> wrong = new ArrayList<>();
        Map<Integer, byte[]> read = new HashMap<>();
        models.forEach((name, model) -> {
            SlowDecoder.Volume found = decoder.volumes.get(name);
            Lvol lvol = lvol(name);
            assertThat(lvol.usable()).as(name).isTrue();
            assertThat(found.uuid).as(name).isEqualTo(model.uuid).isEqualTo(lvol.uuid().toString());
            assertThat(found.readOnly).as(name).isEqualTo(model.snapshot).isEqualTo(lvol.snapshot());
            assertThat(found.discarded()).as(name).isEqualTo(model.discarded);
            assertThat(found.parent == null ? null : found.parent.name).as("parent of " + name)
                    .isEqualTo(model.parent == null ? null : nameOf(model.parent)).isEqualTo(lvol.parentName());
            assertThat(found.clusters).as(name).hasSize(model.clusters.length).hasSize(lvol.clusterCount());
            model.foreign.forEach((key, value) -> assertThat(found.xattrs.get(key)).as(key + " of " + name).isEqualTo(value));
            for (int c = 0; c < model.clusters.length; c++) {
                if (!Arrays.equals(contents(decoder, found, c, read), model.clusters[c])) {
                    wrong.add("cluster " + c + " of " + name);
                }
            }
        });
        assertThat(wrong).isEmpty();
    }
}
