package io.mizzen.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.engine.model.WipeMethod;
import io.mizzen.util.ErrorKind;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a nexus is assembled from is kept for it, also while nobody has that open. On real reactors. */
@Timeout(300)
class WaitingNexusTest {
    private static final String N = "aaaaaaaa-1111-4111-8111-111111111111";
    private static final String R = "11111111-1111-4111-8111-111111111111";
    private static final String S = "22222222-2222-4222-8222-222222222222";
    private static final String DISK = "malloc:///d0?size_mb=96";
    private static final String LEG = "malloc:///leg?size_mb=32";
    private static final long MIB = 1 << 20;

    private static void create(EngineHarness h, String child) {
        h.get(h.engine.createBdev(new BdevSpec(DISK)));
        h.get(h.engine.createPool(new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true)));
        h.get(h.engine.createReplica(new ReplicaSpec(R, "r", "p0", 24 * MIB, true)));
        h.get(h.engine.createSnapshot(new SnapshotSpec(S, "s", R, null, null)));
        h.get(h.engine.createNexus(new NexusSpec(N, "vol", List.of(child, LEG), 0, null)));
        while (!h.get(h.engine.nexus(N)).state().equals("ONLINE")) {
            Thread.onSpinWait();        // Its children are made equal.
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"lvol:///p0/r", "p0/r", R, "lvol:///" + R, "bdev:///p0%2Fr", "fault:///f?base=lvol%3A%2F%2F%2Fp0%2Fr"})
    void whatANexusThatIsShutDownIsAssembledFromIsNotDestroyed(String child) {
        try (EngineHarness h = new EngineHarness(2)) {
            create(h, child);
            h.get(h.engine.shutdownNexus(N));
            for (CompletableFuture<?> asked : List.of(h.engine.destroyReplica(R), h.engine.wipeReplica(R, WipeMethod.UNMAP),
                    h.engine.wipeReplica(R, WipeMethod.ZEROES))) {
                h.refused(ErrorKind.FAILED_PRECONDITION, "replica-in-use", asked, "vol", "shut down", "/v1/nexuses/" + N + "/assembly",
                        "DELETE");
            }
            h.refused(ErrorKind.FAILED_PRECONDITION, "replica-in-use", h.engine.rollbackReplica(R, S), "vol");
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-in-use", h.engine.destroyPool("p0", true), "vol", "shut down", "/assembly");
            h.get(h.engine.wipeReplica(R, WipeMethod.CHECKSUM));
            assertThat(h.get(h.engine.resizeReplica(R, 24 * MIB - 1, false)).sizeBytes()).as("the same clusters").isEqualTo(24 * MIB);
            assertThat(h.get(h.engine.assembleNexus(new NexusSpec(N, "vol", List.of(child, LEG), 0, null), false)).state())
                    .isEqualTo("ONLINE");
        }
    }

    @Test
    void itsReplicasGrowButDoNotShrinkAndGoWithIt() {
        try (EngineHarness h = new EngineHarness(2)) {
            h.get(h.engine.createBdev(new BdevSpec(DISK)));
            h.get(h.engine.createPool(new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true)));
            h.get(h.engine.createReplica(new ReplicaSpec(R, "r", "p0", 24 * MIB, true)));
            h.get(h.engine.createNexus(new NexusSpec(N, "vol", List.of("lvol:///p0/r"), 0, null)));
            h.get(h.engine.shutdownNexus(N));
            assertThat(h.get(h.engine.resizeReplica(R, 32 * MIB, false)).sizeBytes()).isEqualTo(32 * MIB);
            h.refused(ErrorKind.FAILED_PRECONDITION, "replica-in-use", h.engine.resizeReplica(R, 24 * MIB, false), "vol", "shut down");
            h.get(h.engine.destroyNexus(N));
            assertThat(h.get(h.engine.resizeReplica(R, 16 * MIB, true)).sizeBytes()).isEqualTo(16 * MIB);
            h.get(h.engine.destroyReplica(R));
            h.get(h.engine.destroyPool("p0", false));
        }
    }

    /** Its nexus would copy what it missed, and take all else for equal. */
    @Test
    void aChildThatIsOutIsNotWiped() {
        try (EngineHarness h = new EngineHarness(2)) {
            create(h, "lvol:///p0/r");
            h.get(h.engine.offlineNexusChild(N, "lvol:///p0/r"));
            for (WipeMethod method : List.of(WipeMethod.UNMAP, WipeMethod.ZEROES)) {
                h.refused(ErrorKind.FAILED_PRECONDITION, "replica-in-use", h.engine.wipeReplica(R, method), "vol",
                        "/v1/nexuses/" + N + "/children/" + R);
            }
            h.get(h.engine.removeNexusChild(N, R));
            assertThat(h.get(h.engine.wipeReplica(R, WipeMethod.UNMAP)).state()).isIn("RUNNING", "DONE");
        }
    }
}
