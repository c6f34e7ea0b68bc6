package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.memory.BufferPool;
import io.mizzen.memory.DmaBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** I/O of a nexus over its children, their faults, dirty regions, and copies after an unclean end. */
class NexusTest extends NexusTestBase {
    @Test
    void aWriteGoesToAllChildrenAndIsReadBack() {
        NexusSim sim = opened(sim(2));
        assertEquals(SIZE, sim.nexus.sizeBytes());
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        assertEquals(0, sim.run(0, IoType.WRITE, 10, 8));
        assertEquals(0, sim.run(1, IoType.WRITE, 4000, 16));
        assertEquals(0, sim.run(1, IoType.READ, 8, 16));
        assertEquals(0, sim.run(0, IoType.FLUSH, 0, 0));
        assertEquals(2, sim.nexus.dirtyRegions());
        assertEquals(0, sim.run(0, IoType.WRITE_ZEROES, 12, 2));
        assertEquals(0, sim.run(0, IoType.UNMAP, 14, 2));
        assertEquals(0, sim.run(0, IoType.RESET, 0, 1));
        sim.checkLegs();
        assertNull(sim.close(false));
        assertFalse(sim.newestDurable().inUse());
    }

    @Test
    void aReadErrorIsAnsweredByAnotherChild() {
        NexusSim sim = opened(sim(3));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        for (int i = 0; i < 12; i++) {
            sim.disks.get(0).fault = unreadableUntilWritten();
            sim.disks.get(1).fault = unreadableUntilWritten();
            sim.hand.advance(2_000_000_000L);       // Beyond the time in which a failing child is avoided.
            assertEquals(0, sim.run(i & 1, IoType.READ, 0, 8));
            sim.hand.runUntil(() -> sim.nexus.repairs().isIdle());
        }
        assertTrue(sim.nexus.childStatuses().get(0).readRetries() > 0);
        assertEquals(NexusState.ONLINE, sim.nexus.state(), "single read errors do not cost a leg");
        assertTrue(sim.nexus.repairedBlocks() > 0);
        sim.disks.forEach(disk -> disk.fault = failing(IoType.READ, Status.UNRECOVERED_READ_ERROR));
        assertEquals(Status.UNRECOVERED_READ_ERROR, sim.run(0, IoType.READ, 0, 8));
        assertNull(sim.close(false));
    }

    /** As disks do with a bad sector. */
    static SimDisk.Fault unreadableUntilWritten() {
        boolean[] written = new boolean[1];
        return io -> {
            written[0] |= io.type == IoType.WRITE && isData(io);
            return IoType.isRead(io.type) && isData(io) && !written[0] ? Status.UNRECOVERED_READ_ERROR : Status.SUCCESS;
        };
    }

    @Test
    void aVerifyIsTheChildrensAndWhatOneCannotReadIsRepairedFromAnother() {
        NexusSim sim = opened(sim(2));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        int[] verified = new int[1];
        for (SimDisk disk : sim.disks) {
            SimDisk.Fault bad = disk == sim.disks.get(0) ? unreadableUntilWritten() : io -> Status.SUCCESS;
            disk.fault = io -> {
                verified[0] += io.type == IoType.VERIFY ? 1 : 0;
                return bad.status(io) == Status.SUCCESS ? Status.SUCCESS : Status.UNRECOVERED_READ_ERROR;
            };
        }
        for (int i = 0; i < 8; i++) {
            sim.hand.advance(2_000_000_000L);
            boolean[] ended = new boolean[1];
            sim.submit(i & 1, IoType.VERIFY, 0, 8, 0, 0, new BdevIo[1], () -> ended[0] = true);
            sim.hand.runUntil(() -> ended[0]);
            assertEquals(0, sim.lastStatus);
            sim.hand.runUntil(() -> sim.nexus.repairs().isIdle());
        }
        assertTrue(verified[0] >= 8);
        assertTrue(sim.nexus.repairedBlocks() > 0);
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** The other leg's data would be overwritten. */
    @Test
    void whatADeviceThatCannotBeStoppedMayStillWriteToIsNotReadIntoAgain() {
        NexusSim sim = opened(sim(2));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        int[] reads = new int[1];
        sim.disks.forEach(disk -> disk.fault = io -> {
            if (io.type != IoType.READ || !isData(io)) {
                return Status.SUCCESS;
            }
            reads[0]++;
            sim.pools.memory().quarantine(io.address, 512);
            return Status.INTERNAL_ERROR | Status.DNR;
        });
        assertEquals(Status.INTERNAL_ERROR, sim.run(0, IoType.READ, 0, 8), "to be tried again, with another buffer");
        assertEquals(1, reads[0]);
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        assertNull(sim.close(false));
    }

    @Test
    void manyReadErrorsInARowCostTheLeg() {
        NexusSim sim = opened(sim(2));
        sim.disks.get(1).fault = failing(IoType.READ, Status.UNRECOVERED_READ_ERROR);
        for (int i = 0; i < 80; i++) {
            sim.hand.advance(2_000_000_000L);
            assertEquals(0, sim.run(0, IoType.READ, 0, 8));
        }
        assertEquals(MemberState.FAULTED, health(sim, 1));
        assertNull(sim.close(false));
    }

    @Test
    void theLastHealthyChildIsNeverStoredAsFailed() {
        NexusSim sim = opened(sim(2));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.get(0).fault = io -> io.type == IoType.WRITE && isData(io) ? Status.WRITE_FAULT : Status.SUCCESS;
        sim.disks.get(1).fault = sim.disks.get(0).fault;
        assertEquals(Status.WRITE_FAULT, sim.run(0, IoType.WRITE, 0, 8), "both failed at the same time");
        assertEquals(MemberState.HEALTHY, health(sim, 0));
        assertEquals(MemberState.FAULTED, health(sim, 1));
        assertEquals(1, sim.newestDurable().healthyCount());
        assertEquals(Status.WRITE_FAULT, sim.run(1, IoType.WRITE, 8, 8));
        assertEquals(0, sim.run(1, IoType.READ, 0, 8));
        sim.disks.get(0).fault = io -> Status.SUCCESS;
        assertEquals(0, sim.run(1, IoType.WRITE, 0, 8));
        assertEquals(NexusState.DEGRADED, sim.nexus.state());
        assertNull(sim.close(false));
    }

    @Test
    void writesFailWhileTheFaultCannotBeStoredAndGoOnAfterwards() {
        NexusSim sim = opened(sim(2));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.get(1).fault = failing(IoType.WRITE, Status.WRITE_FAULT);
        sim.disks.get(0).fault = io -> io.type == IoType.WRITE && !isData(io) ? Status.WRITE_FAULT : Status.SUCCESS;
        long beganNs = sim.hand.nowNs();
        assertEquals(Status.TRANSIENT_TRANSPORT_ERROR, sim.run(0, IoType.WRITE, 0, 8));
        assertTrue(sim.hand.nowNs() - beganNs >= NexusSim.FREEZE_NS, "hosts wait first");
        assertEquals(2, sim.newestDurable().healthyCount());
        assertEquals(NexusState.FAULTED, sim.nexus.state());
        assertEquals(Status.TRANSIENT_TRANSPORT_ERROR, sim.run(1, IoType.WRITE, 0, 8));
        assertEquals(0, sim.run(1, IoType.READ, 0, 8), "reads go on");
        sim.disks.get(0).fault = io -> Status.SUCCESS;
        sim.hand.runUntil(() -> sim.nexus.state() == NexusState.DEGRADED);
        assertEquals(0, sim.run(1, IoType.WRITE, 0, 8));
        assertEquals(1, sim.newestDurable().healthyCount());
        assertNull(sim.close(false));
    }

    @Test
    void lackOfResourcesIsNoFault() {
        NexusSim sim = opened(sim(2));
        int[] refusals = {5};
        sim.disks.get(1).fault = io -> isData(io) && refusals[0]-- > 0 ? Status.NO_RESOURCES : Status.SUCCESS;
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    @Test
    void noSpaceOnOneChildCostsItAndOnAllIsTheHostsError() {
        NexusSim sim = opened(sim(3));
        SimDisk.Fault full = io -> io.type == IoType.WRITE && isData(io) && io.offsetBlocks >= DATA_BLOCK + 1024
                ? Status.CAPACITY_EXCEEDED | Status.DNR : Status.SUCCESS;
        sim.disks.forEach(disk -> disk.fault = full);
        assertEquals(Status.CAPACITY_EXCEEDED | Status.DNR, sim.run(0, IoType.WRITE, 1024, 8));
        sim.awaitResync();
        assertEquals(NexusState.ONLINE, sim.nexus.state(), "equal legs need no copying and lose nothing");
        assertEquals(1, sim.nexus.resyncs());
        sim.disks.get(0).fault = io -> Status.SUCCESS;
        sim.disks.get(2).fault = io -> Status.SUCCESS;
        assertEquals(0, sim.run(0, IoType.WRITE, 1024, 8));
        assertEquals(FaultReason.NO_SPACE, sim.nexus.childStatuses().get(1).reason());
        assertNull(sim.close(false));
    }

    @Test
    void whatEverybodyBlamesOnTheRequestCostsNobody() {
        NexusSim sim = opened(sim(2));
        sim.disks.forEach(disk -> disk.fault = failing(IoType.UNMAP, Status.INVALID_FIELD | Status.DNR));
        assertEquals(Status.INVALID_FIELD | Status.DNR, sim.run(0, IoType.UNMAP, 0, 8));
        assertEquals(Status.LBA_OUT_OF_RANGE | Status.DNR, sim.runUnchecked(0, IoType.READ, SIZE / 512, 1));
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        assertNull(sim.close(false));
    }

    @Test
    void anUnmapIsOnlyAHintWhereALegWouldKeepItsData() {
        NexusSim sim = sim(2);
        sim.disks.get(1).unmapsToZeroes = false;
        sim.openAll();
        assertFalse(sim.nexus.supports(IoType.UNMAP));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.forEach(disk -> disk.fault = failing(IoType.UNMAP, Status.WRITE_FAULT));
        assertEquals(Status.INVALID_OPCODE | Status.DNR, sim.runUnchecked(0, IoType.UNMAP, 0, 8));
        assertEquals(0, sim.run(0, IoType.READ, 0, 8));
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        assertNull(sim.close(false));
    }

    @Test
    void aFailedFlushCostsTheChildBeforeItIsAcknowledged() {
        NexusSim sim = opened(sim(NexusSim.media(2), true));
        assertTrue(sim.nexus.hasVolatileCache());
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.get(0).fault = failing(IoType.FLUSH, Status.WRITE_FAULT);
        assertEquals(0, sim.run(0, IoType.FLUSH, 0, 0));
        assertEquals(FaultReason.FLUSH_ERROR, sim.nexus.childStatuses().get(0).reason());
        assertFalse(sim.newestDurable().members().get(0).isHealthy());
        assertNull(sim.close(false));
    }

    @Test
    void aPulledChildIsFaultedAndReleased() {
        NexusSim sim = opened(sim(2));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.hand.on(0, sim.disks.get(0)::pull);
        sim.hand.runUntil(() -> !sim.disks.get(0).isOpen());
        assertEquals(FaultReason.REMOVED, sim.nexus.childStatuses().get(0).reason());
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.hand.on(0, sim.disks.get(1)::pull);
        sim.hand.runUntil(() -> !sim.disks.get(1).isOpen());
        assertEquals(NexusState.FAULTED, sim.nexus.state());
        assertEquals(MemberState.HEALTHY, health(sim, 1), "the last one holds the data, wherever it is");
        assertEquals(Status.TRANSIENT_TRANSPORT_ERROR, sim.run(0, IoType.WRITE, 0, 8));
        assertEquals(Status.TRANSIENT_TRANSPORT_ERROR, sim.run(1, IoType.READ, 0, 8));
        assertEquals("nexus-closed-unclean", sim.close(false));
    }

    @Test
    void anAdministratorTakesOutAnyButTheLast() {
        NexusSim sim = opened(sim(2));
        assertNull(fault(sim, "disk1"));
        assertNull(fault(sim, "disk1"), "again changes nothing");
        assertEquals("last-healthy-child", fault(sim, "disk0"));
        assertEquals("child-not-found", fault(sim, "disk7"));
        assertFalse(sim.newestDurable().members().get(1).isHealthy());
        assertNull(sim.close(false));
    }

    private static String fault(NexusSim sim, String child) {
        String[] outcome = new String[1];
        sim.hand.on(0, () -> sim.nexus.faultChild(child,
                (value, failure) -> outcome[0] = failure == null ? "" : failure.code()));
        sim.hand.runUntil(() -> outcome[0] != null);
        return outcome[0].isEmpty() ? null : outcome[0];
    }

    @Test
    void anIdleRegionBecomesClean() {
        NexusSim sim = opened(sim(2));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertEquals(1, sim.nexus.dirtyRegions());
        assertEquals(1, sim.nexus.dirtyPageWrites());
        sim.hand.runUntil(() -> sim.nexus.dirtyRegions() == 0 && sim.nexus.dirtyPageWrites() == 2);
        sim.hand.tickAll(1000);
        assertEquals(0, sim.run(1, IoType.WRITE, 0, 8));
        assertEquals(0, sim.run(1, IoType.WRITE, 8, 8));
        assertEquals(3, sim.nexus.dirtyPageWrites(), "a region that is dirty costs no more");
        assertNull(sim.close(false));
    }

    /** A write is begun at every turn of a sweep in turn; while one leg lacks it, its bit stays on both. */
    @Test
    void aWriteThatSlipsIntoASweepKeepsItsBit() {
        for (int turn = 0; turn < 100; turn++) {
            NexusSim sim = new NexusSim(turn, 2, 2, SIZE, NexusSim.media(2), false, new NexusSim.History(SIZE));
            sim.openAll();
            sim.disks.forEach(disk -> disk.maxDelayNs = 2_000);
            assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
            sim.hand.advance(NexusSim.SWEEP_NS);
            sim.hand.tickAll(20);                   // The first look; the second comes a period later.
            sim.hand.advance(NexusSim.SWEEP_NS - 80_000);
            for (int i = 0; i < turn; i++) {
                sim.hand.tick(i & 1);
            }
            sim.disks.get(1).holdsData = true;
            sim.write(1, 0, IoType.WRITE, 16, 8, 0);
            for (int i = 0; i < 6; i++) {
                sim.hand.advance(NexusSim.SWEEP_NS / 2);
                sim.hand.tickAll(30);
            }
            assertEquals(1, sim.running);
            NexusMetadata newest = sim.newestDurable();
            DirtyGeometry geometry = new DirtyGeometry(SIZE, SimDisk.BLOCK, newest.regionShift());
            for (SimDisk disk : sim.disks) {
                assertEquals(1, DiskRecords.durableBits(disk, newest, geometry)[0] & 1, "turn " + turn + " " + disk);
            }
            sim.disks.get(1).holdsData = false;
            sim.drain();
            assertNull(sim.close(false));
        }
    }

    @Test
    void aRegionInUseStaysDirty() {
        NexusSim sim = opened(sim(2));
        for (int i = 0; i < 20; i++) {
            assertEquals(0, sim.run(i & 1, IoType.WRITE, i, 1));
            sim.hand.advance(NexusSim.SWEEP_NS / 4);
            sim.hand.tickAll(10);
        }
        assertEquals(1, sim.nexus.dirtyPageWrites());
        assertNull(sim.close(false));
    }

    @Test
    void aRegionIsCleanOnlyWhenItsDataIsDurable() {
        List<SimDisk.Media> media = NexusSim.media(2);
        NexusSim sim = opened(sim(media, true));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 32));
        sim.hand.runUntil(() -> sim.nexus.dirtyRegions() == 0 && sim.nexus.dirtyPageWrites() == 2);
        sim.crash();
        NexusSim next = opened(sim(media, true));
        assertEquals(0, next.nexus.suspectRegions());
        next.checkLegs();
        assertNull(next.close(false));
    }

    /** Hosts hold every large buffer for writes into what is copied: neither side waits for the other for ever. */
    @Test
    void aCopyEndsAlthoughBlockedHostWritesHoldAllBuffers() {
        NexusSim sim = sim(3);
        List<DmaBuffer> held = new ArrayList<>();
        sim.hand.on(0, () -> takeAll(BdevContext.of(sim.hand.reactor(0)).large(), held));
        assertEquals(sim.pools.large().count(), held.size());
        assertNull(sim.open(NexusSim.parameters().withInitialCopy(NexusParameters.InitialCopy.FROM_FIRST), 0, 1, 2));
        sim.hand.runUntil(() -> sim.nexus.resync().isCopying());
        sim.hand.tickAll(50);
        for (int i = 0; i < held.size(); i++) {
            sim.write(i & 1, i, IoType.WRITE, i * 32L, 8, 0);
        }
        sim.hand.runUntil(() -> {
            while (held.size() > sim.running) {
                sim.hand.on(0, held.removeLast()::close);
            }
            return held.isEmpty();
        });
        sim.awaitResync();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** A job that never gets a buffer can be stopped all the same. */
    @Test
    void aCopyWithoutBuffersIsStopped() {
        NexusSim sim = sim(2);
        List<DmaBuffer> held = new ArrayList<>();
        sim.hand.on(0, () -> takeAll(BdevContext.of(sim.hand.reactor(0)).large(), held));
        assertNull(sim.open(NexusSim.parameters().withInitialCopy(NexusParameters.InitialCopy.FROM_FIRST), 0, 1));
        sim.hand.runUntil(() -> sim.nexus.resync().isCopying());
        sim.hand.tickAll(50);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(fault(sim, "disk1"));
        assertEquals(MemberState.FAULTED, health(sim, 1));
        sim.hand.on(0, () -> held.forEach(DmaBuffer::close));
        assertNull(sim.close(false));
    }

    /** A destination fails that cannot be faulted, for nothing can be stored: tried again, but not without pause. */
    @Test
    void aCopyWhoseFailureCannotBeStoredIsTriedAgainLater() {
        NexusSim sim = sim(2);
        sim.disks.get(1).media.durable.put((long) DATA_BLOCK + 77, new byte[] {7});
        sim.disks.get(1).media.durable.compute((long) DATA_BLOCK + 77, (k, v) -> java.util.Arrays.copyOf(v, 512));
        boolean[] failing = {false};
        sim.disks.get(0).fault = io -> failing[0] && io.type == IoType.WRITE ? Status.WRITE_FAULT : Status.SUCCESS;
        sim.disks.get(1).fault = io -> io.type == IoType.WRITE && (failing[0] || isData(io)) ? Status.WRITE_FAULT
                : Status.SUCCESS;
        assertNull(sim.open(NexusSim.parameters().withInitialCopy(NexusParameters.InitialCopy.FROM_FIRST), 0, 1));
        failing[0] = true;
        long untilNs = sim.hand.nowNs() + 4_500_000_000L;
        sim.hand.runUntil(() -> sim.hand.nowNs() > untilNs, 2_000_000);
        long attempts = sim.events.stream().filter(event -> event.startsWith("resync-failed destination")).count();
        assertTrue(attempts > 1 && attempts < 8, attempts + " attempts");
        sim.disks.forEach(disk -> disk.fault = io -> Status.SUCCESS);
        sim.awaitResync();
        sim.hand.runUntil(() -> sim.nexus.state() != NexusState.FAULTED);
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    private static void takeAll(BufferPool.Cache cache, List<DmaBuffer> taken) {
        for (DmaBuffer buffer = cache.tryAcquire(); buffer != null; buffer = cache.tryAcquire()) {
            taken.add(buffer);
        }
    }

    /** Hosts may take all the records that there are for a nexus; the children's are others. */
    @Test
    void hostsThatTakeEveryRecordAreServed() {
        NexusSim sim = opened(sim(3));
        int[] count = new int[2];
        IoChannel channel = sim.channel(0);
        sim.hand.on(0, () -> {
            for (BdevIo io = channel.tryAcquire(); io != null; io = channel.tryAcquire()) {
                io.prepare(IoType.WRITE_ZEROES, count[0]++, 1, 0, 0, done -> {
                    assertEquals(Status.SUCCESS, done.status());
                    count[1]++;
                    done.release();
                });
                channel.submit(io);
            }
        });
        assertTrue(count[0] > 100, "they took " + count[0]);
        sim.hand.runUntil(() -> count[1] == count[0]);
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    @Test
    void aLostMapPageMakesEverythingSuspect() {
        List<SimDisk.Media> media = NexusSim.media(2);
        assertNull(opened(sim(media, false)).close(false));
        for (SimDisk.Media disk : media) {
            disk.durable.put(DirtyGeometry.MAP_OFFSET_BYTES / SimDisk.BLOCK, new byte[SimDisk.BLOCK]);
        }
        NexusSim sim = opened(sim(media, false));
        assertEquals(32, sim.nexus.suspectRegions());
        sim.awaitResync();
        sim.hand.runUntil(() -> sim.nexus.dirtyRegions() == 0);
        assertNull(sim.close(false));
    }

    @Test
    void anUnreadableSourceIsReplacedByTheNext() {
        List<SimDisk.Media> media = NexusSim.media(2);
        NexusSim sim = opened(sim(media, false));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.crash();
        NexusSim next = sim(media, false);
        next.disks.get(0).fault = io -> io.type == IoType.READ && isData(io) && io.offsetBlocks < DATA_BLOCK + 8
                && next.disks.get(0).writes < 6 ? Status.UNRECOVERED_READ_ERROR : Status.SUCCESS;
        next.openAll();
        next.hand.runUntil(() -> next.nexus.suspectRegions() == 0, 2_000_000);
        assertTrue(next.events.stream().anyMatch(event -> event.startsWith("resync-failed source=disk0")));
        assertEquals(NexusState.ONLINE, next.nexus.state());
        assertNull(next.close(false));
    }

    /** What the checks of the simulator are worth: a disk that forgets what it acknowledged is found out. */
    @Test
    void theCheckersFindALyingDisk() {
        NexusSim sim = opened(sim(2));
        sim.disks.get(1).forget = io -> io.type == IoType.WRITE && isData(io) ? Status.SUCCESS : 1;
        assertTrue(message(() -> sim.run(0, IoType.WRITE, 0, 8)).contains("lacks it"));
        NexusSim forgetsBits = opened(sim(2));
        forgetsBits.disks.get(1).forget = io -> io.type == IoType.WRITE && !isData(io) ? Status.SUCCESS : 1;
        assertTrue(message(() -> forgetsBits.run(0, IoType.WRITE, 64, 8)).contains("before its bit"));
    }

    private static String message(Runnable work) {
        try {
            work.run();
        } catch (AssertionError e) {
            return e.getMessage();
        }
        return "nothing was found";
    }
}
