package io.mizzen.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.PoolDiskSpec;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.WipeMethod;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** After a start the engine does not have every nexus that is desired: what those are assembled from is kept all the same. */
class AbsentNexusesTest extends DesiredStateTestBase {
    private static final String POOL = FakeStorage.uuidOf("a");
    private static final String REPLICA = "d0000000-0000-4000-8000-0000000000a1";
    private static final String OTHER = "d0000000-0000-4000-8000-0000000000a2";
    private static final String NEXUS = "d0000000-0000-4000-8000-000000000001";
    private static final long SIZE_BYTES = 64L << 20;

    @BeforeEach
    void make() {
        pools().create(new PoolSpec("a", POOL, List.of("uring:///dev/a"), 0, List.of(), false));
        createReplicas();
        nexuses().create(new NexusSpec(NEXUS, "n", List.of("lvol:///a/r", "uring:///dev/b?name=b"), 0, null));
    }

    private void restart(String failing) {
        crash();
        engine = new FakeEngine();
        if (failing != null) {
            engine.failing(failing, OperationException.precondition("nexus-newest-generation-missing", "A member is missing"));
        }
        start();
        createReplicas();
    }

    /** They are in the pool that is brought back. */
    private void createReplicas() {
        calls.await(engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", SIZE_BYTES, true)));
        calls.await(engine.createReplica(new ReplicaSpec(OTHER, "other", "a", SIZE_BYTES, true)));
    }

    private static void refused(String code, String why, ThrowingCallable request) {
        OperationException refusal = catchThrowableOfType(OperationException.class, request);
        assertThat(refusal).isNotNull();
        assertThat(refusal.kind()).isEqualTo(ErrorKind.FAILED_PRECONDITION);
        assertThat(refusal.code()).isEqualTo(code);
        assertThat(refusal).hasMessageContainingAll("nexus n", why, "/v1/nexuses/" + NEXUS + "/assembly", "DELETE");
    }

    private void checkKept(String why) {
        long smaller = SIZE_BYTES - (4L << 20);
        JobService jobs = new JobService(engine, calls, state);
        refused("replica-in-use", why, () -> replicas().destroy(REPLICA));
        refused("replica-in-use", why, () -> replicas().resize(REPLICA, smaller, false));
        refused("replica-in-use", why, () -> jobs.wipe(REPLICA, WipeMethod.ZEROES));
        refused("replica-in-use", why, () -> jobs.wipe(REPLICA, WipeMethod.UNMAP));
        refused("replica-in-use", why, () -> new SnapshotService(engine, calls, state).rollback(REPLICA, OTHER));
        refused("pool-in-use", why, () -> pools().destroy("a", true));
        refused("pool-in-use", why, () -> pools().destroy(POOL, true));
        PoolSpec onItsDisk = new PoolSpec("b", null, List.of("uring:///dev/b?name=b&create=true&size_mb=64"), 0, List.of("any"), true);
        refused("bdev-in-use", why, () -> pools().create(onItsDisk));
        refused("bdev-in-use", why, () -> pools().begin(onItsDisk));
        refused("bdev-in-use", why, () -> pools().importPool("b", onItsDisk.disks(), true, PoolImport.NORMAL));
        refused("bdev-in-use", why, () -> pools().addDisk("a", new PoolDiskSpec(onItsDisk.disks().getFirst(), List.of("any"), true)));
        assertThat(engine.calls()).doesNotContain("destroyReplica", "resizeReplica", "wipeReplica", "rollbackReplica", "destroyPool", "destroyPoolWithReplicas");
        jobs.wipe(REPLICA, WipeMethod.CHECKSUM);
        replicas().resize(REPLICA, smaller + 1, false);
        replicas().resize(REPLICA, SIZE_BYTES + 1, false);
        replicas().destroy(OTHER);
        pools().export("a");
        pools().importPool("a", List.of(), false, PoolImport.NORMAL);
    }

    @Test
    void whatANexusThatWasShutDownIsAssembledFromIsKeptUntilItIsForgotten() {
        nexuses().shutdown(NEXUS);
        restart(null);
        assertThat(calls.await(engine.nexuses())).isEmpty();
        checkKept("is shut down");
        nexuses().destroy(NEXUS);
        replicas().destroy(REPLICA);
        pools().destroy("a", true);
    }

    @Test
    void whatANexusThatIsNotRestoredIsAssembledFromIsKeptUntilItIs() {
        restart("assembleNexus");
        assertThat(calls.await(engine.nexuses())).isEmpty();
        checkKept("could not be brought back yet");
        engine.failing("assembleNexus", null);
        restorer.retry();
        replicas().resize(REPLICA, 1, true);          // The engine itself says what may be done to its nexuses.
    }
}
