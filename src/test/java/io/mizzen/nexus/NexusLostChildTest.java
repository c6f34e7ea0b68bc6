package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.rebuild.RebuildSettings;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The last healthy child is lost: hosts wait, for a bounded time; it returns; the nexus is shut down. */
class NexusLostChildTest {
    private static final long SIZE = 2 << 20;
    private static final long METADATA_BLOCKS = 8192;
    private static final int LOSS = Status.WRITE_FAULT | Status.DNR;
    private final NexusSim.History history = new NexusSim.History(SIZE);

    private NexusSim opened(int disks, long freezeNs) {
        NexusSim sim = new NexusSim(1, 2, disks, SIZE, NexusSim.media(disks), false, history);
        int[] all = java.util.stream.IntStream.range(0, disks).toArray();
        assertNull(sim.open(NexusSim.parameters().withFreezeTimeoutNs(freezeNs), all));
        return sim;
    }

    private static void pull(NexusSim sim, int disk) {
        sim.hand.on(0, sim.disks.get(disk)::pull);
    }

    private static int failsMetadata(BdevIo io) {
        return IoType.isWrite(io.type) && io.offsetBlocks < METADATA_BLOCKS ? Status.WRITE_FAULT : Status.SUCCESS;
    }

    @Test
    void hostsWaitUntilTheLastChildReturns() {
        NexusSim sim = opened(2, 5_000_000_000L);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        pull(sim, 0);
        sim.hand.runUntil(() -> !sim.disks.get(0).isOpen());
        sim.write(0, 1, IoType.WRITE, 1000, 8, 0);      // In flight when the last one goes.
        pull(sim, 1);
        for (int i = 2; i < 8; i++) {
            sim.write(i & 1, i, IoType.WRITE, 100L * i, 8, 0);
            sim.read(i & 1, i + 10, 0, 8);
        }
        sim.flush(0);
        sim.hand.runUntil(() -> !sim.disks.get(1).isOpen());
        sim.hand.tickAll(2000);
        assertEquals(14, sim.running, "everybody waits");
        assertEquals(14, sim.nexus.frozenIos());
        assertEquals(NexusState.FAULTED, sim.nexus.state());
        sim.plugIn(0);
        assertEquals("no-healthy-source", sim.online(0));
        sim.plugIn(1);
        assertNull(sim.online(1));
        sim.drain();
        assertEquals(0, sim.failed, "no host saw an error");
        assertEquals(NexusState.DEGRADED, sim.nexus.state());
        assertNull(sim.online(0));
        sim.awaitRebuilds();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** A flush must not say that what the lost cache held is durable. It fails once a channel, as flushes do. */
    @Test
    void aFlushFailsAfterTheLastChildHasLostItsCache() {
        NexusSim sim = new NexusSim(1, 2, 1, SIZE, NexusSim.media(1), true, history);
        assertNull(sim.open(NexusSim.parameters().withRegions(NexusSim.REGION_SHIFT, 3_600_000_000_000L)
                .withFreezeTimeoutNs(5_000_000_000L), 0));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        pull(sim, 0);
        int[] failed = new int[1];
        for (int i = 0; i < 2; i++) {
            sim.submit(0, IoType.FLUSH, 0, 0, 0, 0, new BdevIo[1], () -> failed[0] += sim.lastStatus == LOSS ? 1 : 0);
        }
        sim.hand.runUntil(() -> !sim.disks.get(0).isOpen());
        sim.plugIn(0);
        assertNull(sim.online(0));
        sim.drain();
        assertEquals(2, failed[0], "both waited");
        sim.hand.advance(1);
        assertEquals(0, sim.run(0, IoType.FLUSH, 0, 0));
        assertEquals(LOSS, sim.run(1, IoType.FLUSH, 0, 0));
        sim.hand.advance(1);
        assertEquals(0, sim.run(1, IoType.FLUSH, 0, 0));
        assertTrue(sim.reopenChannel(1));
        assertEquals(0, sim.run(1, IoType.FLUSH, 0, 0), "it has been told");
        assertTrue(sim.events.stream().anyMatch(event -> event.startsWith("cache-lost child=disk0 regions=1")), sim.events::toString);
        assertNull(sim.close(false));
    }

    /** It had copied what the last healthy child lost from its cache afterwards: it would show that, and the other one not. */
    @Test
    void aChildThatIsBeingRebuiltGetsAnewWhatTheLastOneHasForgotten() {
        forget(3_600_000_000_000L);
    }

    /** The one that is being rebuilt can be flushed all the time: that says nothing of the one that is away. */
    @Test
    void regionsStayDirtyWhileNoHealthyChildIsThere() {
        forget(NexusSim.SWEEP_NS);
    }

    private void forget(long sweepNs) {
        NexusSim sim = new NexusSim(1, 2, 2, SIZE, NexusSim.media(2), true, history);
        assertNull(sim.open(NexusSim.parameters().withRegions(NexusSim.REGION_SHIFT, sweepNs)
                .withFreezeTimeoutNs(5_000_000_000L), 0, 1));
        sim.hand.on(0, () -> sim.nexus.setRebuildSettings(RebuildSettings.DEFAULTS.withSegments(1, RebuildSettings.PIECE_BYTES)));
        assertNull(sim.offline("disk1"));
        sim.disks.get(0).fault = io -> io.type == IoType.FLUSH ? Status.WRITE_FAULT : Status.SUCCESS;
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertEquals(0, sim.run(0, IoType.WRITE, 2000, 8));
        assertNull(sim.online(1));
        long lacks = sim.nexus.rebuildStatuses().getFirst().remainingBytes();
        sim.hand.runUntil(() -> sim.nexus.rebuildStatuses().getFirst().remainingBytes() < lacks);
        assertNull(sim.operate(done -> sim.nexus.pauseRebuild("disk1", done)));
        pull(sim, 0);
        sim.hand.runUntil(() -> !sim.disks.get(0).isOpen());
        sim.disks.get(0).media.cached.clear();
        sim.hand.tickAll(200);
        for (int i = 0; i < 20; i++) {
            sim.hand.advance(NexusSim.SWEEP_NS);
            sim.hand.tickAll(50);
        }
        for (int block = 0; block < history.blocks; block++) {
            history.possible.get(block).addAll(history.afterCrash.get(block));
        }
        sim.plugIn(0);
        assertNull(sim.online(0));
        assertNull(sim.operate(done -> sim.nexus.resumeRebuild("disk1", done)));
        sim.awaitRebuilds();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /**
     * One of two healthy children goes, which the other cannot store: so it is healthy still, but without what its cache held. What
     * the other one makes durable meanwhile says nothing of it, and hosts do not read from it what it has forgotten.
     */
    @Test
    void aHealthyChildThatIsAwayKeepsRegionsDirtyAndIsMadeEqualWhenItReturns() {
        NexusSim sim = new NexusSim(1, 2, 2, SIZE, NexusSim.media(2), true, history);
        assertNull(sim.open(NexusSim.parameters().withFreezeTimeoutNs(5_000_000_000L), 0, 1));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.get(1).fault = NexusLostChildTest::failsMetadata;
        pull(sim, 0);
        sim.hand.runUntil(() -> !sim.disks.get(0).isOpen());
        sim.disks.get(0).media.cached.clear();
        for (int i = 0; i < 20; i++) {
            sim.hand.advance(NexusSim.SWEEP_NS);
            sim.hand.tickAll(50);
        }
        sim.plugIn(0);
        assertNull(sim.online(0));
        assertTrue(sim.events.contains("child-returned child=disk0"), sim.events::toString);
        for (int i = 0; i < 20; i++) {
            assertEquals(0, sim.run(i & 1, IoType.READ, 0, 8));
        }
        goOn(sim);
    }

    /** The second disk can store again that the first one was away, so that it has to come once more. */
    private static void goOn(NexusSim sim) {
        sim.disks.get(1).fault = io -> Status.SUCCESS;
        sim.hand.runUntil(() -> {
            sim.hand.advance(NexusSim.SWEEP_NS);
            return !sim.disks.get(0).isOpen() && sim.nexus.state() == NexusState.DEGRADED;
        });
        assertNull(sim.online(0));
        sim.awaitRebuilds();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** The only one that is there has what the other one lacks: one leg alone does not differ from itself, but from that one. */
    @Test
    void whatMayDifferIsNotForgottenWhileAHealthyChildIsAway() {
        NexusSim sim = opened(2, NexusSim.FREEZE_NS);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.get(1).fault = NexusLostChildTest::failsMetadata;
        sim.disks.get(0).holdsData = true;
        sim.write(0, 1, IoType.WRITE, 0, 8, 0);         // Only the other one gets it, and it fails in the end.
        sim.hand.tickAll(50);
        pull(sim, 0);
        sim.disks.get(0).holdsData = false;
        sim.drain();
        assertEquals(1, sim.failed);
        sim.hand.runUntil(() -> !sim.disks.get(0).isOpen());
        sim.plugIn(0);
        assertNull(sim.online(0));
        assertTrue(sim.events.contains("child-returned child=disk0"), sim.events::toString);
        goOn(sim);
    }

    /** That it has gone waits to be stored when it comes back: it is stored then, and everything goes on. */
    @Test
    void aChildThatWasBeingRebuiltComesBackWhenItsRemovalCouldNotBeStored() {
        NexusSim sim = opened(2, 5_000_000_000L);
        assertNull(sim.offline("disk1"));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.hand.on(0, () -> sim.nexus.setRebuildSettings(RebuildSettings.DEFAULTS.withSegments(1, RebuildSettings.PIECE_BYTES)));
        sim.disks.get(0).holdsData = true;
        assertNull(sim.online(1));
        assertNull(sim.operate(done -> sim.nexus.pauseRebuild("disk1", done)));
        sim.disks.get(0).holdsData = false;
        sim.disks.get(0).fault = io -> io.type == IoType.WRITE && io.offsetBlocks < 8192 ? Status.WRITE_FAULT : Status.SUCCESS;
        pull(sim, 1);
        sim.hand.runUntil(() -> !sim.disks.get(1).isOpen());
        assertTrue(sim.nexus.isMetadataBlocked());
        sim.plugIn(1);
        assertEquals("nexus-metadata-not-stored", sim.online(1));
        SimDisk copy = new SimDisk(9, "copy", sim.disks.get(1).sizeBytes(), sim.disks.get(1).media, false, 7);
        sim.hand.on(0, () -> sim.registry.register(copy));
        sim.disks.get(0).fault = io -> Status.SUCCESS;
        sim.disks.get(0).holdsMetadata = true;          // Until both wait for it.
        List<String> outcomes = new java.util.ArrayList<>();
        for (SimDisk disk : List.of(copy, sim.disks.get(1))) {
            sim.hand.on(0, () -> sim.nexus.onlineChild(disk, (value, failure) -> outcomes.add(failure == null ? "" : failure.code())));
        }
        long untilNs = sim.hand.nowNs() + 2_000_000;
        sim.hand.runUntil(() -> sim.hand.nowNs() >= untilNs);
        assertEquals(List.of(), outcomes);
        sim.disks.get(0).holdsMetadata = false;
        sim.hand.runUntil(() -> outcomes.size() == 2);
        assertEquals(List.of("", "child-duplicate"), outcomes.stream().sorted().toList());
        assertTrue(sim.events.stream().anyMatch(event -> event.startsWith("child-faulted child=disk1 reason=removed")),
                sim.events::toString);
        sim.awaitRebuilds();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** Nothing was in the cache, or there is none. */
    @Test
    void aFlushSucceedsAfterTheLastChildHasLostNothing() {
        for (boolean cache : new boolean[] {true, false}) {
            NexusSim sim = new NexusSim(1, 2, 1, SIZE, NexusSim.media(1), cache, new NexusSim.History(SIZE));
            assertNull(sim.open(NexusSim.parameters().withFreezeTimeoutNs(5_000_000_000L), 0));
            assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
            if (cache) {
                sim.hand.runUntil(() -> java.util.Arrays.stream(sim.nexus.dirtyKeeper().storedBits()).allMatch(bits -> bits == 0));
            }
            pull(sim, 0);
            sim.hand.runUntil(() -> !sim.disks.get(0).isOpen());
            sim.plugIn(0);
            assertNull(sim.online(0));
            assertEquals(0, sim.run(0, IoType.FLUSH, 0, 0));
            assertNull(sim.close(false));
        }
    }

    /** The device's last errors come before the news that it has gone. */
    @Test
    void errorsJustBeforeTheRemovalAreNotShown() {
        NexusSim sim = opened(1, 5_000_000_000L);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.get(0).fault = io -> Status.INTERNAL_ERROR;
        sim.write(0, 1, IoType.WRITE, 200, 8, 0);
        sim.read(1, 2, 0, 8);
        sim.hand.tickAll(1000);
        assertEquals(2, sim.running);
        pull(sim, 0);
        sim.hand.runUntil(() -> !sim.disks.get(0).isOpen());
        sim.plugIn(0);
        assertNull(sim.online(0));
        sim.drain();
        assertEquals(0, sim.failed);
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** A host that has gone is not waited for: who wants the channel drained has it drained. */
    @Test
    void whatNobodyWantsAnyMoreEndsAtOnceAndTheRestWaitsOn() {
        NexusSim sim = opened(2, 60_000_000_000L);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        pull(sim, 0);
        sim.hand.runUntil(() -> !sim.disks.get(0).isOpen());
        sim.write(0, 1, IoType.WRITE, 200, 8, 0);       // In flight when the last one goes: it may be there in part.
        pull(sim, 1);
        sim.read(0, 2, 0, 8);
        sim.write(0, 3, IoType.WRITE, 300, 8, 0);
        sim.hand.runUntil(() -> !sim.disks.get(1).isOpen());
        sim.hand.tickAll(1000);
        assertEquals(3, sim.nexus.frozenIos());
        sim.hand.on(0, () -> sim.channel(0).abortWaiting(io -> io.offsetBlocks < 300, Status.ABORTED_SQ_DELETION));
        sim.hand.tickAll(10);
        assertEquals(1, sim.running);
        assertEquals(2, sim.failed);
        assertEquals(1, sim.nexus.frozenIos());
        sim.plugIn(1);
        assertNull(sim.online(1));
        sim.drain();
        assertEquals(2, sim.failed);
        sim.plugIn(0);
        assertNull(sim.online(0));
        sim.awaitRebuilds();
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    @Test
    void errorsOfAChildThatStaysAreShownSoon() {
        NexusSim sim = opened(1, 5_000_000_000L);
        sim.disks.get(0).fault = io -> io.offsetBlocks >= 8192 ? Status.INTERNAL_ERROR : Status.SUCCESS;
        long beganNs = sim.hand.nowNs();
        assertEquals(Status.INTERNAL_ERROR, sim.run(0, IoType.READ, 0, 8));
        assertTrue(sim.hand.nowNs() - beganNs < 2 * FrozenQueue.DOUBT_NS);
        beganNs = sim.hand.nowNs();
        assertEquals(Status.INTERNAL_ERROR, sim.run(0, IoType.READ, 0, 8));
        assertTrue(sim.hand.nowNs() - beganNs < FrozenQueue.DOUBT_NS / 2, "the second one at once");
        sim.disks.get(0).fault = io -> Status.SUCCESS;
        assertNull(sim.close(false));
    }

    @Test
    void waitingEndsInATransientErrorAndBeginsAnewWithAChild() {
        NexusSim sim = opened(1, 100_000_000L);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        pull(sim, 0);
        long lostNs = sim.hand.nowNs();
        assertEquals(Status.TRANSIENT_TRANSPORT_ERROR, sim.run(0, IoType.WRITE, 64, 8));
        assertTrue(sim.hand.nowNs() - lostNs >= 100_000_000L);
        long nowNs = sim.hand.nowNs();
        assertEquals(Status.TRANSIENT_TRANSPORT_ERROR, sim.run(1, IoType.READ, 0, 8));
        assertTrue(sim.hand.nowNs() - nowNs < 10_000_000L, "nobody waits twice");
        sim.plugIn(0);
        assertNull(sim.online(0));
        assertEquals(0, sim.run(0, IoType.WRITE, 64, 8));
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.awaitResync();
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** Nothing of the metadata suffers: the next assembly finds the child healthy. */
    @Test
    void aNexusThatIsClosedWithoutItsChildFailsWhatWaitsAndHarmsNothing() {
        List<SimDisk.Media> media = NexusSim.media(1);
        NexusSim sim = new NexusSim(1, 2, 1, SIZE, media, false, history);
        assertNull(sim.open(NexusSim.parameters().withFreezeTimeoutNs(60_000_000_000L), 0));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        pull(sim, 0);
        sim.write(0, 1, IoType.WRITE, 200, 8, 0);
        sim.hand.tickAll(100);
        assertEquals(1, sim.running);
        assertEquals("nexus-closed-unclean", closeWhileHostsWait(sim));
        assertEquals(1, sim.failed);
        NexusSim next = new NexusSim(2, 2, 1, SIZE, media, false, history);
        next.openAll();
        assertEquals(NexusState.ONLINE, next.nexus.state());
        next.checkLegs();
        assertNull(next.close(false));
    }

    /** A device that comes back as it was not left: an older state, or one that another engine has gone on with. */
    @Test
    void anotherStateOfTheLastChildIsNotTrusted() {
        NexusSim sim = opened(2, 5_000_000_000L);
        assertNull(sim.offline("disk1"));
        SimDisk.Media media = sim.disks.get(0).media;
        long slot = MetadataCodec.slotOffsetBytes(DiskRecords.durableCopy(sim.disks.get(0)).slot()) / SimDisk.BLOCK;
        pull(sim, 0);
        sim.hand.runUntil(() -> !sim.disks.get(0).isOpen());
        byte[] newest = media.durable.remove(slot);
        sim.plugIn(0);
        assertEquals("child-not-same", sim.online(0));
        media.durable.put(slot, newest);
        assertNull(sim.online(0));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.close(false));
    }

    // --- shutdown -------------------------------------------------------------------------------------

    private static String shutdown(NexusSim sim) {
        return sim.operate(done -> sim.nexus.shutdown(done));
    }

    @Test
    void aShutdownMakesHostsWaitAndLeavesTheChildrenClean() {
        NexusSim sim = opened(2, 5_000_000_000L);
        for (int i = 0; i < 6; i++) {
            sim.write(i & 1, i, IoType.WRITE, 100L * i, 8, 0);
        }
        assertNull(shutdown(sim));
        assertNull(shutdown(sim), "again changes nothing");
        sim.hand.runUntil(() -> sim.running == 0);
        assertEquals(0, sim.failed);
        assertEquals(NexusState.SHUTDOWN, sim.nexus.state());
        assertTrue(!sim.newestDurable().inUse());
        sim.disks.forEach(disk -> assertTrue(!disk.isOpen()));
        sim.write(0, 1, IoType.WRITE, 0, 8, 0);
        sim.hand.tickAll(500);
        assertEquals(1, sim.running, "it waits");
        assertEquals("nexus-closing", sim.add(1));
        assertNull(closeWhileHostsWait(sim));
        assertEquals(1, sim.failed, "what waited fails when the nexus goes");
        NexusSim next = new NexusSim(2, 2, 2, SIZE, sim.media(), false, history);
        next.openAll();
        assertEquals(0, next.nexus.suspectRegions());
        next.checkLegs();
        assertNull(next.close(false));
    }

    @Test
    void aNexusThatWasShutDownCanBeDestroyed() {
        NexusSim sim = opened(2, 5_000_000_000L);
        assertNull(shutdown(sim));
        assertNull(sim.close(true));
        sim.disks.forEach(disk -> assertNull(DiskRecords.durableCopy(disk)));
    }

    /** What waits for the last child waits on through a shutdown. */
    @Test
    void aShutdownWithoutAChildShowsNoErrorEither() {
        NexusSim sim = opened(1, 5_000_000_000L);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        pull(sim, 0);
        sim.write(0, 1, IoType.WRITE, 200, 8, 0);
        sim.read(1, 2, 0, 8);
        sim.hand.tickAll(100);
        assertEquals("nexus-closed-unclean", shutdown(sim));
        sim.hand.tickAll(500);
        assertEquals(2, sim.running);
        assertEquals(0, sim.failed);
        assertNull(closeWhileHostsWait(sim));
        assertEquals(2, sim.failed, "what waited fails when the nexus goes");
    }

    /** Closes; hosts close when what they wait for has ended. */
    private static String closeWhileHostsWait(NexusSim sim) {
        String[] outcome = new String[1];
        sim.hand.on(0, () -> sim.nexus.close((value, failure) -> outcome[0] = failure == null ? "" : failure.code()));
        sim.drain();
        sim.closeHost();
        sim.hand.runUntil(() -> outcome[0] != null);
        sim.checkNoLeaks();
        return outcome[0].isEmpty() ? null : outcome[0];
    }

    /** The last flush fails, so no page is cleared; one is still being written for a host that is gone. */
    @Test
    void closingUncleanWaitsForThePageThatIsBeingWritten() {
        NexusSim sim = opened(1, NexusSim.FREEZE_NS);
        SimDisk disk = sim.disks.get(0);
        disk.holdsMetadata = true;
        sim.hand.on(0, () -> sim.nexus.dirtyKeeper().ensure(0, 0, there -> { }));
        disk.fault = io -> io.type == IoType.FLUSH ? Status.WRITE_FAULT : Status.SUCCESS;
        sim.closeHost();
        String[] outcome = new String[1];
        sim.hand.on(0, () -> sim.nexus.close((value, failure) -> outcome[0] = failure.code()));
        sim.hand.tickAll(5000);
        assertNull(outcome[0]);
        disk.holdsMetadata = false;
        sim.hand.runUntil(() -> outcome[0] != null);
        assertEquals("nexus-closed-unclean", outcome[0]);
    }
}
