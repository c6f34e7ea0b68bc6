package io.mizzen.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.EventSeverity;
import io.mizzen.engine.model.HealthState;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.PoolDiskSpec;
import io.mizzen.engine.model.PoolDiskView;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pools of several disks, and pools that grow, through the facade. */
class PoolDisksTest {
    private static final long MIB = 1 << 20;
    private static final String A = "malloc:///a?size_mb=32";
    private static final String B = "malloc:///b?size_mb=24";
    private static final String C = "malloc:///c?size_mb=16";
    private static final String R1 = "11111111-1111-4111-8111-111111111111";
    private static final String R2 = "22222222-2222-4222-8222-222222222222";

    private static PoolSpec pool(List<String> disks, PoolSpec.Room room) {
        return new PoolSpec("p0", null, disks, MIB, List.of(), true, room);
    }

    private static PoolSpec pool(String... disks) {
        return pool(List.of(disks), PoolSpec.Room.DEFAULT);
    }

    private static void keepDisks(EngineHarness h, String... uris) {
        for (String uri : uris) {
            h.get(h.engine.createBdev(new BdevSpec(uri)));
        }
    }

    @Test
    void severalDisksAreOnePool() {
        try (EngineHarness h = new EngineHarness(2)) {
            keepDisks(h, A, B, C);
            PoolView pool = h.get(h.engine.createPool(pool(A, B)));
            assertThat(pool.storage().joined()).isTrue();
            assertThat(pool.storage().sizeBytes()).isEqualTo(54 * MIB);
            assertThat(pool.capacityBytes()).isGreaterThan(50 * MIB);
            assertThat(pool.storage().disks()).extracting(PoolDiskView::bdev).containsExactly("a", "b");
            assertThat(pool.storage().disks()).extracting(PoolDiskView::dataBytes).containsExactly(31 * MIB, 23 * MIB);
            assertThat(h.get(h.engine.createPool(pool(B, A)))).as("the same disks").isEqualTo(pool);
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 48 * MIB, false)));
            h.refused(ErrorKind.FAILED_PRECONDITION, "bdev-in-use", h.engine.destroyBdev("a"), "pool p0");
            String concat = h.get(h.engine.bdevs()).stream().filter(bdev -> bdev.product().equals("concat")).findFirst().orElseThrow().name();
            h.refused(ErrorKind.FAILED_PRECONDITION, "bdev-has-owner", h.engine.destroyBdev(concat), "export or destroy the pool");
            h.get(h.engine.exportPool("p0"));
            assertThat(h.get(h.engine.bdevs())).extracting(BdevView::name).containsExactly("a", "b", "c");
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-disk-missing", h.engine.importPool(pool(B)), "member 1", "nothing was changed");
            h.refused(ErrorKind.FAILED_PRECONDITION, "disk-not-member", h.engine.importPool(pool(B, A, C)), "disk c");
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-disks", h.engine.importPool(pool(A, A)), "twice");
            h.refused(ErrorKind.NOT_FOUND, "disk-not-found", h.engine.importPool(pool(A, "uring:///none/gone")), "only with all its disks");
            h.refused(ErrorKind.FAILED_PRECONDITION, "disk-not-empty", h.engine.createPool(pool(C, B)), "spdk-raid",
                    "import it instead");
            PoolView again = h.get(h.engine.importPool(pool(B, A)));
            assertThat(again.uuid()).isEqualTo(pool.uuid());
            assertThat(again.recovered()).isFalse();
            assertThat(again.replayPages()).as("those of the pool and its replica").isBetween(2, 8);
            assertThat(again.replayBytes()).isGreaterThanOrEqualTo(again.replayPages() * 4096L);
            assertThat(again.storage().disks()).extracting(PoolDiskView::bdev).containsExactly("a", "b");
            assertThat(h.get(h.engine.replica("p0/r1")).sizeBytes()).isEqualTo(48 * MIB);
            h.get(h.engine.destroyPool("p0", true));
            h.get(h.engine.createPool(pool(A)));
        }
    }

    @Test
    void aDiskIsAddedToAPoolThatWasMadeForIt() {
        try (EngineHarness h = new EngineHarness(2)) {
            keepDisks(h, A, B, C);
            h.get(h.engine.createPool(pool(List.of(B), new PoolSpec.Room(true, 0, 0))));
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 16 * MIB, false)));
            PoolView two = h.get(h.engine.addPoolDisk("p0", new PoolDiskSpec(A, List.of(), true)));
            assertThat(two.storage().sizeBytes()).isEqualTo(54 * MIB);
            assertThat(two.disks()).containsExactly(B, A);
            assertThat(h.get(h.engine.addPoolDisk("p0", new PoolDiskSpec(A, List.of(), true)))).isEqualTo(two);
            assertThat(h.get(h.engine.resizeReplica("p0/r1", 40 * MIB, false)).sizeBytes()).isEqualTo(40 * MIB);
            h.get(h.engine.exportPool("p0"));
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-disk-missing", h.engine.importPool(pool(B)), "member 2");
            assertThat(h.get(h.engine.importPool(pool(A, B))).capacityBytes()).isEqualTo(two.capacityBytes());
            h.get(h.engine.destroyPool("p0", true));
        }
    }

    @Test
    void aBareLvstoreTakesNoOtherDiskAndSaysTheWayOut() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createPool(pool(A)));
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-not-expandable", h.engine.addPoolDisk("p0", new PoolDiskSpec(B, List.of(),
                    true)), "bare lvstore", "expandable", "rebuild");
            h.refused(ErrorKind.NOT_FOUND, "pool-not-found", h.engine.addPoolDisk("p1", new PoolDiskSpec(B, List.of(), true)));
            assertThat(h.get(h.engine.bdevs())).extracting(BdevView::name).contains("a").doesNotContain("b");
        }
    }

    @Test
    void aDiskBeyondWhatTheMetadataWasMadeForIsRefused() {
        try (EngineHarness h = new EngineHarness(1)) {
            PoolView pool = h.get(h.engine.createPool(pool(List.of(A), new PoolSpec.Room(true, 0, 0))));
            assertThat(pool.storage().growableToBytes()).isEqualTo((4096 - 5) * 8 * MIB);
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-growth-limit", h.engine.addPoolDisk("p0",
                    new PoolDiskSpec("null:///big?size_mb=100000", List.of(), true)), "growableToBytes");
            assertThat(h.get(h.engine.pool("p0")).disks()).containsExactly(A);
            h.get(h.engine.destroyPool("p0", true));
            PoolView roomy = h.get(h.engine.createPool(pool(List.of(A), new PoolSpec.Room(true, 200_000 * MIB, 1))));
            assertThat(roomy.storage().growableToBytes()).isGreaterThanOrEqualTo(200_000 * MIB);
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-pool-room", h.engine.createPool(new PoolSpec("p1", null, List.of(B), MIB,
                    List.of(), true, new PoolSpec.Room(false, -1, 0))));
        }
    }

    /** One that was there stays as it is, also if the request would have made it. */
    @Test
    void aRefusedRequestLeavesNoFileThatItMade(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("new.img");
        Path old = Files.write(directory.resolve("old.img"), new byte[(int) (32 * MIB)]);
        String made = "uring://" + file + "?create=true&size_mb=32";
        String kept = "uring://" + old + "?create=true&size_mb=32";
        try (RunningEngine r = new RunningEngine()) {
            EngineHarness h = r.ask;
            for (String other : List.of("uring:///none/gone", "uring://" + directory.resolve("bad") + "?create=true&size_mb=1&blk_size=1024")) {
                assertThat(refused(r.engine.createPool(new PoolSpec("p0", null, List.of(kept, made, other), MIB, List.of(), false)))).isTrue();
                awaitFiles(directory, "old.img");
            }
            h.refused(ErrorKind.INVALID_ARGUMENT, "pool-too-large", r.engine.createPool(new PoolSpec("p0", null, List.of(kept, made), MIB,
                    List.of(), false, new PoolSpec.Room(true, Long.MAX_VALUE / 2, 0))));
            awaitFiles(directory, "old.img");
            h.get(r.engine.createBdev(new BdevSpec("malloc:///m?size_mb=8&uuid=" + R1)));
            assertThat(refused(r.engine.createBdev(new BdevSpec(made + "&uuid=" + R1)))).as("the UUID is taken").isTrue();
            awaitFiles(directory, "old.img");
            assertThat(refused(r.engine.createNexus(new NexusSpec(R2, "n", List.of(made, "uring:///none/gone"), 0, null)))).isTrue();
            awaitFiles(directory, "old.img");

            h.get(r.engine.createPool(new PoolSpec("p0", null, List.of(made), MIB, List.of(), false)));
            assertThat(refused(r.engine.createPool(new PoolSpec("p1", null, List.of(made), MIB, List.of(), false)))).as("in use").isTrue();
            h.get(r.engine.exportPool("p0"));
            h.refused(ErrorKind.FAILED_PRECONDITION, "disk-not-empty", r.engine.createPool(new PoolSpec("p1", null, List.of(made), MIB,
                    List.of(), false)));
            awaitFiles(directory, "new.img", "old.img");
            h.get(r.engine.importPool(new PoolSpec("p0", null, List.of(made), 0, List.of(), false)));
        }
        awaitFiles(directory, "new.img", "old.img");
    }

    private static boolean refused(Future<?> answer) {
        try {
            answer.get(EngineHarness.PATIENCE_SECONDS, TimeUnit.SECONDS);
            return false;
        } catch (ExecutionException e) {
            return e.getCause() instanceof OperationException;
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    /** A bdev closes after the answer. */
    private static void awaitFiles(Path directory, String... names) throws IOException {
        long deadlineNs = System.nanoTime() + 60_000_000_000L;
        List<String> found = null;
        while (!List.of(names).equals(found) && System.nanoTime() < deadlineNs) {
            try (var files = Files.list(directory)) {
                found = files.map(file -> file.getFileName().toString()).sorted().toList();
            }
        }
        assertThat(found).containsExactly(names);
    }

    @Test
    void aPoolGrowsWithItsFile(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("disk.img");
        String uri = "uring://" + file;
        try (RunningEngine r = new RunningEngine()) {
            EngineHarness h = r.ask;
            PoolView small = h.get(r.engine.createPool(new PoolSpec("p0", null, List.of(uri + "?create=true&size_mb=32"), MIB,
                    List.of(), false)));
            h.get(r.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 8 * MIB, true)));
            assertThat(h.get(r.engine.growPool("p0"))).extracting(PoolView::capacityBytes).isEqualTo(small.capacityBytes());
            try (var channel = Files.newByteChannel(file, java.nio.file.StandardOpenOption.WRITE)) {
                channel.position(80 * MIB - 1).write(java.nio.ByteBuffer.allocate(1));
            }
            PoolView grown = h.get(r.engine.growPool("p0"));
            assertThat(grown.capacityBytes()).isEqualTo(small.capacityBytes() + 48 * MIB);
            assertThat(grown.freeBytes()).isEqualTo(small.freeBytes() + 48 * MIB);
            assertThat(h.get(r.engine.resizeReplica("p0/r1", 64 * MIB, false)).sizeBytes()).isEqualTo(64 * MIB);
            assertThat(r.events("pool-grown")).hasSize(1);
            h.get(r.engine.exportPool("p0"));
            PoolView again = h.get(r.engine.importPool(new PoolSpec("p0", null, List.of(uri), 0, List.of(), false)));
            assertThat(again.capacityBytes()).isEqualTo(grown.capacityBytes());
        }
    }

    private static void resize(Path file, long sizeBytes) throws IOException {
        try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(sizeBytes);
        }
    }

    @Test
    void theGainOfADiskThatIsNotTheLastIsToldToBeOfNoUse(@TempDir Path directory) throws IOException {
        Path first = directory.resolve("first.img");
        Path last = directory.resolve("last.img");
        try (RunningEngine r = new RunningEngine()) {
            EngineHarness h = r.ask;
            PoolView pool = h.get(r.engine.createPool(new PoolSpec("p0", null, List.of("uring://" + first + "?create=true&size_mb=32",
                    "uring://" + last + "?create=true&size_mb=24"), MIB, List.of(), false)));
            assertThat(pool.health().notes()).isEmpty();
            resize(first, 48 * MIB);
            PoolView told = h.get(r.engine.growPool("p0"));
            assertThat(told.capacityBytes()).isEqualTo(pool.capacityBytes());
            assertThat(told.storage().disks()).extracting(PoolDiskView::unusableBytes).containsExactly(16 * MIB, 0L);
            assertThat(told.health().state()).isEqualTo(HealthState.ONLINE);
            assertThat(told.health().notes()).singleElement().asString().contains("first.img", 16 * MIB + " bytes", "cannot use", "the last");
            assertThat(r.engine.events(0, Integer.MAX_VALUE).events()).anyMatch(event -> event.kind().equals("pool-disk-unusable-space")
                    && event.severity() == EventSeverity.WARNING);
            resize(last, 40 * MIB);
            PoolView grown = h.get(r.engine.growPool("p0"));
            assertThat(grown.capacityBytes()).isEqualTo(pool.capacityBytes() + 16 * MIB);
            assertThat(grown.storage().disks()).extracting(PoolDiskView::unusableBytes).containsExactly(16 * MIB, 0L);
            assertThat(r.events("pool-disk-unusable-space")).as("once").hasSize(1);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDiskThatShrankBelowItsPoolIsTold(boolean joined, @TempDir Path directory) throws IOException {
        Path file = directory.resolve("first.img");
        List<String> disks = new ArrayList<>(List.of("uring://" + file + "?create=true&size_mb=32"));
        if (joined) {
            disks.add("uring://" + directory.resolve("second.img") + "?create=true&size_mb=24");
        }
        try (RunningEngine r = new RunningEngine()) {
            EngineHarness h = r.ask;
            h.get(r.engine.createPool(new PoolSpec("p0", null, disks, MIB, List.of(), false)));
            assertThat(h.get(r.engine.growPool("p0")).health().state()).isEqualTo(HealthState.ONLINE);
            resize(file, 20 * MIB);
            r.awaitEvent("pool-disk-shrunk", 1);
            assertThat(r.engine.events(0, Integer.MAX_VALUE).events()).anyMatch(event -> event.kind().equals("pool-disk-shrunk")
                    && event.severity() == EventSeverity.WARNING);
            PoolView.Health health = h.get(r.engine.pool("p0")).health();
            assertThat(health.state()).isEqualTo(HealthState.FAULTED);
            assertThat(health.reason()).contains("first.img: it has only " + 20 * MIB + " bytes now");
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-device-shrunk", r.engine.growPool("p0"), "only " + 20 * MIB);
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-disk-faulted", r.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", MIB,
                    true)));
            resize(file, 32 * MIB);
            h.get(r.engine.rescanBdev(h.get(r.engine.pool("p0")).storage().disks().getFirst().bdev()));
            assertThat(h.get(r.engine.pool("p0")).health().state()).as("what it held may be lost").isEqualTo(HealthState.FAULTED);
            assertThat(h.get(r.engine.clearPoolHealth("p0")).health().state()).isEqualTo(HealthState.ONLINE);
            h.get(r.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", MIB, true)));
        }
    }
}
