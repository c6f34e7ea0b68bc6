package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.NexusSettings;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.RateSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.engine.model.SnapshotView;
import io.mizzen.engine.model.VolumeSnapshotSpec;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.testsupport.Patience;
import io.mizzen.util.ErrorKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A volume is taken back to its snapshots by one request, or stays what it was; through the whole engine, on files, with a host. */
@Timeout(300)
class VolumeRollbackTest {
    private static final ShareSpec ANY = new ShareSpec(List.of(ShareSpec.ANY_HOST));
    private static final String N = "aaaaaaaa-1111-4111-8111-111111111111";
    private static final String RA = "bbbbbbbb-1111-4111-8111-11111111111a";
    private static final String RB = "bbbbbbbb-1111-4111-8111-11111111111b";
    private static final long MIB = 1 << 20;
    private static final List<String> LEGS = List.of("lvol:///pa/v", "lvol:///pb/v");

    @TempDir
    private Path directory;
    private RunningEngine r;

    /** A volume that held 7, in a snapshot of it, and holds 8. */
    @BeforeEach
    void start() {
        r = new RunningEngine();
        r.ask.get(r.engine.createBdev(new BdevSpec(faulty("b"))));
        r.ask.get(r.engine.createPool(new PoolSpec("pa", null, List.of(file("a")), MIB, List.of(), true)));
        r.ask.get(r.engine.createPool(new PoolSpec("pb", null, List.of(faulty("b")), MIB, List.of(), true)));
        r.ask.get(r.engine.createReplica(new ReplicaSpec(RA, "v", "pa", 16 * MIB, true)));
        r.ask.get(r.engine.createReplica(new ReplicaSpec(RB, "v", "pb", 16 * MIB, true)));
        r.ask.get(r.engine.createNexus(new NexusSpec(N, "vol", LEGS, 0, null)));
        write(7);
        take("s");
        write(8);
    }

    @AfterEach
    void stop() {
        r.close();
    }

    private String file(String name) {
        return "uring://" + directory.resolve(name) + "?name=" + name + "&blk_size=512&create=true&size_mb=64";
    }

    private String faulty(String name) {
        return "fault:///f" + name + "?base=" + BdevUri.encode(file(name));
    }

    private List<SnapshotView> take(String name) {
        return r.ask.get(r.engine.createVolumeSnapshot(new VolumeSnapshotSpec(N, name, Map.of(), List.of(), null, null, 20_000))).view().snapshots();
    }

    private void write(long number) {
        String nqn = r.ask.get(r.engine.publishNexus(N, ANY)).share().nqn();
        try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
            assertEquals(0, io.write(1, 0, ByteBuffer.allocate(512).putLong(number).array(), 512, true).status());
        }
        r.ask.get(r.engine.unpublishNexus(N));
    }

    private long read() {
        String nqn = r.ask.get(r.engine.publishNexus(N, ANY)).share().nqn();
        try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
            NvmeTcpClient.Reply reply = io.read(1, 0, 1, 512);
            assertEquals(0, reply.status());
            return ByteBuffer.wrap(reply.data()).getLong();
        } finally {
            r.ask.get(r.engine.unpublishNexus(N));
        }
    }

    /** What each child holds, when the other is out. */
    private void checkBoth(long number) {
        awaitHealthy();
        for (String out : LEGS) {
            r.ask.get(r.engine.offlineNexusChild(N, out));
            assertEquals(number, read(), "without " + out);
            r.ask.get(r.engine.onlineNexusChild(N, out));
            awaitHealthy();
        }
    }

    private void awaitHealthy() {
        Patience.await(() -> {
            NexusView nexus = r.ask.get(r.engine.nexus(N));
            return !nexus.resyncing() && nexus.children().stream().allMatch(NexusView.ChildView::healthy);
        }, () -> r.ask.get(r.engine.nexus(N)).toString());
    }

    private void refused(ErrorKind kind, String code, String snapshot, String... words) {
        r.ask.refused(kind, code, r.engine.rollbackNexus(N, snapshot), words);
    }

    @Test
    void itHoldsAgainWhatItDidAndIsWhatItWasOtherwise() {
        NexusSettings settings = new NexusSettings(1_000, 0, 1 << 20, false, 2);
        r.ask.get(r.engine.setNexus(N, settings));
        LimitsSpec limits = new LimitsSpec(null, null, new RateSpec(100_000, 0), null, null, null);
        r.ask.get(r.engine.setNexusLimits(N, limits));
        String later = take("later").getFirst().uuid();
        write(9);
        awaitHealthy();
        NexusView back = r.ask.get(r.engine.rollbackNexus(N, "s"));
        assertEquals(settings, back.settings());
        assertEquals(limits, back.limits());
        checkBoth(7);
        write(10);
        assertEquals(10, read());
        awaitHealthy();
        r.ask.get(r.engine.rollbackNexus("vol", later));
        checkBoth(8);
        assertEquals(List.of("nexus-rolled-back", "nexus-rolled-back"), r.events("nexus-roll"));
    }

    @Test
    void whileItIsUsedOrAChildIsNotFitItIsRefused() {
        awaitHealthy();
        r.ask.get(r.engine.publishNexus(N, ANY));
        refused(ErrorKind.FAILED_PRECONDITION, "nexus-published", "s", "DELETE /v1/nexuses/" + N + "/publication");
        r.ask.get(r.engine.unpublishNexus(N));
        r.ask.get(r.engine.offlineNexusChild(N, LEGS.get(1)));
        refused(ErrorKind.FAILED_PRECONDITION, "child-not-healthy", "s", "lvol:///pb/v is out (offline)", "DELETE");
        r.ask.get(r.engine.onlineNexusChild(N, LEGS.get(1)));
        awaitHealthy();
        r.ask.get(r.engine.addNexusChild(N, "malloc:///m?size_mb=32"));
        awaitHealthy();
        refused(ErrorKind.FAILED_PRECONDITION, "child-no-replica", "s", "malloc:///m");
        r.ask.get(r.engine.removeNexusChild(N, "malloc:///m?size_mb=32"));
        r.ask.get(r.engine.shutdownNexus(N));
        refused(ErrorKind.FAILED_PRECONDITION, "nexus-shut-down", "s", "assemble");
        r.ask.get(r.engine.assembleNexus(new NexusSpec(N, "vol", LEGS, 0, null), false));
        assertEquals(8, read());
        assertEquals(List.of(), r.events("nexus-roll"));
    }

    @Test
    void toWhatIsNoWholeSnapshotOfItItIsRefused() {
        awaitHealthy();
        refused(ErrorKind.NOT_FOUND, "snapshot-not-found", "t", "vol", "snapshot t");
        r.ask.refused(ErrorKind.NOT_FOUND, "nexus-not-found", r.engine.rollbackNexus(UUID.randomUUID().toString(), "s"), "no nexus");
        String alone = UUID.randomUUID().toString();
        r.ask.get(r.engine.createSnapshot(new SnapshotSpec(alone, "alone", RA, null, null)));
        refused(ErrorKind.FAILED_PRECONDITION, "snapshot-incomplete", alone, "pa/alone", "of one child");
        r.ask.get(r.engine.createSnapshot(new SnapshotSpec(UUID.randomUUID().toString(), "other", RA, null, "s")));
        refused(ErrorKind.FAILED_PRECONDITION, "snapshot-ambiguous", "s", "pa/other", "UUID");
        List<SnapshotView> halves = take("u");
        r.ask.get(r.engine.destroyReplica(halves.get(1).uuid()));
        refused(ErrorKind.FAILED_PRECONDITION, "snapshot-incomplete", halves.get(0).uuid(), "none of child lvol:///pb/v");
        assertEquals(8, read());
    }

    /** One that was removed since is missing in what the snapshot says of the members. */
    @Test
    void aMemberThatWasRemovedSinceIsNotWaitedFor() {
        r.ask.get(r.engine.createReplica(new ReplicaSpec("bbbbbbbb-1111-4111-8111-11111111111c", "w", "pa", 16 * MIB, true)));
        r.ask.get(r.engine.addNexusChild(N, "lvol:///pa/w"));
        awaitHealthy();
        String three = take("three").getFirst().uuid();
        r.ask.get(r.engine.removeNexusChild(N, "lvol:///pa/w"));
        write(9);
        awaitHealthy();
        NexusView back = r.ask.get(r.engine.rollbackNexus(N, three));
        assertEquals(List.of(true, true, false), back.children().stream().map(NexusView.ChildView::healthy).toList());
        assertEquals(8, read());
    }

    /** From here on nothing but a change of the pool writes to its metadata: all that the nexus writes in closing is allocated. */
    private void settle() {
        awaitHealthy();
        r.ask.get(r.engine.shutdownNexus(N));
        assemble();
        awaitHealthy();
    }

    /**
     * The second pool fails to store that its child is taken back: the nexus is not opened while nobody knows whether it did. What
     * the disks hold is what a crash in the middle leaves.
     */
    @Test
    void cutShortInTheMiddleItIsWhatItWas() throws IOException {
        settle();
        r.ask.get(r.engine.putFault("fb", new FaultSpec("metadata", FaultSpec.Operation.WRITE, FaultSpec.Stage.SUBMISSION,
                FaultSpec.Action.ERROR, 0, MIB / 512, 0, 0, 0)));
        refused(ErrorKind.INTERNAL, "pool-io-error", "s", "whether child lvol:///pb/v was taken back is not known", "import pool pb", "/assembly");
        assertEquals(List.of("nexus-rollback-failed"), r.events("nexus-roll"));
        assertEquals("SHUTDOWN", r.ask.get(r.engine.nexus(N)).state());
        for (String disk : List.of("a", "b")) {
            Files.copy(directory.resolve(disk), directory.resolve("crashed-" + disk));
        }
        r.ask.get(r.engine.deleteFault("fb", "metadata"));
        r.ask.refused(ErrorKind.INVALID_ARGUMENT, "child-too-small", r.engine.assembleNexus(new NexusSpec(N, "vol", LEGS, 0, null), false), "v");
        r.engine.exportPool("pb").handle((nothing, unclean) -> null).join();     // It is closed, unclean.
        r.ask.get(r.engine.importPool(new PoolSpec("pb", null, List.of(faulty("b")), 0, List.of(), true), PoolImport.NORMAL));
        checkWhatItWas(assemble());
        r.ask.get(r.engine.rollbackNexus(N, "s"));
        checkBoth(7);
        r.close();

        r = new RunningEngine();
        for (String disk : List.of("a", "b")) {
            String uri = "uring://" + directory.resolve("crashed-" + disk) + "?name=" + disk + "&blk_size=512";
            r.ask.get(r.engine.importPool(new PoolSpec("p" + disk, null, List.of(uri), 0, List.of(), true), PoolImport.NORMAL));
        }
        checkWhatItWas(assemble());
    }

    private NexusView assemble() {
        return r.ask.get(r.engine.assembleNexus(new NexusSpec(N, "vol", LEGS, 0, null), false));
    }

    /** The child that alone was taken back is known to be stale. */
    private void checkWhatItWas(NexusView nexus) {
        assertFalse(nexus.children().getFirst().healthy(), nexus.toString());
        assertEquals("stale", nexus.children().getFirst().faultReason(), nexus.toString());
        assertEquals(8, read());
        r.ask.get(r.engine.onlineNexusChild(N, LEGS.getFirst()));
        checkBoth(8);
    }
}
