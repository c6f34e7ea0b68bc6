package io.mizzen.nvme.pcie;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.AsyncEvents;
import io.mizzen.nvme.LogPages;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.Properties;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Start, namespaces, events and end of a controller. */
class NvmeControllerSimTest {
    private final NvmeRig rig = new NvmeRig(2, 31);

    private void refused(String code) {
        long startNs = rig.hand.nowNs();
        rig.tryOpen(NvmeRig.OPTIONS, 0);
        assertEquals(code, rig.failure == null ? null : rig.failure.code());
        assertTrue(rig.hand.nowNs() - startNs < 60_000_000_000L, "within its deadline");
        assertEquals(rig.usedBytesBefore, rig.memory.memory().usedBytes());
        assertEquals(List.of(), rig.drive.violations);
    }

    @Test
    void itSaysWhatItIs() {
        rig.drive.namespaces.put(7, new SimNamespace(7, 9, 1000, 0, 0));
        rig.open();
        assertEquals("SIM0001", rig.controller.info().serial());
        assertEquals("Simulated drive", rig.controller.info().model());
        assertEquals("1.4", rig.controller.info().versionText());
        assertEquals(List.of(1, 7), rig.controller.namespaces().stream().map(NvmeNamespace::nsid).toList());
        assertEquals(new UUID(0x1111, 7), rig.controller.namespaces().get(1).uuid());
        NvmeBdev bdev = rig.bdev(7);
        assertEquals(new UUID(0x1111, 7), bdev.uuid());
        assertTrue(bdev.hasVolatileCache());
        assertTrue(bdev.isLocal());
        assertEquals("bdev-exists", assertThrows(OperationException.class, () -> rig.bdev(7)).code());
        assertEquals("namespace-not-found", assertThrows(OperationException.class, () -> rig.bdev(3)).code());
        assertEquals(4, rig.drive.admin.eventRequestCount());
        rig.close();
        assertEquals(1, rig.drive.shutdowns);
    }

    @Test
    void anOlderDriveWithoutListsAndDescriptorsWorks() {
        rig.drive.version = 0x0001_0000;
        rig.drive.namespaces.put(2, new SimNamespace(2, 9, 1000, 0, 0));
        rig.open();
        assertEquals(List.of(1, 2), rig.controller.namespaces().stream().map(NvmeNamespace::nsid).toList());
        UUID uuid = rig.controller.namespaces().get(0).uuid();
        assertEquals(3, uuid.version(), "made from the serial number");
        rig.close();
    }

    @Test
    void formatsThatCannotBeUsedAreRefusedWithAReason() {
        rig.drive.namespaces.put(2, new SimNamespace(2, 9, 1000, 8, 0));
        rig.drive.namespaces.put(3, new SimNamespace(3, 9, 1000, 0, -1));
        rig.drive.namespaces.put(4, new SimNamespace(4, 13, 1000, 0, 0));
        rig.open();
        for (int nsid = 2; nsid <= 4; nsid++) {
            int id = nsid;
            OperationException refusal = assertThrows(OperationException.class, () -> rig.bdev(id));
            assertEquals("namespace-not-usable", refusal.code());
            assertTrue(refusal.getMessage().contains(List.of("metadata", "command set 2", "block size").get(nsid - 2)),
                    refusal.getMessage());
        }
        rig.close();
    }

    @Test
    void aDriveThatNeverBecomesReadyIsRefusedInTime() {
        rig.drive.neverReady = true;
        refused("nvme-not-ready");
        assertTrue(rig.pci.dmaStopped);
    }

    @Test
    void aMemoryBufferThatADriverBeforeUsHasSwitchedOnIsSwitchedOff() {
        rig.drive.hasMemoryBuffer = true;
        rig.open();
        rig.close();
    }

    @Test
    void aDriveThatAsksForHoursIsGivenMinutesAndItIsTold() {
        rig.drive.readyUnits = 0xFFFF;
        rig.drive.neverReady = true;
        long beganNs = rig.hand.nowNs();
        rig.tryOpen(NvmeRig.OPTIONS, 0);
        assertEquals("nvme-not-ready", rig.failure.code());
        assertTrue(rig.failure.getMessage().contains("within 150000 ms (it asks for 32767500)"), rig.failure.getMessage());
        assertTrue(rig.hasEvent("nvme-slow-start"));
        assertTrue(rig.hand.nowNs() - beganNs < 460_000_000_000L);
    }

    @Test
    void aSlowDriveHasTheTimeThatItAsksFor() {
        rig.drive.readyDelayNs = 9_900_000_000L;
        rig.open();
        rig.close();
    }

    @Test
    void aControllerThatSomebodyLeftRunningIsTakenOver() {
        rig.open();
        SimQueues.Submission old = rig.drive.submissions.get(1);
        NvmeController first = rig.controller;
        rig.tryOpen(NvmeRig.OPTIONS, 0);
        assertEquals(2, rig.drive.enables);
        assertTrue(rig.drive.submissions.get(1) != old);
        assertEquals(List.of(), rig.drive.violations);
        assertTrue(first != rig.controller);
    }

    @Test
    void itReachesNoMemoryBeforeItIsIdleAndIsLeftIdle() {
        rig.open();
        assertFalse(rig.pci.dmaStopped);
        rig.pci.stopDma();                  // As when the process was killed: the controller itself goes on.
        rig.tryOpen(NvmeRig.OPTIONS, 0);
        assertFalse(rig.pci.dmaStopped);
        assertFalse(rig.pci.busyAtStart);
        rig.onAdmin(() -> rig.controller.onRemovalRequest());
        rig.hand.runUntil(() -> rig.dead != null);
        assertTrue(rig.pci.dmaStopped);
        assertFalse(Properties.ccEnabled(RawMemory.getIntAcquire(rig.pci.barAddress() + Properties.CC)));
    }

    @Test
    void aRunningControllerThatDoesNotStopIsRefused() {
        rig.open();
        rig.drive.neverIdle = true;
        rig.tryOpen(NvmeRig.OPTIONS, 0);
        assertEquals("nvme-not-ready", rig.failure.code());
    }

    @Test
    void aControllerOfAnotherKindIsRefused() {
        rig.drive.admin.controllerType = 2;
        refused("not-an-io-controller");
    }

    @Test
    void aDriveThatDoesNotAnswerIsRefused() {
        rig.drive.faults = (queue, opcode) -> opcode == Opcodes.ADMIN_CREATE_SQ ? SimFate.losing() : SimFate.NORMAL;
        refused("nvme-no-answer");
    }

    /** With fewer queues it would be taken, but this one may make the queue yet, and answers nothing else any more. */
    @Test
    void aDriveThatDoesNotAnswerForItsLastQueueIsRefused() {
        int[] asked = new int[1];
        rig.drive.faults = (queue, opcode) -> opcode == Opcodes.ADMIN_CREATE_SQ && ++asked[0] == 2 ? SimFate.losing() : SimFate.NORMAL;
        refused("nvme-no-answer");
        assertEquals(2, asked[0]);
    }

    /** Accesses to the registers that mask the wire are not defined with MSI-X. */
    @ParameterizedTest
    @ValueSource(ints = {0, 3})
    void interruptMasksAreWrittenWithoutVectorsOnly(int vectors) {
        rig.pci.vectors = vectors;
        RawMemory.putInt(rig.pci.barAddress() + Properties.INTMS, 0x5A);
        RawMemory.putInt(rig.pci.barAddress() + Properties.INTMC, 0x5A);
        rig.open();
        assertEquals(vectors == 0 ? -1 : 0x5A, RawMemory.getInt(rig.pci.barAddress() + Properties.INTMS));
        assertEquals(0x5A, RawMemory.getInt(rig.pci.barAddress() + Properties.INTMC));
        rig.close();
    }

    @Test
    void aDriveWithoutQueuesIsRefused() {
        rig.drive.admin.createQueueFailsFrom = 1;
        refused("nvme-command-failed");
    }

    @Test
    void aDriveThatIsGoneIsRefused() {
        rig.drive.powerOn(20);
        rig.pci.pull();
        boolean[] done = new boolean[1];
        rig.hand.on(0, () -> NvmeController.open(rig.pci, rig.memory.memory(), rig.hand.reactors(),
                rig.hand.reactor(0).mthread(), NvmeRig.OPTIONS, rig, (opened, failure) -> {
                    assertEquals("nvme-removed", failure.code());
                    done[0] = true;
                }));
        assertTrue(done[0]);
    }

    @Test
    void aNamespaceThatGrowsIsSeenByWhoeverHasItOpen() {
        rig.open();
        NvmeBdev bdev = rig.bdev(1);
        IoChannel channel = rig.channel(bdev, 1);
        DmaMemory.Block buffer = rig.buffer(4096);
        rig.drive.namespaces.get(1).blockCount = 8192;
        assertTrue(rig.io.run(channel, IoType.READ, 5000, 1, buffer.address()) != 0);
        rig.drive.admin.noteChange(1);
        assertTrue(rig.drive.admin.event(AsyncEvents.NAMESPACE_ATTRIBUTES));
        rig.hand.runUntil(() -> bdev.blockCount() == 8192);
        assertEquals(0, rig.io.run(channel, IoType.READ, 5000, 1, buffer.address()));
        rig.hand.runUntil(() -> rig.drive.admin.eventRequestCount() == 4);
        rig.close(buffer);
    }

    @Test
    void namespacesThatComeAndGoAreTold() {
        rig.open();
        NvmeBdev bdev = rig.bdev(1);
        rig.namespaceChanges.clear();
        rig.drive.namespaces.put(2, new SimNamespace(2, 9, 1000, 0, 0));
        assertTrue(rig.drive.admin.event(AsyncEvents.NAMESPACE_ATTRIBUTES));
        rig.hand.runUntil(() -> !rig.namespaceChanges.isEmpty());
        assertEquals(2, rig.controller.namespaces().size());
        assertFalse(bdev.isRemoved());
        SimNamespace gone = rig.drive.namespaces.remove(1);
        assertTrue(rig.drive.admin.event(AsyncEvents.NAMESPACE_ATTRIBUTES));
        rig.hand.runUntil(bdev::isRemoved);
        rig.drive.namespaces.put(1, gone);
        rig.close();
    }

    @Test
    void healthAndErrorsAreRead() {
        rig.open();
        NvmeHealth[] health = new NvmeHealth[1];
        rig.onAdmin(() -> rig.controller.readHealth((read, failure) -> health[0] = read));
        rig.hand.runUntil(() -> health[0] != null);
        assertEquals(310, health[0].temperatureKelvin());
        assertEquals(1234, health[0].powerOnHours());
        List<List<NvmeError>> errors = new java.util.ArrayList<>();
        rig.onAdmin(() -> rig.controller.readErrors((read, failure) -> errors.add(read)));
        rig.hand.runUntil(() -> !errors.isEmpty());
        assertEquals(List.of(new NvmeError(7, 1, 0, 0x281, 42, 1)), errors.getFirst());
        rig.close();
    }

    @Test
    void answersToNobodysAdminCommandsAreIgnored() {
        rig.open();
        NvmeHealth[] health = new NvmeHealth[1];
        rig.onAdmin(() -> rig.controller.readHealth((read, failure) -> health[0] = read));
        for (int slot = 0; slot < 16; slot++) {
            rig.drive.post(rig.drive.submissions.get(0), 2000 << 5 | slot, 0, 0);
        }
        rig.hand.runUntil(() -> health[0] != null);
        assertEquals(310, health[0].temperatureKelvin());
        assertEquals(16, rig.controller.stats().unknownCompletions());
        rig.close();
    }

    @Test
    void eventsOfTheDriveAreTold() {
        rig.open();
        rig.drive.admin.temperatureKelvin = 360;
        assertTrue(rig.drive.admin.event(AsyncEvents.result(AsyncEvents.TYPE_HEALTH, 1, LogPages.SMART)));
        rig.hand.runUntil(() -> rig.hasEvent("nvme-health"));
        assertTrue(rig.events.getLast().contains("87 degrees"), rig.events.getLast());
        assertTrue(rig.drive.admin.event(AsyncEvents.result(AsyncEvents.TYPE_ERROR, 3, LogPages.ERROR)));
        rig.hand.runUntil(() -> rig.hasEvent("nvme-error"));
        rig.hand.runUntil(() -> rig.drive.admin.eventRequestCount() == 4);
        rig.close();
    }

    /** Without an end they would be answered for ever. */
    @Test
    void aFloodOfEventsIsSlowedDown() {
        rig.open();
        long startNs = rig.hand.nowNs();
        int[] sent = new int[1];
        rig.hand.runUntil(() -> {
            sent[0] += rig.drive.admin.event(AsyncEvents.result(AsyncEvents.TYPE_HEALTH, 1, LogPages.SMART)) ? 1 : 0;
            return rig.hand.nowNs() - startNs > 3_000_000_000L;
        }, 5_000_000);
        assertTrue(sent[0] < 80, sent[0] + " in three seconds");
        rig.close();
    }

    @Test
    void aDriveThatDoesNotConfirmItsShutdownIsCutOff() {
        rig.open();
        rig.drive.neverShutDown = true;
        rig.close();
        assertTrue(rig.hasEvent("nvme-shutdown-late"));
    }

    @Test
    void closingWaitsForTheEndOfAReset() {
        rig.open();
        rig.onAdmin(() -> rig.controller.reset("the test wants it"));
        rig.close();
        assertEquals(1, rig.drive.shutdowns);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void sixtyFourResetsKeepNothing(boolean doorbellBuffers) {
        rig.drive.hasDoorbellBuffers = doorbellBuffers;
        rig.open();
        NvmeBdev bdev = rig.bdev(1);
        IoChannel channel = rig.channel(bdev, 1);
        DmaMemory.Block buffer = rig.buffer(4096);
        long used = rig.memory.memory().usedBytes();
        for (int i = 0; i < 64; i++) {
            rig.onAdmin(() -> rig.controller.reset("the test wants it"));
            assertEquals("RESETTING", rig.controller.state());
            rig.hand.runUntil(() -> rig.controller.state().equals("READY"));
            assertEquals(0, rig.io.run(channel, IoType.WRITE, i, 1, buffer.address()));
            assertEquals(used, rig.memory.memory().usedBytes());
            rig.hand.advance(NvmeOptions.RESET_WINDOW_NS / 4);
        }
        assertEquals(64, rig.controller.stats().resets());
        rig.close(buffer);
    }
}
