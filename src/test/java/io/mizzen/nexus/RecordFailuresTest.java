package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * A record that says that a child is the only healthy one is reported as failed, and is there all the same. Whoever goes on
 * without that child has its writes lost when it is brought up alone.
 */
class RecordFailuresTest extends NexusTestBase {
    private static final NexusParameters ASSEMBLE = NexusSim.parameters().withMode(NexusParameters.Mode.ASSEMBLE);

    private static int failsRecord(BdevIo io) {
        long offset = io.offsetBlocks * SimDisk.BLOCK;
        boolean record = io.type == IoType.WRITE && (offset == MetadataCodec.slotOffsetBytes(0) || offset == MetadataCodec.slotOffsetBytes(1));
        return record ? Status.WRITE_FAULT : Status.SUCCESS;
    }

    private NexusSim opened() {
        NexusSim sim = sim(2);
        assertNull(sim.open(NexusSim.parameters().withFreezeTimeoutNs(60_000_000_000L), 0, 1));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        return sim;
    }

    private static void awaitBlocked(NexusSim sim) {
        sim.hand.runUntil(() -> sim.events.stream().anyMatch(event -> event.startsWith("metadata-not-stored")));
        sim.hand.runUntil(sim.nexus::isMetadataBlocked);
    }

    /** The disk is all that is left: what was acknowledged is there. */
    private void checkAlone(NexusSim sim, int disk) {
        sim.crash();
        NexusSim next = sim(sim.media());
        assertNull(next.open(ASSEMBLE, disk), "its record says so");
        assertEquals(0, next.run(0, IoType.READ, 0, 8), "checked by the simulator");
    }

    private void takenOut(Consumer<NexusSim> order) {
        NexusSim sim = opened();
        sim.disks.get(0).faultAfter = RecordFailuresTest::failsRecord;
        order.accept(sim);
        awaitBlocked(sim);
        sim.disks.get(0).faultAfter = io -> Status.SUCCESS;
        sim.disks.get(0).fault = RecordFailuresTest::failsRecord;
        sim.write(0, 1, IoType.WRITE, 0, 8, 0);
        for (int i = 0; i < 40; i++) {
            sim.hand.advance(100_000_000);
            sim.hand.tickAll(200);
        }
        checkAlone(sim, 0);
    }

    @Test
    void nobodyGoesOnWithoutAChildThatMayHoldThatTheOtherIsOffline() {
        takenOut(sim -> assertEquals("nexus-metadata-not-stored", sim.offline("disk1")));
    }

    @Test
    void nobodyGoesOnWithoutAChildThatMayHoldThatTheOtherIsRemoved() {
        takenOut(sim -> assertEquals("nexus-metadata-not-stored", sim.remove("disk1")));
    }

    /** The child may be told at last: hosts go on. */
    @Test
    void hostsGoOnOnceTheChildTakesItsRecord() {
        NexusSim sim = opened();
        sim.disks.get(0).faultAfter = RecordFailuresTest::failsRecord;
        assertEquals("nexus-metadata-not-stored", sim.offline("disk1"));
        sim.write(0, 1, IoType.WRITE, 0, 8, 0);
        sim.hand.tickAll(2000);
        assertEquals(1, sim.running);
        sim.disks.get(0).faultAfter = io -> Status.SUCCESS;
        sim.drain();
        assertEquals(0, sim.failed);
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** Both disks go, one after the other; the one that went first comes back first. It waits for the other. */
    @Test
    void theFirstThatWentDoesNotGoOnWithoutTheLast() {
        NexusSim sim = bothPulled();
        sim.plugIn(0);
        assertNull(sim.online(0));
        sim.write(0, 1, IoType.WRITE, 0, 8, 0);
        sim.hand.tickAll(5000);
        checkAlone(sim, 1);
    }

    @Test
    void hostsGoOnWhenTheLastReturnsToo() {
        NexusSim sim = bothPulled();
        sim.plugIn(0);
        assertNull(sim.online(0));
        sim.write(0, 1, IoType.WRITE, 0, 8, 0);
        sim.hand.tickAll(5000);
        sim.plugIn(1);
        assertNull(sim.online(1));
        sim.drain();
        assertEquals(0, sim.failed);
        sim.hand.runUntil(() -> !sim.disks.get(0).isOpen());
        assertNull(sim.online(0));
        sim.awaitRebuilds();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    private NexusSim bothPulled() {
        NexusSim sim = opened();
        sim.disks.get(1).faultAfter = RecordFailuresTest::failsRecord;
        sim.hand.on(0, sim.disks.get(0)::pull);
        awaitBlocked(sim);
        sim.hand.on(0, sim.disks.get(1)::pull);
        sim.hand.runUntil(() -> !sim.disks.get(0).isOpen() && !sim.disks.get(1).isOpen());
        assertTrue(sim.nexus.isMetadataBlocked());
        return sim;
    }
}
