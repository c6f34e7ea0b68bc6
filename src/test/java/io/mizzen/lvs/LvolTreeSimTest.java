package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Trees of snapshots and clones under random changes, with writes to them meanwhile, power cuts and imports, against a
 * model of what each may hold; an independent decoder looks at the disk. {@code -Dsim.seeds=n} tries more.
 */
class LvolTreeSimTest {
    private static final long MIB = 1 << 20;
    private static final int BLOCK = 4096;
    private static final int BLOCKS_PER_CLUSTER = (int) (MIB / BLOCK);
    /** Among what a block may hold: whatever was there. */
    private static final long ANY = Long.MIN_VALUE;
    /** Read from a block: sectors of more than one write. */
    private static final long TORN = -1;
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    /** What a volume may hold, by block; what is not listed reads as zeroes. */
    private static final class Model {
        int clusters;
        boolean snapshot;
        boolean mayBeAbsent;
        boolean discarded;
        Map<Integer, Set<Long>> blocks = new TreeMap<>();
        /** What it may hold instead, as a whole, if a rollback was cut short. */
        Map<Integer, Set<Long>> instead;
        int clustersInstead;

        static Map<Integer, Set<Long>> copy(Map<Integer, Set<Long>> of) {
            Map<Integer, Set<Long>> copy = new TreeMap<>();
            of.forEach((block, may) -> copy.put(block, new TreeSet<>(may)));
            return copy;
        }
    }

    private interface Step {
        boolean ended();

        void acknowledged();
    }

    private final Map<String, Model> models = new TreeMap<>();
    private final Map<String, Integer> counts = new TreeMap<>();
    private final List<LvsRig.Handle> handles = new ArrayList<>();
    private Random random;
    private LvsRig rig;
    private SimDisk disk;
    private LvStore store;
    private long nextValue;
    private int nextName;
    private int budget;

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void everyTreeHoldsWhatWasWrittenAfterEveryCrash(int blockSize) {
        int seeds = Integer.getInteger("sim.seeds", 2);
        for (int seed = 0; seed < seeds; seed++) {
            try {
                oneSeed(blockSize, seed);
            } catch (Throwable e) {
                throw new AssertionError("seed " + seed + " on blocks of " + blockSize, e);
            }
        }
        assertThat(counts.keySet()).contains("snapshot", "clone", "delete", "merge", "discard", "rollback", "inflate", "decouple",
                "resize", "wait");
    }

    private void oneSeed(int blockSize, int seed) {
        random = new Random(seed * 77L + blockSize);
        models.clear();
        nextName = 0;
        nextValue = 1;
        rig = new LvsRig(seed);
        disk = rig.register(new SimDisk("disk", blockSize, 80 * MIB, new SimDisk.Contents(), random.nextBoolean(), random));
        store = rig.create(disk, "pool", MIB);
        for (int generation = 0; generation < 5; generation++) {
            budget = 500 + random.nextInt(6000);
            while (budget > 0) {
                round();
            }
            trace("crash");
            SimDisk.Contents left = disk.crash();
            handles.clear();
            rig.hand.tickAll(3000);
            rig = new LvsRig(seed * 10 + generation);
            disk = rig.register(new SimDisk("disk", blockSize, 80 * MIB, left, disk.unmapReadsZeroes(), random));
            store = rig.load(disk);
            check();
        }
        rig.<Void>ok(store::export);
        checkDecoded();
    }

    private void round() {
        List<Step> steps = new ArrayList<>();
        Set<String> taken = new TreeSet<>();
        Map<String, Map<Integer, Long>> underWay = new HashMap<>();
        for (int slot = 0; slot < random.nextInt(4); slot++) {
            Lvol lvol = any(taken, false);
            if (lvol != null && taken.add(lvol.name())) {
                steps.add(write(lvol, slot, underWay));
            }
        }
        Set<String> deleted = new TreeSet<>();
        Step change = change(taken, underWay, deleted);
        if (change != null) {
            steps.add(change);
        }
        for (int more = random.nextInt(3) == 0 ? random.nextInt(5) : 0; more > 0; more--) {
            Lvol snapshot = anySnapshotBut(deleted);
            if (snapshot != null) {
                steps.add(destroy(snapshot, deleted));
            }
        }
        while (!steps.isEmpty() && budget-- > 0) {
            rig.hand.tickAny();
            steps.removeIf(step -> {
                if (step.ended()) {
                    step.acknowledged();
                    return true;
                }
                return false;
            });
        }
        if (steps.isEmpty()) {
            handles.forEach(LvsRig.Handle::close);
            handles.clear();
            if (random.nextInt(2) == 0) {
                rig.hand.runUntil(store::quiet, 1_000_000);     // Else changes meet snapshots that go by themselves.
            }
            if (random.nextInt(6) == 0) {
                check();
            }
        }
    }

    private Lvol any(Set<String> but, boolean snapshot) {
        List<Lvol> of = new ArrayList<>();
        for (Lvol lvol : store.lvols()) {
            if (lvol.usable() && !lvol.busy() && lvol.snapshot() == snapshot && !but.contains(lvol.name())) {
                of.add(lvol);
            }
        }
        return of.isEmpty() ? null : of.get(random.nextInt(of.size()));
    }

    /** Of those that are not being deleted by request; it may be busy. */
    private Lvol anySnapshotBut(Set<String> deleted) {
        List<Lvol> of = store.lvols().stream().filter(lvol -> lvol.snapshot() && models.containsKey(lvol.name())
                && !deleted.contains(lvol.name())).toList();
        return of.isEmpty() ? null : of.get(random.nextInt(of.size()));
    }

    private static void trace(String what) {
        if (Boolean.getBoolean("sim.trace")) {
            System.out.println(what);
        }
    }

    private void count(String what) {
        counts.merge(what, 1, Integer::sum);
    }

    /** A change of a volume that may be written at the same time, where that is allowed. */
    private Step change(Set<String> written, Map<String, Map<Integer, Long>> underWay, Set<String> deleted) {
        Lvol lvol = any(Set.of(), false);
        Lvol snapshot = any(Set.of(), true);
        if (lvol == null || store.lvols().size() < 3) {
            return create();
        }
        int what = random.nextInt(20);
        if (what < 6 && store.lvols().size() < 14) {
            return snapshot(lvol, underWay.getOrDefault(lvol.name(), Map.of()));
        } else if (what < 8 && snapshot != null && store.lvols().size() < 14) {
            return cloneOf(snapshot);
        } else if (what < 12 && snapshot != null) {
            return destroy(snapshot, deleted);
        } else if (what < 13 && !written.contains(lvol.name())) {
            return destroy(lvol, deleted);
        } else if (what < 15 && snapshot != null && !written.contains(lvol.name())) {
            return rollback(lvol);
        } else if (what < 17) {
            return inflate(lvol, false);
        } else if (what < 18) {
            return inflate(lvol, true);
        } else if (what < 19) {
            return grow(lvol);
        }
        return store.lvols().size() < 8 ? create() : null;
    }

    private Step create() {
        Model m = new Model();
        m.clusters = 1 + random.nextInt(5);
        m.mayBeAbsent = true;
        String name = "v" + nextName++;
        models.put(name, m);
        return step(rig.<Lvol>start(done -> store.createLvol(name, null, m.clusters * MIB, true, done)),
                () -> m.mayBeAbsent = false, () -> models.remove(name));
    }

    private Step snapshot(Lvol lvol, Map<Integer, Long> underWay) {
        Model of = models.get(lvol.name());
        Model m = new Model();
        m.clusters = of.clusters;
        m.snapshot = true;
        m.mayBeAbsent = true;
        m.blocks = Model.copy(of.blocks);       // With what is under way either way.
        String name = "s" + nextName++;
        trace("snapshot " + name + " of " + lvol);
        models.put(name, m);
        return step(rig.<Lvol>start(done -> store.createSnapshot(lvol, new SnapshotOptions(name, null, null, null, NOW), done)),
                () -> {
                    m.mayBeAbsent = false;
                    count("snapshot");
                }, () -> models.remove(name));
    }

    private Step cloneOf(Lvol snapshot) {
        Model of = models.get(snapshot.name());
        Model m = new Model();
        m.clusters = of.clusters;
        m.mayBeAbsent = true;
        m.blocks = Model.copy(of.blocks);
        String name = "c" + nextName++;
        trace("clone " + name + " of " + snapshot);
        models.put(name, m);
        return step(rig.<Lvol>start(done -> store.cloneSnapshot(snapshot, name, null, NOW, done)), () -> {
            m.mayBeAbsent = false;
            count("clone");
        }, () -> models.remove(name));
    }

    private Step destroy(Lvol lvol, Set<String> deleted) {
        Model m = models.get(lvol.name());
        deleted.add(lvol.name());
        int clones = lvol.clones().size();
        trace("destroy " + lvol + " with clones " + lvol.clones());
        boolean before = m.mayBeAbsent;
        m.mayBeAbsent = true;
        boolean wasBusy = lvol.busy();
        LvsRig.Outcome<Void> outcome = rig.start(done -> store.destroyLvol(lvol, done));
        if (!outcome.ended && (wasBusy || !lvol.busy())) {
            count("wait");
        }
        return step(outcome, () -> {
            count(clones == 0 ? "delete" : clones == 1 ? "merge" : "discard");
            if (store.findLvol(lvol.name()) == null) {
                models.remove(lvol.name());
            } else {
                m.discarded = true;
            }
        }, () -> m.mayBeAbsent = before);
    }

    private Step rollback(Lvol lvol) {
        Lvol to = lvol.parent();
        while (to != null && to.parent() != null && random.nextBoolean()) {
            to = to.parent();
        }
        if (to == null) {
            return null;
        }
        Lvol snapshot = to;
        trace("rollback " + lvol + " to " + snapshot);
        Model m = models.get(lvol.name());
        Model of = models.get(snapshot.name());
        m.instead = Model.copy(of.blocks);
        m.clustersInstead = of.clusters;
        return step(rig.<Lvol>start(done -> store.rollbackLvol(lvol, snapshot, done)), () -> {
            m.blocks = m.instead;
            m.clusters = m.clustersInstead;
            m.instead = null;
            count("rollback");
        }, () -> m.instead = null);
    }

    private Step inflate(Lvol lvol, boolean decouple) {
        trace((decouple ? "decouple " : "inflate ") + lvol);
        return step(rig.<Lvol>start(done -> {
            if (decouple) {
                store.decoupleLvol(lvol, WorkWatch.NONE, done);
            } else {
                store.inflateLvol(lvol, WorkWatch.NONE, done);
            }
        }), () -> {
            assertThat(decouple || lvol.parent() == null && !lvol.thin()).isTrue();
            count(decouple ? "decouple" : "inflate");
        }, () -> { });
    }

    private Step grow(Lvol lvol) {
        Model m = models.get(lvol.name());
        int before = m.clusters;
        trace("grow " + lvol + " from " + before);
        m.clustersInstead = before + 1;
        for (int b = 0; !lvol.thin() && b < BLOCKS_PER_CLUSTER; b++) {
            m.blocks.put(before * BLOCKS_PER_CLUSTER + b, new TreeSet<>(Set.of(ANY)));
        }
        return step(rig.<Lvol>start(done -> store.resizeLvol(lvol, (before + 1) * MIB, done)), () -> {
            m.clusters = before + 1;
            count("resize");
        }, () -> m.blocks.keySet().removeIf(b -> b >= before * BLOCKS_PER_CLUSTER));
    }

    private Step write(Lvol lvol, int slot, Map<String, Map<Integer, Long>> underWay) {
        Model m = models.get(lvol.name());
        LvsRig.Handle handle = rig.open(lvol.bdev(), random.nextInt(2));
        handles.add(handle);
        int first = random.nextInt(m.clusters * BLOCKS_PER_CLUSTER);
        boolean large = random.nextInt(4) == 0;
        if (large) {
            first = first / BLOCKS_PER_CLUSTER * BLOCKS_PER_CLUSTER;
        }
        int count = Math.min(large ? BLOCKS_PER_CLUSTER * (1 + random.nextInt(2)) : 1 + random.nextInt(40),
                m.clusters * BLOCKS_PER_CLUSTER - first);
        int type = random.nextInt(4) > 0 && count <= 64 ? IoType.WRITE : random.nextBoolean() ? IoType.WRITE_ZEROES : IoType.UNMAP;
        boolean zero = type != IoType.WRITE;
        // What is left by an unmap that promises nothing is the device's affair.
        long value = type == IoType.UNMAP && !lvol.bdev().unmapReadsZeroes() ? ANY : zero ? 0 : nextValue++;
        trace(IoType.name(type) + " " + lvol + " blocks " + first + " to " + (first + count) + " = " + value);
        long address = LvsRig.payloadAddress() + slot * MIB;
        for (long at = 0; !zero && at < (long) count * BLOCK; at += 8) {
            RawMemory.ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, address + at, value);
        }
        Map<Integer, Long> mine = underWay.computeIfAbsent(lvol.name(), name -> new HashMap<>());
        for (int b = first; b < first + count; b++) {
            mine.put(b, value);
            m.blocks.computeIfAbsent(b, block -> new TreeSet<>(Set.of(0L))).add(value);
        }
        VolumeHandle.Pending pending = handle.submit(type, (long) first * BLOCK, (long) count * BLOCK, address, BdevIo.FLAG_FUA);
        return written(m, handle, pending, mine);
    }

    /** An unmap counts once it is flushed. */
    private Step written(Model m, LvsRig.Handle handle, VolumeHandle.Pending pending, Map<Integer, Long> mine) {
        return new Step() {
            private VolumeHandle.Pending flush;

            @Override
            public boolean ended() {
                if (pending.ended && flush == null) {
                    flush = handle.submit(IoType.FLUSH, 0, 0, 0, 0);
                }
                return flush != null && flush.ended;
            }

            @Override
            public void acknowledged() {
                assertThat(flush.status).isZero();
                if (pending.status == 0) {
                    mine.forEach((block, value) -> m.blocks.put(block, new TreeSet<>(Set.of(value))));
                } else {
                    assertThat(pending.status).isEqualTo(LvStore.STATUS_CAPACITY_EXCEEDED);
                }
            }
        };
    }

    private static Step step(LvsRig.Outcome<?> outcome, Runnable done, Runnable refused) {
        return new Step() {
            @Override
            public boolean ended() {
                return outcome.ended;
            }

            @Override
            public void acknowledged() {
                if (outcome.failure == null) {
                    done.run();
                } else {
                    assertThat(outcome.failure.code()).isIn("pool-no-space", "pool-metadata-full", "replica-busy",
                            "snapshot-discarded", "snapshot-shorter", "replica-no-clone", "replica-in-use", "replica-not-found");
                    refused.run();
                }
            }
        };
    }

    private void check() {
        rig.hand.runUntil(store::quiet, 1_000_000);
        SlowDecoder decoder = new SlowDecoder(disk.current());
        assertThat(decoder.freeClusters()).isEqualTo(store.freeClusterCount());
        assertThat(decoder.usedPages).hasSize(store.usedMetadataPageCount());
        for (Lvol lvol : store.lvols()) {
            assertThat(models).containsKey(lvol.name());
            assertThat(decoder.volumes.get(lvol.name()).parent == null ? null : decoder.volumes.get(lvol.name()).parent.name)
                    .isEqualTo(lvol.parentName());
        }
        for (Map.Entry<String, Model> entry : new ArrayList<>(models.entrySet())) {
            Model m = entry.getValue();
            Lvol lvol = store.findLvol(entry.getKey());
            assertThat(decoder.volumes.containsKey(entry.getKey())).isEqualTo(lvol != null);
            if (lvol == null) {
                assertThat(m.mayBeAbsent).as("volume %s is lost", entry.getKey()).isTrue();
                models.remove(entry.getKey());
                continue;
            }
            assertThat(lvol.usable()).as("%s: %s", lvol, lvol.unusableReason()).isTrue();
            assertThat(lvol.snapshot()).isEqualTo(m.snapshot);
            m.discarded = lvol.snapshotInfo().discarded();
            m.mayBeAbsent = m.discarded;
            checkData(lvol, m);
        }
    }

    private void checkData(Lvol lvol, Model m) {
        int clusters = lvol.clusterCount();
        assertThat(clusters).isIn(m.clusters, m.clustersInstead == 0 ? m.clusters : m.clustersInstead);
        long[] values = values(lvol);
        String wrong = firstWrong(values, m.blocks);
        if (wrong != null && m.instead != null) {
            wrong = firstWrong(values, m.instead);
        }
        assertThat(wrong).as(lvol.toString()).isNull();
        m.instead = null;
        m.clusters = clusters;
        m.clustersInstead = 0;
        m.blocks = new TreeMap<>();
        for (int b = 0; b < values.length; b++) {
            if (values[b] != 0) {
                m.blocks.put(b, new TreeSet<>(Set.of(values[b] == TORN ? ANY : values[b])));
            }
        }
    }

    private String firstWrong(long[] values, Map<Integer, Set<Long>> may) {
        for (int b = 0; b < values.length; b++) {
            Set<Long> here = may.getOrDefault(b, Set.of(0L));
            boolean torn = values[b] == TORN && here.size() > 1 && disk.blockSizeBytes() < BLOCK;
            if (!here.contains(ANY) && !here.contains(values[b]) && !torn) {
                return "block " + b + " holds " + values[b] + ", may hold " + here;
            }
        }
        return null;
    }

    private long[] values(Lvol lvol) {
        long[] values = new long[lvol.clusterCount() * BLOCKS_PER_CLUSTER];
        LvsRig.Handle handle = rig.open(lvol.bdev(), random.nextInt(2));
        for (int c = 0; c < lvol.clusterCount(); c++) {
            valuesOf(handle.read(c * MIB, (int) MIB), values, c * BLOCKS_PER_CLUSTER);
        }
        handle.close();
        return values;
    }

    private static void valuesOf(byte[] data, long[] into, int at) {
        java.nio.LongBuffer longs = java.nio.ByteBuffer.wrap(data).order(java.nio.ByteOrder.LITTLE_ENDIAN).asLongBuffer();
        for (int b = 0; b < BLOCKS_PER_CLUSTER; b++) {
            long value = longs.get(b * BLOCK / 8);
            for (int i = 1; i < BLOCK / 8; i++) {
                if (longs.get(b * BLOCK / 8 + i) != value) {
                    value = TORN;
                }
            }
            into[at + b] = value;
        }
    }

    private void checkDecoded() {
        SlowDecoder decoder = new SlowDecoder(disk.current());
        assertThat(decoder.clean).isTrue();
        for (Map.Entry<String, Model> entry : models.entrySet()) {
            SlowDecoder.Volume v = decoder.volumes.get(entry.getKey());
            long[] values = new long[v.clusters.size() * BLOCKS_PER_CLUSTER];
            for (int c = 0; c < v.clusters.size(); c++) {
                valuesOf(decoder.read(v, c), values, c * BLOCKS_PER_CLUSTER);
            }
            assertThat(firstWrong(values, entry.getValue().blocks)).as(entry.getKey()).isNull();
        }
    }
}
