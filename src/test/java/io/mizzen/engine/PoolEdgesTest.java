package io.mizzen.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.PoolDiskSpec;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.lvs.LvStores;
import io.mizzen.util.ErrorKind;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What goes wrong with pools is told as it is, and leaves a way out. */
class PoolEdgesTest {
    private static final long MIB = 1 << 20;
    private static final String DISK = "malloc:///d0?size_mb=64";
    private static final String R1 = "11111111-1111-4111-8111-111111111111";
    private static final String R2 = "22222222-2222-4222-8222-222222222222";
    private static final String POOL_A = "aaaaaaaa-1111-4111-8111-111111111111";
    private static final String POOL_B = "bbbbbbbb-1111-4111-8111-111111111111";

    private static PoolSpec pool(String name, String uuid, String... disks) {
        return new PoolSpec(name, uuid, List.of(disks), MIB, List.of(), true);
    }

    private static FaultSpec writesFail(long startBlock, long blockCount) {
        return new FaultSpec("w", FaultSpec.Operation.WRITE, FaultSpec.Stage.SUBMISSION, FaultSpec.Action.ERROR, startBlock, blockCount, 0, 0,
                0x280);
    }

    /** A disk that fails when told so, and the pool on it. */
    private static PoolView onFaultyDisk(EngineHarness h, String name, PoolSpec.Room room) {
        h.get(h.engine.createBdev(new BdevSpec("malloc:///base-" + name + "?size_mb=32")));
        h.get(h.engine.createBdev(new BdevSpec("fault:///disk-" + name + "?base=base-" + name)));
        return h.get(h.engine.createPool(new PoolSpec(name, null, List.of("bdev:///disk-" + name), MIB, List.of(), true, room)));
    }

    private static List<String> events(EngineHarness h, String name) {
        return h.engine.events(0, 1000).events().stream().filter(event -> name.equals(event.name())).map(EventView::kind).toList();
    }

    @Test
    void aPoolIsImportedByItsUuidWhateverItsName() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createBdev(new BdevSpec(DISK)));
            h.get(h.engine.createPool(pool("p0", R1, DISK)));
            h.get(h.engine.exportPool("p0"));
            h.refused(ErrorKind.INVALID_ARGUMENT, "pool-uuid-mismatch", h.engine.importPool(pool(null, R2, DISK)), R1);
            assertThat(h.get(h.engine.importPool(pool(null, R1, DISK))).name()).isEqualTo("p0");
            assertThat(h.get(h.engine.importPool(pool(null, R1, DISK))).name()).as("again").isEqualTo("p0");
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-name", h.engine.importPool(pool(null, null, DISK)));
        }
    }

    @Test
    void aUuidIsNeverTakenForThePoolThatHasItAsItsName() {
        try (EngineHarness h = new EngineHarness(1)) {
            String other = "malloc:///d1?size_mb=64";
            h.get(h.engine.createBdev(new BdevSpec(DISK)));
            h.get(h.engine.createBdev(new BdevSpec(other)));
            h.get(h.engine.createPool(pool("p0", R1, DISK)));
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-name", h.engine.createPool(pool(R1, R2, other)), "UUID of another pool");
            Plane plane = ((DataPlane) h.engine).plane();
            PlaneCall.<Void>on(plane.control(), "foreign pool", 60_000_000_000L, done -> new LvStores(plane.registry, plane.control())
                    .create(plane.registry.get("d1"), LvStores.Options.named(R1), (store, failure) -> store.export(done)));
            PoolView foreign = h.get(h.engine.importPool(pool(R1, null, other)));
            assertThat(foreign.uuid()).isNotEqualTo(R1);
            assertThat(h.get(h.engine.pool(R1)).name()).isEqualTo("p0");
            assertThat(h.get(h.engine.pool(foreign.uuid())).name()).isEqualTo(R1);
            h.get(h.engine.destroyPool(R1, true));
            assertThat(h.get(h.engine.pool(R1)).uuid()).as("the only one left of that name").isEqualTo(foreign.uuid());
        }
    }

    /** Volumes go in so many words only; what loses nothing needs none. */
    @Test
    void nothingIsDestroyedBesideWhatIsNamedWithoutAWord() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createBdev(new BdevSpec(DISK)));
            h.get(h.engine.createPool(pool("p0", null, DISK)));
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 8 * MIB, true)));
            h.refused(ErrorKind.FAILED_PRECONDITION, "replica-would-shrink", h.engine.resizeReplica(R1, 7 * MIB, false),
                    "8388608 bytes", "byte 7340032", "\"shrink\": true");
            assertThat(h.get(h.engine.resizeReplica(R1, 7 * MIB + 1, false)).sizeBytes()).as("the same clusters").isEqualTo(8 * MIB);
            assertThat(h.get(h.engine.resizeReplica(R1, 7 * MIB, true)).sizeBytes()).isEqualTo(7 * MIB);
            assertThat(h.get(h.engine.resizeReplica(R1, 7 * MIB, false)).sizeBytes()).as("sent again").isEqualTo(7 * MIB);
            h.get(h.engine.createSnapshot(new SnapshotSpec(R2, "s1", R1, null, null)));
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-not-empty", h.engine.destroyPool("p0", false), "replica r1", "snapshot s1",
                    "/v1/pools/p0/export", "?withReplicas=true");
            h.get(h.engine.destroyReplica(R1));
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-not-empty", h.engine.destroyPool("p0", false), "empty: snapshot s1.");
            for (int i = 0; i < 5; i++) {
                h.get(h.engine.createReplica(new ReplicaSpec(UUID.randomUUID().toString(), "more" + i, "p0", 2 * MIB, true)));
            }
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-not-empty", h.engine.destroyPool("p0", false), "and 1 more");
            h.get(h.engine.exportPool("p0"));
            h.get(h.engine.importPool(pool("p0", null, DISK), new PoolImport(false, true)));
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-read-only", h.engine.destroyPool("p0", false), "readOnly");
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-read-only", h.engine.resizeReplica("p0/more0", 1, false), "readOnly");
            h.get(h.engine.exportPool("p0"));
            h.get(h.engine.importPool(pool("p0", null, DISK)));
            h.get(h.engine.destroyPool("p0", true));
            h.get(h.engine.createPool(pool("p0", null, DISK)));
            h.get(h.engine.destroyPool("p0", false));
        }
    }

    /** Two copies of one replica: the one that is served is told by its pool, and never goes over into the other. */
    @Test
    void aReplicaThatIsInTwoPoolsIsServedFromTheOneThatIsNamed() {
        try (RunningEngine r = new RunningEngine()) {
            EngineHarness h = r.ask;
            String other = "malloc:///d1?size_mb=64";
            h.get(r.engine.createBdev(new BdevSpec(DISK)));
            h.get(r.engine.createBdev(new BdevSpec(other)));
            h.get(r.engine.createPool(pool("p0", POOL_A, DISK)));
            h.get(r.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 8 * MIB, true)));
            h.get(r.engine.exportPool("p0"));
            h.get(r.engine.createPool(pool("p1", POOL_B, other)));
            h.get(r.engine.createReplica(new ReplicaSpec(R1, "r1", "p1", 4 * MIB, true)));
            h.get(r.engine.importPool(pool("p0", POOL_A, DISK)));
            ShareSpec all = new ShareSpec(List.of("any"));
            h.refused(ErrorKind.FAILED_PRECONDITION, "replica-unsupported", r.engine.shareReplica(POOL_A + "/" + R1, all), R1,
                    "volume p1/r1 has the same UUID");
            assertThat(h.get(r.engine.shareReplica(POOL_B + "/" + R1, all))).extracting(ReplicaView::poolUuid, ReplicaView::sizeBytes)
                    .containsExactly(POOL_B, 4 * MIB);
            assertThat(h.get(r.engine.shareReplica("p1/" + R1, all)).poolUuid()).isEqualTo(POOL_B);
            assertThat(h.get(r.engine.replica("p1/r1")).share()).isNotNull();
            assertThat(h.get(r.engine.replica("p0/r1")).share()).as("of the other one").isNull();
            h.refused(ErrorKind.NOT_FOUND, "replica-not-found", r.engine.shareReplica(POOL_B + "/" + R2, all), R2);
            h.refused(ErrorKind.NOT_FOUND, "pool-not-found", r.engine.shareReplica(R2 + "/" + R1, all), R2);
        }
    }

    /** SPDK takes any text for a name. */
    @Test
    void aPoolWithANameThatNobodyWouldGiveHereIsImportedAllTheSame() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createBdev(new BdevSpec(DISK)));
            Plane plane = ((DataPlane) h.engine).plane();
            PlaneCall.<Void>on(plane.control(), "foreign pool", 60_000_000_000L, done -> new LvStores(plane.registry, plane.control())
                    .create(plane.registry.get("d0"), LvStores.Options.named("lvs 1 (old)"), (store, failure) -> store.export(done)));
            h.refused(ErrorKind.INVALID_ARGUMENT, "pool-name-mismatch", h.engine.importPool(pool("lvs 1", null, DISK)), "lvs 1 (old)");
            PoolView pool = h.get(h.engine.importPool(pool("lvs 1 (old)", null, DISK)));
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", pool.name(), MIB, true)));
            assertThat(h.get(h.engine.replica(pool.name() + "/r1")).uri()).isEqualTo("lvol:///lvs%201%20%28old%29/r1");
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-name", h.engine.createPool(pool("lvs 2", null, "malloc:///d1?size_mb=64")));
        }
    }

    /** 29 clusters: a percentage of them in binary fractions is a little less. */
    @Test
    void aLimitOfAHundredPercentAdmitsAllOfThePool() {
        try (EngineHarness h = new EngineHarness(1)) {
            PoolView pool = h.get(h.engine.createPool(pool("p0", null, "malloc:///d0?size_mb=30")));
            assertThat(pool.capacityBytes()).isEqualTo(29 * MIB);
            h.get(h.engine.setCommitLimit("p0", 100));
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 29 * MIB, false)));
            h.refused(ErrorKind.RESOURCE_EXHAUSTED, "pool-commit-limit", h.engine.createReplica(new ReplicaSpec(R2, "r2", "p0", 1, true)));
        }
    }

    /** Nothing is written to such a pool, not even that it is gone. */
    @Test
    void aFaultedPoolIsNotDestroyedAndNotSaidToBe() {
        try (EngineHarness h = new EngineHarness(1)) {
            onFaultyDisk(h, "p0", PoolSpec.Room.DEFAULT);
            h.get(h.engine.putFault("disk-p0", writesFail(0, 0)));
            h.engine.createReplica(new ReplicaSpec(R1, "r", "p0", MIB, true)).exceptionally(refused -> null).join();
            assertThat(h.get(h.engine.pool("p0")).state()).isEqualTo("FAULTED");
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-faulted", h.engine.destroyPool("p0", true), "export", "import");
            h.get(h.engine.deleteFault("disk-p0", "w"));
            h.get(h.engine.exportPool("p0"));
            assertThat(events(h, "p0")).contains("pool-exported").doesNotContain("pool-destroyed");
            assertThat(h.get(h.engine.importPool(pool("p0", null, "bdev:///disk-p0"))).state()).isEqualTo("ONLINE");
            h.get(h.engine.destroyPool("p0", true));
            assertThat(events(h, "p0")).contains("pool-destroyed");
        }
    }

    /** Sent again, the request does what it did not come to. */
    @Test
    void aDiskThatWasAddedWithoutThePoolGrowingIsTakenInByTheSameRequest() {
        try (EngineHarness h = new EngineHarness(1)) {
            PoolView small = onFaultyDisk(h, "p0", new PoolSpec.Room(true, 0, 0));
            h.get(h.engine.putFault("disk-p0", writesFail(MIB / 512, 8)));       // The super block, behind the RAID superblock's MiB.
            PoolDiskSpec more = new PoolDiskSpec("malloc:///more?size_mb=32", List.of(), true);
            h.engine.addPoolDisk("p0", more).exceptionally(refused -> null).join();
            assertThat(h.get(h.engine.pool("p0")).disks()).hasSize(2);
            h.get(h.engine.deleteFault("disk-p0", "w"));
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-faulted", h.engine.addPoolDisk("p0", more));
            List<String> disks = h.get(h.engine.pool("p0")).disks();
            h.get(h.engine.createBdev(new BdevSpec("malloc:///more?size_mb=32")));
            h.get(h.engine.exportPool("p0"));
            h.get(h.engine.importPool(pool("p0", null, disks.toArray(String[]::new))));
            assertThat(h.get(h.engine.addPoolDisk("p0", more)).capacityBytes()).isEqualTo(small.capacityBytes() + 31 * MIB);
        }
    }

    /** Made twice while a pool was away, it is the one that is served. */
    @Test
    void aUuidOfTwoReplicasIsThatOfTheOneThatCanBeUsed() {
        try (EngineHarness h = new EngineHarness(1)) {
            String other = "malloc:///d1?size_mb=64";
            h.get(h.engine.createBdev(new BdevSpec(DISK)));
            h.get(h.engine.createBdev(new BdevSpec(other)));
            h.get(h.engine.createPool(pool("p0", null, DISK)));
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r", "p0", MIB, true)));
            h.get(h.engine.exportPool("p0"));
            h.get(h.engine.createPool(pool("p1", null, other)));
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r", "p1", MIB, true)));
            h.get(h.engine.importPool(pool("p0", null, DISK)));
            assertThat(h.get(h.engine.replica("p0/r")).usable()).isFalse();
            h.get(h.engine.exportPool("p1"));
            h.get(h.engine.importPool(pool("p1", null, other)));
            assertThat(h.get(h.engine.replica(R1)).pool()).isEqualTo("p1");
            h.get(h.engine.destroyReplica(R1));
            assertThat(h.get(h.engine.replica(R1)).pool()).as("the one that is left").isEqualTo("p0");
        }
    }

    /** The newest goes first: it may lie on another one. */
    @Test
    void poolsOnPoolsAreClosedCleanWhenTheEngineStops() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createPool(pool("outer", null, DISK)));
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "outer", 48 * MIB, true)));
            h.get(h.engine.createPool(pool("inner", null, "lvol:///outer/r1")));
        }
    }
}
