package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.NexusSettings;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.RebuildOrder;
import io.mizzen.engine.model.RebuildView;
import io.mizzen.engine.model.RebuildsView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.testsupport.Patience;
import io.mizzen.util.ErrorKind;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Children that come and go through the facade, on real reactors. */
class NexusChildServiceTest {
    private static final String N1 = "aaaaaaaa-1111-4111-8111-111111111111";
    private static final String R1 = "11111111-1111-4111-8111-111111111111";
    private static final String C0 = "malloc:///c0?size_mb=16";
    private static final String C1 = "malloc:///c1?size_mb=16";
    private static final String C2 = "malloc:///c2?size_mb=16";
    private static final NexusSettings SLOW = new NexusSettings(25_000, 1 << 20, 1 << 20, false, 2);

    private static NexusView create(EngineHarness h, String... children) {
        return h.get(h.engine.createNexus(new NexusSpec(N1, "vol", List.of(children), 0, null)));
    }

    private static NexusView.ChildView child(NexusView nexus, String uri) {
        return nexus.children().stream().filter(child -> uri.equals(child.uri())).findFirst().orElseThrow();
    }

    private static NexusView await(EngineHarness h, Predicate<NexusView> condition) {
        NexusView[] view = new NexusView[1];
        Patience.await(() -> condition.test(view[0] = h.get(h.engine.nexus(N1))), () -> view[0].toString());
        return view[0];
    }

    /** Whoever looks right then may see the rebuild that has just stored that the child is healthy. */
    private static NexusView awaitWhole(EngineHarness h) {
        return await(h, nexus -> nexus.state().equals("ONLINE") && nexus.children().stream().allMatch(child -> child.rebuild() == null));
    }

    private static void awaitGone(EngineHarness h, String bdev) {
        Patience.await(() -> !bdevNames(h).contains(bdev), () -> bdevNames(h).toString());
    }

    private static List<String> bdevNames(EngineHarness h) {
        return h.get(h.engine.bdevs()).stream().map(BdevView::name).toList();
    }

    private static List<String> kinds(EngineHarness h, String child) {
        return h.engine.events(0, 1000).events().stream().filter(event -> child.equals(event.name())).map(EventView::kind).toList();
    }

    @Test
    void aChildComesIsRebuiltAndLeaves() {
        try (EngineHarness h = new EngineHarness(2)) {
            create(h, C0);
            NexusView begun = h.get(h.engine.addNexusChild(N1, C1));
            assertEquals(List.of(C0, C1), begun.children().stream().map(NexusView.ChildView::uri).toList());
            assertNull(child(begun, C1).faultReason());
            NexusView whole = awaitWhole(h);
            assertEquals("OPEN", child(whole, C1).state());
            assertNotNull(child(whole, C1).memberUuid());
            assertEquals("COMPLETED", h.get(h.engine.nexusRebuilds(N1)).history().getLast().state());
            assertEquals(List.of(C1), h.get(h.engine.nexusRebuilds(N1)).history().getLast().children());
            h.refused(ErrorKind.ALREADY_EXISTS, "child-exists", h.engine.addNexusChild(N1, C1), "online");
            assertTrue(kinds(h, C1).containsAll(List.of("child-added", "rebuild-started", "child-healthy")), kinds(h, C1).toString());

            NexusView left = h.get(h.engine.removeNexusChild(N1, child(whole, C1).memberUuid()));
            assertEquals(List.of(C0), left.children().stream().map(NexusView.ChildView::uri).toList());
            assertEquals("ONLINE", left.state());
            awaitGone(h, "c1");
            h.refused(ErrorKind.FAILED_PRECONDITION, "last-healthy-child", h.engine.removeNexusChild(N1, C0), "add or rebuild");
            h.refused(ErrorKind.NOT_FOUND, "child-not-found", h.engine.removeNexusChild(N1, C1), C1);
            h.get(h.engine.addNexusChild(N1, C1));
        }
    }

    @Test
    void aChildIsOfflineAndComesBackWithWhatItMissed() {
        try (EngineHarness h = new EngineHarness(2)) {
            h.get(h.engine.createBdev(new BdevSpec(C1)));       // By command: its memory stays while it is out.
            create(h, C0, C1);
            NexusView out = h.get(h.engine.offlineNexusChild(N1, "c1"));
            assertEquals("OFFLINE", child(out, C1).state());
            assertEquals("offline", child(out, C1).faultReason());
            assertEquals("DEGRADED", out.state());
            assertFalse(h.get(h.engine.bdev("c1")).open());
            h.refused(ErrorKind.NOT_FOUND, "rebuild-not-found", h.engine.rebuildNexusChild(N1, C1, RebuildOrder.PAUSE));
            assertNull(child(h.get(h.engine.onlineNexusChild(N1, C1)), C1).faultReason());
            awaitWhole(h);
            assertEquals("PARTIAL", h.engine.events(0, 1000).events().stream().filter(e -> e.kind().equals("rebuild-started"))
                    .findFirst().orElseThrow().details().get("kind"));
            h.refused(ErrorKind.NOT_FOUND, "rebuild-not-found", h.engine.rebuildNexusChild(N1, C1, RebuildOrder.PAUSE), "child " + C1);
            h.get(h.engine.onlineNexusChild(N1, C1));           // It is: nothing happens.
            assertEquals("FAULTED", child(h.get(h.engine.faultNexusChild(N1, C1)), C1).state());
            h.get(h.engine.rebuildNexusChild(N1, C1, RebuildOrder.START));
            awaitWhole(h);
        }
    }

    /** What was opened for the child only is closed with it, and made anew when it comes back. */
    @Test
    void aBdevThatWasMadeForAChildGoesAndComesWithIt(@TempDir Path directory) {
        String file = "uring://" + directory.resolve("leg") + "?name=leg&create=true&size_mb=16";
        try (RunningEngine r = new RunningEngine()) {
            create(r.ask, C0, file);
            r.ask.get(r.engine.offlineNexusChild(N1, file));
            awaitGone(r.ask, "leg");
            NexusView back = r.ask.get(r.engine.onlineNexusChild(N1, file));
            assertEquals("leg", child(back, file).bdev());
            awaitWhole(r.ask);
            r.ask.get(r.engine.faultNexusChild(N1, "leg"));
            awaitGone(r.ask, "leg");
            r.ask.get(r.engine.onlineNexusChild(N1, "leg"));        // Known by the name of what was closed, too.
            awaitWhole(r.ask);
        }
    }

    @Test
    void aReplicaIsFoundAgainWhenItsPoolIsBack(@TempDir Path directory) {
        String disk = "uring://" + directory.resolve("disk") + "?name=disk";
        PoolSpec pool = new PoolSpec("p0", null, List.of(disk + "&create=true&size_mb=64"), 1 << 20, List.of(), false);
        try (RunningEngine r = new RunningEngine()) {
            r.ask.get(r.engine.createPool(pool));
            r.ask.get(r.engine.createReplica(new ReplicaSpec(R1, "r", "p0", 16 << 20, true)));
            NexusView nexus = create(r.ask, C0, "lvol:///p0/r");
            assertEquals(R1, child(nexus, "lvol:///p0/r").replicaUuid());
            assertFalse(r.ask.refused(ErrorKind.NOT_FOUND, "rebuild-not-found", r.engine.rebuildNexusChild(N1, "lvol:///p0/r",
                    RebuildOrder.STOP), "child lvol:///p0/r is").getMessage().contains(R1));
            assertNull(child(nexus, C0).replicaUuid());
            r.ask.get(r.engine.offlineNexusChild(N1, R1));
            r.ask.get(r.engine.exportPool("p0"));
            r.ask.refused(ErrorKind.NOT_FOUND, "bdev-not-found", r.engine.onlineNexusChild(N1, "lvol:///p0/r"));
            assertEquals("OFFLINE", child(r.ask.get(r.engine.nexus(N1)), "lvol:///p0/r").state());
            r.ask.get(r.engine.importPool(new PoolSpec("p0", null, List.of(disk), 0, List.of(), false)));
            r.ask.get(r.engine.onlineNexusChild(N1, "lvol:///p0/r"));
            assertEquals(R1, child(awaitWhole(r.ask), "lvol:///p0/r").replicaUuid());
        }
    }

    @Test
    void rebuildsAreHeldSlowedAndGoneOnWith() {
        try (EngineHarness h = new EngineHarness(2)) {
            String copied = C1.replace("16", "128");        // For longer than this takes.
            create(h, C0.replace("16", "128"));
            assertEquals(SLOW, h.get(h.engine.setNexus(N1, SLOW)).settings());
            h.get(h.engine.addNexusChild(N1, copied));
            RebuildView rebuild = child(await(h, nexus -> child(nexus, copied).rebuild() != null), copied).rebuild();
            assertEquals("FULL", rebuild.kind());
            assertEquals(copied, rebuild.child());
            assertTrue(rebuild.totalBytes() > 0 && rebuild.remainingBytes() <= rebuild.totalBytes());
            for (String state : List.of("PAUSED", "COPYING", "STOPPED", "COPYING")) {
                RebuildOrder order = switch (state) {
                    case "PAUSED" -> RebuildOrder.PAUSE;
                    case "STOPPED" -> RebuildOrder.STOP;
                    default -> child(h.get(h.engine.nexus(N1)), copied).rebuild().state().equals("PAUSED") ? RebuildOrder.RESUME
                            : RebuildOrder.START;
                };
                h.get(h.engine.rebuildNexusChild(N1, "c1", order));
                await(h, nexus -> child(nexus, copied).rebuild().state().equals(state));
            }
            assertEquals("REBUILDING", child(h.get(h.engine.nexus(N1)), copied).state());
            h.get(h.engine.setNexus(N1, new NexusSettings(1_000, 0, 1 << 20, false, 2)));
            assertEquals(1_000, awaitWhole(h).settings().freezeTimeoutMs());
            List<EventView> changes = h.engine.events(0, 1000).events().stream()
                    .filter(e -> e.kind().equals("nexus-settings-changed")).toList();
            assertEquals(2, changes.size());
            assertEquals(Map.of("freezeTimeoutMs", "25000 -> 1000", "rebuildBytesPerSecond", "1048576 -> 0"),
                    changes.getLast().details());
            assertEquals("settings of nexus vol have changed: freezeTimeoutMs 25000 -> 1000, rebuildBytesPerSecond 1048576 -> 0",
                    changes.getLast().message());
        }
    }

    /** In the words of the child's view, whoever tells of it. */
    @Test
    void eventsAboutAChildSayWhoItIs() {
        try (EngineHarness h = new EngineHarness(1)) {
            String disk = "malloc:///d0?size_mb=64";
            h.get(h.engine.createPool(new PoolSpec("p0", null, List.of(disk), 1 << 20, List.of(), true)));
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r", "p0", 16 << 20, false)));
            create(h, C0, "lvol:///p0/r");
            awaitWhole(h);
            NexusView.ChildView leg = child(h.get(h.engine.nexus(N1)), "lvol:///p0/r");
            h.get(h.engine.faultNexusChild(N1, R1));
            h.get(h.engine.onlineNexusChild(N1, R1));
            awaitWhole(h);
            h.get(h.engine.removeNexusChild(N1, R1));
            for (String kind : List.of("child-faulted", "child-closed", "child-online", "rebuild-started", "child-healthy", "child-left")) {
                EventView event = h.engine.events(0, 1000).events().stream().filter(e -> e.kind().equals(kind)).findFirst()
                        .orElseThrow(() -> new AssertionError("no event " + kind));
                assertEquals("lvol:///p0/r", event.name(), kind);
                assertTrue(event.message().contains("lvol:///p0/r"), event.message());
                assertEquals(List.of("lvol:///p0/r", leg.memberUuid(), R1, N1, "vol"), Stream.of("uri", "memberUuid", "replicaUuid", "nexus",
                        "nexusName").map(event.details()::get).toList(), kind + " " + event.details());
            }
        }
    }

    /** Whoever follows what the refusals say, one after the other, gets there. */
    @Test
    void aDeadDiskIsReplacedAsTheRefusalsSay() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createBdev(new BdevSpec(C1)));
            create(h, C0, C1);
            String member = child(h.get(h.engine.nexus(N1)), C1).memberUuid();
            h.get(h.engine.offlineNexusChild(N1, C1));
            h.get(h.engine.destroyBdev("c1"));
            String remove = "DELETE /v1/nexuses/" + N1 + "/children/" + member;
            h.refused(ErrorKind.FAILED_PRECONDITION, "child-not-member", h.engine.onlineNexusChild(N1, C1), remove,
                    "POST its URI to /v1/nexuses/" + N1 + "/children");
            h.refused(ErrorKind.ALREADY_EXISTS, "child-exists", h.engine.addNexusChild(N1, C1), remove, "then add it");
            h.get(h.engine.removeNexusChild(N1, member));
            h.get(h.engine.addNexusChild(N1, C1));
            assertEquals("ONLINE", awaitWhole(h).state());
        }
    }

    @Test
    void childrenAreCompared() {
        try (EngineHarness h = new EngineHarness(2)) {
            create(h, C0, C1);
            RebuildsView begun = h.get(h.engine.verifyNexus(N1, null));
            assertTrue(begun.running().stream().allMatch(run -> run.kind().equals("VERIFY")));
            Patience.await(() -> !h.get(h.engine.nexusRebuilds(N1)).history().isEmpty(), () -> "the comparison does not end");
            RebuildsView.RecordView record = h.get(h.engine.nexusRebuilds(N1)).history().getLast();
            assertEquals("VERIFY COMPLETED 0", record.kind() + " " + record.state() + " " + record.differentBytes());
            h.get(h.engine.faultNexusChild(N1, C1));
            h.refused(ErrorKind.FAILED_PRECONDITION, "no-healthy-source", h.engine.verifyNexus(N1, null));
            h.refused(ErrorKind.NOT_FOUND, "child-not-found", h.engine.verifyNexus(N1, "c9"));
        }
    }

    @Test
    void badChildrenAreRefusedAndLeaveNothing() {
        try (EngineHarness h = new EngineHarness(1)) {
            create(h, C0, C1);
            h.refused(ErrorKind.INVALID_ARGUMENT, "unknown-uri-scheme", h.engine.addNexusChild(N1, "nvmf://1.2.3.4:4420/nqn"), "nvmf");
            h.refused(ErrorKind.INVALID_ARGUMENT, "child-too-small", h.engine.addNexusChild(N1, "malloc:///s?size_mb=8"), "at least",
                    "malloc:///s?size_mb=8");
            h.refused(ErrorKind.INVALID_ARGUMENT, "child-block-size",
                    h.engine.addNexusChild(N1, "malloc:///b?size_mb=16&blk_size=4096"), "4096");
            h.refused(ErrorKind.NOT_FOUND, "bdev-not-found", h.engine.addNexusChild(N1, "bdev:///nothing"));
            h.refused(ErrorKind.NOT_FOUND, "nexus-not-found", h.engine.addNexusChild("nothing", C2));
            h.refused(ErrorKind.FAILED_PRECONDITION, "child-in-use", h.engine.addNexusChild(N1, "bdev:///vol"), "vol");
            h.refused(ErrorKind.FAILED_PRECONDITION, "child-in-use", h.engine.addNexusChild(N1, "fault:///f?base=vol"), "vol");
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-freeze-timeout",
                    h.engine.setNexus(N1, new NexusSettings(0, 0, 1, true, 2)));
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-rebuild-rate",
                    h.engine.setNexus(N1, new NexusSettings(1, -1, 1, true, 2)));
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-rebuild-latency-factor",
                    h.engine.setNexus(N1, new NexusSettings(1, 0, 1, true, Double.NaN)));
            assertEquals(List.of("c0", "c1", "vol"), bdevNames(h));
            assertEquals(25_000, h.get(h.engine.nexus(N1)).settings().freezeTimeoutMs());
        }
    }
}
