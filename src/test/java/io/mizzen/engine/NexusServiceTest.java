package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.EventSeverity;
import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.testsupport.Patience;
import io.mizzen.util.ErrorKind;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Nexuses through the facade, on real reactors. */
class NexusServiceTest {
    private static final String N1 = "aaaaaaaa-1111-4111-8111-111111111111";
    private static final String N2 = "aaaaaaaa-2222-4222-8222-222222222222";
    private static final String R1 = "11111111-1111-4111-8111-111111111111";
    private static final String R2 = "22222222-2222-4222-8222-222222222222";
    private static final String C0 = "malloc:///c0?size_mb=16";
    private static final String C1 = "malloc:///c1?size_mb=16";

    private static NexusSpec nexus(String uuid, String... children) {
        return new NexusSpec(uuid, null, List.of(children), 0, null);
    }

    private static void twoDisks(EngineHarness h) {
        h.get(h.engine.createBdev(new BdevSpec(C0)));
        h.get(h.engine.createBdev(new BdevSpec(C1)));
    }

    @Test
    void nexusOverReplicasHoldsPoolsAndLetsThemGo() {
        try (EngineHarness h = new EngineHarness(2)) {
            for (String n : List.of("0", "1")) {
                h.get(h.engine.createPool(new PoolSpec("p" + n, null, List.of("malloc:///d" + n + "?size_mb=64"), 1 << 20, List.of(), true)));
                h.get(h.engine.createReplica(new ReplicaSpec(n.equals("0") ? R1 : R2, "r", "p" + n, 32 << 20, true)));
            }
            NexusView nexus = h.get(h.engine.createNexus(nexus(N1, "lvol:///p0/r", "lvol:///p1/r")));
            assertEquals("ONLINE", nexus.state());
            assertEquals(24 << 20, nexus.sizeBytes());
            assertEquals(List.of("lvol:///p0/r", "lvol:///p1/r"), nexus.children().stream().map(NexusView.ChildView::uri).toList());
            assertTrue(nexus.children().stream().allMatch(NexusView.ChildView::healthy));
            assertEquals(nexus, h.get(h.engine.createNexus(nexus(N1, "lvol:///p0/r", "lvol:///p1/r"))));
            h.refused(ErrorKind.ALREADY_EXISTS, "nexus-exists", h.engine.createNexus(nexus(N1, "lvol:///p0/r")),
                "children ([lvol:///p0/r, lvol:///p1/r])", "another UUID");
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-in-use", h.engine.exportPool("p0"), "nexus");
            h.refused(ErrorKind.FAILED_PRECONDITION, "replica-in-use", h.engine.destroyReplica(R1), "nexus");
            h.refused(ErrorKind.FAILED_PRECONDITION, "bdev-has-owner", h.engine.destroyBdev(nexus.bdev()), "nexus");
            assertEquals(N1, h.get(h.engine.nexus(nexus.name())).uuid());
            h.get(h.engine.destroyNexus(N1));
            assertEquals(List.of(), h.get(h.engine.nexuses()));
            h.refused(ErrorKind.NOT_FOUND, "nexus-not-found", h.engine.nexus(N1), N1);
            h.get(h.engine.destroyPool("p0", true));
            h.get(h.engine.createNexus(nexus(N2, "lvol:///p1/r")));
        }
    }

    /** Fresh children hold zeroes everywhere; of one that was in use nobody knows what the others lack. */
    @Test
    void childrenThatWereInUseAreMadeEqualFirst() {
        try (EngineHarness h = new EngineHarness(2)) {
            twoDisks(h);
            assertEquals("ONLINE", h.get(h.engine.createNexus(nexus(N1, C0, C1))).state());
            assertEquals(0, resyncsStarted(h, N1));
            h.get(h.engine.destroyNexus(N1));
            h.get(h.engine.createNexus(nexus(N2, C0, C1)));
            assertEquals(1, resyncsStarted(h, N2));
            Patience.await(() -> h.get(h.engine.nexus(N2)).state().equals("ONLINE"), () -> h.get(h.engine.nexus(N2)).toString());
            assertFalse(h.get(h.engine.nexus(N2)).resyncing());
            h.get(h.engine.destroyNexus(N2));
            h.get(h.engine.createNexus(nexus(N1, C1)));
            assertEquals(0, resyncsStarted(h, N1), "one leg cannot differ from itself");
        }
    }

    private static long resyncsStarted(EngineHarness h, String nexus) {
        return h.engine.events(0, 1000).events().stream()
                .filter(event -> nexus.equals(event.uuid()) && event.kind().equals("resync-started")).count();
    }

    @Test
    void childIsFaultedByHandButNotTheLastOne() {
        try (EngineHarness h = new EngineHarness(1)) {
            twoDisks(h);
            NexusView whole = h.get(h.engine.createNexus(nexus(N1, C0, "c1")));
            NexusView degraded = h.get(h.engine.faultNexusChild(N1, C0));
            assertEquals("DEGRADED", degraded.state());
            assertEquals("FAULTED", degraded.children().get(0).state());
            assertNotNull(degraded.children().get(0).faultReason());
            assertTrue(degraded.generation() > whole.generation());
            h.refused(ErrorKind.FAILED_PRECONDITION, "last-healthy-child", h.engine.faultNexusChild(N1, "c1"), "c1");
            h.refused(ErrorKind.NOT_FOUND, "child-not-found", h.engine.faultNexusChild(N1, "c9"), "c9");
            EventView event = h.engine.events(0, 100).events().stream().filter(e -> e.kind().equals("child-faulted")).findFirst()
                    .orElseThrow();
            assertEquals(ObjectKind.CHILD, event.objectType());
            assertEquals(C0, event.name());
            assertEquals(N1, event.details().get("nexus"));
            assertEquals("administrative", event.details().get("reason"));
            assertEquals(EventSeverity.WARNING, event.severity());
        }
    }

    @Test
    void badNexusesAreRefusedAndLeaveNothing() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-uuid", h.engine.createNexus(nexus("x", C0)));
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-children", h.engine.createNexus(nexus(N1)));
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-children", h.engine.createNexus(nexus(N1, C0, C0)));
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-label", h.engine.createNexus(new NexusSpec(N1, null, List.of(C0), 0, "v3")));
            h.refused(ErrorKind.INVALID_ARGUMENT, "unknown-uri-scheme", h.engine.createNexus(nexus(N1, "aio:///x")));
            h.refused(ErrorKind.NOT_FOUND, "bdev-not-found", h.engine.createNexus(nexus(N1, C0, "nothing")));
            assertFalse(h.get(h.engine.createNexus(nexus(N1, C0))).children().isEmpty());
            h.refused(ErrorKind.FAILED_PRECONDITION, "nvmf-off", h.engine.publishNexus(N1, new ShareSpec(List.of("any"))));
            h.get(h.engine.unpublishNexus(N1));
            h.get(h.engine.destroyNexus(N1));
            assertEquals(List.of(), h.get(h.engine.bdevs()).stream().map(BdevView::name).toList());
        }
    }

    @Test
    void assemblyCreatesNothing() {
        try (EngineHarness h = new EngineHarness(1)) {
            twoDisks(h);
            assertTrue(h.engine.assembleNexus(nexus(N1, C0, C1), false).handle((v, f) -> f != null).join());
            h.refused(ErrorKind.FAILED_PRECONDITION, "nexus-without-children", h.engine.assembleNexus(nexus(N1, "gone",
                    "lvol:///p9/r"), true), "gone", "p9", "Bring back", "children");
            assertEquals(List.of(), h.get(h.engine.nexuses()));
            h.get(h.engine.createNexus(nexus(N1, C0, C1)));
        }
    }
}
