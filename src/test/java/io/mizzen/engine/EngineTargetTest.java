package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.Status;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.HostView;
import io.mizzen.engine.model.ListenerView;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReactorView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.engine.model.StopReport;
import io.mizzen.engine.model.SubsystemView;
import io.mizzen.nvme.Identify;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.testsupport.Patience;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The path of a host's command through the whole engine: target, nexus, pools, files. */
class EngineTargetTest {
    private static final String N1 = "aaaaaaaa-1111-4111-8111-111111111111";
    private static final String R1 = "11111111-1111-4111-8111-111111111111";
    private static final String R2 = "22222222-2222-4222-8222-222222222222";
    private static final String HOST = RunningEngine.HOST;
    private static final String STRANGER = "nqn.2014-08.org.nvmexpress:uuid:0a0a0a0a-0000-4000-8000-000000000002";
    private static final int BLOCK = 512;
    /** Where Identify tells that a namespace can only be read. */
    private static final int NSATTR = 99;
    private static final int INDEPENDENT_NSATTR = 8;
    /** Where it tells what becomes of blocks that are given back; the value: they read as zeroes, and write-zeroes may give back. */
    private static final int DLFEAT = 33;
    private static final int DLFEAT_ZEROES = 9;

    @TempDir
    private Path directory;

    private String disk(String name, String parameters) {
        return "uring://" + directory.resolve(name) + "?name=" + name + parameters;
    }

    private static byte[] pattern(int seed, int lengthBytes) {
        byte[] data = new byte[lengthBytes];
        new Random(seed).nextBytes(data);
        return data;
    }

    private NexusView mirror(RunningEngine r, String secondChild) {
        for (int i = 0; i < 2; i++) {
            r.ask.get(r.engine.createPool(new PoolSpec("p" + i, null, List.of(disk("d" + i, "&create=true&size_mb=64")), 1 << 20, List.of(), false)));
            r.ask.get(r.engine.createReplica(new ReplicaSpec(i == 0 ? R1 : R2, "r", "p" + i, 24 << 20, true)));
        }
        return r.ask.get(r.engine.createNexus(new NexusSpec(N1, "vol", List.of("lvol:///p0/r", secondChild), 0, null)));
    }

    /** Also those that must be durable: each leg frees the whole clusters, and leaves zeroes. */
    @Test
    void zeroesOfAMirrorThatMayGiveBlocksBackFreeClustersOfItsReplicas() {
        byte[] large = pattern(5, 128 << 10);
        int largeBlocks = large.length / BLOCK;
        int clusterBlocks = (1 << 20) / BLOCK;
        try (RunningEngine r = new RunningEngine()) {
            mirror(r, "lvol:///p1/r");
            String nqn = r.ask.get(r.engine.publishNexus(N1, new ShareSpec(List.of(HOST)))).share().nqn();
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, HOST, 0); NvmeTcpClient io = r.io(nqn)) {
                assertEquals(DLFEAT_ZEROES, admin.identify(Identify.CNS_NAMESPACE, 1).data()[DLFEAT]);
                long before = r.ask.get(r.engine.replica(R1)).allocatedBytes();
                for (int block = 0; block < 3 * clusterBlocks; block += largeBlocks) {
                    assertEquals(0, io.write(1, block, large, BLOCK, false).status());
                }
                for (int i = 0; i < 3; i++) {
                    int flags = new int[] {0, Opcodes.CDW12_DEALLOCATE, Opcodes.CDW12_DEALLOCATE | Opcodes.CDW12_FUA}[i];
                    assertEquals(0, io.await(io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE_ZEROES, 1, i * clusterBlocks, clusterBlocks, flags),
                            null, false, 0)).status());
                    assertArrayEquals(new byte[large.length], io.read(1, i * clusterBlocks, largeBlocks, BLOCK).data());
                    for (String replica : List.of(R1, R2)) {
                        assertEquals(before + (3 - i << 20), r.ask.get(r.engine.replica(replica)).allocatedBytes());
                    }
                }
            }
        }
    }

    @Test
    void hostWritesAndReadsAMirroredVolumeThatSurvivesRestart() {
        byte[] small = pattern(1, 4096);
        byte[] large = pattern(2, 128 << 10);
        String nqn;
        try (RunningEngine r = new RunningEngine()) {
            mirror(r, "lvol:///p1/r");
            nqn = r.ask.get(r.engine.publishNexus(N1, new ShareSpec(List.of(HOST)))).share().nqn();
            assertEquals("nqn.2026-11.io.mizzen:" + N1, nqn);
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "nexus-published", r.engine.destroyNexus(N1), "unpublish");
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, HOST, 0)) {
                List<HostView> hosts = r.ask.get(r.engine.hosts());
                assertEquals(HOST, hosts.getFirst().hostNqn());
                try (NvmeTcpClient io = r.connect(1, hosts.getFirst().controllerId(), nqn, HOST, 1)) {
                    assertEquals(0, io.write(1, 0, small, BLOCK, true).status());
                    assertEquals(0, io.write(1, 2048, large, BLOCK, false).status());
                    assertArrayEquals(large, io.read(1, 2048, large.length / BLOCK, BLOCK).data());
                    HostView host = r.ask.get(r.engine.hosts()).getFirst();
                    assertEquals(1, host.ioQueues());
                    assertEquals(2, host.stats().writeOps());
                    assertEquals(2, r.ask.get(r.engine.connections()).size());
                    assertEquals(2, r.ask.get(r.engine.reactors()).stream().flatMap(x -> x.mthreads().stream())
                            .flatMap(m -> m.pollGroups().stream()).mapToInt(g -> g.connections().size()).sum());
                    BdevView vol = r.ask.get(r.engine.bdev("vol"));
                    assertEquals(2, vol.stats().writeOps());
                    assertEquals(small.length + large.length, vol.stats().writeBytes());
                    assertFalse(r.ask.get(r.engine.bdevChannels("vol")).isEmpty());
                    SubsystemView subsystem = r.ask.get(r.engine.subsystems()).getFirst();
                    assertEquals(N1, subsystem.objectUuid());
                    assertEquals(1, subsystem.hosts().size());
                }
            }
        }
        try (RunningEngine r = new RunningEngine()) {
            for (int i = 0; i < 2; i++) {
                assertFalse(r.ask.get(r.engine.importPool(new PoolSpec("p" + i, null, List.of(disk("d" + i, "&create=true&size_mb=64")), 0,
                        List.of(), false))).recovered());
            }
            assertEquals("ONLINE", r.ask.get(r.engine.assembleNexus(new NexusSpec(N1, "vol", List.of("lvol:///p0/r", "lvol:///p1/r"), 0,
                    null), false)).state());
            assertEquals(nqn, r.ask.get(r.engine.publishNexus(N1, new ShareSpec(List.of(HOST)))).share().nqn());
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, HOST, 0);
                    NvmeTcpClient io = r.connect(1, r.ask.get(r.engine.hosts()).getFirst().controllerId(), nqn, HOST, 0)) {
                assertEquals(0, admin.identify(1, 0).status());
                assertArrayEquals(small, io.read(1, 0, small.length / BLOCK, BLOCK).data());
                assertArrayEquals(large, io.read(1, 2048, large.length / BLOCK, BLOCK).data());
            }
            r.ask.get(r.engine.unpublishNexus(N1));
            assertEquals(List.of(), r.ask.get(r.engine.subsystems()));
            r.ask.get(r.engine.destroyNexus(N1));
        }
    }

    @Test
    void failingChildIsTakenOutWhileTheHostWrites() {
        try (RunningEngine r = new RunningEngine()) {
            r.ask.get(r.engine.createBdev(new BdevSpec("malloc:///m1?size_mb=32")));
            r.ask.get(r.engine.createBdev(new BdevSpec("fault:///f1?base=m1")));
            mirror(r, "f1");
            String nqn = r.ask.get(r.engine.publishNexus(N1, new ShareSpec(List.of("any")))).share().nqn();
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, STRANGER, 0);
                    NvmeTcpClient io = r.connect(1, r.ask.get(r.engine.hosts()).getFirst().controllerId(), nqn, STRANGER, 0)) {
                assertEquals(0, admin.identify(1, 0).status());
                byte[] first = pattern(3, 8192);
                assertEquals(0, io.write(1, 64, first, BLOCK, true).status());
                r.ask.get(r.engine.putFault("f1", new FaultSpec("w", FaultSpec.Operation.WRITE, FaultSpec.Stage.SUBMISSION,
                        FaultSpec.Action.ERROR, 0, 0, 0, 0, 0)));
                byte[] second = pattern(4, 8192);
                assertEquals(0, io.write(1, 64, second, BLOCK, true).status());
                NexusView nexus = r.ask.get(r.engine.nexus(N1));
                assertEquals("DEGRADED", nexus.state());
                assertEquals(List.of(true, false), nexus.children().stream().map(NexusView.ChildView::healthy).toList());
                for (int i = 0; i < 4; i++) {
                    assertArrayEquals(second, io.read(1, 64, second.length / BLOCK, BLOCK).data());
                }
                assertTrue(r.ask.get(r.engine.faults("f1")).getFirst().hits() > 0);
            }
        }
    }

    @Test
    void hangingDeviceDoesNotHoldTheStopBeyondItsDeadline() {
        Engine engine = Engine.create(RunningEngine.config());
        engine.start();
        EngineHarness ask = new EngineHarness(engine);
        ask.get(engine.createBdev(new BdevSpec("malloc:///m?size_mb=32")));
        ask.get(engine.createBdev(new BdevSpec("fault:///f?base=m")));
        ask.get(engine.createNexus(new NexusSpec(N1, "vol", List.of("f"), 0, null)));
        String nqn = ask.get(engine.publishNexus(N1, new ShareSpec(List.of("any")))).share().nqn();
        ListenerView at = ask.get(engine.info()).listeners().getFirst();
        try (NvmeTcpClient admin = NvmeTcpClient.open(new InetSocketAddress(at.address(), at.port())).initialize(0, 0, 1)) {
            assertEquals(0, admin.connect(0, 32, 0xffff, nqn, HOST, UUID.fromString(R1), 0, 0).status());
            admin.enable();
            try (NvmeTcpClient io = NvmeTcpClient.open(new InetSocketAddress(at.address(), at.port())).initialize(0, 0, 1)) {
                assertEquals(0, io.connect(1, 32, ask.get(engine.hosts()).getFirst().controllerId(), nqn, HOST, UUID.fromString(R1), 0, 0).status());
                ask.get(engine.putFault("f", new FaultSpec("hang", FaultSpec.Operation.READ, FaultSpec.Stage.SUBMISSION,
                        FaultSpec.Action.DELAY, 0, 0, 0, 3_600_000_000_000L, 0)));
                io.submit(NvmeTcpClient.io(2, 1, 0, 8, 0), null, false, 8 * BLOCK);
                while (ask.get(engine.faults("f")).getFirst().hits() == 0) {
                    Thread.onSpinWait();
                }
                long startNs = System.nanoTime();
                StopReport report = engine.stop(1_500_000_000L);
                assertFalse(report.clean(), report.toString());
                assertTrue(System.nanoTime() - startNs < 120_000_000_000L, report.toString());
                String reactors = report.steps().getLast().outcome();
                if (!reactors.equals("done")) {     // Little time is left for them by then, on a busy machine too little.
                    assertEquals("a reactor did not stop in time", reactors);
                    Patience.await(() -> Thread.getAllStackTraces().keySet().stream().noneMatch(thread -> thread.getName()
                            .startsWith("reactor-")), report::toString);
                }
            }
        }
    }

    @Test
    void anotherListOfHostsCountsAtOnceAndDisconnectsThoseNotInIt() {
        try (RunningEngine r = new RunningEngine()) {
            r.ask.get(r.engine.createNexus(new NexusSpec(N1, "vol", List.of("malloc:///leg?size_mb=32"), 0, null)));
            String nqn = r.ask.get(r.engine.publishNexus(N1, new ShareSpec(List.of(HOST)))).share().nqn();
            try (NvmeTcpClient kept = r.connect(0, 0xffff, nqn, HOST, 0)) {
                assertEquals(List.of(HOST, STRANGER), r.ask.get(r.engine.publishNexus(N1, new ShareSpec(List.of(HOST, STRANGER)))).share().allowedHosts());
                assertEquals(0, kept.identify(1, 0).status());
                try (NvmeTcpClient added = r.connect(0, 0xffff, nqn, STRANGER, 0)) {
                    assertEquals(List.of(STRANGER), r.ask.get(r.engine.publishNexus(N1, new ShareSpec(List.of(STRANGER)))).share().allowedHosts());
                    assertNotEquals(null, kept.awaitEnd());
                    assertEquals(0, added.identify(1, 0).status());
                }
            }
            org.junit.jupiter.api.Assertions.assertThrows(IllegalStateException.class, () -> r.connect(0, 0xffff, nqn, HOST, 0));
            assertEquals(List.of("share-created", "share-changed", "share-changed"), r.engine.events(0, 100).events().stream()
                    .map(event -> event.kind()).filter(kind -> kind.startsWith("share-")).toList());
            r.ask.refused(ErrorKind.INVALID_ARGUMENT, "invalid-hosts", r.engine.publishNexus(N1, new ShareSpec(List.of("x"))), "x");
        }
    }

    /** A new replica in a new pool. */
    private static ReplicaView shared(RunningEngine r, PoolSpec pool, long sizeBytes, boolean thin) {
        r.ask.get(r.engine.createPool(pool));
        r.ask.get(r.engine.createReplica(new ReplicaSpec(R1, "r", pool.name(), sizeBytes, thin)));
        return r.ask.get(r.engine.shareReplica(R1, new ShareSpec(List.of(HOST))));
    }

    @Test
    void strangersAreRefusedAndSharesAreTakenAway() {
        try (RunningEngine r = new RunningEngine()) {
            ReplicaView shared = shared(r, new PoolSpec("p0", null, List.of("malloc:///d?size_mb=64"), 1 << 20, List.of(), true),
                    8 << 20, true);
            String nqn = shared.share().nqn();
            assertEquals(shared, r.ask.get(r.engine.shareReplica(R1, new ShareSpec(List.of(HOST)))));
            org.junit.jupiter.api.Assertions.assertThrows(IllegalStateException.class, () -> r.connect(0, 0xffff, nqn, STRANGER, 0));
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "replica-shared", r.engine.destroyReplica(R1), "unshare");
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "pool-in-use", r.engine.exportPool("p0"), "r");
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, HOST, 0)) {
                assertEquals(16L << 20, r.ask.get(r.engine.resizeReplica(R1, 16 << 20, false)).sizeBytes());
                byte[] namespace = admin.identify(0, 1).data();
                assertEquals((16 << 20) / BLOCK, java.nio.ByteBuffer.wrap(namespace).order(java.nio.ByteOrder.LITTLE_ENDIAN).getLong(0));
                r.ask.get(r.engine.unshareReplica(R1));
                assertNotEquals(null, admin.awaitEnd());
            }
            assertEquals(List.of("host-connected", "host-disconnected"), r.engine.events(0, 100).events().stream()
                    .filter(event -> event.name().equals(HOST)).map(event -> event.kind()).toList());
            assertEquals(1, r.engine.events(0, 100).events().stream().filter(event -> event.kind().equals("share-created")).count());
            assertEquals(List.of(), r.ask.get(r.engine.hosts()));
            assertFalse(r.ask.get(r.engine.reactors()).stream().map(ReactorView::mthreads).toList().isEmpty());
            r.ask.get(r.engine.destroyReplica(R1));
        }
    }

    /** The bdev that was asked for stays what it was, or stays away. */
    @Test
    void aBdevWhoseDeviceWentIsMadeAgainAsItWas() throws IOException {
        try (RunningEngine r = new RunningEngine()) {
            String wanted = disk("d", "&blk_size=4096");
            r.ask.get(r.engine.createBdev(new BdevSpec(disk("d", "&blk_size=4096&create=true&size_mb=16"))));
            try (RandomAccessFile file = new RandomAccessFile(directory.resolve("d").toFile(), "rw")) {
                file.setLength(0);
                r.ask.get(r.engine.rescanBdev("d"));
                file.setLength(16 << 20);
            }
            r.ask.refused(ErrorKind.ALREADY_EXISTS, "bdev-exists", r.engine.createNexus(new NexusSpec(N1, "vol",
                    List.of(disk("d", "")), 0, null)), "blk_size=4096");
            assertEquals(1, r.ask.get(r.engine.bdevs()).size());
            r.ask.get(r.engine.createNexus(new NexusSpec(N1, "vol", List.of(wanted), 0, null)));
            BdevView again = r.ask.get(r.engine.bdev("d"));
            assertEquals(4096, again.blockSizeBytes());
            assertTrue(again.uri().contains("blk_size=4096"), again.uri());
        }
    }

    /** The disk of pool p0 loses its size, as a device that is pulled out, and its name. */
    private void vanish(RunningEngine r, String disk) throws IOException {
        Path path = directory.resolve(disk);
        Files.copy(path, directory.resolve(disk + ".away"));
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(0);
        }
        Files.delete(path);
        r.ask.get(r.engine.rescanBdev(disk));
        r.awaitEvent("namespace-lost", 1);
    }

    /** Closed by a return that failed, once the volumes on the lost device are. */
    private static void failToReopen(RunningEngine r) throws Exception {
        for (int i = 0; i < 100_000; i++) {
            ExecutionException refused = assertThrows(ExecutionException.class,
                    () -> r.engine.reopenPool("p0").get(EngineHarness.PATIENCE_SECONDS, TimeUnit.SECONDS));
            OperationException cause = (OperationException) refused.getCause();
            if (cause.kind() != ErrorKind.UNAVAILABLE) {
                assertEquals("disk-not-found", cause.code());
                assertEquals(List.of(), r.ask.get(r.engine.pools()));
                return;
            }
            Thread.sleep(1);
        }
        throw new AssertionError("the pool stays busy");
    }

    /** As an import by request or after a failed attempt, not only in one go with the closing. */
    @Test
    void servedReplicasAreServedAgainWheneverTheirPoolComesBack() throws Exception {
        byte[] data = pattern(7, 4096);
        PoolSpec pool = new PoolSpec("p0", null, List.of(disk("d0", "&create=true&size_mb=64")), 1 << 20, List.of(), false);
        try (RunningEngine r = new RunningEngine()) {
            String nqn = shared(r, pool, 8 << 20, true).share().nqn();
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, HOST, 0); NvmeTcpClient io = r.io(nqn)) {
                assertEquals(0, io.write(1, 0, data, BLOCK, true).status());
            }
            vanish(r, "d0");
            failToReopen(r);
            Files.move(directory.resolve("d0.away"), directory.resolve("d0"));
            r.ask.get(r.engine.importPool(pool));
            assertEquals(List.of("share-created", "share-removed", "share-created"), r.events("share-"));
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, HOST, 0); NvmeTcpClient io = r.io(nqn)) {
                assertEquals(0, admin.identify(1, 0).status());
                assertArrayEquals(data, io.read(1, 0, data.length / BLOCK, BLOCK).data());
            }
        }
    }

    /** What was served is away: a replica of the same UUID in another pool is another one, whose data hosts must not get instead. */
    @Test
    void aReplicaIsNotServedFromAnotherPoolInstead() throws Exception {
        PoolSpec pool = new PoolSpec("p0", null, List.of(disk("d0", "&create=true&size_mb=64")), 1 << 20, List.of(), false);
        PoolSpec other = new PoolSpec("p1", null, List.of(disk("d1", "&create=true&size_mb=64")), 1 << 20, List.of(), false);
        try (RunningEngine r = new RunningEngine()) {
            r.ask.get(r.engine.createPool(other));
            r.ask.get(r.engine.createReplica(new ReplicaSpec(R1, "r", "p1", 4 << 20, true)));
            r.ask.get(r.engine.exportPool("p1"));
            r.ask.get(r.engine.createPool(pool));
            r.ask.get(r.engine.createReplica(new ReplicaSpec(R1, "r", "p0", 8 << 20, true)));
            r.ask.get(r.engine.shareReplica(R1, new ShareSpec(List.of(HOST))));
            vanish(r, "d0");
            r.ask.get(r.engine.importPool(other));
            assertEquals(List.of("share-created"), r.events("share-"));
            assertEquals(8 << 20, r.ask.get(r.engine.subsystems()).getFirst().namespaces().getFirst().sizeBytes());
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "replica-shared", r.engine.shareReplica("p1/r", new ShareSpec(List.of(HOST))),
                    "another pool", "DELETE");
            r.ask.get(r.engine.unshareReplica(R1));
            r.ask.get(r.engine.shareReplica("p1/r", new ShareSpec(List.of(HOST))));
            assertEquals(4 << 20, r.ask.get(r.engine.subsystems()).getFirst().namespaces().getFirst().sizeBytes());
        }
    }

    /** Of a pool that is imported read-only, and of a snapshot: hosts copy away what can be read, and change nothing. */
    @Test
    void whatCanOnlyBeReadIsServedWriteProtected() throws Exception {
        byte[] data = pattern(8, 64 << 10);
        PoolSpec pool = new PoolSpec("p0", null, List.of(disk("d0", "&create=true&size_mb=64")), 1 << 20, List.of(), false);
        try (RunningEngine r = new RunningEngine()) {
            String nqn = shared(r, pool, 8 << 20, true).share().nqn();
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, HOST, 0); NvmeTcpClient io = r.io(nqn)) {
                assertEquals(0, admin.identify(Identify.CNS_NAMESPACE, 1).data()[NSATTR]);
                assertEquals(0, io.write(1, 2000, data, BLOCK, false).status());
            }
            r.ask.get(r.engine.createSnapshot(new SnapshotSpec(R2, "s", R1, null, null)));
            assertFalse(r.ask.get(r.engine.replica(R1)).share().readOnly());
            assertTrue(r.ask.get(r.engine.shareReplica(R2, new ShareSpec(List.of(HOST)))).share().readOnly());
            checkWriteProtected(r, R2, data);
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "replica-shared", r.engine.destroyReplica(R2), "unshare");
            for (String replica : List.of(R1, R2)) {
                r.ask.get(r.engine.unshareReplica(replica));
            }
            r.ask.get(r.engine.exportPool("p0"));
            byte[] before = Files.readAllBytes(directory.resolve("d0"));
            r.ask.get(r.engine.importPool(pool, new PoolImport(false, true)));
            for (String replica : List.of(R1, R2)) {
                assertTrue(r.ask.get(r.engine.shareReplica(replica, new ShareSpec(List.of(HOST)))).share().readOnly());
                checkWriteProtected(r, replica, data);
                r.ask.get(r.engine.unshareReplica(replica));
            }
            r.ask.get(r.engine.exportPool("p0"));
            assertArrayEquals(before, Files.readAllBytes(directory.resolve("d0")));
        }
    }

    @Test
    void ofAPoolThatLacksADiskHostsReadWhatLiesOnTheOthers() throws Exception {
        byte[] data = pattern(5, 4096);
        long lastBlock = (40 << 20) / BLOCK - 8;
        List<String> disks = List.of(disk("d0", "&create=true&size_mb=32"), disk("d1", "&create=true&size_mb=32"));
        PoolSpec whole = new PoolSpec("p0", null, disks, 1 << 20, List.of(), false);
        PoolSpec part = new PoolSpec("p0", null, disks.subList(0, 1), 0, List.of(), false);
        try (RunningEngine r = new RunningEngine()) {
            String nqn = shared(r, whole, 40 << 20, false).share().nqn();
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, HOST, 0); NvmeTcpClient io = r.io(nqn)) {
                assertEquals(0, admin.identify(Identify.CNS_NAMESPACE, 1).status());
                assertEquals(0, io.write(1, 0, data, BLOCK, true).status());
                assertEquals(0, io.write(1, lastBlock, data, BLOCK, true).status());
            }
            r.ask.get(r.engine.unshareReplica(R1));
            r.ask.get(r.engine.exportPool("p0"));
            byte[] before = Files.readAllBytes(directory.resolve("d0"));
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "pool-disk-missing", r.engine.importPool(part), "member 2", "readOnly");
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "pool-disk-missing", r.engine.importPool(new PoolSpec("p0", null,
                    disks.subList(1, 2), 0, List.of(), false), new PoolImport(false, true)), "metadata begins on member 1");
            PoolView pool = r.ask.get(r.engine.importPool(part, new PoolImport(false, true)));
            assertEquals("ONLINE", pool.state());
            assertTrue(pool.problems().getFirst().contains("member 2"), pool.problems()::toString);
            assertEquals(1, pool.storage().disks().size());
            assertTrue(r.ask.get(r.engine.shareReplica(R1, new ShareSpec(List.of(HOST)))).share().readOnly());
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, HOST, 0); NvmeTcpClient io = r.io(nqn)) {
                assertEquals(1, admin.identify(Identify.CNS_NAMESPACE, 1).data()[NSATTR]);
                assertArrayEquals(data, io.read(1, 0, data.length / BLOCK, BLOCK).data());
                assertEquals(Status.UNRECOVERED_READ_ERROR, io.read(1, lastBlock, data.length / BLOCK, BLOCK).code());
            }
            r.ask.get(r.engine.unshareReplica(R1));
            r.ask.get(r.engine.exportPool("p0"));
            assertEquals(List.of(), r.ask.get(r.engine.bdevs()));
            assertArrayEquals(before, Files.readAllBytes(directory.resolve("d0")));
            assertEquals(List.of(), r.ask.get(r.engine.importPool(whole)).problems());
        }
    }

    private static void checkWriteProtected(RunningEngine r, String replica, byte[] data) {
        String nqn = "nqn.2026-11.io.mizzen:" + replica;
        assertTrue(r.ask.get(r.engine.subsystems()).stream().filter(one -> one.nqn().equals(nqn)).findAny().orElseThrow()
                .namespaces().getFirst().readOnly());
        try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, HOST, 0); NvmeTcpClient io = r.io(nqn)) {
            assertEquals(1, admin.identify(Identify.CNS_NAMESPACE, 1).data()[NSATTR]);
            assertEquals(1, admin.identify(Identify.CNS_INDEPENDENT_NAMESPACE, 1).data()[INDEPENDENT_NSATTR]);
            byte[] other = pattern(9, 4096);
            byte[] range = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putInt(4, 2048).putLong(8, 2048).array();
            List<NvmeTcpClient.Reply> refused = List.of(io.write(1, 2000, other, BLOCK, true), io.write(1, 2000, other, BLOCK, false),
                    io.await(io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE_ZEROES, 1, 2000, 8, 0), null, false, 0)),
                    io.await(io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE_ZEROES, 1, 2000, 8, Opcodes.CDW12_DEALLOCATE), null, false, 0)),
                    io.await(io.submit(NvmeTcpClient.sqe(Opcodes.NVM_DATASET_MANAGEMENT, 1, 0, Opcodes.CDW11_DSM_DEALLOCATE), range,
                            true, 0)));
            for (NvmeTcpClient.Reply reply : refused) {
                assertEquals(NvmeStatus.NAMESPACE_WRITE_PROTECTED, reply.code());
                assertTrue(reply.doNotRetry());
            }
            assertEquals(0, io.await(io.submit(NvmeTcpClient.sqe(Opcodes.NVM_FLUSH, 1), null, false, 0)).status());
            assertArrayEquals(data, io.read(1, 2000, data.length / BLOCK, BLOCK).data());
        }
    }
}
