package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.MemoryView;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReactorView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole engine on the machine itself: pinned reactors, rings, files as disks. */
class LinuxEngineTest {
    private static final String N1 = "aaaaaaaa-1111-4111-8111-111111111111";
    private static final List<String> REPLICAS = List.of("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222");

    @TempDir
    private Path directory;

    private static Engine start() {
        Engine engine = Engine.create(EngineHarness.config().withMemory(new EngineConfig.Memory(64L << 20, false, false)));
        engine.start();
        return engine;
    }

    private static <T> T get(CompletableFuture<T> future) throws InterruptedException, TimeoutException {
        try {
            return future.get(EngineHarness.PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException failure) {
            throw new AssertionError(failure.getCause());
        }
    }

    private String disk(String name, String parameters) {
        return "uring://" + directory.resolve(name) + "?name=" + name + parameters;
    }

    @Test
    void reactorsRunPinnedAndSleepWhenIdle() throws Exception {
        Engine engine = start();
        try {
            List<ReactorView> reactors = get(engine.reactors());
            assertFalse(reactors.isEmpty());
            assertTrue(reactors.stream().allMatch(r -> r.pollMode().name().equals("ADAPTIVE")));
            assertFalse(get(engine.info()).ioRing().isEmpty());
            MemoryView memory = get(engine.memory());
            assertTrue(memory.reservedBytes() >= 64L << 20);
            long endNs = System.nanoTime() + 120_000_000_000L;
            while (engine.metrics().reactors().getFirst().ringEnters() == 0) {      // On a busy machine it has not slept yet.
                assertTrue(System.nanoTime() < endNs, "it never sleeps");
                Thread.onSpinWait();
            }
        } finally {
            assertTrue(engine.stop(EngineHarness.STOP_NS).clean());
        }
    }

    @Test
    void foreignDiskIsRefusedUnlessNamed() throws Exception {
        Path file = directory.resolve("d0");
        try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(64L << 20);
            raw.seek(0);
            raw.writeBytes("XFSB");
        }
        Engine engine = start();
        try {
            PoolSpec spec = new PoolSpec("p0", null, List.of(disk("d0", "")), 1 << 20, List.of(), false);
            ExecutionException refused = org.junit.jupiter.api.Assertions.assertThrows(ExecutionException.class,
                    () -> engine.createPool(spec).get(EngineHarness.PATIENCE_SECONDS, TimeUnit.SECONDS));
            OperationException failure = (OperationException) refused.getCause();
            assertEquals(ErrorKind.FAILED_PRECONDITION, failure.kind());
            assertTrue(failure.getMessage().contains("[xfs]"), failure.getMessage());
            assertEquals("XFSB", head(file));
            PoolView pool = get(engine.createPool(new PoolSpec("p0", null, spec.disks(), 1 << 20, List.of("xfs"), false)));
            assertFalse(pool.test());
        } finally {
            assertTrue(engine.stop(EngineHarness.STOP_NS).clean());
        }
    }

    private static String head(Path file) throws IOException {
        try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "r")) {
            byte[] bytes = new byte[4];
            raw.readFully(bytes);
            return new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
        }
    }

    @Test
    void poolsAndNexusComeBackAfterAStop() throws Exception {
        Engine first = start();
        NexusSpec spec = new NexusSpec(N1, "vol", List.of("lvol:///p0/r0", "lvol:///p1/r1"), 0, null);
        long size;
        try {
            for (int i = 0; i < 2; i++) {
                get(first.createPool(new PoolSpec("p" + i, null, List.of(disk("d" + i, "&create=true&size_mb=64")), 1 << 20, List.of(), false)));
                get(first.createReplica(new ReplicaSpec(REPLICAS.get(i), "r" + i, "p" + i, 24 << 20, i == 0)));
            }
            NexusView nexus = get(first.createNexus(spec));
            assertEquals("ONLINE", nexus.state());
            size = nexus.sizeBytes();
        } finally {
            assertTrue(first.stop(EngineHarness.STOP_NS).clean());
        }
        assertEquals(64L << 20, Files.size(directory.resolve("d0")));
        Engine second = start();
        try {
            for (int i = 0; i < 2; i++) {
                PoolView pool = get(second.importPool(new PoolSpec("p" + i, null, List.of(disk("d" + i, "")), 0, List.of(), false)));
                assertFalse(pool.recovered());
                assertEquals(1, pool.replicas());
            }
            NexusView nexus = get(second.assembleNexus(spec, false));
            assertEquals("ONLINE", nexus.state());
            assertEquals(size, nexus.sizeBytes());
            assertFalse(nexus.resyncing());
        } finally {
            assertTrue(second.stop(EngineHarness.STOP_NS).clean());
        }
        Engine third = start();
        try {
            get(third.importPool(new PoolSpec("p0", null, List.of(disk("d0", "")), 0, List.of(), false)));
            ExecutionException refused = org.junit.jupiter.api.Assertions.assertThrows(ExecutionException.class,
                    () -> third.assembleNexus(spec, false).get(EngineHarness.PATIENCE_SECONDS, TimeUnit.SECONDS));
            assertEquals("nexus-newest-generation-missing", ((OperationException) refused.getCause()).code(), refused.getCause().toString());
            NexusView nexus = get(third.assembleNexus(spec, true));
            assertEquals("DEGRADED", nexus.state());
            assertEquals(1, nexus.children().stream().filter(NexusView.ChildView::healthy).count());
            assertEquals("lvol:///p1/r1", nexus.children().get(1).uri());
        } finally {
            assertTrue(third.stop(EngineHarness.STOP_NS).clean());
        }
    }

    @Test
    void aPoolWithADamagedMaskIsRefusedUntilItsMasksAreToBeRebuilt() throws Exception {
        PoolSpec spec = new PoolSpec("p0", null, List.of(disk("d0", "")), 0, List.of(), false);
        Engine first = start();
        try {
            get(first.createPool(new PoolSpec("p0", null, List.of(disk("d0", "&create=true&size_mb=64")), 1 << 20, List.of(), false)));
            get(first.createReplica(new ReplicaSpec(REPLICAS.get(0), "r", "p0", 4 << 20, false)));
        } finally {
            assertTrue(first.stop(EngineHarness.STOP_NS).clean());
        }
        try (RandomAccessFile raw = new RandomAccessFile(directory.resolve("d0").toFile(), "rw")) {
            raw.seek(2 * 4096 + 5 + 3);           // The mask of used clusters; a cluster that is free.
            raw.write(0x10);
        }
        Engine second = start();
        try {
            ExecutionException refused = org.junit.jupiter.api.Assertions.assertThrows(ExecutionException.class,
                    () -> second.importPool(spec).get(EngineHarness.PATIENCE_SECONDS, TimeUnit.SECONDS));
            assertEquals("pool-mask-mismatch", ((OperationException) refused.getCause()).code());
            assertTrue(refused.getCause().getMessage().contains("\"rebuildMasks\": true"), refused.getCause().getMessage());
            PoolView pool = get(second.importPool(spec, new PoolImport(true, false)));
            assertTrue(pool.recovered());
            assertEquals(4 << 20, pool.usedBytes());
            assertEquals(1, pool.replicas());
        } finally {
            assertTrue(second.stop(EngineHarness.STOP_NS).clean());
        }
    }

    @Test
    void grownFileIsSeenByRescan() throws Exception {
        Engine engine = start();
        try {
            BdevView bdev = get(engine.createBdev(new BdevSpec(disk("d0", "&create=true&size_mb=8"))));
            assertEquals(8L << 20, bdev.sizeBytes());
            assertEquals("uring", bdev.product());
            try (RandomAccessFile raw = new RandomAccessFile(directory.resolve("d0").toFile(), "rw")) {
                raw.setLength(16L << 20);
            }
            assertEquals(16L << 20, get(engine.rescanBdev("d0")).sizeBytes());
            get(engine.destroyBdev("d0"));
        } finally {
            assertTrue(engine.stop(EngineHarness.STOP_NS).clean());
        }
    }
}
