package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.LimitsView;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.RateSpec;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.nvme.Opcodes;
import io.mizzen.testsupport.NvmeTcpClient;
import io.mizzen.util.ErrorKind;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a host sees of pauses and limits, through the whole engine. */
class PauseAndLimitsTest {
    private static final String N1 = "aaaaaaaa-1111-4111-8111-111111111111";
    private static final ShareSpec ANY = new ShareSpec(List.of(ShareSpec.ANY_HOST));
    private static final String LEG = "malloc:///c0?size_mb=16";

    private static String publish(RunningEngine r, String child) {
        r.ask.get(r.engine.createNexus(new NexusSpec(N1, "vol", List.of(child), 0, null)));
        return r.ask.get(r.engine.publishNexus(N1, ANY)).share().nqn();
    }

    @Test
    void hostsSeeAPauseOnly() {
        try (RunningEngine r = new RunningEngine()) {
            String nqn = publish(r, LEG);
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
                NexusView paused = r.ask.get(r.engine.pauseNexus(N1, 0));
                assertTrue(paused.share().paused());
                assertNull(paused.share().pausedUntil());
                int write = io.submit(NvmeTcpClient.io(Opcodes.NVM_WRITE, 1, 0, 8, 0), new byte[4096], true, 0);
                assertEquals(0, admin.identify(1, 0).status(), "admin commands go on");
                assertFalse(io.isAnswered(write));
                assertNotNull(r.ask.get(r.engine.pauseNexus(N1, 3_600_000)).share().pausedUntil(), "it has a limit now");
                assertFalse(r.ask.get(r.engine.resumeNexus(N1)).share().paused());
                assertEquals(0, io.await(write).status());
                assertFalse(r.ask.get(r.engine.resumeNexus(N1)).share().paused());
            }
            assertEquals(List.of("share-created", "share-paused", "share-resumed"), r.events("share-"));
            r.ask.get(r.engine.pauseNexus(N1, 0));
            r.ask.get(r.engine.unpublishNexus(N1));
            r.ask.refused(ErrorKind.FAILED_PRECONDITION, "not-published", r.engine.pauseNexus(N1, 0));
            r.ask.get(r.engine.resumeNexus(N1));
        }
    }

    @Test
    void aPauseEndsByItselfAndOneMayBeginBeforeHostsCome() {
        try (RunningEngine r = new RunningEngine()) {
            r.ask.get(r.engine.createNexus(new NexusSpec(N1, "vol", List.of(LEG), 0, null)));
            String nqn = r.ask.get(r.engine.publishNexusPaused(N1, ANY, 0)).share().nqn();
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
                int read = io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, 0, 8, 0), null, false, 4096);
                assertEquals(0, admin.identify(1, 0).status());
                assertFalse(io.isAnswered(read));
                r.ask.get(r.engine.pauseNexus(N1, 30));
                assertEquals(0, io.await(read).status());
            }
            r.awaitEvent("share-resumed", 1);
            assertFalse(r.ask.get(r.engine.nexus(N1)).share().paused());
            assertEquals(List.of("share-created", "share-paused", "share-resumed"), r.events("share-"));
            r.ask.get(r.engine.pauseNexus(N1, 0));     // Stopped while paused: nothing hangs.
        }
    }

    /** The children are free meanwhile; hosts keep their device, and what they wrote is there. */
    @Test
    void hostsWaitWhileANexusIsShutDownAndGoOnWhenItIsAssembled() {
        try (RunningEngine r = new RunningEngine()) {
            r.ask.get(r.engine.createBdev(new BdevSpec(LEG)));
            String nqn = publish(r, LEG);
            NexusSpec spec = new NexusSpec(N1, "vol", List.of(LEG), 0, null);
            byte[] data = new byte[4096];
            new java.util.Random(5).nextBytes(data);
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
                assertEquals(0, io.write(1, 8, data, 512, true).status());
                NexusView down = r.ask.get(r.engine.shutdownNexus(N1));
                assertEquals("SHUTDOWN", down.state());
                assertEquals("CLOSED", down.children().getFirst().state());
                assertEquals("SHUTDOWN", r.ask.get(r.engine.shutdownNexus(N1)).state());
                assertFalse(r.ask.get(r.engine.bdev("c0")).open(), "its child is free");
                int read = io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, 8, 8, 0), null, false, 4096);
                assertEquals(0, admin.identify(0, 1).status(), "the namespace is what it was");
                assertFalse(io.isAnswered(read));
                for (var refused : List.of(r.engine.resumeNexus(N1), r.engine.addNexusChild(N1, "malloc:///x?size_mb=16"),
                        r.engine.resizeNexus(N1, 1 << 30), r.engine.verifyNexus(N1, null))) {
                    r.ask.refused(ErrorKind.FAILED_PRECONDITION, "nexus-shut-down", refused, "assemble");
                }
                r.ask.get(r.engine.pauseNexus(N1, 1));
                assertEquals("ONLINE", r.ask.get(r.engine.assembleNexus(spec, false)).state());
                org.junit.jupiter.api.Assertions.assertArrayEquals(data, io.await(read).data());
                assertEquals(0, io.write(1, 16, data, 512, true).status());

                r.ask.get(r.engine.shutdownNexus(N1));
                io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, 8, 8, 0), null, false, 4096);
                r.ask.refused(ErrorKind.FAILED_PRECONDITION, "nexus-published", r.engine.destroyNexus(N1), "unpublish");
                r.ask.get(r.engine.unpublishNexus(N1));
                assertNotNull(admin.awaitEnd());
            }
            r.ask.get(r.engine.destroyNexus(N1));
            assertEquals("ONLINE", r.ask.get(r.engine.assembleNexus(spec, false)).state(), "only forgotten");
            r.ask.get(r.engine.shutdownNexus(N1));
            assertEquals(3, r.events("nexus-shut-down").size());
        }
    }

    @Test
    void aNexusGrowsWithItsChildren() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createNexus(new NexusSpec(N1, "vol", List.of(LEG), 4 << 20, null)));
            assertEquals(8 << 20, h.get(h.engine.resizeNexus(N1, 8 << 20)).sizeBytes());
            h.refused(ErrorKind.FAILED_PRECONDITION, "child-too-small", h.engine.resizeNexus(N1, 64 << 20), "c0");
            assertTrue(h.engine.resizeNexus(N1, 4 << 20).handle((v, f) -> f != null).join());
            assertEquals(8 << 20, h.get(h.engine.nexus(N1)).sizeBytes());
        }
    }

    @Test
    void limitsHoldBackWhatIsAboveThemAndAreChangedOnline() {
        try (RunningEngine r = new RunningEngine()) {
            String nqn = publish(r, LEG);
            LimitsSpec one = new LimitsSpec(null, null, new RateSpec(1, 1), null, null, null);
            assertEquals(one, r.ask.get(r.engine.setNexusLimits(N1, one)).limits());
            assertEquals(one, r.ask.get(r.engine.setNexusLimits(N1, one)).limits());
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
                int[] reads = new int[24];      // The last of them is due when the others have been for seconds.
                for (int i = 0; i < reads.length; i++) {
                    reads[i] = io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, 0, 8, 0), null, false, 4096);
                }
                assertEquals(0, io.await(reads[0]).status());
                assertEquals(0, admin.identify(1, 0).status());
                assertFalse(io.isAnswered(reads[reads.length - 1]));
                assertEquals(LimitsSpec.NONE, r.ask.get(r.engine.setNexusLimits(N1, LimitsSpec.NONE)).limits());
                for (int i = 1; i < reads.length; i++) {
                    assertEquals(0, io.await(reads[i]).status());
                }
            }
            LimitsView view = r.ask.get(r.engine.nexusLimits(N1));
            assertTrue(view.delayedOperations() >= 2, view.toString());
            assertTrue(view.delayedNs() > 0);
            assertEquals(List.of("limits-set", "limits-removed"), r.events("limits-"));
            assertEquals("1 totalOperations/s", r.engine.events(0, 1000).events().stream()
                    .filter(event -> event.kind().equals("limits-removed")).findFirst().orElseThrow().details().get("before"));
        }
    }

    @Test
    void badLimitsAreRefusedByName() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createNexus(new NexusSpec(N1, "vol", List.of(LEG), 0, null)));
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-limit", h.engine.setNexusLimits(N1,
                    new LimitsSpec(null, null, null, new RateSpec(0, 0), null, null)), "readBytes");
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-limit", h.engine.setNexusLimits(N1,
                    new LimitsSpec(null, null, null, null, null, new RateSpec(Long.MAX_VALUE, 0))), "totalBytes");
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-burst", h.engine.setNexusLimits(N1,
                    new LimitsSpec(new RateSpec(1, -1), null, null, null, null, null)), "readOperations");
            h.refused(ErrorKind.NOT_FOUND, "nexus-not-found", h.engine.nexusLimits("nothing"));
            h.refused(ErrorKind.NOT_FOUND, "replica-not-found", h.engine.replicaLimits(N1));
            assertEquals(LimitsSpec.NONE, h.get(h.engine.nexusLimits(N1)).limits());
        }
    }

    @Test
    void aRuleThatIsSetAgainUnchangedIsNoNews() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.get(h.engine.createBdev(new BdevSpec("fault:///f?base=malloc:///b%3Fsize_mb=16")));
            FaultSpec rule = new FaultSpec("r", FaultSpec.Operation.READ, FaultSpec.Stage.SUBMISSION, FaultSpec.Action.DELAY, 0, 0, 1,
                    1000, 0);
            h.get(h.engine.putFault("f", rule));
            h.get(h.engine.putFault("f", rule));
            assertEquals(1, h.engine.events(0, 100).events().stream().filter(event -> event.kind().equals("fault-set")).count());
        }
    }
}
