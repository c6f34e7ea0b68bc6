package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.util.OperationException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Snapshots and clones as crashes, other software and damage may leave them. */
class LvStoreMarksTest {
    private static final long MIB = 1 << 20;
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final LvStores.Expected READ_ONLY = new LvStores.Expected(null, null, false, true);

    private final LvsRig rig = new LvsRig(5);
    private final SimDisk disk = disk(new SimDisk.Contents());
    private int diskCount;
    private LvStore store;
    private Lvol volume;
    private Lvol snapshot;

    private SimDisk disk(SimDisk.Contents contents) {
        return rig.register(new SimDisk("disk" + diskCount++, 512, 64 * MIB, contents, true, new Random(1)));
    }

    private static byte[] pattern(int seed) {
        byte[] data = new byte[8192];
        new Random(seed).nextBytes(data);
        return data;
    }

    private Lvol create(LvStore in, String name) {
        return rig.<Lvol>ok(done -> in.createLvol(name, null, 4 * MIB, true, done));
    }

    /** Volume "v" with a snapshot "s" that holds a pattern at 3 MiB. */
    private void make(int metadataPagesPerHundredClusters) {
        store = rig.<LvStore>ok(done -> rig.stores.create(disk, new LvStores.Options("pool", null, MIB,
                metadataPagesPerHundredClusters), done));
        volume = create(store, "v");
        LvsRig.Handle handle = rig.open(volume.bdev(), 0);
        assertThat(handle.write(3 * MIB, pattern(1))).isZero();
        assertThat(handle.flush()).isZero();
        handle.close();
        snapshot = rig.<Lvol>ok(done -> store.createSnapshot(volume, new SnapshotOptions("s", null, null, null, NOW), done));
    }

    private byte[] read(Lvol lvol) {
        LvsRig.Handle handle = rig.open(lvol.bdev(), 0);
        byte[] data = handle.read(3 * MIB, 8192);
        handle.close();
        return data;
    }

    /** Stores other metadata of a volume, none of its extent pages changed. */
    private void rewrite(Lvol lvol, Consumer<BlobMetadata> change) {
        BlobMetadata next = lvol.blob().copy();
        change.accept(next);
        boolean[] ended = new boolean[1];
        rig.hand.on(0, () -> store.queue().add(() -> new BlobCommit(store.space(), store.writer()).commit(lvol.blob(), next,
                new BitSet(), (failure, torn) -> {
                    assertThat(failure).isNull();
                    lvol.blob(next);
                    store.queue().done();
                    ended[0] = true;
                }), thrown -> assertThat(thrown).isNull()));
        rig.hand.runUntil(() -> ended[0], 100_000);
    }

    /** As a crash leaves a snapshot that its volume is a clone of already. */
    private void mark() {
        rewrite(snapshot, blob -> {
            blob.internalXattr(LvolFeatures.SNAPSHOT_MAKING, volume.blob().id());
            blob.dataReadOnlyFlags &= ~BlobFlags.READ_ONLY;
        });
    }

    /** What the disk holds now, the pool unclean. */
    private SimDisk.Contents cut() {
        SimDisk.Contents left = disk.current().copy();
        rig.<Void>ok(store::export);
        return left;
    }

    private List<Lvol> fill(LvStore in, String prefix) {
        List<Lvol> made = new ArrayList<>();
        while (true) {
            LvsRig.Outcome<Lvol> outcome = rig.run(done -> in.createLvol(prefix + made.size(), null, MIB, true, done));
            if (outcome.failure != null) {
                assertThat(outcome.failure.code()).isEqualTo("pool-metadata-full");
                return made;
            }
            made.add(outcome.value);
        }
    }

    @Test
    void aMarkThatCannotBeEndedNeverComesToNameAnotherVolume() {
        make(20);
        rewrite(snapshot, blob -> {
            blob.xattr(new Xattr("long", new byte[2500]));
            blob.xattr(new Xattr("longer", new byte[2600]));       // It takes two pages, so that it cannot be changed in place.
        });
        mark();
        fill(store, "f");
        SimDisk second = disk(cut());
        LvStore full = rig.load(second);
        Lvol kept = full.findLvol("s");
        assertThat(kept.unusableReason()).contains("interrupted change");
        assertThat(read(full.findLvol("v"))).isEqualTo(pattern(1));
        rig.<Void>ok(done -> full.destroyLvol(full.findLvol("f0"), done));
        Lvol clone = full.findLvol("v");
        assertThat(rig.<Lvol>refused(done -> full.createSnapshot(clone, new SnapshotOptions("t", null, null, null, NOW), done)).code())
                .isEqualTo("snapshot-unsettled");
        assertThat(rig.<Lvol>refused(done -> full.rollbackLvol(clone, kept, done)).code()).isEqualTo("snapshot-unsettled");
        assertThat(rig.<Lvol>refused(done -> full.inflateLvol(clone, WorkWatch.NONE, done)).code()).isEqualTo("replica-busy");
        int named = clone.blob().rootPage;
        rig.<Void>ok(done -> full.destroyLvol(clone, done));
        List<Lvol> later = fill(full, "g");
        assertThat(later).isNotEmpty().noneMatch(lvol -> lvol.blob().rootPage == named);
        rig.<Void>ok(full::export);
        LvStore again = rig.load(second);
        assertThat(again.findLvol("s").usable()).as("the page that was left free lets the change end").isTrue();
        assertThat(read(again.findLvol("s"))).isEqualTo(pattern(1));
        rig.<Void>ok(again::export);
        new SlowDecoder(second.current());
    }

    @Test
    void readOnlyAHalfMadeSnapshotOfADamagedVolumeIsToldOf() {
        make(100);
        create(store, "sound");
        mark();
        long at = store.geometry().metadataPageAtBytes(volume.blob().rootPage) + 100;
        SimDisk.Contents damaged = cut();
        byte[] one = damaged.read(at, 1);
        one[0] ^= 4;
        damaged.write(at, one, 0, 1);
        SimDisk second = disk(damaged);
        LvStore looked = rig.<LvStore>ok(done -> rig.stores.load(second, READ_ONLY, done));
        assertThat(looked.findLvol("sound").usable()).isTrue();
        assertThat(looked.findLvol("s").usable()).isFalse();
        assertThat(looked.problems()).anyMatch(problem -> problem.contains("volume s:") && problem.contains("damaged"));
        rig.<Void>ok(looked::export);
    }

    @Test
    void readOnlyACircleOfClonesHidesOnlyThose() {
        make(100);
        create(store, "sound");
        rewrite(snapshot, blob -> blob.internalXattr(LvolFeatures.PARENT, volume.blob().id()));
        SimDisk circle = disk(cut());
        OperationException refused = rig.<LvStore>refused(done -> rig.stores.load(circle, LvStores.Expected.any(), done));
        assertThat(refused.getMessage()).contains("clone of itself");
        LvStore looked = rig.<LvStore>ok(done -> rig.stores.load(circle, READ_ONLY, done));
        assertThat(looked.findLvol("sound").usable()).isTrue();
        assertThat(looked.findLvol("v").unusableReason()).contains("clone of itself");
        assertThat(looked.findLvol("s").unusableReason()).contains("clone of itself");
        assertThat(looked.problems()).anyMatch(problem -> problem.contains("clone of itself"));
        rig.<Void>ok(looked::export);
        assertThat(circle.writeCount).isZero();
    }

    /** SPDK shrinks clones. */
    @Test
    void aCloneShorterThanItsSnapshotGrowsOnlyWhenItIsNoCloneAnyMore() {
        make(100);
        rewrite(volume, blob -> blob.resizeArrays(2));
        LvStore loaded = rig.load(disk(cut()));
        Lvol clone = loaded.findLvol("v");
        assertThat(clone.clusterCount()).isEqualTo(2);
        OperationException refused = rig.<Lvol>refused(done -> loaded.resizeLvol(clone, 4 * MIB, done));
        assertThat(refused.code()).isEqualTo("snapshot-longer");
        assertThat(refused.getMessage()).contains("inflate it first");
        rig.<Lvol>ok(done -> loaded.inflateLvol(clone, WorkWatch.NONE, done));
        assertThat(rig.<Lvol>ok(done -> loaded.resizeLvol(clone, 4 * MIB, done)).clusterCount()).isEqualTo(4);
        assertThat(read(loaded.findLvol("s"))).isEqualTo(pattern(1));
    }
}
