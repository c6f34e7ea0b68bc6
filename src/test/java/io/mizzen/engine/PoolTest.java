package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.testsupport.Patience;
import io.mizzen.util.ErrorKind;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Pools and replicas through the facade, on real reactors. */
class PoolTest {
    private static final String DISK = "malloc:///d0?size_mb=64";
    private static final String R1 = "11111111-1111-4111-8111-111111111111";
    private static final String R2 = "22222222-2222-4222-8222-222222222222";

    private static PoolSpec pool(String name, String disk, boolean allowTest, String... overwrite) {
        return new PoolSpec(name, null, List.of(disk), 1 << 20, List.of(overwrite), allowTest);
    }

    @Test
    void poolLivesThroughExportAndImport() {
        try (EngineHarness h = new EngineHarness(2)) {
            h.get(h.engine.createBdev(new BdevSpec(DISK)));
            PoolView pool = h.get(h.engine.createPool(pool("p0", DISK, true)));
            assertEquals("ONLINE", pool.state());
            assertTrue(pool.test());
            assertEquals(List.of(DISK), pool.disks());
            assertEquals(pool, h.get(h.engine.createPool(pool("p0", DISK, true))));
            h.refused(ErrorKind.ALREADY_EXISTS, "pool-exists", h.engine.createPool(
                    new PoolSpec("p0", null, List.of(DISK), 2 << 20, List.of(), true)), "clusterSizeBytes", "another name", "/v1/pools/p0/disks");
            ReplicaView replica = h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 3_000_000, false)));
            assertEquals(3 << 20, replica.sizeBytes());
            assertEquals("lvol:///p0/r1", replica.uri());
            assertEquals(3 << 20, replica.allocatedBytes());
            h.get(h.engine.exportPool("p0"));
            assertEquals(List.of(), h.get(h.engine.pools()));
            assertEquals(List.of(), h.get(h.engine.replicas()));
            assertEquals(List.of("d0"), h.get(h.engine.bdevs()).stream().map(BdevView::name).toList());
            h.refused(ErrorKind.FAILED_PRECONDITION, "disk-not-empty", h.engine.createPool(pool("p1", DISK, true)), "lvstore", "import it instead");
            PoolView again = h.get(h.engine.importPool(pool("p0", DISK, true)));
            assertEquals(pool.uuid(), again.uuid());
            assertFalse(again.recovered());
            assertEquals(replica, h.get(h.engine.replica("p0/r1")));
            h.refused(ErrorKind.FAILED_PRECONDITION, "bdev-in-use", h.engine.destroyBdev("d0"), "pool p0");
            h.get(h.engine.destroyPool(pool.uuid(), true));
            h.refused(ErrorKind.NOT_FOUND, "pool-not-found", h.engine.pool("p0"), "p0");
            h.get(h.engine.createPool(pool("p1", DISK, true)));
        }
    }

    /** Neither renamed nor silently left as it is, nor made twice. */
    @Test
    void aPoolThatIsThereUnderAnotherNameIsRefused() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createPool(new PoolSpec("p0", R1, List.of(DISK), 0, List.of(), true)));
            for (String disk : List.of(DISK, "malloc:///d1?size_mb=64")) {
                PoolSpec renamed = new PoolSpec("p1", R1, List.of(disk), 0, List.of(), true);
                h.refused(ErrorKind.ALREADY_EXISTS, "pool-exists", h.engine.createPool(renamed), "p0", "p1", R1);
                h.refused(ErrorKind.ALREADY_EXISTS, "pool-exists", h.engine.importPool(renamed), "p0");
            }
            assertEquals(List.of("p0"), h.get(h.engine.pools()).stream().map(PoolView::name).toList());
            assertEquals(List.of("d0"), h.get(h.engine.bdevs()).stream().map(BdevView::name).toList());
        }
    }

    /** However short the time between: of five pools, the watch that looks ten times a second has not seen all before. */
    @Test
    void eachPoolThatFaultsIsTold() {
        try (EngineHarness h = new EngineHarness(1)) {
            List<String> names = List.of("p0", "p1", "p2", "p3", "p4");
            for (String name : names) {
                h.get(h.engine.createBdev(new BdevSpec("malloc:///base-" + name + "?size_mb=16")));
                h.get(h.engine.createBdev(new BdevSpec("fault:///" + name + "?base=base-" + name)));
                h.get(h.engine.createPool(pool(name, "bdev:///" + name, true)));
                h.get(h.engine.putFault(name, new FaultSpec("w", FaultSpec.Operation.WRITE, FaultSpec.Stage.SUBMISSION, FaultSpec.Action.ERROR,
                        0, 0, 0, 0, 0x280)));
                h.engine.createReplica(new ReplicaSpec(R1.replace('1', name.charAt(1)), "r", name, 1 << 20, true))
                        .exceptionally(refused -> null).join();
                assertEquals("FAULTED", h.get(h.engine.pool(name)).state());
            }
            Supplier<List<String>> told = () -> h.engine.events(0, 1000).events().stream()
                    .filter(event -> event.kind().equals("pool-faulted")).map(EventView::name).toList();
            Patience.await(() -> told.get().size() >= names.size(), () -> told.get().toString());
            assertEquals(names, told.get());
        }
    }

    @Test
    void diskMadeForAPoolGoesWithIt() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.refused(ErrorKind.FAILED_PRECONDITION, "test-bdev", h.engine.createPool(pool("p0", DISK, false)), "allowTest");
            assertEquals(List.of(), h.get(h.engine.bdevs()));
            h.get(h.engine.createPool(pool("p0", DISK, true)));
            h.get(h.engine.exportPool("p0"));
            assertEquals(List.of(), h.get(h.engine.bdevs()));
        }
    }

    @Test
    void badPoolsAreRefused() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-name", h.engine.createPool(pool("a/b", DISK, true)), "a/b");
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-disks", h.engine.createPool(
                    new PoolSpec("p0", null, List.of(), 0, List.of(), true)));
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-cluster-size", h.engine.createPool(
                    new PoolSpec("p0", null, List.of(DISK), 3 << 20, List.of(), true)));
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-overwrite", h.engine.createPool(pool("p0", DISK, true, "everything")), "everything");
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-uuid", h.engine.createPool(
                    new PoolSpec("p0", "x", List.of(DISK), 0, List.of(), true)));
            h.refused(ErrorKind.NOT_FOUND, "pool-signature-missing", h.engine.importPool(pool("p0", DISK, true)));
            assertEquals(List.of(), h.get(h.engine.bdevs()));
        }
    }

    @Test
    void replicasAreCreatedResizedAndDestroyed() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createPool(pool("p0", DISK, true)));
            ReplicaSpec spec = new ReplicaSpec(R1, null, "p0", 8 << 20, true);
            ReplicaView replica = h.get(h.engine.createReplica(spec));
            assertEquals(R1, replica.name());
            assertTrue(replica.thin());
            assertEquals(0, replica.allocatedBytes());
            assertNull(replica.share());
            assertEquals(replica, h.get(h.engine.createReplica(spec)));
            h.refused(ErrorKind.ALREADY_EXISTS, "replica-exists", h.engine.createReplica(
                    new ReplicaSpec(R1, null, "p0", 9 << 20, true)), "sizeBytes");
            h.refused(ErrorKind.NOT_FOUND, "pool-not-found", h.engine.createReplica(new ReplicaSpec(R2, null, "p9", 1, true)), "p9");
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-size", h.engine.createReplica(new ReplicaSpec(R2, null, "p0", -1, true)));
            assertEquals(16 << 20, h.get(h.engine.resizeReplica(R1, 16 << 20, false)).sizeBytes());
            assertEquals(1, h.get(h.engine.pools()).getFirst().replicas());
            h.refused(ErrorKind.FAILED_PRECONDITION, "nvmf-off", h.engine.shareReplica(R1, new ShareSpec(List.of("any"))));
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-hosts", h.engine.shareReplica(R1, new ShareSpec(List.of())));
            h.get(h.engine.unshareReplica(R1));
            assertEquals(List.of("p0/" + R1 + " " + R1), replicaSeries(h));
            h.get(h.engine.destroyReplica(R1));
            assertEquals(List.of(), replicaSeries(h));
            h.refused(ErrorKind.NOT_FOUND, "replica-not-found", h.engine.replica(R1), R1);
        }
    }

    @Test
    void aPoolPromisesNoMoreThanItsLimitAndKeepsIt() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createPool(pool("p0", DISK, true)));
            long capacity = h.get(h.engine.pool("p0")).capacityBytes();
            assertEquals(0, h.get(h.engine.pool("p0")).commitLimitPercent());
            h.refused(ErrorKind.INVALID_ARGUMENT, "commit-limit-invalid", h.engine.setCommitLimit("p0", 50), "100");
            assertEquals(100, h.get(h.engine.setCommitLimit("p0", 100)).commitLimitPercent());
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", capacity, true)));
            h.refused(ErrorKind.RESOURCE_EXHAUSTED, "pool-commit-limit",
                    h.engine.createReplica(new ReplicaSpec(R2, "r2", "p0", 1, true)), "raise the limit");
            h.get(h.engine.setCommitLimit("p0", 0));
            h.get(h.engine.createReplica(new ReplicaSpec(R2, "r2", "p0", 1, true)));
            assertTrue(h.get(h.engine.pool("p0")).committedBytes() > capacity);
        }
    }

    /** What people call the replicas that metrics are shown of, and their UUIDs. */
    private static List<String> replicaSeries(EngineHarness h) {
        return h.engine.metrics().volumes().stream().filter(volume -> volume.kind() == ObjectKind.REPLICA)
                .map(volume -> volume.name() + " " + volume.uuid()).toList();
    }

    @Test
    void poolUnderUseIsNeitherExportedNorDestroyed() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createPool(pool("p0", DISK, true)));
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 8 << 20, true)));
            h.get(h.engine.createBdev(new BdevSpec("fault:///f0?base=lvol%3A%2F%2F%2Fp0%2Fr1")));
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-in-use", h.engine.exportPool("p0"), "r1", "fault bdev f0");
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-in-use", h.engine.destroyPool("p0", true), "r1", "fault bdev f0");
            h.refused(ErrorKind.FAILED_PRECONDITION, "replica-in-use", h.engine.destroyReplica("p0/r1"), "fault bdev f0");
            h.refused(ErrorKind.FAILED_PRECONDITION, "bdev-has-owner", h.engine.destroyBdev(R1), "pool");
            h.get(h.engine.destroyBdev("f0"));
            h.get(h.engine.exportPool("p0"));
        }
    }
}
