package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mizzen.engine.model.CloneSpec;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.SnapshotView;
import io.mizzen.engine.model.VolumeSnapshotSpec;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.testsupport.Patience;
import io.mizzen.util.ErrorKind;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of a volume's snapshots: a new volume, or the volume as it was; through the whole engine, with a host. */
@Timeout(300)
class VolumeFromSnapshotTest {
    private static final ShareSpec ANY = new ShareSpec(List.of(ShareSpec.ANY_HOST));
    private static final String N = "aaaaaaaa-1111-4111-8111-111111111111";
    private static final String OTHER = "aaaaaaaa-1111-4111-8111-222222222222";
    private static final String RA = "bbbbbbbb-1111-4111-8111-11111111111a";
    private static final String RB = "bbbbbbbb-1111-4111-8111-11111111111b";
    private static final long MIB = 1 << 20;
    private static final List<String> LEGS = List.of("lvol:///pa/v", "lvol:///pb/v");
    private static final List<String> CLONES = List.of("lvol:///pa/c", "lvol:///pb/c");

    private RunningEngine r;
    private List<SnapshotView> halves;

    /** A volume that held 7, in a snapshot of it, and holds 8. */
    @BeforeEach
    void start() {
        r = new RunningEngine();
        r.ask.get(r.engine.createPool(new PoolSpec("pa", null, List.of("malloc:///da?size_mb=64"), MIB, List.of(), true)));
        r.ask.get(r.engine.createPool(new PoolSpec("pb", null, List.of("malloc:///db?size_mb=64"), MIB, List.of(), true)));
        r.ask.get(r.engine.createReplica(new ReplicaSpec(RA, "v", "pa", 16 * MIB, true)));
        r.ask.get(r.engine.createReplica(new ReplicaSpec(RB, "v", "pb", 16 * MIB, true)));
        r.ask.get(r.engine.createNexus(new NexusSpec(N, "vol", LEGS, 0, null)));
        write(7);
        halves = r.ask.get(r.engine.createVolumeSnapshot(new VolumeSnapshotSpec(N, "s", Map.of(), List.of(), null, null, 20_000)))
                .view().snapshots();
        write(8);
    }

    @AfterEach
    void stop() {
        r.close();
    }

    private void write(long number) {
        String nqn = r.ask.get(r.engine.publishNexus(N, ANY)).share().nqn();
        try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
            assertEquals(0, io.write(1, 0, ByteBuffer.allocate(512).putLong(number).array(), 512, true).status());
        }
        r.ask.get(r.engine.unpublishNexus(N));
    }

    private long read(String nexus) {
        String nqn = r.ask.get(r.engine.publishNexus(nexus, ANY)).share().nqn();
        try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
            NvmeTcpClient.Reply reply = io.read(1, 0, 1, 512);
            assertEquals(0, reply.status());
            return ByteBuffer.wrap(reply.data()).getLong();
        } finally {
            r.ask.get(r.engine.unpublishNexus(nexus));
        }
    }

    private String halfIn(String pool) {
        return halves.stream().filter(half -> half.pool().equals(pool)).findFirst().orElseThrow().uuid();
    }

    @Test
    void clonesOfItsHalvesAreAVolumeOfTheirOwnByTheWord() {
        r.ask.get(r.engine.cloneSnapshot(new CloneSpec("dddddddd-1111-4111-8111-11111111111a", "c", halfIn("pa"))));
        r.ask.get(r.engine.cloneSnapshot(new CloneSpec("dddddddd-1111-4111-8111-11111111111b", "c", halfIn("pb"))));
        r.ask.refused(ErrorKind.FAILED_PRECONDITION, "child-of-other-nexus",
                r.engine.createNexus(new NexusSpec(OTHER, "copy", CLONES, 0, null)), "\"nexus\" in \"overwrite\"");
        r.ask.refused(ErrorKind.FAILED_PRECONDITION, "child-of-other-nexus",
                r.engine.createNexus(new NexusSpec(OTHER, "copy", CLONES, 0, null, List.of("any"))), "\"nexus\" in \"overwrite\"");
        r.ask.get(r.engine.createNexus(new NexusSpec(OTHER, "copy", CLONES, 0, null, List.of("nexus"))));
        assertEquals(7, read(OTHER));
        assertEquals(8, read(N));
        r.ask.get(r.engine.destroyNexus(OTHER));
        r.ask.get(r.engine.createNexus(new NexusSpec(OTHER, "copy", CLONES, 0, null)));
        assertEquals(7, read(OTHER), "it is assembled as what it is now");
    }

    @Test
    void theWordTakesNoChildOfAnotherNexusThatIsThere() {
        r.ask.get(r.engine.shutdownNexus(N));
        r.ask.refused(ErrorKind.FAILED_PRECONDITION, "child-of-other-nexus",
                r.engine.createNexus(new NexusSpec(OTHER, "copy", LEGS, 0, null, List.of("nexus"))), "belongs to nexus vol");
    }

    /** Deleting a nexus that is open takes its metadata off its children; of one that is shut down it stays. */
    private void forget() {
        r.ask.get(r.engine.shutdownNexus(N));
        r.ask.get(r.engine.destroyNexus(N));
    }

    private void recreate() {
        r.ask.get(r.engine.createNexus(new NexusSpec(N, "vol", LEGS, 0, null)));
    }

    @Test
    void allChildrenRolledBackAreTheVolumeAsItWas() {
        forget();
        r.ask.get(r.engine.rollbackReplica(RA, halfIn("pa")));
        r.ask.get(r.engine.rollbackReplica(RB, halfIn("pb")));
        recreate();
        assertEquals(List.of(true, true), r.ask.get(r.engine.nexus(N)).children().stream().map(NexusView.ChildView::healthy).toList());
        assertEquals(7, read(N));
    }

    @ParameterizedTest
    @CsvSource({"pa," + RA, "pb," + RB})
    void oneThatAloneWasRolledBackIsStaleAndTheNewerOneIsTrue(String pool, String replica) {
        forget();
        r.ask.get(r.engine.rollbackReplica(replica, halfIn(pool)));
        recreate();
        assertEquals(8, read(N));
        NexusView.ChildView set = r.ask.get(r.engine.nexus(N)).children().stream().filter(child -> replica.equals(child.replicaUuid()))
                .findFirst().orElseThrow();
        r.ask.get(r.engine.onlineNexusChild(N, set.uri()));
        Patience.await(() -> r.ask.get(r.engine.nexus(N)).children().stream().allMatch(NexusView.ChildView::healthy),
                () -> r.ask.get(r.engine.nexus(N)).toString());
        assertEquals(8, read(N));
    }
}
