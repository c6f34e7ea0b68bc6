package io.mizzen.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.mizzen.control.store.StateKind;
import io.mizzen.control.store.StateStore;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.NexusSettings;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolDiskSpec;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.RateSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.ShareView;
import io.mizzen.testsupport.Patience;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.springframework.boot.health.contributor.Health;

/** What was asked for comes back after a crash; what cannot is reported, retried, and does not stop the rest. */
class RestorerTest extends DesiredStateTestBase {
    private static final String POOL = "d0000000-0000-4000-8000-0000000000a0";
    private static final String POOL_B = "d0000000-0000-4000-8000-0000000000b0";
    private static final String REPLICA = "d0000000-0000-4000-8000-0000000000a1";
    private static final String NEXUS = "d0000000-0000-4000-8000-000000000001";
    private static final OperationException MISSING =
        new OperationException(ErrorKind.NOT_FOUND, "disk-not-found", "The disk is not there.");

    private static final LimitsSpec LIMITS = new LimitsSpec(null, null, new RateSpec(1000, 0), null, new RateSpec(1 << 20, 4096),
        null);

    private void createEverything() {
        new BdevService(engine, calls, state).create(new BdevSpec("malloc:///m?size_mb=64"));
        pools().create(new PoolSpec("a", POOL, List.of("uring:///dev/a"), 0, List.of("any"), false));
        pools().create(new PoolSpec("b", POOL_B, List.of("uring:///dev/b"), 0, List.of(), true));
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        nexuses().create(new NexusSpec(NEXUS, "n", List.of("lvol:///a/r"), 0, null));
        nexuses().publish(NEXUS, new ShareSpec(List.of("any")));
        replicas().share(REPLICA, new ShareSpec(List.of("nqn.x")));
    }

    @Test
    void aDriveIsTakenAgainAfterARestartOfTheMachineButNoOtherOneInItsPlace() {
        DeviceService devices = new DeviceService(engine, calls, state);
        devices.bind(FakeEngine.DEVICE, "vfio-pci", List.of("gpt"));
        crash();
        startAnew();
        assertThat(calls.await(engine.device(FakeEngine.DEVICE)).driver()).isEqualTo("vfio-pci");
        assertThat(restorer.failures()).isEmpty();
        crash();
        engine = new FakeEngine();
        engine.replaceDevice("S2");
        start();
        assertThat(calls.await(engine.device(FakeEngine.DEVICE)).driver()).isEqualTo("nvme");
        assertThat(restorer.failures()).singleElement().satisfies(failure ->
            assertThat(failure.code()).isEqualTo("device-changed"));
        new DeviceService(engine, calls, state).unbind(FakeEngine.DEVICE);
        restorer.retry();
        assertThat(restorer.failures()).isEmpty();
    }

    @Test
    void aDriveThatIsGoneForGoodIsForgottenByUnbind() {
        new DeviceService(engine, calls, state).bind(FakeEngine.DEVICE, "vfio-pci", List.of());
        engine.failing("unbindDevice", new OperationException(ErrorKind.NOT_FOUND, "pci-device-not-found", "It is not there."));
        DeviceService devices = new DeviceService(engine, calls, state);
        devices.unbind(FakeEngine.DEVICE);
        assertThat(state.contains(StateKind.DEVICE, FakeEngine.DEVICE)).isFalse();
        assertThatExceptionOfType(OperationException.class).isThrownBy(() -> devices.unbind(FakeEngine.DEVICE));
    }

    /** The engine takes addresses without their domain, too; the document has the full one. */
    @Test
    void aDriveThatIsGivenBackByItsShortAddressIsForgotten() {
        DeviceService devices = new DeviceService(engine, calls, state);
        assertThat(devices.bind("01:00.0", "vfio-pci", List.of()).address()).isEqualTo(FakeEngine.DEVICE);
        assertThat(state.contains(StateKind.DEVICE, FakeEngine.DEVICE)).isTrue();
        devices.unbind("01:00.0");
        assertThat(state.contains(StateKind.DEVICE, FakeEngine.DEVICE)).isFalse();
        assertThat(DeviceService.fullAddress("AB:0C.1")).isEqualTo("0000:ab:0c.1");
        assertThat(DeviceService.fullAddress("sda")).isEqualTo("sda");
    }

    @Test
    void everythingComesBackInOrderWithoutARequest() {
        createEverything();
        crash();
        engine = new FakeEngine();
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        start();
        assertThat(restorer.failures()).isEmpty();
        assertThat(engine.awaitsShares()).isFalse();
        assertThat(engine.calls()).filteredOn(call -> call.matches("createBdev|importPool|createNexus|publishNexus|share.*"))
            .containsExactly("createBdev", "importPool", "importPool", "createNexus", "publishNexus", "shareReplica");
        assertThat(calls.await(engine.nexus(NEXUS)).share().allowedHosts()).containsExactly("any");
        assertThat(calls.await(engine.pool("b")).test()).isTrue();
        assertThat(engine.calls()).as("pools are never created anew").doesNotContain("createPool");
    }

    @Test
    void limitsAndPausesComeBackBeforeHostsDo() {
        createEverything();
        limits().setNexus(NEXUS, LIMITS);
        limits().setReplica(REPLICA, LIMITS);
        nexuses().pause(NEXUS, Duration.ofHours(1));
        nexuses().publish(NEXUS, new ShareSpec(List.of("nqn.other")));
        crash();
        startAnew();
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        restorer.retry();
        assertThat(restorer.failures()).isEmpty();
        assertThat(calls.await(engine.nexusLimits(NEXUS)).limits()).isEqualTo(LIMITS);
        assertThat(calls.await(engine.replicaLimits(REPLICA)).limits()).isEqualTo(LIMITS);
        ShareView share = calls.await(engine.nexus(NEXUS)).share();
        assertThat(share.paused()).isTrue();
        assertThat(share.allowedHosts()).containsExactly("nqn.other");
        assertThat(engine.calls()).doesNotContain("publishNexus", "pauseNexus").containsSubsequence("assembleNexus",
            "setNexusLimits", "publishNexusPaused");

        nexuses().resume(NEXUS);
        limits().setNexus(NEXUS, LimitsSpec.NONE);
        replicas().unshare(REPLICA);
        replicas().destroy(REPLICA);
        crash();
        startAnew();
        assertThat(restorer.failures()).isEmpty();
        assertThat(engine.calls()).contains("publishNexus").doesNotContain("setNexusLimits", "setReplicaLimits",
            "publishNexusPaused");
    }

    @Test
    void childrenThatCameAndWentAreWhatComesBack() {
        createEverything();
        nexuses().addChild(NEXUS, "lvol:///b/r", List.of());
        nexuses().set(NEXUS, now -> new NexusSettings(now.freezeTimeoutMs(), 77, 1, false, 3));
        nexuses().removeChild(NEXUS, "lvol:///a/r");
        nexuses().create(new NexusSpec(NEXUS, "n", List.of("lvol:///b/r"), 0, null));
        crash();
        startAnew();
        NexusView nexus = calls.await(engine.nexus(NEXUS));
        assertThat(nexus.children()).extracting(NexusView.ChildView::uri).containsExactly("lvol:///b/r");
        assertThat(nexus.settings().rebuildBytesPerSecond()).isEqualTo(77);
        assertThat(state.find(StateKind.NEXUS, NEXUS, DesiredState.StoredNexus.class).orElseThrow().uncertainChild()).isNull();
    }

    @Test
    void aChangeOfChildrenThatIsRefusedChangesNothing() {
        createEverything();
        engine.failing("addNexusChild", MISSING);
        assertThatExceptionOfType(OperationException.class).isThrownBy(() -> nexuses().addChild(NEXUS, "lvol:///b/r", List.of()));
        assertThatExceptionOfType(OperationException.class).isThrownBy(() -> nexuses().removeChild(NEXUS, "none"));
        engine.failing("removeNexusChild", MISSING);
        assertThatExceptionOfType(OperationException.class).isThrownBy(() -> nexuses().removeChild(NEXUS, "lvol:///a/r"));
        DesiredState.StoredNexus stored = state.find(StateKind.NEXUS, NEXUS, DesiredState.StoredNexus.class).orElseThrow();
        assertThat(stored.allChildren()).containsExactly("lvol:///a/r");
    }

    /** The engine was killed between the nexus's own record of a new child and ours. */
    @Test
    void anUncertainChildIsTakenWhereItIsAMemberAndLeftOutWhereItIsNot() {
        createEverything();
        state.put(StateKind.NEXUS, NEXUS, new DesiredState.StoredNexus(NEXUS, "n", List.of("lvol:///a/r"), 0, null, null,
            "lvol:///b/r", null, null));
        crash();
        startAnew();
        assertThat(calls.await(engine.nexus(NEXUS)).children()).hasSize(2);
        DesiredState.StoredNexus stored = state.find(StateKind.NEXUS, NEXUS, DesiredState.StoredNexus.class).orElseThrow();
        assertThat(stored.children()).containsExactly("lvol:///a/r", "lvol:///b/r");
        assertThat(stored.uncertainChild()).isNull();

        state.put(StateKind.NEXUS, NEXUS, stored.withChildren(List.of("lvol:///a/r"), "lvol:///c/r"));
        crash();
        engine = new FakeEngine();
        engine.refuseAssembly("lvol:///c/r", "child-foreign");
        start();
        assertThat(calls.await(engine.nexus(NEXUS)).children()).extracting(NexusView.ChildView::uri).containsExactly("lvol:///a/r");
        assertThat(state.find(StateKind.NEXUS, NEXUS, DesiredState.StoredNexus.class).orElseThrow().allChildren())
            .containsExactly("lvol:///a/r");
    }

    /** Somebody else may have it by now. Its hosts are told to try again. */
    @Test
    void aNexusThatIsShutDownStaysAwayUntilItIsAssembled() {
        createEverything();
        limits().setNexus(NEXUS, LIMITS);
        nexuses().resize(NEXUS, 1 << 20);
        assertThat(nexuses().shutdown(NEXUS).state()).isEqualTo("SHUTDOWN");
        crash();
        startAnew();
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        restorer.retry();
        assertThat(restorer.failures()).isEmpty();
        assertThat(calls.await(engine.nexuses())).isEmpty();
        assertThat(engine.awaitsShares()).isTrue();
        assertThat(nexuses().get(NEXUS).sizeBytes()).as("as it was closed").isEqualTo(1 << 20);
        assertThat(limits().ofNexus(NEXUS).limits()).isEqualTo(LIMITS);
        assertThatExceptionOfType(OperationException.class).isThrownBy(() -> limits().setNexus(NEXUS, LimitsSpec.NONE))
            .satisfies(refused -> assertThat(refused.code()).isEqualTo("nexus-shut-down"));

        NexusView back = nexuses().assemble(NEXUS, List.of(), false);
        assertThat(back.share().paused()).isFalse();
        assertThat(back.sizeBytes()).as("its metadata says").isZero();
        assertThat(calls.await(engine.nexusLimits(NEXUS)).limits()).isEqualTo(LIMITS);
        assertThat(engine.awaitsShares()).isFalse();
        nexuses().shutdown(NEXUS);
        assertThat(nexuses().assemble(NEXUS, List.of(), false).state()).isEqualTo("ONLINE");
        crash();
        startAnew();
        assertThat(calls.await(engine.nexuses())).hasSize(1);
    }

    /** Said with a disk that came later, the word counts for the pool: a start could not open it otherwise. */
    @Test
    void thatATestDiskWasAllowedIsRememberedWithTheDisk() {
        pools().create(new PoolSpec("a", POOL, List.of("uring:///dev/a"), 0, List.of("any"), false, new PoolSpec.Room(true, 0, 0)));
        pools().addDisk("a", new PoolDiskSpec("uring:///dev/b", List.of(), false));
        assertThat(state.find(StateKind.POOL, POOL, DesiredState.StoredPool.class).orElseThrow().allowTest()).isFalse();
        pools().addDisk("a", new PoolDiskSpec("malloc:///t", List.of(), true));
        DesiredState.StoredPool stored = state.find(StateKind.POOL, POOL, DesiredState.StoredPool.class).orElseThrow();
        assertThat(stored.allowTest()).isTrue();
        assertThat(stored.disks()).hasSize(3);
        assertThat(stored.toImport(false).allowTest()).isTrue();
    }

    /** Its device went, and could not be opened when it was back. */
    @Test
    void aBdevThatTheEngineHasLostComesBack() {
        createEverything();
        calls.await(engine.destroyBdev("m"));
        engine.failing("createBdev", MISSING);
        restorer.retry();
        assertThat(restorer.failures()).extracting(Restorer.Failure::object).containsExactly("m");
        engine.failing("createBdev", null);
        restorer.retry();
        assertThat(restorer.failures()).isEmpty();
        assertThat(calls.await(engine.bdevs())).hasSize(1);
    }

    /** No half of a shutdown is kept: hosts would wait for somebody who does not know that they do. */
    @Test
    void aShutdownThatIsNotKeptDoesNotPauseHostsAtTheNextStart() throws IOException {
        createEverything();
        Path away = Files.move(directory.resolve("nexuses"), directory.resolve("nexuses-away"));
        assertThatExceptionOfType(OperationException.class).isThrownBy(() -> nexuses().shutdown(NEXUS));
        crash();
        Files.move(away, directory.resolve("nexuses"));
        startAnew();
        ShareView share = calls.await(engine.nexus(NEXUS)).share();
        assertThat(share.paused()).isFalse();
    }

    /** Its limits too: the engine's nexus is a new one. */
    @Test
    void aNexusThatOpensAfterTheDeadlineIsShutDownNoMore() {
        createEverything();
        limits().setNexus(NEXUS, LIMITS);
        nexuses().shutdown(NEXUS);
        engine.setNexusLimits(NEXUS, LimitsSpec.NONE);
        engine.holding("assembleNexus");
        EngineCalls impatient = new EngineCalls(Duration.ofMillis(200));
        Restorer hasty = new Restorer(engine, impatient, state);
        assertThatExceptionOfType(OperationException.class).isThrownBy(() ->
            new NexusService(engine, impatient, state, hasty).assemble(NEXUS, List.of(), false))
            .satisfies(e -> assertThat(e.kind()).isEqualTo(ErrorKind.TIMEOUT));
        assertThat(isStoredAsShutDown()).isTrue();
        engine.release();
        await(() -> LIMITS.equals(calls.await(engine.nexusLimits(NEXUS)).limits()));
        assertThat(isStoredAsShutDown()).isFalse();
        hasty.close();
        crash();
        startAnew();
        assertThat(calls.await(engine.nexus(NEXUS)).share().paused()).isFalse();
    }

    @Test
    void aNexusWhoseSettingsAreRefusedIsShutDownNoMore() {
        createEverything();
        nexuses().set(NEXUS, now -> new NexusSettings(now.freezeTimeoutMs(), 77, 1, false, 3));
        nexuses().shutdown(NEXUS);
        engine.failing("setNexus", MISSING);
        assertThatExceptionOfType(OperationException.class).isThrownBy(() -> nexuses().assemble(NEXUS, List.of(), false));
        assertThat(isStoredAsShutDown()).isFalse();
        await(() -> restorer.failures().size() == 1);
        assertThat(restorer.failures().getFirst().kind()).as("tried again").isEqualTo(StateKind.NEXUS);
    }

    private static void await(BooleanSupplier condition) {
        Patience.await(condition, () -> "what is waited for does not happen");
    }

    /** The engine has opened it, but what came next failed. */
    @Test
    void aNexusThatIsFoundOpenIsShutDownNoMore() {
        createEverything();
        limits().setNexus(NEXUS, LIMITS);
        nexuses().shutdown(NEXUS);
        engine.setNexusLimits(NEXUS, LimitsSpec.NONE);
        calls.await(engine.assembleNexus(new NexusSpec(NEXUS, "n", List.of("lvol:///a/r"), 0, null), false));
        assertThat(nexuses().assemble(NEXUS, List.of(), false).state()).isEqualTo("ONLINE");
        assertThat(isStoredAsShutDown()).isFalse();
        assertThat(calls.await(engine.nexusLimits(NEXUS)).limits()).isEqualTo(LIMITS);
    }

    private boolean isStoredAsShutDown() {
        return state.find(StateKind.NEXUS, NEXUS, DesiredState.StoredNexus.class).orElseThrow().isShutDown();
    }

    /** A child that somebody or a broken disk took out stays out. */
    @Test
    void aRebuildThatTheCrashBrokeOffBeginsAnew() {
        createEverything();
        for (String reason : List.of("rebuild-failed", "io-error")) {
            crash();
            engine = new FakeEngine();
            engine.faultReason(reason);
            engine.faultedOnAssembly("lvol:///a/r");
            start();
            assertThat(engine.calls().contains("onlineNexusChild")).isEqualTo(reason.equals("rebuild-failed"));
        }
    }

    @Test
    void aPauseThatIsOverIsNotRestored() {
        createEverything();
        nexuses().pause(NEXUS, Duration.ofMillis(1));
        state.put(StateKind.SHARE, NEXUS, new DesiredState.StoredShare(true, NEXUS, null, List.of("any"), 1L));
        crash();
        startAnew();
        assertThat(engine.calls()).contains("publishNexus").doesNotContain("publishNexusPaused");
    }

    /** Documents of the first version know no pauses. */
    @Test
    void anOlderDocumentIsRead() {
        store.put(StateKind.NEXUS, NEXUS, Map.of("uuid", NEXUS, "name", "n", "children", List.of("c"), "sizeBytes", 0));
        store.put(StateKind.SHARE, NEXUS, Map.of("nexus", true, "uuid", NEXUS, "allowedHosts", List.of("any")));
        crash();
        startAnew();
        assertThat(restorer.failures()).isEmpty();
        assertThat(calls.await(engine.nexus(NEXUS)).share().paused()).isFalse();
    }

    /** The replicas of a pool that was exported are away with it, and their limits come back with it. */
    @Test
    void limitsGoAndComeWithTheirPool() {
        pools().create(new PoolSpec("a", POOL, List.of("uring:///dev/a"), 0, List.of("any"), false));
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        state.put(StateKind.LIMITS, REPLICA, new DesiredState.StoredLimits(false, REPLICA, POOL, LIMITS));
        pools().export("a");
        crash();
        startAnew();
        assertThat(restorer.failures()).isEmpty();
        assertThat(engine.calls()).doesNotContain("setReplicaLimits");
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        pools().importPool("a", List.of(), false, PoolImport.NORMAL);
        assertThat(calls.await(engine.replicaLimits(REPLICA)).limits()).isEqualTo(LIMITS);
        pools().destroy("a", true);
        assertThat(state.contains(StateKind.LIMITS, REPLICA)).isFalse();
    }

    private DesiredState.StoredShare storedShare() {
        return state.find(StateKind.SHARE, REPLICA, DesiredState.StoredShare.class).orElseThrow();
    }

    /** Two pools may hold a replica of one UUID: it is that of the pool that was served which is served again. */
    @Test
    void aReplicaIsServedFromThePoolThatItWasServedFrom() {
        PoolSpec last = new PoolSpec("z", "f0000000-0000-4000-8000-0000000000b0", List.of("uring:///dev/z"), 0, List.of(), true);
        pools().create(new PoolSpec("a", POOL, List.of("uring:///dev/a"), 0, List.of("any"), false));
        pools().create(last);
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "z", 1, true));
        replicas().share(REPLICA, new ShareSpec(List.of("nqn.x")));
        assertThat(storedShare().pool()).isEqualTo(last.uuid());
        crash();
        engine = new FakeEngine();
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        start();
        assertThat(calls.await(engine.pools())).extracting(PoolView::name).as("the one whose replica is served comes first")
            .containsExactly("z", "a");
        assertThat(restorer.failures()).extracting(Restorer.Failure::code).containsExactly("replica-not-found");
        assertThat(calls.await(engine.replica(REPLICA)).share()).isNull();
        calls.await(engine.destroyReplica(REPLICA));
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "z", 1, true));
        restorer.retry();
        assertThat(calls.await(engine.replica(REPLICA)).share().allowedHosts()).containsExactly("nqn.x");
    }

    /** Its document gets the pool as soon as it is known. */
    @Test
    void aShareOfAnOlderVersionIsServedAndKnowsItsPoolThen() {
        pools().create(new PoolSpec("a", POOL, List.of("uring:///dev/a"), 0, List.of("any"), false));
        store.put(StateKind.SHARE, REPLICA, Map.of("nexus", false, "uuid", REPLICA, "allowedHosts", List.of("any")));
        crash();
        engine = new FakeEngine();
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        start();
        assertThat(restorer.failures()).isEmpty();
        assertThat(calls.await(engine.replica(REPLICA)).share()).isNotNull();
        assertThat(storedShare().pool()).isEqualTo(POOL);
    }

    /** Of a pool that is lost: exported, its replicas are not looked for; imported, they are served again; destroyed, forgotten. */
    @Test
    void sharesGoAndComeWithTheirPool() {
        pools().create(new PoolSpec("a", POOL, List.of("uring:///dev/a"), 0, List.of("any"), false));
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        replicas().share(REPLICA, new ShareSpec(List.of("any")));
        crash();
        engine = new FakeEngine();
        engine.failing("importPool", MISSING);
        start();
        assertThat(restorer.failures()).extracting(Restorer.Failure::object).containsExactly(POOL, REPLICA);
        pools().export("a");
        restorer.retry();
        assertThat(restorer.failures()).isEmpty();
        engine.failing("importPool", null);
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        pools().importPool("a", List.of(), false, PoolImport.NORMAL);
        assertThat(calls.await(engine.replica(REPLICA)).share()).isNotNull();
        pools().destroy("a", true);
        assertThat(state.contains(StateKind.SHARE, REPLICA)).isFalse();
    }

    @Test
    void whatIsGoneIsReportedRetriedAndDoesNotStopTheOthers() {
        createEverything();
        crash();
        engine = new FakeEngine();
        engine.failing("importPool", MISSING);
        start();
        assertThat(restorer.failures()).extracting(Restorer.Failure::object)
            .containsExactly(POOL, POOL_B, REPLICA);
        assertThat(calls.await(engine.nexuses())).hasSize(1);
        assertThat(engine.events(0, 10).events()).extracting(EventView::kind).containsOnly("restore-failed");

        restorer.retry();
        assertThat(restorer.failures().getFirst().attempts()).isEqualTo(2);
        assertThat(engine.awaitsShares()).as("hosts are to try again").isTrue();
        assertThat(engine.events(0, 10).events()).as("told once").hasSize(3);

        engine.failing("importPool", null);
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        restorer.retry();
        assertThat(restorer.failures()).isEmpty();
        assertThat(engine.awaitsShares()).isFalse();
        assertThat(engine.events(3, 10).events()).extracting(EventView::kind).containsOnly("restored").hasSize(3);
    }

    @Test
    void whatCannotComeBackCanBeRemoved() {
        createEverything();
        crash();
        engine = new FakeEngine();
        engine.failing("importPool", MISSING);
        start();
        pools().destroy(POOL_B, true);
        restorer.retry();
        assertThat(restorer.failures()).extracting(Restorer.Failure::object).containsExactly(POOL, REPLICA);
        assertThatExceptionOfType(OperationException.class).isThrownBy(() -> pools().destroy(POOL_B, true))
            .satisfies(e -> assertThat(e.code()).isEqualTo("pool-not-found"));
    }

    @Test
    void aNexusWhoseNewestMemberIsGoneComesBackInWordsAndIsServedAgain() {
        createEverything();
        nexuses().publish(NEXUS, new ShareSpec(List.of("nqn.other")));
        crash();
        engine = new FakeEngine();
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        engine.failing("assembleWithAll", new OperationException(ErrorKind.FAILED_PRECONDITION,
            "nexus-newest-generation-missing", "Bring it back, or allow its absence"));
        start();
        assertThat(restorer.failures()).extracting(Restorer.Failure::object).containsExactly(NEXUS, NEXUS);
        assertThat(restorer.failures().getFirst().message()).contains("/v1/nexuses/" + NEXUS + "/assembly");
        assertThatExceptionOfType(OperationException.class).isThrownBy(() -> nexuses().assemble(NEXUS, List.of(), false))
            .satisfies(e -> assertThat(e.code()).isEqualTo("nexus-newest-generation-missing"));

        assertThat(nexuses().assemble(NEXUS, List.of("lvol:///b/r"), true).share().allowedHosts()).containsExactly("nqn.other");
        assertThat(restorer.failures()).isEmpty();
        crash();
        startAnew();
        assertThat(calls.await(engine.nexus(NEXUS)).children()).extracting(NexusView.ChildView::uri)
            .containsExactly("lvol:///b/r");
        assertThatExceptionOfType(OperationException.class).isThrownBy(() -> nexuses().assemble(POOL, List.of(), true))
            .satisfies(e -> assertThat(e.code()).isEqualTo("nexus-not-found"));
    }

    @Test
    void exportedUnpublishedAndDestroyedObjectsStayAway() {
        createEverything();
        nexuses().unpublish(NEXUS);
        nexuses().destroy(NEXUS);
        replicas().unshare(REPLICA);
        pools().export("a");
        pools().export("a");
        pools().destroy("b", true);
        new BdevService(engine, calls, state).destroy("m");
        crash();
        startAnew();
        assertThat(restorer.failures()).isEmpty();
        assertThat(engine.calls()).doesNotContain("createBdev", "importPool", "createNexus", "publishNexus", "shareReplica");
        assertThat(pools().importPool("a", List.of(), false, PoolImport.NORMAL).outcome().view().uuid()).isEqualTo(POOL);
    }

    @Test
    void anAnswerAfterTheDeadlineIsStoredAllTheSame() {
        engine.hold();
        CompletableFuture<PoolView> answer = state.storing(engine.createPool(new PoolSpec("a", POOL, List.of("d"), 0, List.of(), false)), pool ->
            state.put(StateKind.POOL, POOL,
                new DesiredState.StoredPool("a", POOL, List.of("d"), false, false)));
        EngineCalls impatient = new EngineCalls(Duration.ofMillis(1));
        assertThatExceptionOfType(OperationException.class).isThrownBy(() -> impatient.await(answer))
            .satisfies(e -> assertThat(e.kind()).isEqualTo(ErrorKind.TIMEOUT));
        engine.release();
        calls.await(answer);
        crash();
        startAnew();
        assertThat(engine.calls()).contains("importPool");
    }

    @Test
    void aDamagedDocumentIsReportedInEventsAndHealth() throws IOException {
        createEverything();
        crash();
        Path document = directory.resolve("pools").resolve(POOL + ".json");
        Files.writeString(document, Files.readString(document).replace("/dev/a", "/dev/b"));
        startAnew();
        assertThat(restorer.setAside()).hasSize(1);
        assertThat(engine.events(0, 1).events()).extracting(EventView::kind).containsExactly("state-document-corrupt");
        assertThat(new EngineHealth(engine, calls, restorer).health().getDetails()).containsEntry("engine", "not running");
        engine.start();
        Health health = new EngineHealth(engine, calls, restorer).health();
        assertThat(health.getStatus()).isEqualTo(EngineHealth.DEGRADED);
        assertThat(health.getDetails()).containsEntry("corruptDocuments", restorer.setAside());
    }

    private void startWithSlowImports() {
        createEverything();
        crash();
        engine = new FakeEngine();
        engine.createReplica(new ReplicaSpec(REPLICA, "r", "a", 1, true));
        engine.holding("importPool");
        store = StateStore.open(directory);
        state = new DesiredState(store, Duration.ofSeconds(20));
        restorer = new Restorer(engine, new EngineCalls(Duration.ofSeconds(2)), state);
        restorer.start(store.load(), Duration.ofHours(1));
    }

    private List<String> failureCodes() {
        return restorer.failures().stream().map(Restorer.Failure::code).toList();
    }

    private long importCount() {
        return engine.calls().stream().filter("importPool"::equals).count();
    }

    @Test
    void poolsThatTakeLongToReadHoldNothingElseBack() {
        startWithSlowImports();
        assertThat(failureCodes()).as("and what lies on them").containsExactly("pool-importing", "pool-importing", "replica-not-found");
        assertThat(engine.events(0, 10).events()).extracting(EventView::kind).containsExactly("restore-waits", "restore-waits", "restore-failed");
        assertThat(engine.calls()).as("what does not lie on them").contains("createNexus", "publishNexus");
        assertThat(engine.awaitsShares()).isTrue();
        restorer.retry();
        assertThat(importCount()).as("each is read once").isEqualTo(2);
        engine.release();
        await(() -> restorer.failures().isEmpty());
        assertThat(importCount()).isEqualTo(2);
    }

    @Test
    void aPoolThatCannotBeReadInTheEndIsSaidToHaveFailedAndTriedAgainInItsTurn() {
        startWithSlowImports();
        engine.failHeld(MISSING);
        await(() -> failureCodes().equals(List.of(MISSING.code(), MISSING.code(), "replica-not-found")));
        assertThat(importCount()).as("at the next turn").isEqualTo(2);
        restorer.retry();
        assertThat(restorer.failures()).isEmpty();
        assertThat(importCount()).isEqualTo(4);
    }
}
