package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** How nexuses are created, assembled again, refused and destroyed. */
class NexusOpeningTest extends NexusTestBase {
    @Test
    void dataSurvivesACleanCloseAndNothingIsCopied() {
        List<SimDisk.Media> media = NexusSim.media(2);
        NexusSim sim = opened(sim(media, false));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.close(false));
        NexusSim next = sim(media, false);
        assertNull(next.open(NexusSim.parameters().withMode(NexusParameters.Mode.ASSEMBLE), 1, 0));
        assertEquals(NexusState.ONLINE, next.nexus.state());
        assertEquals(0, next.nexus.suspectRegions());
        assertEquals(0, next.run(0, IoType.READ, 0, 8));
        assertNull(next.close(false));
    }

    @Test
    void anAssemblyWithoutTheNewestGenerationIsRefused() {
        List<SimDisk.Media> media = NexusSim.media(2);
        NexusSim sim = opened(sim(media, false));
        sim.disks.get(1).fault = failing(IoType.WRITE, Status.WRITE_FAULT);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.get(1).fault = io -> Status.SUCCESS;
        sim.crash();
        NexusSim stale = sim(media, false);
        assertEquals("nexus-newest-generation-missing", stale.open(NexusSim.parameters(), 1));
        stale.checkNoLeaks();
        assertNull(stale.open(NexusSim.parameters(), 0), "the one that went on is enough");
        assertEquals(NexusState.DEGRADED, stale.nexus.state());
        assertNull(stale.close(false));
        NexusSim both = opened(sim(media, false));
        assertEquals(MemberState.FAULTED, health(both, 1));
        assertFalse(both.disks.get(1).isOpen(), "nobody holds a child that is out");
        assertNull(both.close(false));
    }

    @Test
    void aMissingChildMustBeAllowedAndIsStaleAfterwards() {
        List<SimDisk.Media> media = NexusSim.media(2);
        assertNull(opened(sim(media, false)).close(false));
        NexusSim one = sim(media, false);
        assertEquals("nexus-newest-generation-missing", one.open(NexusSim.parameters(), 1));
        assertNull(one.open(NexusSim.parameters().withAllowMissing(true), 1));
        assertEquals(0, one.run(0, IoType.WRITE, 0, 8));
        assertNull(one.close(false));
        NexusSim other = sim(media, false);
        assertEquals("nexus-newest-generation-missing", other.open(NexusSim.parameters(), 0));
        assertNull(other.open(NexusSim.parameters(), 0, 1));
        assertEquals(FaultReason.MISSING, other.nexus.childStatuses().get(0).reason());
        assertNull(other.close(false));
    }

    @Test
    void childrenThatWentOnAloneAreNotJoined() {
        List<SimDisk.Media> media = NexusSim.media(2);
        assertNull(opened(sim(media, false)).close(false));
        for (int i = 0; i < 2; i++) {
            NexusSim alone = sim(media, false);
            assertNull(alone.open(NexusSim.parameters().withAllowMissing(true), i));
            assertNull(alone.close(false));
        }
        assertEquals("nexus-diverged", sim(media, false).open(NexusSim.parameters(), 0, 1));
    }

    @Test
    void childrenOfOthersAndStrangersAreRefused() {
        List<SimDisk.Media> media = NexusSim.media(3);
        NexusSim sim = sim(media, false);
        assertNull(sim.open(NexusSim.parameters(), 0, 1));
        assertEquals("bdev-claimed", claimed(sim));
        assertNull(sim.close(false));
        NexusSim next = sim(media, false);
        assertEquals("child-foreign", next.open(NexusSim.parameters(), 0, 1, 2));
        assertEquals("child-foreign", next.open(NexusSim.parameters().withMode(NexusParameters.Mode.ASSEMBLE), 2));
        assertEquals("child-in-nexus", next.open(NexusSim.parameters().withMode(NexusParameters.Mode.CREATE), 0, 1));
        NexusParameters other = NexusParameters.of(new UUID(1, 1), "other");
        assertEquals("child-of-other-nexus", next.open(other, 0));
        next.checkNoLeaks();
    }

    @Test
    void anotherNexusGoesByTheWordAndItsDataStays() {
        List<SimDisk.Media> media = NexusSim.media(3);
        NexusSim sim = sim(media, false);
        assertNull(sim.open(NexusSim.parameters(), 0, 1));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.close(false));
        NexusSim next = sim(media, false);
        NexusParameters replacing = NexusParameters.of(new UUID(1, 1), "other").withReplacesOthers(true);
        assertEquals("child-foreign", next.open(replacing.withMode(NexusParameters.Mode.ASSEMBLE), 2));
        assertEquals("child-of-other-nexus", next.open(replacing.withMode(NexusParameters.Mode.ASSEMBLE), 0));
        assertNull(next.open(replacing, 0, 1));
        assertEquals(0, next.run(0, IoType.READ, 0, 8), "the history checks what was read");
        assertNull(next.close(false));
        NexusSim again = sim(media, false);
        assertEquals("child-of-other-nexus", again.open(NexusSim.parameters(), 0));
        assertNull(again.open(replacing, 0, 1), "its own is assembled");
        assertEquals(new UUID(1, 1), again.nexus.uuid());
        assertEquals(0, again.run(0, IoType.READ, 0, 8));
        assertNull(again.close(false));
    }

    private static String claimed(NexusSim sim) {
        String[] code = new String[1];
        sim.hand.on(0, () -> {
            try {
                sim.registry.open(sim.disks.get(0), "thief", true, io.mizzen.testsupport.TestIo.ignoring());
            } catch (OperationException e) {
                code[0] = e.code();
            }
        });
        return code[0];
    }

    @Test
    void aDestroyedNexusLeavesItsChildrenToOthers() {
        List<SimDisk.Media> media = NexusSim.media(2);
        NexusSim sim = opened(sim(media, false));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.close(true));
        NexusSim next = sim(media, false);
        assertNull(next.open(NexusParameters.of(new UUID(8, 8), "other"), 0, 1));
        next.hand.tickAll(10);
        assertEquals(0, next.run(0, IoType.READ, 0, 8), "the data stays");
    }

    @Test
    void sizesThatDoNotFitAreRefused() {
        NexusSim sim = sim(2);
        assertEquals("child-too-small", sim.open(NexusSim.parameters().withSizeBytes(SIZE + (1 << 20)), 0, 1));
        assertEquals("nexus-size-invalid", sim.open(NexusSim.parameters().withSizeBytes(SIZE - 512), 0, 1));
        assertEquals("nexus-children-invalid", sim.open(NexusSim.parameters()));
        sim.checkNoLeaks();
        assertNull(sim.open(NexusSim.parameters().withSizeBytes(1 << 20), 0, 1));
        assertEquals(1 << 20, sim.nexus.sizeBytes());
    }

    @Test
    void aCreationThatFailsOrIsCutShortLeavesNothingBehind() {
        for (int failAt = 0; failAt < 4; failAt++) {
            List<SimDisk.Media> media = NexusSim.media(2);
            NexusSim sim = sim(media, false);
            int last = failAt;
            int[] writes = new int[1];
            sim.disks.get(1).fault = io -> io.type == IoType.WRITE && writes[0]++ == last ? Status.WRITE_FAULT
                    : Status.SUCCESS;
            String refusal = sim.open(NexusSim.parameters(), 0, 1);
            if (writes[0] <= last) {
                assertNull(refusal);
                continue;
            }
            assertEquals("child-unwritable", refusal);
            sim.checkNoLeaks();
            assertNull(sim.open(NexusParameters.of(new UUID(8, 8), "other"), 0, 1));
        }
    }

    @Test
    void theFirstChildIsCopiedToTheOthersOnRequest() {
        List<SimDisk.Media> media = NexusSim.media(3);
        byte[] garbage = new byte[SimDisk.BLOCK];
        java.util.Arrays.fill(garbage, (byte) 7);
        media.get(1).durable.put((long) DATA_BLOCK + 77, garbage);
        media.get(2).durable.put((long) DATA_BLOCK + 4095, garbage);
        NexusSim sim = sim(media, false);
        assertNull(sim.open(NexusSim.parameters().withInitialCopy(NexusParameters.InitialCopy.FROM_FIRST), 0, 1, 2));
        assertEquals(NexusState.DEGRADED, sim.nexus.state());
        sim.awaitResync();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertEquals(SIZE / 512, sim.nexus.resyncCopiedBlocks());
        assertNull(sim.close(false));
    }
}
