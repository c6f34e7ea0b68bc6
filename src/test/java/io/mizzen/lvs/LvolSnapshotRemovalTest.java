package io.mizzen.lvs;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.IoType;
import io.mizzen.util.Completion;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Deletion of snapshots, rollback, inflating and decoupling, and what has changed between two. */
class LvolSnapshotRemovalTest {
    private static final long MIB = 1 << 20;
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private final LvsRig rig = new LvsRig(13);
    private int nextDisk;

    private SimDisk disk(int blockSize) {
        return rig.register(new SimDisk("disk" + ++nextDisk, blockSize, 64 * MIB, new SimDisk.Contents(), false, new Random(1)));
    }

    private Lvol create(LvStore store, String name, long sizeBytes) {
        return rig.<Lvol>ok(done -> store.createLvol(name, null, sizeBytes, true, done));
    }

    private Lvol snapshot(LvStore store, Lvol lvol, String name) {
        return rig.<Lvol>ok(done -> store.createSnapshot(lvol, new SnapshotOptions(name, null, null, null, NOW), done));
    }

    private Lvol clone(LvStore store, Lvol snapshot, String name) {
        return rig.<Lvol>ok(done -> store.cloneSnapshot(snapshot, name, null, NOW, done));
    }

    private byte[] all(Lvol lvol) {
        return rig.read(lvol, 0, (int) lvol.sizeBytes());
    }

    private static LvolRanges.Range range(long firstCluster, long count, boolean zero) {
        return new LvolRanges.Range(firstCluster * MIB, count * MIB, zero);
    }

    private static List<LvolRanges.Range> ranges(Lvol since, Lvol of, long fromBytes, int countMax) {
        LvolRanges.Page page = LvolRanges.list(since, of, fromBytes, countMax);
        assertThat(page.nextOffsetBytes() == LvolRanges.END || page.ranges().size() == countMax).isTrue();
        return page.ranges();
    }

    @Test
    void rangesTellWhatIsAllocatedAndWhatChanged() {
        LvStore store = rig.create(disk(512), "pool", MIB);
        Lvol lvol = create(store, "v", 8 * MIB);
        rig.write(lvol, MIB, LvsRig.pattern(4096, 1));
        rig.write(lvol, 3 * MIB, LvsRig.pattern(4096, 2));
        Lvol first = snapshot(store, lvol, "s1");
        rig.write(lvol, 3 * MIB, LvsRig.pattern(4096, 3));
        rig.write(lvol, 4 * MIB, LvsRig.pattern(4096, 4));
        Lvol second = snapshot(store, lvol, "s2");
        rig.write(lvol, 7 * MIB, LvsRig.pattern(4096, 5));
        assertThat(ranges(null, first, 0, 10)).containsExactly(range(1, 1, false), range(3, 1, false));
        assertThat(ranges(null, lvol, 0, 10)).containsExactly(range(1, 1, false), range(3, 2, false), range(7, 1, false));
        assertThat(ranges(null, lvol, 4 * MIB, 1)).containsExactly(range(4, 1, false));
        assertThat(ranges(null, lvol, 5 * MIB, 1)).containsExactly(range(7, 1, false));
        assertThat(ranges(null, lvol, 8 * MIB, 1)).isEmpty();
        assertThat(ranges(first, second, 0, 10)).containsExactly(range(3, 2, false));
        assertThat(ranges(second, first, 0, 10)).containsExactly(range(3, 1, false), range(4, 1, true));
        assertThat(ranges(second, lvol, 0, 10)).containsExactly(range(7, 1, false));
        rig.<Void>ok(done -> store.destroyLvol(first, done));
        assertThat(ranges(second, lvol, 0, 10)).containsExactly(range(7, 1, false));
        assertThat(ranges(null, second, 0, 10)).containsExactly(range(1, 1, false), range(3, 2, false));
    }

    /** What nobody reads any more is given back, what somebody does is not; a discarded snapshot is cloned no more. */
    @Test
    void aSnapshotWithSeveralReadersStaysUntilOneIsLeft() {
        SimDisk disk = disk(512);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = create(store, "v", 4 * MIB);
        rig.write(lvol, 0, LvsRig.pattern((int) (3 * MIB), 1));
        Lvol snapshot = snapshot(store, lvol, "s");
        Lvol clone = clone(store, snapshot, "c");
        rig.write(lvol, 0, LvsRig.pattern((int) MIB, 2));
        rig.<Void>ok(done -> store.destroyLvol(snapshot, done));
        assertThat(snapshot.snapshotInfo().discarded()).isTrue();
        assertThat(rig.<Lvol>refused(done -> store.cloneSnapshot(snapshot, "d", null, NOW, done)).code()).isEqualTo("snapshot-discarded");
        assertThat(new SlowDecoder(disk.current()).volumes).containsKey("s");
        rig.<Void>ok(done -> store.destroyLvol(clone, done));
        rig.hand.runUntil(() -> store.findLvol("s") == null && store.quiet(), 100_000);
        assertThat(lvol.parent()).isNull();
        assertThat(lvol.allocatedClusterCount()).isEqualTo(3);
        SlowDecoder decoder = new SlowDecoder(disk.current());
        assertThat(decoder.volumes.keySet()).containsExactly("v");
        assertThat(decoder.freeClusters()).isEqualTo(store.freeClusterCount()).isEqualTo(store.clusterCount() - 3);
        byte[] now = Arrays.copyOf(LvsRig.pattern((int) (3 * MIB), 1), (int) (4 * MIB));
        System.arraycopy(LvsRig.pattern((int) MIB, 2), 0, now, 0, (int) MIB);
        assertThat(Arrays.equals(all(lvol), now)).isTrue();
    }

    /** A read of the snapshot's first cluster, which the volume needs no more once that has begun. Ends with {@code holdsReads}. */
    private VolumeHandle.Pending readWithoutEnd(SimDisk disk, LvsRig.Handle handle) {
        disk.holdsReads = true;
        VolumeHandle.Pending read = handle.submit(IoType.READ, 0, 4096, LvsRig.payloadAddress() + 4 * MIB, 0);
        rig.hand.tickAll(100);
        assertThat(handle.io(IoType.WRITE_ZEROES, 0, MIB, 0)).isZero();      // Nothing is copied for this.
        return read;
    }

    /** A cluster is not given to others while a read that began before is under way to it. */
    @Test
    void readersAreWaitedForBeforeClustersAreGivenBack() {
        SimDisk disk = disk(512);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = create(store, "v", 2 * MIB);
        rig.write(lvol, 0, LvsRig.pattern((int) MIB, 1));
        Lvol snapshot = snapshot(store, lvol, "s");
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        VolumeHandle.Pending read = readWithoutEnd(disk, handle);
        LvsRig.Outcome<Void> deletion = rig.start(done -> store.destroyLvol(snapshot, done));
        rig.hand.tickAll(3000);
        assertThat(deletion.ended).isFalse();
        assertThat(store.freeClusterCount()).isEqualTo(store.clusterCount() - 2);
        disk.holdsReads = false;
        rig.hand.runUntil(() -> deletion.ended && read.ended, 100_000);
        assertThat(deletion.failure).isNull();
        assertThat(read.status).isZero();
        assertThat(store.freeClusterCount()).isEqualTo(store.clusterCount() - 1);
        handle.close();
    }

    /** So too when the volume has become independent of the snapshot, which nobody stands on then, since the read began. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void readersAreWaitedForBeforeASnapshotThatIsNeededNoMoreGoes(boolean decouple) {
        SimDisk disk = disk(512);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = create(store, "v", MIB);
        rig.write(lvol, 0, LvsRig.pattern((int) MIB, 1));
        Lvol snapshot = snapshot(store, lvol, "s");
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        VolumeHandle.Pending read = readWithoutEnd(disk, handle);
        LvsRig.Outcome<Lvol> alone = rig.start(done -> begin(store, lvol, decouple, WorkWatch.NONE, done));
        rig.hand.runUntil(() -> lvol.parent() == null, 100_000);
        LvsRig.Outcome<Void> deletion = rig.start(done -> store.destroyLvol(snapshot, done));
        rig.hand.tickAll(3000);
        assertThat(read.ended).isFalse();
        assertThat(deletion.ended).isFalse();
        assertThat(store.freeClusterCount()).isEqualTo(store.clusterCount() - 2);
        disk.holdsReads = false;
        rig.hand.runUntil(() -> alone.ended && deletion.ended && read.ended, 100_000);
        assertThat(alone.failure).isNull();
        assertThat(deletion.failure).isNull();
        assertThat(read.status).isZero();
        assertThat(store.freeClusterCount()).isEqualTo(store.clusterCount() - 1);
        handle.close();
    }

    /** It reads as before at any moment, from its snapshot where nothing was allocated yet; asked again, it goes on from there. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anInflationThatIsCancelledHasAllocatedSomeAndNoMore(boolean decouple) {
        int most = 0;
        for (int looks = 0; ; looks++) {
            SimDisk disk = disk(512);
            LvStore store = rig.create(disk, "pool", MIB);
            Lvol lvol = create(store, "v", 11 * MIB);
            for (int i = 0; i < 6; i++) {
                rig.write(lvol, i * MIB, LvsRig.pattern(4096, i));
            }
            snapshot(store, lvol, "s");
            rig.write(lvol, 3 * MIB + 512, LvsRig.pattern(512, 99));
            byte[] now = all(lvol);
            int wanted = decouple ? 5 : 10;
            int end = looks;
            int[] seen = new int[2];
            WorkWatch watch = (doneBytes, totalBytes) -> {
                assertThat(totalBytes).isEqualTo(wanted * MIB);
                assertThat(doneBytes).isBetween(seen[1] * MIB, totalBytes);
                seen[1] = (int) (doneBytes / MIB);
                return seen[0]++ < end;
            };
            LvsRig.Outcome<Lvol> outcome = rig.run(done -> begin(store, lvol, decouple, watch, done));
            assertThat(lvol.work()).isNull();
            assertThat(Arrays.equals(all(lvol), now)).isTrue();
            assertThat(new SlowDecoder(disk.current()).freeClusters()).isEqualTo(store.freeClusterCount());
            if (outcome.failure == null) {
                assertThat(seen[1]).as("all of it is told").isEqualTo(wanted);
                assertThat(lvol.parent()).isNull();
                break;
            }
            assertThat(outcome.failure.code()).isEqualTo(LvStore.INFLATION_ENDED);
            assertThat(lvol.parentName()).isEqualTo("s");
            assertThat(lvol.allocatedClusterCount()).isEqualTo(1 + seen[1]);
            most = Math.max(most, seen[1]);
            rig.<Lvol>ok(done -> begin(store, lvol, decouple, WorkWatch.NONE, done));
            assertThat(lvol.parent()).isNull();
            rig.<Void>ok(done -> store.destroyLvol(store.findLvol("s"), done));
            assertThat(Arrays.equals(all(lvol), now)).isTrue();
            rig.<Void>ok(store::export);
        }
        assertThat(most).as("cancelled between the last copy and the commit, too").isEqualTo(decouple ? 5 : 10);
    }

    private static void begin(LvStore store, Lvol lvol, boolean decouple, WorkWatch watch, Completion<Lvol> done) {
        if (decouple) {
            store.decoupleLvol(lvol, watch, done);
        } else {
            store.inflateLvol(lvol, watch, done);
        }
    }

    @Test
    void rollbackInflateAndDecoupleSayWhyTheyAreRefused() {
        LvStore store = rig.create(disk(512), "pool", MIB);
        Lvol lvol = create(store, "v", 4 * MIB);
        Lvol other = create(store, "w", 4 * MIB);
        Lvol snapshot = snapshot(store, lvol, "s");
        Lvol foreign = snapshot(store, other, "t");
        assertThat(rig.<Lvol>refused(done -> store.rollbackLvol(lvol, foreign, done)).code()).isEqualTo("snapshot-foreign");
        assertThat(rig.<Lvol>refused(done -> store.rollbackLvol(lvol, other, done)).code()).isEqualTo("snapshot-foreign");
        assertThat(rig.<Lvol>refused(done -> store.rollbackLvol(snapshot, snapshot, done)).code()).isEqualTo("snapshot-immutable");
        LvsRig.Handle handle = rig.open(lvol.bdev(), 1);
        assertThat(rig.<Lvol>refused(done -> store.rollbackLvol(lvol, snapshot, done)).code()).isEqualTo("replica-in-use");
        handle.close();
        assertThat(rig.<Lvol>refused(done -> store.inflateLvol(snapshot, WorkWatch.NONE, done)).code()).isEqualTo("snapshot-immutable");
        Lvol plain = create(store, "x", 4 * MIB);
        assertThat(rig.<Lvol>refused(done -> store.decoupleLvol(plain, WorkWatch.NONE, done)).code()).isEqualTo("replica-no-clone");
        Lvol large = create(store, "large", 60 * MIB);
        snapshot(store, large, "ls");
        assertThat(rig.<Lvol>ok(done -> store.decoupleLvol(large, WorkWatch.NONE, done)).parent()).isNull();
        rig.<Lvol>ok(done -> store.createLvol("thick", null, 20 * MIB, false, done));
        assertThat(rig.<Lvol>refused(done -> store.inflateLvol(large, WorkWatch.NONE, done)).code()).isEqualTo("pool-no-space");
    }

    /** Chains shrink from the middle and from both ends, and a rolled back volume goes on from where it was. */
    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void deletionInAnyOrderKeepsWhatIsRead(int blockSize) {
        for (int order = 0; order < 6; order++) {
            SimDisk disk = disk(blockSize);
            LvStore store = rig.create(disk, "pool", MIB);
            Lvol lvol = create(store, "v", 5 * MIB);
            byte[] now = new byte[(int) (5 * MIB)];
            byte[][] states = new byte[4][];
            for (int i = 0; i < 4; i++) {
                byte[] data = LvsRig.pattern(8192, i);
                rig.write(lvol, i * MIB + 4096, data);
                rig.write(lvol, 4 * MIB, data);
                System.arraycopy(data, 0, now, (int) (i * MIB + 4096), data.length);
                System.arraycopy(data, 0, now, (int) (4 * MIB), data.length);
                states[i] = now.clone();
                snapshot(store, lvol, "s" + i);
            }
            rig.<Lvol>ok(done -> store.rollbackLvol(lvol, store.findLvol("s2"), done));
            assertThat(Arrays.equals(all(lvol), states[2])).isTrue();
            List<String> names = new java.util.ArrayList<>(List.of("s0", "s1", "s3"));
            java.util.Collections.shuffle(names, new Random(order));
            for (String name : names) {
                rig.<Void>ok(done -> store.destroyLvol(store.findLvol(name), done));
                rig.hand.runUntil(store::quiet, 100_000);
                assertThat(Arrays.equals(all(lvol), states[2])).isTrue();
                for (int i = 0; i < 4; i++) {
                    Lvol left = store.findLvol("s" + i);
                    assertThat(left == null || Arrays.equals(all(left), states[i])).as("s" + i).isTrue();
                }
                assertThat(new SlowDecoder(disk.current()).freeClusters()).isEqualTo(store.freeClusterCount());
            }
            assertThat(store.findLvol("s2").allocatedClusterCount()).isEqualTo(4);
            rig.<Void>ok(store::export);
        }
    }

    /** Whichever write fails, the pool says so if it matters, and holds after an import what it did. */
    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void aWriteThatFailsAtAnyStepLosesNothing(int blockSize) {
        List<BiConsumer<LvStore, Completion<Object>>> changes = List.of(
                (store, done) -> store.createSnapshot(store.findLvol("v"), new SnapshotOptions("n", null, null, null, NOW),
                        (lvol, failure) -> done.complete(lvol, failure)),
                (store, done) -> store.destroyLvol(store.findLvol("s0"), (nothing, failure) -> done.complete(nothing, failure)),
                (store, done) -> store.destroyLvol(store.findLvol("s1"), (nothing, failure) -> done.complete(nothing, failure)),
                (store, done) -> store.inflateLvol(store.findLvol("v"), WorkWatch.NONE, (lvol, failure) -> done.complete(lvol, failure)),
                (store, done) -> store.decoupleLvol(store.findLvol("v"), WorkWatch.NONE, (lvol, failure) -> done.complete(lvol, failure)),
                (store, done) -> store.cloneSnapshot(store.findLvol("s1"), "n", null, NOW,
                        (lvol, failure) -> done.complete(lvol, failure)));
        for (BiConsumer<LvStore, Completion<Object>> change : changes) {
            int writes = 0;
            while (!endsWithAllWrites(blockSize, change, writes)) {
                writes++;
            }
            assertThat(writes).isPositive();
        }
    }

    /** Whether the change ends well although no write succeeds behind so many. */
    private boolean endsWithAllWrites(int blockSize, BiConsumer<LvStore, Completion<Object>> change, int writes) {
        SimDisk disk = disk(blockSize);
        LvStore store = rig.create(disk, "pool", MIB);
        Lvol lvol = create(store, "v", 3 * MIB);
        rig.write(lvol, 0, LvsRig.pattern(8192, 1));
        byte[] first = all(lvol);
        snapshot(store, lvol, "s0");
        rig.write(lvol, MIB, LvsRig.pattern(8192, 2));
        byte[] second = all(lvol);
        snapshot(store, lvol, "s1");
        rig.write(lvol, 4096, LvsRig.pattern(4096, 3));
        byte[] now = all(lvol);
        disk.writesUntilFailure = writes;
        LvsRig.Outcome<Object> outcome = rig.run(done -> change.accept(store, done));
        rig.hand.runUntil(store::quiet, 100_000);
        boolean ended = outcome.failure == null && store.state() == LvStore.State.ONLINE;
        disk.writesUntilFailure = -1;
        rig.<Void>ok(store::export);
        SimDisk again = rig.register(new SimDisk("again" + ++nextDisk, blockSize, 64 * MIB, disk.current(), false, new Random(2)));
        LvStore loaded = rig.load(again);
        rig.hand.runUntil(loaded::quiet, 100_000);
        assertThat(Arrays.equals(all(loaded.findLvol("v")), now)).isTrue();
        for (Lvol each : loaded.lvols()) {
            byte[] wanted = each.name().equals("s0") ? first : each.name().equals("s1") ? second
                    : each.name().equals("n") && !each.snapshot() ? second : now;
            assertThat(Arrays.equals(all(each), wanted)).as("%s after %s writes", each, writes).isTrue();
        }
        assertThat(new SlowDecoder(again.current()).freeClusters()).isEqualTo(loaded.freeClusterCount());
        rig.<Void>ok(loaded::export);
        return ended;
    }
}
