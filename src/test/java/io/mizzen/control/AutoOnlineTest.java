package io.mizzen.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.control.store.StateStore;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.testsupport.Patience;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What comes back by itself, and what does not. */
class AutoOnlineTest {
    private static final String NEXUS = "d0000000-0000-4000-8000-000000000001";
    private static final String SECOND_NEXUS = "d0000000-0000-4000-8000-000000000002";
    private static final String POOL = "d0000000-0000-4000-8000-0000000000a0";
    private static final String REPLICA = "d0000000-0000-4000-8000-0000000000b0";
    private static final long SECOND = 1_000_000_000L;

    @TempDir
    private Path directory;
    private final FakeEngine engine = new FakeEngine();
    private final EngineCalls calls = new EngineCalls(Duration.ofSeconds(20));
    private DesiredState state;
    private Restorer restorer;
    private AutoOnline autoOnline;
    private Path disk;
    private String child;
    private long nowNs;

    @BeforeEach
    void start() throws IOException {
        StateStore store = StateStore.open(directory.resolve("state"));
        state = new DesiredState(store, Duration.ofSeconds(20));
        restorer = new Restorer(engine, calls, state);
        restorer.start(store.load(), Duration.ofHours(1));
        autoOnline = new AutoOnline(engine, calls, restorer);
        disk = Files.write(directory.resolve("disk"), new byte[512]);
        child = "uring://" + disk + "?create=true&size_mb=16";
        calls.await(engine.createNexus(new NexusSpec(NEXUS, "n", List.of("malloc:///a", child), 0, null)));
    }

    @AfterEach
    void stop() {
        autoOnline.close();
        restorer.close();
        state.close();
    }

    private void out(String childState, String reason) {
        engine.faultReason(reason);
        engine.childState(NEXUS, child, childState);
    }

    /** Attempts by a look a second later. */
    private long look() {
        nowNs += SECOND;
        long before = attempts("returnNexusChild");
        autoOnline.look(nowNs);
        return attempts("returnNexusChild") - before;
    }

    private long attempts(String command) {
        return engine.calls().stream().filter(command::equals).count();
    }

    private List<String> events() {
        return engine.events(0, 100).events().stream().map(EventView::kind).toList();
    }

    @Test
    void aTakenDriveThatIsPluggedInAnewIsTakenAgainAndNoOtherInItsPlace() {
        new DeviceService(engine, calls, state).bind(FakeEngine.DEVICE, "vfio-pci", List.of());
        child = "pcie:///" + FakeEngine.DEVICE + "?ns=2";
        calls.await(engine.createNexus(new NexusSpec(SECOND_NEXUS, "m", List.of("malloc:///b", child), 0, null)));
        engine.faultReason("removed");
        engine.childState(SECOND_NEXUS, child, "FAULTED");
        engine.replaceDevice("S2");
        assertThat(look()).isZero();
        assertThat(calls.await(engine.device(FakeEngine.DEVICE)).driver()).as("another drive").isEqualTo("nvme");
        engine.replaceDevice("S1");
        assertThat(look()).isOne();
        assertThat(calls.await(engine.device(FakeEngine.DEVICE)).driver()).isEqualTo("vfio-pci");
    }

    @Test
    void aChildWhoseDeviceWasRemovedComesBackWhenItIsThere() throws IOException {
        assertThat(autoOnline.look(nowNs)).as("nothing is out").isFalse();
        out("FAULTED", "removed");
        Files.delete(disk);
        assertThat(look()).isZero();
        Files.createFile(disk);
        assertThat(look()).as("an empty file is no disk").isZero();
        Files.write(disk, new byte[512]);
        assertThat(look()).isEqualTo(1);
        assertThat(events()).containsExactly("auto-online");
        assertThat(engine.events(0, 1).events().getFirst().details()).containsEntry("attempt", "1").containsEntry("nexusName", "n");
        assertThat(look()).as("it is back").isZero();
        assertThat(autoOnline.look(nowNs)).isFalse();
    }

    /** Disks that are pulled out often say so by errors first. */
    @Test
    void aChildThatFailedComesBackOnlyIfItsDeviceWasAway() throws IOException {
        for (String reason : List.of("io-error", "no-space", "flush-error", "metadata-error", "rebuild-failed")) {
            out("FAULTED", reason);
            assertThat(look() + look()).as(reason + ", and the device was there all the time").isZero();
        }
        Files.delete(disk);
        assertThat(look()).isZero();
        Files.write(disk, new byte[512]);
        assertThat(look()).isEqualTo(1);
    }

    @Test
    void whatSomebodyTookOutStaysOut() throws IOException {
        for (String reason : List.of("administrative", "offline", "stale")) {
            out(reason.equals("offline") ? "OFFLINE" : "FAULTED", reason);
            Files.deleteIfExists(disk);
            assertThat(look()).isZero();
            Files.write(disk, new byte[512]);
            assertThat(look()).as(reason).isZero();
        }
        assertThat(events()).isEmpty();
    }

    /** The child's drive belongs to a nexus that is looked at before the other. */
    @Test
    void aDriveThatDoesNotAnswerIsAskedOnceAndKeepsNothingElseOut() {
        String drive = "pcie:///" + FakeEngine.DEVICE.substring("0000:".length());
        new DeviceService(engine, calls, state).bind(FakeEngine.DEVICE, "vfio-pci", List.of());
        calls.await(engine.createNexus(new NexusSpec(SECOND_NEXUS, "m", List.of("malloc:///b", child), 0, null)));
        calls.await(engine.addNexusChild(NEXUS, drive));
        engine.faultReason("removed");
        engine.childState(NEXUS, drive, "FAULTED");
        engine.childState(SECOND_NEXUS, child, "FAULTED");
        EngineCalls hasty = new EngineCalls(Duration.ofMillis(100));
        Restorer impatient = new Restorer(engine, hasty, state);
        autoOnline = new AutoOnline(engine, hasty, impatient);
        engine.holding("bindDevice");
        long bound = attempts("bindDevice");
        assertThat(look()).as("the other, in the same look").isOne();
        for (int i = 0; i < 5; i++) {
            engine.childState(SECOND_NEXUS, child, "FAULTED");
            look();
        }
        assertThat(attempts("bindDevice") - bound).isOne();
        engine.release();
        assertThat(look()).as("it has answered").isOne();
        assertThat(attempts("bindDevice") - bound).isEqualTo(2);
        impatient.close();
    }

    @Test
    void aChildThatIsOutForNoKnownReasonHarmsNoLook() {
        out("FAULTED", null);
        calls.await(engine.createNexus(new NexusSpec(SECOND_NEXUS, "m", List.of("malloc:///b", child), 0, null)));
        assertThat(look()).isZero();
        assertThat(autoOnline.look(nowNs)).isFalse();
    }

    /** An engine that refuses at once is asked again, not more often than once a second, and its recovery is noticed. */
    @Test
    void lookingGoesOnAtItsPaceAfterFailures() throws InterruptedException {
        out("FAULTED", "removed");
        engine.failing("nexuses", new OperationException(ErrorKind.UNAVAILABLE, "mailbox-full", "Too many."));
        long startNs = System.nanoTime();
        autoOnline.start();
        Patience.await(() -> attempts("nexuses") >= 3, () -> "looks: " + attempts("nexuses"));
        assertThat(System.nanoTime() - startNs).as("two pauses").isGreaterThan(19 * SECOND / 10);
        engine.failing("nexuses", null);
        engine.awaitEvents(0, 1, 120 * SECOND);
        assertThat(events()).containsExactly("auto-online");
    }

    @Test
    void aDeviceThatComesAndGoesIsLeftToPeople() {
        int returns = 0;
        for (int second = 0; second < 3000; second++) {
            out("FAULTED", "removed");
            returns += look();
        }
        assertThat(returns).isEqualTo(ReturnPolicy.ATTEMPTS_MAX);
        assertThat(events()).hasSize(ReturnPolicy.ATTEMPTS_MAX + 1).last().isEqualTo("auto-online-suspended");
    }

    @Test
    void theLastHealthyChildIsTriedForAsLongAsHostsWait() {
        engine.failing("returnNexusChild", new OperationException(ErrorKind.DATA_LOSS, "child-not-same", "It is another one."));
        out("MISSING", "none");
        int tries = 0;
        for (int second = 0; second < 600; second++) {
            tries += look();
        }
        assertThat(tries).isBetween(10, 20);
        assertThat(events()).containsOnly("auto-online-failed");
        engine.failing("returnNexusChild", null);
        for (int second = 0; second < 60; second++) {
            tries += look();
        }
        assertThat(events()).last().isEqualTo("auto-online");
    }

    /** Such answers are no attempts, and nobody is told of them. */
    @Test
    void whatIsOnItsWayIsWaitedFor() {
        out("FAULTED", "removed");
        for (String code : List.of("bdev-removed", "disk-not-found", "no-healthy-source")) {
            ErrorKind kind = code.equals("disk-not-found") ? ErrorKind.NOT_FOUND
                : code.equals("bdev-removed") ? ErrorKind.FAILED_PRECONDITION : ErrorKind.UNAVAILABLE;
            engine.failing("returnNexusChild", new OperationException(kind, code, "Not now."));
            assertThat(look() + look()).as(code).isEqualTo(2);
        }
        engine.failing("returnNexusChild", null);
        assertThat(look()).isEqualTo(1);
        assertThat(events()).containsExactly("auto-online");
    }

    @Test
    void aPoolIsOpenedAnewWhenItsDiskIsBack() throws IOException {
        PoolService pools = new PoolService(engine, calls, state, restorer);
        pools.create(new PoolSpec("a", POOL, List.of(child), 0, List.of(), false));
        engine.faultPool(POOL);
        Files.delete(disk);
        look();
        assertThat(attempts("reopenPool")).isZero();
        Files.write(disk, new byte[512]);
        look();
        assertThat(attempts("reopenPool")).isEqualTo(1);
        assertThat(pools.get(POOL).state()).isEqualTo("ONLINE");
        assertThat(events()).containsExactly("auto-online");
        assertThat(restorer.failures()).isEmpty();
    }

    /** The pool's disk vanishes and is there again between two looks, so nobody has seen that it was away. */
    @Test
    void aChildThatFailedOnTheDiskThatItsPoolLostComesBackWithThePool() {
        new PoolService(engine, calls, state, restorer).create(new PoolSpec("a", null, List.of(child), 0, List.of(), false));
        calls.await(engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1 << 20, false)));
        child = "lvol:///a/r";
        calls.await(engine.addNexusChild(NEXUS, child));
        out("FAULTED", "io-error");
        assertThat(look()).as("its pool has lost no disk").isZero();
        engine.faultPool(FakeEngine.uuidOf("a"));
        assertThat(look()).isOne();
        assertThat(events()).containsExactly("auto-online", "auto-online");
        out("FAULTED", "io-error");
        for (int second = 0; second < 10; second++) {
            look();
        }
        out("FAULTED", "io-error");
        assertThat(look() + look()).as("long after, on a disk that stayed").isZero();
    }

    /** It has been closed by then: from here on it is one that a start could not bring back. */
    @Test
    void aPoolThatCannotBeOpenedAnewIsTriedAgainLikeAfterAStart() {
        PoolService pools = new PoolService(engine, calls, state, restorer);
        pools.create(new PoolSpec("a", POOL, List.of(child), 0, List.of(), false));
        engine.faultPool(POOL);
        OperationException foreign = OperationException.precondition("no-pool", "There is no pool on it.");
        engine.failing("reopenPool", foreign);
        look();
        assertThat(events()).containsExactly("auto-online-failed");
        engine.failing("importPool", foreign);
        calls.await(engine.exportPool(POOL));
        restorer.onPoolReopened(POOL);
        assertThat(restorer.failures()).extracting(Restorer.Failure::object).containsExactly(POOL);
        engine.failing("importPool", null);
        restorer.retry();
        assertThat(pools.list()).hasSize(1);
    }
}
