package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.EngineView;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.MemoryView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.PollMode;
import io.mizzen.engine.model.ReactorView;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.StopReport;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Life of the engine, its views, block devices and faults, on real reactors. */
class EngineTest {
    private static final BdevSpec M0 = new BdevSpec("malloc:///m0?size_mb=4&blk_size=4096");

    @Test
    void viewsShowCoresAndMemory() {
        try (EngineHarness h = new EngineHarness(2)) {
            EngineView info = h.get(h.engine.info());
            assertEquals("RUNNING", info.state());
            assertEquals(List.of(0, 1), info.cores());
            assertEquals("PLAIN", info.memoryKind());
            List<ReactorView> reactors = h.get(h.engine.reactors());
            assertEquals(2, reactors.size());
            assertTrue(reactors.get(0).control());
            assertEquals(List.of("reactor-0", "control", "rebuild-0", "admin-0"),
                    reactors.get(0).mthreads().stream().map(ReactorView.MthreadView::name).toList());
            assertEquals(reactors.get(1).core(), h.get(h.engine.reactor(1)).core());
            h.refused(ErrorKind.NOT_FOUND, "reactor-not-found", h.engine.reactor(7), "7");
            MemoryView memory = h.get(h.engine.memory());
            assertEquals(32L << 20, memory.reservedBytes());
            assertEquals(List.of("small", "large"), memory.pools().stream().map(MemoryView.BufferPoolView::name).toList());
            assertEquals(2, memory.pools().get(0).caches().size());
            assertEquals(memory.pools().get(0).capacity(), memory.pools().get(0).free());
        }
    }

    @Test
    void placementAndPollModeAreHonoured() {
        EngineConfig config = EngineHarness.config().withCores(new EngineConfig.Cores(List.of(1, 0), PollMode.ADAPTIVE,
                List.of(1), 10_000, 500_000_000L, List.of(1), List.of(0), List.of(1)));
        try (EngineHarness h = new EngineHarness(2, config)) {
            List<ReactorView> reactors = h.get(h.engine.reactors());
            assertEquals(PollMode.ADAPTIVE, reactors.get(0).pollMode());
            assertEquals(PollMode.BUSY, reactors.get(1).pollMode());
            assertEquals(List.of("reactor-1", "admin-1"),
                    reactors.get(1).mthreads().stream().map(ReactorView.MthreadView::name).toList());
        }
    }

    @Test
    void missingCoreRefusesTheStartAndLeavesNothing() {
        EngineConfig config = EngineHarness.config().withCores(new EngineConfig.Cores(List.of(0, 5), PollMode.ADAPTIVE,
                List.of(), 10_000, 500_000_000L, List.of(), List.of(), List.of()));
        PlainPlatform platform = new PlainPlatform(2);
        Engine engine = new DataPlane(config, platform);
        OperationException failure = assertThrows(OperationException.class, engine::start);
        assertEquals("core-not-available", failure.code());
        assertTrue(failure.getMessage().contains("core 5"), failure.getMessage());
        assertTrue(platform.isReleased());
        assertFalse(engine.isRunning());
    }

    @Test
    void commandsNeedARunningEngineAndStopHappensOnce() {
        PlainPlatform platform = new PlainPlatform(1);
        DataPlane engine = new DataPlane(EngineHarness.config(), platform);
        assertTrue(engine.info().isCompletedExceptionally());
        assertEquals(List.of(), engine.metrics().reactors());
        engine.start();
        StopReport report = engine.stop(EngineHarness.STOP_NS);
        assertTrue(report.clean(), report.toString());
        assertSame(report, engine.stop(1));
        assertTrue(engine.bdevs().isCompletedExceptionally());
        assertEquals(0, platform.openReactors.get());
        assertEquals(List.of("engine-started", "engine-stopped"), engine.events(0, 10).events().stream().map(e -> e.kind()).toList());
    }

    @Test
    void aStopClosesWhatLiesOverAReplicaBeforeItsPool() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createPool(new PoolSpec("p", null, List.of("malloc:///d?size_mb=32"), 1 << 20, List.of(), true)));
            h.get(h.engine.createReplica(new ReplicaSpec("bbbbbbbb-1111-4111-8111-11111111111a", "v", "p", 4 << 20, true)));
            h.get(h.engine.createBdev(new BdevSpec("fault:///over?base=lvol:///p/v")));
            StopReport report = h.engine.stop(EngineHarness.STOP_NS);
            assertTrue(report.clean(), report.toString());
        }
    }

    /** Four pools, each on a replica of the one before; what is between is made by command, or because a pool names it. */
    @ParameterizedTest
    @ValueSource(strings = {"fault:///over%d?base=lvol:///p%d/v", "lvol:///p%d/v"})
    void aStopClosesPoolsThatLieOnEachOtherFromTheTop(String over) {
        for (boolean byCommand : new boolean[] {true, false}) {
            try (EngineHarness h = new EngineHarness(1)) {
                String disk = "malloc:///d?size_mb=256";
                for (int level = 0; level < 4; level++) {
                    h.get(h.engine.createPool(new PoolSpec("p" + level, null, List.of(disk), 1 << 20, List.of(), true)));
                    h.get(h.engine.createReplica(new ReplicaSpec("bbbbbbbb-1111-4111-8111-11111111111" + level, "v", "p" + level,
                            (200 - 40 * level) << 20, true)));
                    disk = over.startsWith("fault") ? String.format(over, level, level) : String.format(over, level);
                    if (byCommand && over.startsWith("fault")) {
                        h.get(h.engine.createBdev(new BdevSpec(disk)));
                    }
                }
                h.get(h.engine.createNexus(new NexusSpec("cccccccc-1111-4111-8111-111111111111", "n", List.of(disk), 0, null)));
                h.get(h.engine.createBdev(new BdevSpec("fault:///top?base=n")));
                StopReport report = h.engine.stop(EngineHarness.STOP_NS);
                assertTrue(report.clean(), report.toString());
            }
        }
    }

    /** Nexuses are closed first, but not those that a pool needs for its last writes. */
    @Test
    void aStopClosesAPoolThatLiesOnANexusBeforeThat() {
        try (EngineHarness h = new EngineHarness(1)) {
            List<String> disk = List.of("malloc:///d?size_mb=64");
            h.get(h.engine.createBdev(new BdevSpec(disk.getFirst())));
            h.get(h.engine.createPool(new PoolSpec("lower", null, disk, 1 << 20, List.of(), true)));
            h.get(h.engine.createReplica(new ReplicaSpec("bbbbbbbb-1111-4111-8111-11111111111a", "v", "lower", 40 << 20, true)));
            h.get(h.engine.createNexus(new NexusSpec("cccccccc-1111-4111-8111-111111111111", "n", List.of("lvol:///lower/v"), 0, null)));
            h.get(h.engine.createPool(new PoolSpec("upper", null, List.of("n"), 1 << 20, List.of(), true)));
            h.get(h.engine.createReplica(new ReplicaSpec("bbbbbbbb-1111-4111-8111-11111111111b", "w", "upper", 4 << 20, true)));
            h.get(h.engine.createBdev(new BdevSpec("fault:///over?base=lvol:///upper/w")));
            StopReport report = h.engine.stop(EngineHarness.STOP_NS);
            assertTrue(report.clean(), report.toString());
        }
    }

    @Test
    void bdevsAreCreatedOnceAndDestroyed() {
        try (EngineHarness h = new EngineHarness(1)) {
            BdevView bdev = h.get(h.engine.createBdev(M0));
            assertEquals(4L << 20, bdev.sizeBytes());
            assertEquals(4096, bdev.blockSizeBytes());
            assertTrue(bdev.test());
            assertEquals(M0.uri(), bdev.uri());
            assertEquals(bdev.uuid(), h.get(h.engine.createBdev(M0)).uuid());
            h.refused(ErrorKind.ALREADY_EXISTS, "bdev-exists", h.engine.createBdev(new BdevSpec("malloc:///m0?size_mb=8")), "m0", "another name");
            h.refused(ErrorKind.ALREADY_EXISTS, "bdev-exists",
                    h.engine.createBdev(new BdevSpec("null:///n0?size_mb=8&uuid=" + bdev.uuid())), bdev.uuid());
            assertEquals(1, h.get(h.engine.bdevs()).size());
            assertEquals("m0", h.get(h.engine.bdev(bdev.uuid())).name());
            assertEquals(List.of(), h.get(h.engine.bdevChannels("m0")));
            h.get(h.engine.destroyBdev("m0"));
            h.refused(ErrorKind.NOT_FOUND, "bdev-not-found", h.engine.bdev("m0"), "m0");
            h.refused(ErrorKind.NOT_FOUND, "bdev-not-found", h.engine.destroyBdev("m0"));
            h.get(h.engine.createBdev(new BdevSpec("malloc:///m0?num_blocks=100")));
        }
    }

    @Test
    void badUrisAreRefused() {
        try (EngineHarness h = new EngineHarness(1)) {
            invalid(h, "unknown-uri-scheme", "iscsi:///x", "iscsi");
            invalid(h, "unknown-uri-scheme", "nvmf://10.0.0.1:4420/nqn.x", "not of others");
            invalid(h, "unknown-uri-parameter", "malloc:///m0?size_mb=4&colour=red", "colour");
            invalid(h, "invalid-uri", "malloc:///m0", "size_mb is missing");
            invalid(h, "invalid-uri", "malloc:///m0?size_mb=1&num_blocks=1", "not both");
            invalid(h, "invalid-uri", "malloc:///m0?size_mb=0", "size_mb");
            invalid(h, "invalid-uri", "malloc:///m0?size_mb=99999999999999", "size_mb");
            invalid(h, "invalid-uri", "malloc:///m0?size_mb=1&blk_size=8192", "blk_size");
            invalid(h, "invalid-uri", "fault:///f0", "base is missing");
            invalid(h, "invalid-uri", "lvol:///justpool", "pool/name");
            h.refused(ErrorKind.NOT_FOUND, "bdev-not-found", h.engine.createBdev(new BdevSpec("fault:///f0?base=nothing")));
            assertEquals(List.of(), h.get(h.engine.bdevs()));
        }
    }

    private static void invalid(EngineHarness h, String code, String uri, String part) {
        h.refused(ErrorKind.INVALID_ARGUMENT, code, h.engine.createBdev(new BdevSpec(uri)), part);
    }

    @Test
    void bdevUnderAFaultBdevIsInUseAndGoesWithIt() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createBdev(M0));
            h.get(h.engine.createBdev(new BdevSpec("fault:///f0?base=m0")));
            h.refused(ErrorKind.FAILED_PRECONDITION, "bdev-in-use", h.engine.destroyBdev("m0"), "fault bdev f0");
            h.get(h.engine.destroyBdev("f0"));
            assertNull(h.get(h.engine.bdev("m0")).claimedBy());
            h.get(h.engine.createBdev(new BdevSpec("fault:///f1?base=malloc%3A%2F%2F%2Fm1%3Fsize_mb%3D1")));
            assertEquals("fault bdev f1", h.get(h.engine.bdev("m1")).claimedBy());
            h.get(h.engine.destroyBdev("f1"));
            assertEquals(List.of("m0"), h.get(h.engine.bdevs()).stream().map(BdevView::name).toList());
        }
    }

    @Test
    void faultsAreSetListedAndCleared() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createBdev(M0));
            h.refused(ErrorKind.FAILED_PRECONDITION, "not-a-fault-bdev", h.engine.faults("m0"), "malloc");
            h.get(h.engine.createBdev(new BdevSpec("fault:///f0?base=m0")));
            FaultSpec spec = new FaultSpec("w1", FaultSpec.Operation.WRITE, FaultSpec.Stage.SUBMISSION, FaultSpec.Action.ERROR, 8, 16, 3, 0, 0x280);
            assertEquals(spec, h.get(h.engine.putFault("f0", spec)).spec());
            assertEquals(List.of(spec), h.get(h.engine.faults("f0")).stream().map(f -> f.spec()).toList());
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-fault", h.engine.putFault("f0", new FaultSpec("d", FaultSpec.Operation.ANY,
                    FaultSpec.Stage.SUBMISSION, FaultSpec.Action.ERROR, 0, 0, 0, 5, 0)), "delayNs");
            h.refused(ErrorKind.NOT_FOUND, "fault-not-found", h.engine.deleteFault("f0", "w2"), "w2");
            h.get(h.engine.deleteFault("f0", "w1"));
            assertEquals(List.of(), h.get(h.engine.faults("f0")));
        }
    }

    @Test
    void limitOfBdevsAndMailboxHold() {
        EngineConfig config = EngineHarness.config().withLimits(new EngineConfig.Limits(4, 2, 16, 1, 60_000_000_000L));
        try (EngineHarness h = new EngineHarness(1, config)) {
            h.get(h.engine.createBdev(new BdevSpec("null:///n0?size_mb=1")));
            h.get(h.engine.createBdev(new BdevSpec("null:///n1?size_mb=1")));
            h.refused(ErrorKind.RESOURCE_EXHAUSTED, "too-many-bdevs", h.engine.createBdev(new BdevSpec("null:///n2?size_mb=1")), "2");
            List<CompletableFuture<?>> flood = new ArrayList<>();
            for (int i = 0; i < 2000; i++) {
                flood.add(h.engine.bdevs().handle((value, failure) -> failure == null ? "ok" : ((OperationException) failure).code()));
            }
            for (CompletableFuture<?> answer : flood) {
                assertTrue(List.of("ok", "engine-busy").contains(h.get(answer)), answer.toString());
            }
            MetricsView metrics = h.engine.metrics();
            assertEquals(List.of("n0", "n1"), metrics.volumes().stream().map(MetricsView.VolumeMetrics::name).toList());
            assertTrue(metrics.reactors().get(0).running());
        }
    }
}
