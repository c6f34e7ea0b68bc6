package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.CloneSpec;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.Outcome;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.RangesView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.engine.model.SnapshotView;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.testsupport.Patience;
import io.mizzen.util.ErrorKind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Snapshots and clones through the facade, on real reactors. */
@Timeout(300)
class SnapshotTest {
    private static final String DISK = "malloc:///d0?size_mb=64";
    private static final String R = "11111111-1111-4111-8111-111111111111";
    private static final String S = "22222222-2222-4222-8222-222222222222";
    private static final String C = "33333333-3333-4333-8333-333333333333";
    private static final String S2 = "44444444-4444-4444-8444-444444444444";
    private static final long MIB = 1 << 20;

    /** The list looks at a chain once, for all that read from it. */
    @Test
    void theListTellsOfSpaceInSnapshotsWhatEachTellsByItself() {
        try (EngineHarness h = new EngineHarness(2)) {
            h.get(h.engine.createBdev(new BdevSpec(DISK)));
            h.get(h.engine.createPool(new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true)));
            h.get(h.engine.createReplica(new ReplicaSpec(R, "r", "p0", 8 * MIB, false)));
            h.get(h.engine.createSnapshot(new SnapshotSpec(S, "s", R, null, "tx")));
            h.get(h.engine.createSnapshot(new SnapshotSpec(S2, "s2", R, null, "tx2")));
            h.get(h.engine.cloneSnapshot(new CloneSpec(C, "c", "p0/s")));
            List<ReplicaView> listed = h.get(h.engine.replicas());
            assertEquals(4, listed.size());
            for (ReplicaView each : listed) {
                assertEquals(each.uuid().equals(S) ? 0 : 8 * MIB, each.snapshotBytes(), each.name());
                assertEquals(h.get(h.engine.replica(each.uuid())), each);
            }
        }
    }

    @Test
    void aSnapshotLivesThroughCloneRollbackInflateAndDeletion() {
        try (EngineHarness h = new EngineHarness(2)) {
            h.get(h.engine.createBdev(new BdevSpec(DISK)));
            h.get(h.engine.createPool(new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true)));
            h.get(h.engine.createReplica(new ReplicaSpec(R, "r", "p0", 8 * MIB, false)));
            SnapshotView taken = h.get(h.engine.createSnapshot(new SnapshotSpec(S, "s", R, null, "tx"))).view();
            assertEquals(R, taken.replica());
            assertEquals(8 * MIB, taken.allocatedBytes());
            assertEquals(List.of("r"), taken.readers());
            assertEquals("tx", taken.transactionId());
            assertTrue(taken.pauseNs() >= 0);
            assertEquals(new Outcome<>(taken, false), h.get(h.engine.createSnapshot(new SnapshotSpec(S, "s", "p0/r", null, "tx"))));
            ReplicaView after = h.get(h.engine.replica(R));
            assertEquals(0, after.allocatedBytes());
            assertEquals(8 * MIB, after.snapshotBytes());
            assertEquals("s", after.parent());
            ReplicaView clone = h.get(h.engine.cloneSnapshot(new CloneSpec(C, "c", "p0/s")));
            assertEquals(clone, h.get(h.engine.cloneSnapshot(new CloneSpec(C, "c", S))));
            assertEquals("s", clone.parent());
            RangesView all = h.get(h.engine.ranges(C, null, 0, 10));
            assertEquals(List.of(new RangesView.Range(0, 8 * MIB, false)), all.ranges());
            assertNull(all.nextOffsetBytes());
            assertEquals(List.of(), h.get(h.engine.ranges(C, S, 0, 10)).ranges());
            h.get(h.engine.rollbackReplica(R, S));
            h.refused(ErrorKind.NOT_FOUND, "snapshot-not-found", h.engine.rollbackReplica(R, C), C);
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-range", h.engine.ranges(C, S, -1, 10), "offset");
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-entity-id",
                    h.engine.createSnapshot(new SnapshotSpec(S2, "t", R, "x".repeat(256), null)), "255");
            h.get(h.engine.destroyReplica(S));
            assertTrue(h.get(h.engine.snapshots()).getFirst().discarded());
            h.refused(ErrorKind.NOT_FOUND, "snapshot-not-found", h.engine.cloneSnapshot(new CloneSpec(S2, "d", C)), "no snapshot " + C);
            h.refused(ErrorKind.FAILED_PRECONDITION, "snapshot-discarded", h.engine.cloneSnapshot(new CloneSpec(S2, "d", S)), "deleted");
            h.get(h.engine.inflateReplica(C, false));
            // The last reader but one is gone: the snapshot goes by itself.
            Patience.await(() -> h.get(h.engine.snapshots()).isEmpty() && h.get(h.engine.replica(C)).work() == null,
                    () -> h.get(h.engine.snapshots()).toString());
            ReplicaView inflated = h.get(h.engine.replica(C));
            assertEquals(8 * MIB, inflated.allocatedBytes());
            assertNull(inflated.parent());
            assertNull(inflated.work());
            assertEquals(8 * MIB, h.get(h.engine.replica(R)).allocatedBytes());
            assertTrue(h.engine.events(0, 1000).events().stream().anyMatch(e -> e.kind().equals("replica-inflated")));
            h.refused(ErrorKind.FAILED_PRECONDITION, "replica-no-clone", h.engine.inflateReplica(R, true), "clone");
        }
    }

    /** What is not stored is not told; what is, in one order. */
    @Test
    void anImportTellsOfASnapshotWhatIsKnown() {
        try (EngineHarness h = new EngineHarness(2)) {
            h.get(h.engine.createBdev(new BdevSpec(DISK)));
            h.get(h.engine.createPool(new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true)));
            h.get(h.engine.createReplica(new ReplicaSpec(R, "r", "p0", 8 * MIB, false)));
            assertNotNull(h.get(h.engine.createSnapshot(new SnapshotSpec(S, "s", R, null, "tx"))).view().pauseNs());
            h.get(h.engine.cloneSnapshot(new CloneSpec(C, "c", "p0/s")));
            SnapshotView before = h.get(h.engine.snapshots()).getFirst();
            assertEquals(List.of("c", "r"), before.readers());
            h.get(h.engine.exportPool("p0"));
            h.get(h.engine.importPool(new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true)));
            SnapshotView after = h.get(h.engine.snapshots()).getFirst();
            assertNull(after.pauseNs());
            assertEquals(before.readers(), after.readers());
            assertEquals(before.createdAt(), after.createdAt());
        }
    }

    /** Asked for at once, in any order, each is accepted, and the log tells of each that it has gone. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void allSnapshotsAndClonesAreDeletedAtOnce(int seed) {
        try (EngineHarness h = new EngineHarness(2)) {
            h.get(h.engine.createBdev(new BdevSpec(DISK)));
            h.get(h.engine.createPool(new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true)));
            h.get(h.engine.createReplica(new ReplicaSpec(R, "r", "p0", 4 * MIB, false)));
            List<String> all = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                String snapshot = "d0000000-0000-4000-8000-00000000000" + i;
                h.get(h.engine.createSnapshot(new SnapshotSpec(snapshot, "s" + i, R, null, null)));
                all.add(snapshot);
                String clone = "c0000000-0000-4000-8000-00000000000" + i;
                h.get(h.engine.cloneSnapshot(new CloneSpec(clone, "c" + i, snapshot)));
                all.add(clone);
            }
            Collections.shuffle(all, new Random(seed));
            List<CompletableFuture<Void>> asked = all.stream().map(h.engine::destroyReplica).toList();
            asked.forEach(h::get);
            while (h.get(h.engine.replicas()).size() > 1) {
                Thread.onSpinWait();        // Those that several read from go by themselves when one is left.
            }
            ReplicaView left = h.get(h.engine.replica(R));
            assertNull(left.parent());
            assertEquals(4 * MIB, left.allocatedBytes());
            List<String> gone = h.engine.events(0, 1000).events().stream().filter(e -> e.kind().equals("replica-destroyed"))
                    .map(e -> e.uuid()).sorted().toList();
            assertEquals(all.stream().sorted().toList(), gone);
        }
    }

    /** Its nexus would copy what it missed, and take all else for equal. */
    @Test
    void aChildThatIsOutIsNotRolledBack() {
        try (EngineHarness h = new EngineHarness(2)) {
            h.get(h.engine.createBdev(new BdevSpec(DISK)));
            h.get(h.engine.createPool(new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true)));
            h.get(h.engine.createReplica(new ReplicaSpec(R, "r", "p0", 24 * MIB, true)));
            h.get(h.engine.createNexus(new NexusSpec(C, "vol", List.of("lvol:///p0/r", "malloc:///leg?size_mb=24"), 0, null)));
            h.get(h.engine.createSnapshot(new SnapshotSpec(S, "s", R, null, null)));
            h.get(h.engine.offlineNexusChild(C, "lvol:///p0/r"));
            h.refused(ErrorKind.FAILED_PRECONDITION, "replica-in-use", h.engine.rollbackReplica(R, S), "vol");
        }
    }

    /** A nexus of another engine would read what it left from some replicas and what was before from this one. */
    @Test
    void whatHostsUseIsNotRolledBack() {
        String host = "nqn.2014-08.org.nvmexpress:uuid:99999999-1111-4111-8111-111111111111";
        try (RunningEngine r = new RunningEngine()) {
            r.ask.get(r.engine.createBdev(new BdevSpec(DISK)));
            r.ask.get(r.engine.createPool(new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true)));
            r.ask.get(r.engine.createReplica(new ReplicaSpec(R, "r", "p0", 8 * MIB, true)));
            r.ask.get(r.engine.createSnapshot(new SnapshotSpec(S, "s", R, null, null)));
            String nqn = r.ask.get(r.engine.shareReplica(R, new ShareSpec(List.of("any")))).share().nqn();
            try (NvmeTcpClient client = r.connect(0, 0xffff, nqn, host, 0)) {
                assertEquals(0, client.identify(1, 0).status());
                r.ask.refused(ErrorKind.FAILED_PRECONDITION, "replica-in-use", r.engine.rollbackReplica(R, S), "connected: " + host,
                        "DELETE /v1/replicas/" + R + "/share", "as a new child");
            }
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "replica-in-use", r.engine.rollbackReplica(R, S), "is shared over NVMe/TCP");
            r.ask.get(r.engine.unshareReplica(R));
            r.ask.get(r.engine.rollbackReplica(R, S));
        }
    }
}
