package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.IoType;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Deletions wait for each other, and other changes for them, also for those that nobody asked for just now. */
class LvolDeletionOrderTest {
    private static final long MIB = 1 << 20;
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private LvsRig rig = new LvsRig(31);
    private SimDisk disk;
    private LvStore store;
    private int nextDisk;

    private SimDisk disk(SimDisk.Contents contents) {
        return rig.register(new SimDisk("disk" + ++nextDisk, 512, 64 * MIB, contents, true, new Random(nextDisk)));
    }

    private Lvol snapshot(String of, String name) {
        return rig.<Lvol>ok(done -> store.createSnapshot(store.findLvol(of), new SnapshotOptions(name, null, null, null, NOW), done));
    }

    private Lvol clone(String snapshot, String name) {
        return rig.<Lvol>ok(done -> store.cloneSnapshot(store.findLvol(snapshot), name, null, NOW, done));
    }

    private LvsRig.Outcome<Void> delete(String name) {
        return rig.start(done -> store.destroyLvol(store.findLvol(name), done));
    }

    private void write(Lvol lvol, long at, int seed) {
        byte[] data = new byte[8192];
        new Random(seed).nextBytes(data);
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        assertThat(handle.write(at, data)).isZero();
        handle.close();
    }

    private byte[] all(Lvol lvol) {
        LvsRig.Handle handle = rig.open(lvol.bdev(), 0);
        byte[] data = handle.read(0, (int) lvol.sizeBytes());
        handle.close();
        return data;
    }

    /** s0 ← s1 ← ... ← v, each with a cluster of its own and one that the next has, too. */
    private Lvol chain(int snapshots) {
        disk = disk(new SimDisk.Contents());
        store = rig.create(disk, "pool", MIB);
        Lvol lvol = rig.<Lvol>ok(done -> store.createLvol("v", null, (snapshots + 1) * MIB, true, done));
        for (int i = 0; i < snapshots; i++) {
            write(lvol, i * MIB, i);
            write(lvol, snapshots * MIB, 100 + i);
            snapshot("v", "s" + i);
        }
        write(lvol, MIB + 4096, 50);
        return lvol;
    }

    private void checkSpace(String... names) {
        rig.hand.runUntil(store::quiet, 200_000);
        SlowDecoder decoder = new SlowDecoder(disk.current());
        assertThat(decoder.volumes.keySet()).containsExactlyInAnyOrder(names);
        assertThat(decoder.freeClusters()).isEqualTo(store.freeClusterCount());
        assertThat(decoder.usedPages).hasSize(store.usedMetadataPageCount());
    }

    private static void assertDone(List<? extends LvsRig.Outcome<?>> outcomes) {
        assertThat(outcomes).allSatisfy(outcome -> assertThat(outcome.failure).isNull());
    }

    /** s1 goes by itself, into s2: what it stands on, what stands on it, and itself are deleted and changed meanwhile. */
    @Test
    void whatASnapshotThatGoesByItselfIsInTheWayOfWaitsForIt() {
        for (String one : List.of("s0", "s1", "s2", "snapshot", "inflate", "clone")) {
            Lvol lvol = chain(3);
            clone("s1", "c");
            byte[] now = all(lvol);
            rig.<Void>ok(done -> store.destroyLvol(store.findLvol("s1"), done));
            Lvol going = store.findLvol("s1");
            rig.<Void>ok(done -> store.destroyLvol(store.findLvol("c"), done));
            rig.hand.runUntil(going::busy, 10_000);
            Lvol heir = store.findLvol("s2");
            assertThat(heir.busy()).isTrue();
            LvsRig.Outcome<?> outcome = switch (one) {
                case "snapshot" -> rig.<Void>start(done -> store.destroyLvol(heir, (nothing, failure) -> store.createSnapshot(lvol,
                        new SnapshotOptions("n", null, null, null, NOW), (taken, refused) -> done.complete(null, refused))));
                case "inflate" -> rig.<Lvol>start(done -> store.inflateLvol(lvol, WorkWatch.NONE, done));
                case "clone" -> rig.<Lvol>start(done -> store.cloneSnapshot(heir, "n", null, NOW, done));
                default -> delete(one);
            };
            rig.hand.runUntil(() -> outcome.ended, 200_000);
            assertThat(outcome.failure).as(one).isNull();
            assertThat(store.findLvol("s1")).as(one).isNull();
            assertThat(Arrays.equals(all(lvol), now)).as(one).isTrue();
            switch (one) {
                case "s0" -> checkSpace("v", "s2");
                case "s2" -> checkSpace("v", "s0");
                case "snapshot" -> checkSpace("v", "s0", "n");
                case "clone" -> checkSpace("v", "s0", "s2", "n");
                default -> checkSpace("v", "s0", "s2");
            }
            rig.<Void>ok(store::export);
        }
    }

    /** While hosts' writes wait for a snapshot nobody waits for a deletion: that is done before. */
    @Test
    void aSnapshotThatSharesItsMomentWaitsForDeletionsOnlyBefore() {
        Lvol lvol = chain(1);
        clone("s0", "c");
        rig.<Void>ok(done -> store.destroyLvol(store.findLvol("s0"), done));
        rig.<Void>ok(done -> store.destroyLvol(store.findLvol("c"), done));
        rig.hand.runUntil(lvol::busy, 10_000);
        SnapshotOptions options = new SnapshotOptions("n", null, null, null, NOW);
        LvsRig.Outcome<Lvol> refused = rig.start(done -> store.createSnapshot(lvol, options, SnapshotMoment.OWN, done));
        assertThat(refused.ended).isTrue();
        assertThat(refused.failure.code()).isEqualTo("replica-busy");
        rig.<Void>ok(done -> store.settle(lvol, done));
        assertThat(store.findLvol("s0")).isNull();
        rig.<Lvol>ok(done -> store.createSnapshot(lvol, options, SnapshotMoment.OWN, done));
        checkSpace("v", "n");
    }

    /** All deletions are asked for before any has ended; each is accepted, and the volume reads as before. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7})
    void allSnapshotsAndClonesGoAtOnceInAnyOrder(int seed) {
        Random random = new Random(seed);
        Lvol lvol = chain(5);
        List<String> names = new ArrayList<>(List.of("s0", "s1", "s2", "s3", "s4"));
        for (int i = 0; i < 4; i++) {
            write(clone("s" + random.nextInt(5), "c" + i), 3 * MIB, 70 + i);
            names.add("c" + i);
        }
        byte[] now = all(lvol);
        Collections.shuffle(names, random);
        List<LvsRig.Outcome<Void>> outcomes = new ArrayList<>();
        for (String name : names) {
            outcomes.add(delete(name));
            for (int turns = random.nextInt(40); turns > 0; turns--) {
                rig.hand.tickAny();
            }
            assertThat(store.findLvol(name) == null || outcomes.getLast().failure == null).isTrue();
        }
        rig.hand.runUntil(() -> outcomes.stream().allMatch(outcome -> outcome.ended), 500_000);
        assertDone(outcomes);
        checkSpace("v");
        assertThat(lvol.parent()).isNull();
        assertThat(Arrays.equals(all(lvol), now)).isTrue();
        rig.<Void>ok(store::export);
    }

    /** The power fails while many wait: what was acknowledged is so, and the rest can be asked for again. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
    void aPowerFailureAmongManyDeletionsLosesNothing(int seed) {
        Random random = new Random(seed);
        Lvol lvol = chain(5);
        List<String> names = new ArrayList<>(List.of("s0", "s1", "s2", "s3", "s4", "c"));
        clone("s" + random.nextInt(5), "c");
        byte[] now = all(lvol);
        Collections.shuffle(names, random);
        List<LvsRig.Outcome<Void>> outcomes = names.stream().map(this::delete).toList();
        for (int turns = 50 + random.nextInt(1500); turns > 0; turns--) {
            rig.hand.tickAny();
        }
        List<String> acknowledged = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            if (outcomes.get(i).ended) {
                assertThat(outcomes.get(i).failure).isNull();
                acknowledged.add(names.get(i));
            }
        }
        SimDisk.Contents left = disk.crash();
        rig = new LvsRig(seed);
        disk = disk(left);
        store = rig.load(disk);
        rig.hand.runUntil(store::quiet, 200_000);
        for (Lvol each : store.lvols()) {
            assertThat(!acknowledged.contains(each.name()) || each.snapshotInfo().discarded()).as("%s is back", each).isTrue();
        }
        assertThat(Arrays.equals(all(store.findLvol("v")), now)).isTrue();
        List<LvsRig.Outcome<Void>> again = store.lvols().stream().map(Lvol::name).filter(name -> !name.equals("v"))
                .map(this::delete).toList();
        rig.hand.runUntil(() -> again.stream().allMatch(outcome -> outcome.ended), 500_000);
        assertDone(again);
        checkSpace("v");
        assertThat(Arrays.equals(all(store.findLvol("v")), now)).isTrue();
        rig.<Void>ok(store::export);
    }

    /** What hangs on a read that does not end is told to who waits for it, and nothing has been changed for that one. */
    @Test
    void waitingHasAnEnd() {
        Lvol lvol = chain(2);
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        disk.holdsReads = true;
        VolumeHandle.Pending read = handle.submit(IoType.READ, 2 * MIB, 4096, LvsRig.payloadAddress() + 4 * MIB, 0);
        rig.hand.tickAll(100);
        LvsRig.Outcome<Void> hanging = delete("s1");
        rig.hand.tickAll(3000);
        LvsRig.Outcome<Void> waiting = delete("s0");
        rig.hand.tickAll(3000);
        assertThat(waiting.ended).isFalse();
        rig.hand.advance(Deletions.WAIT_NS_MAX);
        rig.hand.runUntil(() -> waiting.ended, 10_000);
        assertThat(waiting.failure.code()).isEqualTo("replica-busy");
        assertThat(waiting.failure).hasMessageContaining("snapshot pool/s1, which is being deleted, is merged into it");
        assertThat(store.findLvol("s0").usable()).isTrue();
        disk.holdsReads = false;
        rig.hand.runUntil(() -> hanging.ended && read.ended, 100_000);
        handle.close();
        rig.<Void>ok(done -> store.destroyLvol(store.findLvol("s0"), done));
        checkSpace("v");
        rig.<Void>ok(store::export);
    }

    /** A pool that is closed does not begin what waits. */
    @Test
    void whatWaitsIsRefusedWhenThePoolIsClosed() {
        Lvol lvol = chain(3);
        clone("s1", "c");
        rig.<Void>ok(done -> store.destroyLvol(store.findLvol("s1"), done));
        Lvol going = store.findLvol("s1");
        rig.<Void>ok(done -> store.destroyLvol(store.findLvol("c"), done));
        rig.hand.runUntil(going::busy, 10_000);
        LvsRig.Outcome<Void> waiting = delete("s0");
        assertThat(waiting.ended).isFalse();
        LvsRig.Outcome<Void> export = rig.run(done -> store.export(done));
        assertThat(export.failure).isNull();
        assertThat(waiting.ended).isTrue();
        assertThat(waiting.failure.code()).isEqualTo("pool-closing");
        disk = disk(disk.current());
        store = rig.load(disk);
        checkSpace("v", "s0", "s2");
        assertThat(lvol.name()).isEqualTo("v");
        rig.<Void>ok(store::export);
    }
}
