package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.rebuild.RebuildSettings;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** A disk loses what it has cached and tells one flush of it, late; another one, which the nexus itself relies on, succeeds meanwhile. */
class FlushLossTest {
    private static final long SIZE = 2 << 20;
    private final NexusSim sim = new NexusSim(1, 2, 2, SIZE, NexusSim.media(2), true, new NexusSim.History(SIZE));
    private boolean lost;

    /** A host flushes on the second core. The disk's next flush of another one finds nothing any more. */
    private void loseBehindAFlush(SimDisk disk) {
        disk.holdsNextFlush = true;
        sim.flush(1);
        sim.hand.runUntil(() -> disk.heldFlush != null);
        loses(disk);
    }

    private void loses(SimDisk disk) {
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

    /** The first of those loses what is cached, and is told. */
    private void losesAndTells(SimDisk disk, Predicate<BdevIo> told) {
        disk.fault = io -> {
            if (lost || !told.test(io)) {
                return Status.SUCCESS;
            }
            lost = true;
            disk.media.cached.clear();
            return Status.WRITE_FAULT;
        };
    }

    private void theNextFlushFailsOnce() {
        assertEquals(Status.WRITE_FAULT | Status.DNR, sim.run(0, IoType.FLUSH, 0, 0));
        sim.hand.advance(1);
        assertEquals(0, sim.run(0, IoType.FLUSH, 0, 0), "once");
        assertNull(sim.close(false));
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

    /** The job is told to stop, for its source leaves, and has nothing left to copy then. */
    @Test
    void aRebuiltChildIsFlushedAlsoWhenItsSourceLeavesAtTheEnd() {
        NexusSim sim = new NexusSim(1, 2, 3, SIZE, NexusSim.media(3), true, new NexusSim.History(SIZE));
        assertNull(sim.open(NexusSim.parameters(), 0, 1));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        SimDisk target = sim.disks.get(2);
        sim.nexus.setRebuildSettings(RebuildSettings.DEFAULTS.withSegments(16, RebuildSettings.PIECE_BYTES));
        assertNull(sim.add(2));
        target.holdsData = true;
        sim.hand.tickAll(2000);
        sim.hand.on(0, () -> sim.nexus.offlineChild(sim.nexus.rebuildStatuses().getFirst().source(), (value, failure) -> { }));
        sim.hand.tickAll(200);
        target.holdsData = false;
        sim.hand.runUntil(() -> NexusTestBase.health(sim, 2) == MemberState.HEALTHY, 4_000_000);
        assertTrue(target.media.cached.isEmpty());
        assertNull(sim.close(false));
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

    /** The flush that is told is that of copying where legs may differ; the sweep's succeeds meanwhile. */
    @Test
    void regionsStayDirtyUntilTheFlushOfAResyncHasEnded() {
        long sweepNs = 1_000_000_000L;
        assertNull(sim.open(NexusSim.parameters().withRegions(NexusSim.REGION_SHIFT, sweepNs), 0, 1));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertEquals(0, sim.run(0, IoType.WRITE, 640, 8));
        SimDisk disk = sim.disks.get(1);
        disk.holdsNextFlush = true;
        sim.hand.on(0, () -> {
            sim.nexus.dirtyMap().markSuspect(5, 5);
            sim.nexus.resync().consider();
        });
        sim.hand.runUntil(() -> disk.heldFlush != null);
        loses(disk);
        for (int i = 0; i < 4; i++) {
            sim.hand.advance(sweepNs);
            sim.hand.tickAll(500);
        }
        assertTrue(lost, "the sweep has flushed");
        disk.heldFlush = null;
        sim.hand.runUntil(() -> !disk.isOpen());
        disk.fault = io -> Status.SUCCESS;
        assertNull(sim.online(1));
        sim.awaitRebuilds();
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** Nobody else has it, so the child stays. The sweep alone was told: hosts must not take the next flush for a success. */
    @Test
    void whatTheSweepIsToldOfTheLastChildHostsLearnToo() {
        assertNull(sim.open(NexusSim.parameters(), 0));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        SimDisk disk = sim.disks.get(0);
        losesAndTells(disk, io -> io.type == IoType.FLUSH);
        sim.hand.runUntil(() -> lost);
        sim.hand.tickAll(500);
        theNextFlushFailsOnce();
    }

    /** On this disk a write with FUA ends with a flush. One of the map was told; the write that waited for it is tried again. */
    @Test
    void whatAPageOfTheMapIsToldOfTheLastChildHostsLearnToo() {
        learns(() -> assertEquals(0, sim.run(1, IoType.WRITE, 2000, 8), "tried again"));
    }

    /** Here a record was told, and is stored a moment later. */
    @Test
    void whatARecordIsToldOfTheLastChildHostsLearnToo() {
        learns(() -> {
            sim.hand.on(0, () -> sim.nexus.membership().requestGeneration(() -> { }));
            sim.hand.runUntil(() -> lost);
            sim.hand.runUntil(sim.nexus::isMetadataBlocked);
            sim.hand.runUntil(() -> !sim.nexus.isMetadataBlocked());
        });
    }

    private void learns(Runnable told) {
        SimDisk disk = sim.disks.get(0);
        disk.fuaFlushes = true;
        assertNull(sim.open(NexusSim.parameters().withRegions(NexusSim.REGION_SHIFT, 3_600_000_000_000L), 0));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        losesAndTells(disk, io -> (io.flags & BdevIo.FLAG_FUA) != 0);
        told.run();
        assertTrue(lost);
        theNextFlushFailsOnce();
    }

    /** What it has forgotten the one that is being rebuilt may hold: it was copied before, or written there as well. */
    @Test
    void whatTheLastChildForgetsTheOthersForgetToo() {
        assertNull(sim.open(NexusSim.parameters(), 0, 1));
        sim.hand.on(0, () -> sim.nexus.setRebuildSettings(RebuildSettings.DEFAULTS.withSegments(1, RebuildSettings.PIECE_BYTES)));
        assertNull(sim.offline("disk1"));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertEquals(0, sim.run(0, IoType.WRITE, 2000, 8));
        assertNull(sim.online(1));
        long lacks = sim.nexus.rebuildStatuses().getFirst().remainingBytes();
        sim.hand.runUntil(() -> sim.nexus.rebuildStatuses().getFirst().remainingBytes() < lacks);
        assertNull(sim.operate(done -> sim.nexus.pauseRebuild("disk1", done)));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        SimDisk disk = sim.disks.get(0);
        losesAndTells(disk, io -> io.type == IoType.FLUSH);
        assertEquals(Status.WRITE_FAULT, sim.run(0, IoType.FLUSH, 0, 0));
        for (int block = 0; block < sim.history.blocks; block++) {
            sim.history.possible.get(block).addAll(sim.history.afterCrash.get(block));
        }
        assertNull(sim.operate(done -> sim.nexus.resumeRebuild("disk1", done)));
        sim.awaitRebuilds();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }
}
