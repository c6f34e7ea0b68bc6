package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.rebuild.RebuildSettings;
import org.junit.jupiter.api.Test;

/** A disk loses what it has cached and tells one flush of it, late; another one, which the nexus itself relies on, succeeds meanwhile. */
class FlushLossTest {
    private static final long SIZE = 2 << 20;
    private final NexusSim.History history = new NexusSim.History(SIZE);
    private final NexusSim sim = new NexusSim(1, 2, 2, SIZE, NexusSim.media(2), true, history);
    private boolean lost;

    /** A host flushes on the second core. The disk's next flush of another one finds nothing any more. */
    private void loseBehindAFlush(SimDisk disk) {
        disk.holdsNextFlush = true;
        sim.flush(1);
        sim.hand.runUntil(() -> disk.heldFlush != null);
        disk.fault = io -> {
            if (io.type != IoType.FLUSH) {
                return Status.SUCCESS;
            }
            if (!lost) {
                lost = true;
                disk.media.cached.clear();
                return Status.SUCCESS;
            }
            return disk.heldFlush == null ? Status.WRITE_FAULT : Status.SUCCESS;
        };
    }

    private void tell(SimDisk disk) {
        assertTrue(lost);
        disk.heldFlush = null;
        sim.drain();
        disk.fault = io -> Status.SUCCESS;
    }

    private void sweep() {
        for (int i = 0; i < 20; i++) {
            sim.hand.advance(NexusSim.SWEEP_NS);
            sim.hand.tickAll(50);
        }
    }

    private void returns(int disk) {
        assertEquals(FaultReason.FLUSH_ERROR, sim.nexus.childStatuses().get(disk).reason());
        assertNull(sim.online(disk));
        sim.awaitRebuilds();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    @Test
    void regionsStayDirtyUntilFlushesThatOverlapHaveEnded() {
        assertNull(sim.open(NexusSim.parameters(), 0, 1));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        loseBehindAFlush(sim.disks.get(0));
        sweep();
        assertTrue(sim.nexus.dirtyMap().durableCount() == 0, "about to be cleared");
        tell(sim.disks.get(0));
        returns(0);
    }

    @Test
    void aRebuiltChildIsHealthyOnlyWhenFlushesThatOverlapHaveEnded() {
        assertNull(sim.open(NexusSim.parameters(), 0));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sweep();
        assertEquals(0, sim.nexus.dirtyMap().durableCount());
        assertNull(sim.add(1));
        loseBehindAFlush(sim.disks.get(1));
        sim.hand.runUntil(() -> lost, 4_000_000);
        sim.hand.tickAll(2000);
        assertEquals(MemberState.SYNCING, NexusTestBase.health(sim, 1));
        tell(sim.disks.get(1));
        returns(1);
    }

    /** Nobody was told: all ends well. */
    @Test
    void aFlushThatOverlapsAndSucceedsOnlyDelays() {
        assertNull(sim.open(NexusSim.parameters(), 0));
        sim.disks.get(0).holdsNextFlush = true;
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.flush(1);
        sim.hand.runUntil(() -> sim.disks.get(0).heldFlush != null);
        assertNull(sim.add(1));
        sweep();
        assertNotNull(sim.disks.get(0).heldFlush);
        assertEquals(MemberState.SYNCING, NexusTestBase.health(sim, 1));
        sim.disks.get(0).heldFlush = null;
        sim.drain();
        sim.awaitRebuilds();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sweep();
        assertEquals(0, sim.nexus.dirtyMap().durableCount());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** The sweep is told, not the host: whose next flush must not promise what is gone. Once on each channel. */
    @Test
    void hostsLearnOfWhatOnlyTheSweepWasTold() {
        assertNull(sim.open(NexusSim.parameters(), 0));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        SimDisk disk = sim.disks.get(0);
        disk.fault = io -> {
            if (io.type == IoType.FLUSH && !lost) {
                lost = true;
                disk.media.cached.clear();
                return Status.WRITE_FAULT;
            }
            return Status.SUCCESS;
        };
        sweep();
        assertTrue(lost);
        for (int reactor = 0; reactor < 2; reactor++) {
            assertEquals(Status.WRITE_FAULT | Status.DNR, sim.runUnchecked(reactor, IoType.FLUSH, 0, 0));
            assertEquals(0, sim.runUnchecked(reactor, IoType.FLUSH, 0, 0));
        }
        assertNull(sim.close(false));
    }

    /** A child that is being made equal may have what its source has forgotten. */
    @Test
    void aChildThatIsRebuiltGetsAnewWhatItsSourceCouldNotMakeDurable() {
        assertNull(sim.open(NexusSim.parameters().withRegions(NexusSim.REGION_SHIFT, 3_600_000_000_000L), 0));
        assertNull(sim.add(1));
        sim.awaitRebuilds();
        assertNull(sim.offline("disk1"));
        sim.nexus.setRebuildSettings(RebuildSettings.DEFAULTS.withSegments(1, RebuildSettings.PIECE_BYTES));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertEquals(0, sim.run(0, IoType.WRITE, 2000, 8));
        assertNull(sim.online(1));
        long lacks = sim.nexus.rebuildStatuses().getFirst().remainingBytes();
        sim.hand.runUntil(() -> sim.nexus.rebuildStatuses().getFirst().remainingBytes() < lacks);
        assertNull(sim.operate(done -> sim.nexus.pauseRebuild("disk1", done)));
        SimDisk disk = sim.disks.get(0);
        disk.fault = io -> {
            if (io.type == IoType.FLUSH && !lost) {
                lost = true;
                disk.media.cached.clear();
                return Status.WRITE_FAULT;
            }
            return Status.SUCCESS;
        };
        assertEquals(Status.WRITE_FAULT, sim.runUnchecked(0, IoType.FLUSH, 0, 0));
        for (int block = 0; block < history.blocks; block++) {
            history.possible.get(block).addAll(history.afterCrash.get(block));
        }
        assertNull(sim.operate(done -> sim.nexus.resumeRebuild("disk1", done)));
        sim.awaitRebuilds();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }
}
