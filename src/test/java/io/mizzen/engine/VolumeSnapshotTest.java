package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.Outcome;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.engine.model.SnapshotView;
import io.mizzen.engine.model.VolumeSnapshotSpec;
import io.mizzen.engine.model.VolumeSnapshotView;
import io.mizzen.nvme.Opcodes;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Snapshots of a nexus through the whole engine, on real reactors, with a host. */
@Timeout(300)
class VolumeSnapshotTest {
    private static final ShareSpec ANY = new ShareSpec(List.of(ShareSpec.ANY_HOST));
    private static final String N = "aaaaaaaa-1111-4111-8111-111111111111";
    private static final String RA = "bbbbbbbb-1111-4111-8111-11111111111a";
    private static final String RB = "bbbbbbbb-1111-4111-8111-11111111111b";
    private static final String RC = "bbbbbbbb-1111-4111-8111-11111111111c";
    private static final String SA = "cccccccc-1111-4111-8111-11111111111a";
    private static final String SB = "cccccccc-1111-4111-8111-11111111111b";
    private static final long MIB = 1 << 20;
    private static final long FIRST_LBA = 0;
    /** In another cluster. */
    private static final long SECOND_LBA = 3 * MIB / 512;
    /** Of the nexus's data in a replica. */
    private static final long DATA_LBA = 4 * MIB / 512;

    private RunningEngine r;

    @BeforeEach
    void start() {
        r = new RunningEngine();
        r.ask.get(r.engine.createBdev(new BdevSpec("malloc:///da?size_mb=64")));
        r.ask.get(r.engine.createBdev(new BdevSpec("fault:///db?base=malloc:///db0%3Fsize_mb=64")));
        r.ask.get(r.engine.createPool(new PoolSpec("pa", null, List.of("malloc:///da?size_mb=64"), MIB, List.of(), true)));
        r.ask.get(r.engine.createPool(new PoolSpec("pb", null, List.of("fault:///db?base=malloc:///db0%3Fsize_mb=64"), MIB, List.of(), true)));
        r.ask.get(r.engine.createReplica(new ReplicaSpec(RA, "v", "pa", 16 * MIB, true)));
        r.ask.get(r.engine.createReplica(new ReplicaSpec(RB, "v", "pb", 16 * MIB, true)));
    }

    @AfterEach
    void stop() {
        r.close();
    }

    private String publish(String... children) {
        r.ask.get(r.engine.createNexus(new NexusSpec(N, "vol", List.of(children), 0, null)));
        return r.ask.get(r.engine.publishNexus(N, ANY)).share().nqn();
    }

    private static VolumeSnapshotSpec spec(String name, Map<String, String> uuids, List<String> skip, String transaction) {
        return new VolumeSnapshotSpec(N, name, uuids, skip, null, transaction, 20_000);
    }

    private CompletableFuture<Outcome<VolumeSnapshotView>> take(String name, Map<String, String> uuids, List<String> skip, String transaction) {
        return r.engine.createVolumeSnapshot(spec(name, uuids, skip, transaction));
    }

    private static byte[] block(long number) {
        return ByteBuffer.allocate(512).putLong(number).array();
    }

    /** What blocks of the volume a snapshot holds, read by a host. */
    private long[] read(String snapshot, long... lbas) {
        String nqn = r.ask.get(r.engine.shareReplica(snapshot, ANY)).share().nqn();
        long[] found = new long[lbas.length];
        try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
            for (int i = 0; i < lbas.length; i++) {
                NvmeTcpClient.Reply reply = io.read(1, DATA_LBA + lbas[i], 1, 512);
                assertEquals(0, reply.status());
                found[i] = ByteBuffer.wrap(reply.data()).getLong();
            }
        }
        r.ask.get(r.engine.unshareReplica(snapshot));
        return found;
    }

    /** A host writes n to one place, then to another: in every snapshot the first is as far as the second or one ahead. */
    @Test
    void allChildrenHoldTheSameMomentWhileAHostWrites() {
        String nqn = publish("lvol:///pa/v", "lvol:///pb/v");
        try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
            AtomicBoolean stopping = new AtomicBoolean();
            AtomicLong written = new AtomicLong();
            CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> {
                for (long n = 1; !stopping.get() || n < 1000; n++) {
                    assertEquals(0, io.write(1, FIRST_LBA, block(n), 512, true).status());
                    assertEquals(0, io.write(1, SECOND_LBA, block(n), 512, true).status());
                    written.set(n);
                }
            });
            long before = -1;
            for (int i = 0; i < 12; i++) {
                VolumeSnapshotView taken = r.ask.get(take("s" + i, Map.of(), List.of(), null)).view();
                assertEquals(List.of(RA, RB), taken.snapshots().stream().map(SnapshotView::replica).toList());
                assertTrue(taken.pauseNs() > 0 && taken.snapshots().stream().allMatch(s -> s.pauseNs().equals(taken.pauseNs())), taken.toString());
                long[] first = read(taken.snapshots().get(0).uuid(), FIRST_LBA, SECOND_LBA);
                assertArrayEquals(first, read(taken.snapshots().get(1).uuid(), FIRST_LBA, SECOND_LBA));
                assertTrue(first[0] - first[1] == 0 || first[0] - first[1] == 1, first[0] + " " + first[1]);
                assertTrue(first[1] >= before);
                before = first[1];
            }
            stopping.set(true);
            writer.join();
            assertTrue(written.get() > 12);
        }
        assertEquals(12, r.events("nexus-snapshot-created").size());
    }

    @Test
    void whatDoesNotHoldTheVolumeIsRefusedOrLeftOutWhenAskedFor() {
        publish("lvol:///pa/v", "lvol:///pb/v", "malloc:///m?size_mb=16");
        r.ask.refused(ErrorKind.FAILED_PRECONDITION, "child-no-replica", take(null, Map.of(), List.of(), null), "malloc:///m");
        r.ask.get(r.engine.offlineNexusChild(N, "lvol:///pb/v"));
        List<String> disk = List.of("malloc:///m?size_mb=16");
        r.ask.refused(ErrorKind.FAILED_PRECONDITION, "child-not-healthy", take(null, Map.of(), disk, null), "lvol:///pb/v is out (offline)", "skip");
        r.ask.refused(ErrorKind.INVALID_ARGUMENT, "invalid-skip", take(null, Map.of(), List.of("nobody"), null), "nobody");
        r.ask.refused(ErrorKind.FAILED_PRECONDITION, "no-child-left", take(null, Map.of(), List.of("m", "unhealthy", RA), null), "pb/v is out");
        VolumeSnapshotView one = r.ask.get(take(null, Map.of(), List.of("m", "unhealthy"), null)).view();
        assertEquals(List.of(RA), one.snapshots().stream().map(SnapshotView::replica).toList());
        assertEquals(List.of("lvol:///pb/v: is out (offline)", "malloc:///m?size_mb=16: as asked for"),
                one.skipped().stream().map(skipped -> skipped.child() + ": " + skipped.why()).toList());
        r.ask.refused(ErrorKind.NOT_FOUND, "nexus-not-found", r.engine.createVolumeSnapshot(new VolumeSnapshotSpec(UUID.randomUUID().toString(),
                null, Map.of(), List.of(), null, null, 5_000)), "no nexus");
        r.ask.refused(ErrorKind.INVALID_ARGUMENT, "invalid-limit", r.engine.createVolumeSnapshot(new VolumeSnapshotSpec(N, null, Map.of(),
                List.of(), null, null, 0)), "1 to 20000 ms");
        r.ask.get(r.engine.unpublishNexus(N));
        r.ask.get(r.engine.shutdownNexus(N));
        r.ask.refused(ErrorKind.FAILED_PRECONDITION, "nexus-shut-down", take(null, Map.of(), List.of(), null), "shut down");
    }

    @Test
    void theSameWordsAgainTakeNothingAndHalfOfThemIsTold() {
        publish("lvol:///pa/v", "lvol:///pb/v");
        Map<String, String> uuids = Map.of(RA, SA, RB, SB);
        VolumeSnapshotView taken = r.ask.get(take("s", uuids, List.of(), null)).view();
        assertEquals(List.of(SA, SB), taken.snapshots().stream().map(SnapshotView::uuid).toList());
        assertEquals(new Outcome<>(taken, false), r.ask.get(take("s", uuids, List.of(), null)));
        r.ask.refused(ErrorKind.ALREADY_EXISTS, "snapshot-exists", take("t", uuids, List.of(), null), SA);
        r.ask.refused(ErrorKind.ALREADY_EXISTS, "snapshot-exists", take("s", Map.of(), List.of(), null), "another name");
        r.ask.refused(ErrorKind.ALREADY_EXISTS, "snapshot-exists", take("s", uuids, List.of(), "other"), SA);
        VolumeSnapshotView named = r.ask.get(take("u", Map.of(), List.of(), "tx")).view();
        assertEquals(new Outcome<>(named, false), r.ask.get(take("u", Map.of(), List.of(), "tx")));
        assertTrue(r.ask.get(r.engine.snapshots()).stream().allMatch(SnapshotView::oneMoment));
        r.ask.get(r.engine.destroyReplica(SB));
        r.ask.refused(ErrorKind.ALREADY_EXISTS, "snapshot-incomplete", take("s", uuids, List.of(), null), "pa/s", SA, "none of pb/v");
        r.ask.get(r.engine.createSnapshot(new SnapshotSpec(SB, "s", RB, null, taken.transactionId())));
        r.ask.refused(ErrorKind.ALREADY_EXISTS, "snapshot-incomplete", take("s", uuids, List.of(), null), "nobody knows that they are of one moment", "Delete");
        assertEquals(Arrays.asList(true, null), r.ask.get(r.engine.snapshots()).stream().filter(snapshot -> snapshot.name().equals("s"))
                .map(SnapshotView::oneMoment).toList());
        r.ask.refused(ErrorKind.INVALID_ARGUMENT, "invalid-uuids", take("w", Map.of(RA, UUID.randomUUID().toString()), List.of(), null), RB);
        r.ask.refused(ErrorKind.INVALID_ARGUMENT, "invalid-uuids", take("w", Map.of(RA, N, RB, N), List.of(), null), "the same snapshot");
        r.ask.refused(ErrorKind.INVALID_ARGUMENT, "invalid-uuid", take("w", Map.of("x", N), List.of(), null), "not a UUID");
        r.ask.refused(ErrorKind.ALREADY_EXISTS, "replica-exists", take("w", Map.of(RA, N, RB, UUID.randomUUID().toString()), List.of(), null), N);
        assertTrue(r.ask.get(r.engine.snapshots()).stream().noneMatch(snapshot -> snapshot.name().equals("w")));
    }

    @Test
    void ofTheSameWordsAtOnceOneTakesAndTheOthersFind() {
        publish("lvol:///pa/v", "lvol:///pb/v");
        List<CompletableFuture<Outcome<VolumeSnapshotView>>> asked = IntStream.range(0, 4)
                .mapToObj(i -> take("s", Map.of(), List.of(), "tx")).toList();
        List<Outcome<VolumeSnapshotView>> answers = asked.stream().map(r.ask::get).toList();
        assertEquals(List.of(true, false, false, false), answers.stream().map(Outcome::created).toList());
        assertEquals(1, answers.stream().map(Outcome::view).distinct().count());
        List<CompletableFuture<Outcome<SnapshotView>>> ofOne = IntStream.range(0, 4)
                .mapToObj(i -> r.engine.createSnapshot(new SnapshotSpec(SA, "one", RA, null, null))).toList();
        assertEquals(List.of(true, false, false, false), ofOne.stream().map(r.ask::get).map(Outcome::created).toList());
        assertEquals(3, r.ask.get(r.engine.snapshots()).size());
    }

    /** Two snapshots of one pool cannot have one name. */
    @Test
    void childrenInOnePoolHaveTheirReplicasNamesInThoseOfTheirSnapshots() {
        r.ask.get(r.engine.createReplica(new ReplicaSpec(RC, "w", "pa", 16 * MIB, true)));
        String nqn = publish("lvol:///pa/v", "lvol:///pb/v", "lvol:///pa/w");
        try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
            assertEquals(0, io.write(1, FIRST_LBA, block(7), 512, true).status());
        }
        Outcome<VolumeSnapshotView> taken = r.ask.get(take("s", Map.of(), List.of(), "tx"));
        assertEquals(List.of("s-v", "s", "s-w"), taken.view().snapshots().stream().map(SnapshotView::name).toList());
        taken.view().snapshots().forEach(snapshot -> assertArrayEquals(new long[] {7}, read(snapshot.uuid(), FIRST_LBA)));
        assertEquals(new Outcome<>(taken.view(), false), r.ask.get(take("s", Map.of(), List.of(), "tx")));
        Outcome<VolumeSnapshotView> one = r.ask.get(take("t", Map.of(), List.of("lvol:///pb/v", "lvol:///pa/v"), "tx"));
        assertEquals(List.of("t-w"), one.view().snapshots().stream().map(SnapshotView::name).toList());
        r.ask.refused(ErrorKind.INVALID_ARGUMENT, "invalid-name", take("n".repeat(62), Map.of(), List.of(), null), "pa/v", "1 to 63");
    }

    /** What the second pool promises is at its limit: its snapshot is refused, and the first one's does not stay. */
    @Test
    void ifOneCannotBeTakenNoneStays() {
        String nqn = publish("lvol:///pa/v", "lvol:///pb/v");
        try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
            assertEquals(0, io.write(1, FIRST_LBA, block(1), 512, true).status());
            r.ask.get(r.engine.setCommitLimit("pb", 100));
            r.ask.get(r.engine.createReplica(new ReplicaSpec(SB, "filler", "pb", 46 * MIB, true)));
            r.ask.refused(ErrorKind.RESOURCE_EXHAUSTED, "pool-commit-limit", take("s", Map.of(), List.of(), null), "pb/v");
            assertEquals(List.of(), r.ask.get(r.engine.snapshots()));
            assertEquals(List.of("nexus-snapshot-failed"), r.events("nexus-snapshot"));
            assertEquals(0, io.write(1, FIRST_LBA, block(2), 512, true).status());
            r.ask.get(r.engine.setCommitLimit("pb", 0));
            VolumeSnapshotView taken = r.ask.get(take("s", Map.of(), List.of(), null)).view();
            assertArrayEquals(new long[] {2}, read(taken.snapshots().get(1).uuid(), FIRST_LBA));
        }
    }

    /** Writes that do not end, and a disk that does not flush in time: hosts go on, nothing stays, and it works later. */
    @Test
    void writesWaitForSoLongOnly() {
        String nqn = publish("lvol:///pa/v", "lvol:///pb/v");
        VolumeSnapshotSpec quick = new VolumeSnapshotSpec(N, "s", Map.of(), List.of(), null, null, 200);
        try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
            assertEquals(0, io.write(1, FIRST_LBA, block(1), 512, true).status());
            fault("writes", FaultSpec.Operation.WRITE, 1, 4_000_000_000L);
            int slow = io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, FIRST_LBA, 1, 0), block(2), true, 0);
            while (r.ask.get(r.engine.faults("db")).getFirst().hits() == 0) {
                Thread.onSpinWait();
            }
            CompletableFuture<Outcome<VolumeSnapshotView>> taking = r.engine.createVolumeSnapshot(quick);
            r.ask.refused(ErrorKind.UNAVAILABLE, "writes-not-drained", taking, "200 ms");
            assertEquals(0, io.write(1, FIRST_LBA + 8, block(3), 512, true).status());
            assertEquals(0, io.await(slow).status());
            r.ask.get(r.engine.deleteFault("db", "writes"));
            fault("flushes", FaultSpec.Operation.FLUSH, 0, 500_000_000L);
            refusedAsTooLate(quick);
            assertEquals(List.of(), r.ask.get(r.engine.snapshots()));
            r.ask.get(r.engine.deleteFault("db", "flushes"));
            VolumeSnapshotView taken = r.ask.get(take("s", Map.of(), List.of(), null)).view();
            assertArrayEquals(new long[] {2, 3}, read(taken.snapshots().get(1).uuid(), FIRST_LBA, FIRST_LBA + 8));
            assertEquals(0, io.write(1, FIRST_LBA, block(4), 512, true).status());
        }
    }

    /** On a busy machine the writes may be held too late already: tried again, then. */
    private void refusedAsTooLate(VolumeSnapshotSpec spec) {
        OperationException refused;
        do {
            refused = (OperationException) assertThrows(ExecutionException.class,
                    () -> r.engine.createVolumeSnapshot(spec).get(100, TimeUnit.SECONDS)).getCause();
        } while (refused.code().equals("writes-not-drained"));
        assertEquals("snapshot-too-late", refused.code(), refused.getMessage());
        assertEquals(ErrorKind.UNAVAILABLE, refused.kind());
        assertTrue(refused.getMessage().contains("pb/v"), refused.getMessage());
    }

    private void fault(String id, FaultSpec.Operation operation, long count, long delayNs) {
        r.ask.get(r.engine.putFault("db", new FaultSpec(id, operation, FaultSpec.Stage.SUBMISSION, FaultSpec.Action.DELAY, 0, 0, count,
                delayNs, 0)));
    }
}
