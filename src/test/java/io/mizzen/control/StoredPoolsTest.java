package io.mizzen.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.PoolDiskSpec;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.RateSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.testsupport.Patience;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The desired state of pools and of what is in them says what a start is to bring back: no less, and nothing that is gone. */
class StoredPoolsTest extends DesiredStateTestBase {
    private static final String POOL = "d0000000-0000-4000-8000-0000000000a0";
    private static final String OTHER = "d0000000-0000-4000-8000-0000000000b0";
    private static final String REPLICA = "d0000000-0000-4000-8000-0000000000a1";
    private static final String SNAPSHOT = "d0000000-0000-4000-8000-0000000000a2";
    private static final String DISK = "uring:///dev/a";
    private static final LimitsSpec LIMITS = new LimitsSpec(null, null, new RateSpec(1000, 0), null, null, null);

    private static PoolSpec pool(String uuid, String disk) {
        return new PoolSpec("a", uuid, List.of(disk), 0, List.of(), false, new PoolSpec.Room(true, 0, 0));
    }

    private DesiredState.StoredPool stored(String uuid) {
        return state.find(StateKind.POOL, uuid, DesiredState.StoredPool.class).orElse(null);
    }

    /** A pool that was exported leaves its name to another one; what is asked of the name is asked of the one that is open. */
    @Test
    void aNameMeansTheOpenPoolAndNotAnExportedOne() {
        pools().create(pool(POOL, DISK));
        pools().export("a");
        pools().create(pool(OTHER, "uring:///dev/b"));
        pools().addDisk("a", new PoolDiskSpec("uring:///dev/c", List.of(), false));
        assertThat(stored(OTHER).disks()).containsExactly("uring:///dev/b", "uring:///dev/c");
        assertThat(stored(POOL).disks()).containsExactly(DISK);
        pools().export("a");
        assertThat(stored(OTHER).exported()).isTrue();
        OperationException which = catchThrowableOfType(OperationException.class, () ->
            pools().importPool("a", List.of(), false, PoolImport.NORMAL));
        assertThat(which).hasMessageContainingAll(POOL, OTHER);
        pools().importPool(OTHER, List.of(), false, PoolImport.NORMAL);
        pools().destroy("a", true);
        assertThat(stored(OTHER)).isNull();
        assertThat(stored(POOL).exported()).isTrue();
    }

    /** The same request again changes nothing, not in the desired state either. */
    @Test
    void aPoolThatIsOpenIsStoredAsItIsOpen() {
        pools().importPool(POOL, List.of(DISK), true, new PoolImport(false, true));
        PoolSpec again = new PoolSpec("imported", POOL, List.of(DISK), 0, List.of(), false);
        assertThat(pools().create(again).created()).isFalse();
        assertThat(stored(POOL).readOnly()).as("a start is not to write to it").isTrue();
        assertThat(stored(POOL).allowTest()).as("a start could not open it otherwise").isTrue();
    }

    /** Copies of its disks, or some of them, were looked at: the pool itself is still where it was. */
    @Test
    void aPoolThatIsLookedAtOnOtherDisksIsKnownOnItsOwnAgainWhenItIsClosed() {
        pools().create(pool(POOL, DISK));
        pools().export("a");
        PoolImport looking = new PoolImport(false, true);
        pools().importPool("a", List.of("uring:///copy"), true, looking);
        pools().importPool(POOL, List.of("uring:///copy"), true, looking);
        pools().create(new PoolSpec("a", POOL, List.of("uring:///copy"), 0, List.of(), false));
        assertThat(stored(POOL).disks()).containsExactly("uring:///copy");
        crash();
        startAnew();
        assertThat(engine.pool(POOL).join()).satisfies(pool -> {
            assertThat(pool.readOnly()).isTrue();
            assertThat(pool.disks()).containsExactly("uring:///copy");
        });
        pools().export("a");
        assertThat(stored(POOL)).satisfies(pool -> {
            assertThat(pool.disks()).containsExactly(DISK);
            assertThat(pool.allowTest()).isFalse();
            assertThat(pool.exported()).isTrue();
            assertThat(pool.readOnly()).isNull();
            assertThat(pool.usual()).isNull();
        });
        pools().importPool("a", List.of(), false, PoolImport.NORMAL);
        assertThat(engine.pool(POOL).join().disks()).containsExactly(DISK);
        pools().export("a");
        pools().importPool("a", List.of("uring:///moved"), false, PoolImport.NORMAL);
        pools().export("a");
        assertThat(stored(POOL).disks()).as("imported to be used").containsExactly("uring:///moved");
    }

    /** The copies are gone when the engine starts anew: imported to be used, the pool is where it was before. */
    @Test
    void whatWasLookedAtLastIsNotImportedToBeUsed() {
        pools().create(pool(POOL, DISK));
        pools().export("a");
        pools().importPool("a", List.of("uring:///copy"), false, new PoolImport(false, true));
        crash();
        engine = new FakeEngine();
        engine.failing("importPool", OperationException.notFound("disk-not-found", "gone"));
        start();
        engine.failing("importPool", null);
        pools().importPool("a", List.of(), false, PoolImport.NORMAL);
        assertThat(engine.pool(POOL).join().disks()).containsExactly(DISK);
        assertThat(stored(POOL).disks()).containsExactly(DISK);
    }

    /** Of a disk that was being added only the disks know; a start must try with it. */
    @Test
    void aDiskThatMayHaveComeIsNotForgottenForAnotherOne() {
        pools().create(pool(POOL, DISK));
        engine.failing("addPoolDisk", new OperationException(ErrorKind.TIMEOUT, "operation-timeout", "unknown"));
        catchThrowableOfType(OperationException.class, () -> pools().addDisk("a", new PoolDiskSpec("uring:///dev/b", List.of(), false)));
        assertThat(stored(POOL).uncertainDisk()).isEqualTo("uring:///dev/b");
        OperationException refusal = catchThrowableOfType(OperationException.class, () ->
            pools().addDisk("a", new PoolDiskSpec("uring:///dev/c", List.of(), false)));
        assertThat(refusal).hasMessageContainingAll("uring:///dev/b", "again");
        assertThat(stored(POOL).uncertainDisk()).isEqualTo("uring:///dev/b");
        engine.failing("addPoolDisk", null);
        pools().addDisk("a", new PoolDiskSpec("uring:///dev/b", List.of(), false));
        pools().addDisk("a", new PoolDiskSpec("uring:///dev/c", List.of(), false));
        assertThat(stored(POOL).disks()).containsExactly(DISK, "uring:///dev/b", "uring:///dev/c");
        assertThat(stored(POOL).uncertainDisk()).isNull();
    }

    /** A disk that was refused is no part of the pool: it is neither tried at a start, nor in the way of the next one. */
    @Test
    void aDiskThatWasRefusedIsForgotten() {
        pools().create(pool(POOL, DISK));
        engine.failing("addPoolDisk", OperationException.precondition("disk-not-empty", "ext4"));
        catchThrowableOfType(OperationException.class, () -> pools().addDisk("a", new PoolDiskSpec("uring:///dev/b", List.of(), false)));
        assertThat(stored(POOL).uncertainDisk()).isNull();
        engine.failing("addPoolDisk", null);
        pools().addDisk("a", new PoolDiskSpec("uring:///dev/c", List.of(), false));
        assertThat(stored(POOL).disks()).containsExactly(DISK, "uring:///dev/c");
    }

    /** Its disks are broken: nobody brings its replicas back, so what is known of them must be removable. */
    @Test
    void whatIsKnownOfReplicasOfALostPoolCanBeRemoved() {
        pools().create(pool(POOL, DISK));
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        replicas().share(REPLICA, new ShareSpec(List.of("any")));
        limits().setReplica(REPLICA, LIMITS);
        crash();
        startAnew();
        assertThat(restorer.failures()).extracting(Restorer.Failure::code).containsOnly("replica-not-found");
        limits().removeReplica(REPLICA);
        replicas().unshare(REPLICA);
        restorer.retry();
        assertThat(restorer.failures()).isEmpty();
        assertThat(catchThrowableOfType(OperationException.class, () -> replicas().unshare(REPLICA)).code())
            .isEqualTo("replica-not-found");
        assertThat(catchThrowableOfType(OperationException.class, () -> limits().setReplica(REPLICA,
            LIMITS)).code()).isEqualTo("replica-not-found");
    }

    /** Its disks may be in another machine for good: a start is not to look for them. */
    @Test
    void aPoolThatCouldNotBeBroughtBackIsExportedAllTheSame() {
        pools().create(pool(POOL, DISK));
        crash();
        engine = new FakeEngine();
        engine.failing("importPool", new OperationException(ErrorKind.NOT_FOUND, "disk-not-found", "gone"));
        start();
        assertThat(restorer.failures()).hasSize(1);
        pools().export("a");
        assertThat(stored(POOL).exported()).isTrue();
        restorer.retry();
        assertThat(restorer.failures()).isEmpty();
        engine.failing("importPool", null);
        pools().importPool("a", List.of(), false, PoolImport.NORMAL);
        assertThat(stored(POOL).exported()).isFalse();
    }

    /** The request was answered with a job before; the pool is there, but only until the next start. */
    @Test
    void aPoolThatIsMadeAndNotStoredAfterTheAnswerIsTold() throws IOException {
        engine.holding("createPool");
        engine.beginPool("pool-create", "a", POOL);
        PoolService quick = new PoolService(engine, new EngineCalls(Duration.ofMillis(100)), state, restorer);
        assertThat(quick.begin(pool(POOL, DISK)).job()).isNotNull();
        Files.delete(directory.resolve("pools"));
        Files.createFile(directory.resolve("pools"));
        engine.release();
        Patience.await(() -> !engine.events(0, 100).events().isEmpty(), () -> "no event");
        assertThat(engine.events(0, 100).events()).singleElement().satisfies(event -> {
            assertThat(event.kind()).isEqualTo("pool-not-stored");
            assertThat(event.message()).contains("a start would not bring it back", "free space");
        });
        Files.delete(directory.resolve("pools"));
    }

    @Test
    void theLimitsOfASnapshotGoWithIt() {
        pools().create(pool(POOL, DISK));
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        SnapshotService snapshots = new SnapshotService(engine, calls, state);
        snapshots.create(new SnapshotSpec(SNAPSHOT, "s", REPLICA, null, null));
        limits().setReplica(SNAPSHOT, LIMITS);
        snapshots.destroy(SNAPSHOT);
        assertThat(state.contains(StateKind.LIMITS, SNAPSHOT)).isFalse();
    }
}
