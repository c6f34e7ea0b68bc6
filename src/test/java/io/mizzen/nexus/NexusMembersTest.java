package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.rebuild.RebuildKind;
import io.mizzen.rebuild.RebuildSettings;
import io.mizzen.rebuild.RebuildState;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Children that come and go: what is stored when, what is copied, what is refused. */
class NexusMembersTest extends NexusTestBase {
    /** A nexus over the first disks; one more is there for later. */
    private NexusSim opened(int children) {
        NexusSim sim = sim(children + 1);
        assertNull(sim.open(NexusSim.parameters(), java.util.stream.IntStream.range(0, children).toArray()));
        return sim;
    }

    @Test
    void anAddedChildIsStoredFirstThenWrittenThenCopied() {
        NexusSim sim = opened(1);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.add(1));
        assertEquals(MemberState.SYNCING, health(sim, 1));
        assertEquals(MemberState.SYNCING, sim.newestDurable().members().get(1).state());
        assertEquals(0, sim.run(1, IoType.WRITE, 100, 8));
        assertEquals(NexusState.DEGRADED, sim.nexus.state());
        sim.awaitRebuilds();
        assertEquals(MemberState.HEALTHY, health(sim, 1));
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        assertEquals(2, sim.newestDurable().healthyCount());
        assertEquals(RebuildKind.FULL, sim.nexus.rebuildHistory().getLast().kind());
        sim.checkLegs();
        assertNull(sim.close(false));
        NexusSim next = sim(sim.media());
        assertNull(next.open(NexusSim.parameters().withMode(NexusParameters.Mode.ASSEMBLE), 1, 0));
        assertEquals(NexusState.ONLINE, next.nexus.state());
        next.checkLegs();
        assertNull(next.close(false));
    }

    @Test
    void aCrashDuringARebuildLeavesTheChildOut() {
        NexusSim sim = opened(1);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.add(1));
        sim.crash();
        NexusSim next = sim(sim.media());
        next.openAll();
        assertEquals(MemberState.FAULTED, health(next, 1));
        assertEquals(0, next.run(0, IoType.READ, 0, 8));
        assertNull(next.online(1));
        next.awaitRebuilds();
        assertEquals(NexusState.ONLINE, next.nexus.state());
        next.checkLegs();
        assertNull(next.close(false));
    }

    @Test
    void childrenThatDoNotFitAreRefusedAndReleased() {
        NexusSim sim = opened(2);
        assertEquals("bdev-claimed", sim.add(0));
        SimDisk small = new SimDisk(9, "small", SIZE + 7 * NexusSim.MIB, new SimDisk.Media(), false, 1);
        sim.registry.register(small);
        assertEquals("child-too-small", sim.add(small));
        assertTrue(sim.lastFailure.getMessage().contains(" " + (SIZE + 8 * NexusSim.MIB) + " bytes"), sim.lastFailure.getMessage());
        assertEquals("child-not-member", sim.online(2));
        sim.disks.get(2).fault = io -> io.type == IoType.WRITE ? Status.WRITE_FAULT : Status.SUCCESS;
        assertEquals("child-unwritable", sim.add(2));
        sim.disks.get(2).fault = io -> io.type == IoType.READ ? Status.UNRECOVERED_READ_ERROR : Status.SUCCESS;
        assertEquals("child-unreadable", sim.add(2));
        assertFalse(sim.disks.get(2).isOpen());
        assertEquals("child-not-found", sim.remove("disk2"));
        assertEquals("child-not-found", sim.offline("disk7"));
        assertNull(sim.close(false));
        assertEquals("nexus-closing", sim.add(2));
    }

    @Test
    void aMemberOfAnotherNexusIsNotTakenAway() {
        NexusSim sim = sim(NexusSim.media(3));
        assertNull(sim.open(NexusParameters.of(new UUID(1, 1), "other"), 2));
        assertNull(sim.close(false));
        assertNull(sim.open(NexusSim.parameters(), 0, 1));
        assertEquals("child-in-nexus", sim.add(2));
        assertNull(sim.offline("disk1"));
        assertEquals("child-is-member", sim.add(1));
        assertNull(sim.close(false));
    }

    @Test
    void aRemovedChildIsNoMemberAnyMore() {
        NexusSim sim = opened(2);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.remove("disk0"));
        assertEquals(1, sim.nexus.childStatuses().size());
        assertEquals("disk1", sim.nexus.childStatuses().get(0).bdev());
        assertFalse(sim.disks.get(0).isOpen());
        assertNull(DiskRecords.durableCopy(sim.disks.get(0)), "its metadata is erased");
        assertEquals("last-healthy-child", sim.remove("disk1"));
        assertEquals(0, sim.run(1, IoType.WRITE, 0, 8));
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        assertNull(sim.add(2));
        assertNull(sim.add(0), "the place is free again");
        sim.awaitRebuilds();
        sim.checkLegs();
        assertEquals(3, sim.newestDurable().healthyCount());
        assertNull(sim.close(false));
    }

    /** A removed child whose metadata could not be erased must not come back as a member. */
    @Test
    void aRemovedChildThatCannotBeErasedStaysOut() {
        NexusSim sim = opened(2);
        sim.disks.get(0).fault = io -> io.type == IoType.WRITE ? Status.WRITE_FAULT : Status.SUCCESS;
        assertNull(sim.remove("disk0"));
        assertTrue(sim.events.contains("child-not-erased child=disk0"));
        sim.disks.get(0).fault = io -> Status.SUCCESS;
        assertNull(sim.close(false));
        NexusSim next = sim(sim.media());
        assertEquals("child-not-member", next.open(NexusSim.parameters(), 0, 1));
        assertNull(next.open(NexusSim.parameters(), 1));
        assertEquals("child-not-member", next.online(0));
        assertNull(next.add(0));
        next.awaitRebuilds();
        next.checkLegs();
        assertNull(next.close(false));
    }

    @Test
    void anOfflineChildGetsExactlyWhatItMissed() {
        NexusSim sim = opened(2);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.offline("disk1"));
        assertFalse(sim.disks.get(1).isOpen());
        assertEquals(FaultReason.OFFLINE, sim.newestDurable().members().get(1).reason());
        assertEquals("last-healthy-child", sim.offline("disk0"));
        assertEquals(0, sim.run(0, IoType.WRITE, 1000, 8));
        assertEquals(0, sim.run(1, IoType.WRITE, 3000, 8));
        int before = sim.disks.get(1).dataWrites;
        assertNull(sim.online(1));
        sim.awaitRebuilds();
        assertEquals(RebuildKind.PARTIAL, sim.nexus.rebuildHistory().getLast().kind());
        assertTrue(sim.nexus.rebuildHistory().getLast().progress().copiedBlocks() <= 4 * 128,
                "at most the segments that were written");
        assertTrue(sim.disks.get(1).dataWrites > before);
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** The engine that noted what the child missed is gone: everything is copied. */
    @Test
    void afterARestartEverythingIsCopied() {
        NexusSim sim = opened(2);
        assertNull(sim.offline("disk1"));
        assertEquals(0, sim.run(0, IoType.WRITE, 1000, 8));
        assertNull(sim.close(false));
        NexusSim next = sim(sim.media());
        assertNull(next.open(NexusSim.parameters(), 0, 1));
        assertNull(next.online(1));
        next.awaitRebuilds();
        assertEquals(RebuildKind.FULL, next.nexus.rebuildHistory().getLast().kind());
        next.checkLegs();
        assertNull(next.close(false));
    }

    /** The child was set back, or lived elsewhere, while it was away: the note of what it missed is worth nothing. */
    @Test
    void aChildThatIsNotAsItWasLeftGetsEverything() {
        NexusSim sim = opened(2);
        assertNull(sim.offline("disk1"));
        assertNull(sim.online(1));
        sim.awaitRebuilds();
        assertNull(sim.offline("disk1"));
        // Set back to a moment when it was healthy, with other data.
        SimDisk.Media set = sim.disks.get(1).media;
        long newest = MetadataCodec.slotOffsetBytes(DiskRecords.durableCopy(sim.disks.get(1)).slot()) / SimDisk.BLOCK;
        set.durable.put(newest, new byte[SimDisk.BLOCK]);
        set.durable.put((long) DATA_BLOCK + 77, filled(7));
        assertEquals(0, sim.run(0, IoType.WRITE, 1000, 8));
        assertNull(sim.online(1));
        sim.awaitRebuilds();
        assertEquals(RebuildKind.FULL, sim.nexus.rebuildHistory().getLast().kind());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    private static byte[] filled(int value) {
        byte[] data = new byte[SimDisk.BLOCK];
        java.util.Arrays.fill(data, (byte) value);
        return data;
    }

    @Test
    void aFaultedChildComesBackWithWhatFailedOnIt() {
        NexusSim sim = opened(2);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.get(1).fault = io -> io.type == IoType.WRITE && io.offsetBlocks >= DATA_BLOCK ? Status.WRITE_FAULT
                : Status.SUCCESS;
        assertEquals(0, sim.run(0, IoType.WRITE, 500, 8));
        assertEquals(MemberState.FAULTED, health(sim, 1));
        sim.disks.get(1).fault = io -> Status.SUCCESS;
        assertNull(sim.online(1));
        assertEquals(0, sim.run(0, IoType.WRITE, 700, 8));
        sim.awaitRebuilds();
        assertEquals(RebuildKind.PARTIAL, sim.nexus.rebuildHistory().getLast().kind());
        ChildStatus counted = sim.nexus.childStatuses().get(1);
        assertEquals(1, counted.writeErrors(), "its errors are counted still");
        assertEquals(2, counted.writes());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    // --- rebuilds --------------------------------------------------------------------------------------

    private static RebuildStatus rebuild(NexusSim sim) {
        return sim.nexus.rebuildStatuses().getFirst();
    }

    @Test
    void aRebuildIsHeldStoppedAndStartedAgain() {
        NexusSim sim = opened(1);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.nexus.setRebuildSettings(RebuildSettings.DEFAULTS.withSegments(1, RebuildSettings.PIECE_BYTES));
        assertNull(sim.add(1));
        assertNull(sim.operate(done -> sim.nexus.pauseRebuild("disk1", done)));
        sim.hand.tickAll(5000);
        assertEquals(RebuildStatus.Phase.PAUSED, rebuild(sim).phase());
        assertTrue(rebuild(sim).remainingBytes() > 0);
        assertEquals(0, sim.run(0, IoType.WRITE, 3000, 8), "hosts go on");
        assertNull(sim.operate(done -> sim.nexus.resumeRebuild("disk1", done)));
        sim.hand.tickAll(200);
        assertNull(sim.operate(done -> sim.nexus.stopRebuild("disk1", done)));
        sim.hand.runUntil(() -> rebuild(sim).phase() == RebuildStatus.Phase.STOPPED);
        assertEquals(MemberState.SYNCING, health(sim, 1));
        long left = rebuild(sim).remainingBytes();
        assertTrue(left > 0 && left <= SIZE, left + " bytes left");
        assertEquals(RebuildState.STOPPED, sim.nexus.rebuildHistory().getLast().progress().state());
        assertEquals("rebuild-stopped", sim.operate(done -> sim.nexus.pauseRebuild("disk1", done)));
        assertEquals("rebuild-stopped", sim.operate(done -> sim.nexus.resumeRebuild("disk1", done)));
        assertEquals(RebuildStatus.Phase.STOPPED, rebuild(sim).phase());
        assertEquals(0, sim.run(1, IoType.WRITE, 2000, 8));
        assertNull(sim.operate(done -> sim.nexus.startRebuild("disk1", done)));
        sim.awaitRebuilds();
        assertEquals(left, sim.nexus.rebuildHistory().getLast().progress().copiedBlocks() * SimDisk.BLOCK,
                "what was copied is not copied again");
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertEquals("rebuild-not-found", sim.operate(done -> sim.nexus.pauseRebuild("disk1", done)));
        assertNull(sim.close(false));
    }

    @Test
    void aSourceThatFailsIsReplacedByAnother() {
        NexusSim sim = opened(2);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        int[] reads = new int[1];
        sim.disks.get(0).fault = io -> io.type == IoType.READ && io.offsetBlocks >= DATA_BLOCK && reads[0]++ > 3
                ? Status.UNRECOVERED_READ_ERROR : Status.SUCCESS;
        assertNull(sim.add(2));
        sim.awaitRebuilds();
        assertTrue(sim.events.stream().anyMatch(event -> event.startsWith("rebuild-source-failed child=disk2 source=disk0")));
        assertEquals(MemberState.HEALTHY, health(sim, 2));
        sim.disks.get(0).fault = io -> Status.SUCCESS;
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    @Test
    void aRebuildThatNoSourceCanFeedFaultsTheChildAndEnds() {
        NexusSim sim = opened(1);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.disks.get(0).fault = io -> io.type == IoType.READ && io.offsetBlocks >= DATA_BLOCK + 2000
                ? Status.UNRECOVERED_READ_ERROR : Status.SUCCESS;
        assertNull(sim.add(1));
        sim.hand.runUntil(() -> sim.nexus.rebuildStatuses().isEmpty(), 4_000_000);
        assertEquals(FaultReason.REBUILD_FAILED, sim.nexus.childStatuses().get(1).reason());
        sim.disks.get(0).fault = io -> Status.SUCCESS;
        assertNull(sim.online(1));
        sim.awaitRebuilds();
        assertEquals(RebuildKind.PARTIAL, sim.nexus.rebuildHistory().getLast().kind(), "it goes on where it ended");
        assertTrue(sim.nexus.rebuildHistory().getLast().progress().copiedBlocks() < SIZE / SimDisk.BLOCK);
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    @Test
    void aChildThatCannotBeWrittenIsFaulted() {
        NexusSim sim = opened(1);
        sim.disks.get(1).fault = io -> io.type == IoType.WRITE && io.offsetBlocks >= DATA_BLOCK + 1000
                ? Status.CAPACITY_EXCEEDED : Status.SUCCESS;
        assertNull(sim.add(1));
        sim.hand.runUntil(() -> health(sim, 1) == MemberState.FAULTED, 4_000_000);
        assertEquals(FaultReason.NO_SPACE, sim.nexus.childStatuses().get(1).reason());
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.close(false));
    }

    /**
     * The source's record cannot be written when the copy is complete. Were the child healthy then, it could go on alone, and
     * the source be brought up later without what was acknowledged meanwhile: its own record has the child as one that lacks data.
     */
    @Test
    void aChildIsNotHealthyBeforeItsSourceKnows() {
        NexusSim sim = opened(1);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.add(1));
        sim.disks.get(0).fault = io -> io.type == IoType.WRITE && isRecord(io) ? Status.WRITE_FAULT : Status.SUCCESS;
        sim.hand.runUntil(() -> sim.events.stream().anyMatch(event -> event.startsWith("metadata-not-stored")), 4_000_000);
        sim.hand.tickAll(2000);
        assertEquals(MemberState.SYNCING, health(sim, 1));
        assertEquals(MemberState.HEALTHY, health(sim, 0));
        sim.disks.get(0).fault = io -> Status.SUCCESS;
        sim.awaitRebuilds();
        assertEquals(2, sim.newestDurable().healthyCount());
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    /** The source is gone when the copy is complete: what is written from then on waits for it. */
    @Test
    void aChildIsNotHealthyWhenItsSourceIsGone() {
        NexusSim sim = opened(1);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.add(1));
        boolean[] pulled = new boolean[1];
        sim.disks.get(0).fault = io -> {
            pulled[0] |= io.type == IoType.WRITE && isRecord(io);
            return pulled[0] ? Status.INTERNAL_ERROR : Status.SUCCESS;
        };
        sim.hand.runUntil(() -> pulled[0], 4_000_000);
        sim.hand.on(0, sim.disks.get(0)::pull);
        sim.hand.runUntil(() -> !sim.disks.get(0).isOpen(), 4_000_000);
        sim.hand.tickAll(2000);
        assertEquals(MemberState.SYNCING, health(sim, 1));
        sim.plugIn(0);
        assertNull(sim.online(0));
        sim.awaitRebuilds();
        assertEquals(2, sim.newestDurable().healthyCount());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    private static boolean isRecord(BdevIo io) {
        long offset = io.offsetBlocks * SimDisk.BLOCK;
        return offset == MetadataCodec.slotOffsetBytes(0) || offset == MetadataCodec.slotOffsetBytes(1);
    }

    /** The child from which it is copied is taken out: the other one goes on. */
    @Test
    void aSourceThatLeavesDoesNotEndTheRebuild() {
        NexusSim sim = opened(2);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.add(2));
        sim.hand.runUntil(() -> !sim.nexus.rebuildStatuses().isEmpty() && rebuild(sim).source() != null);
        assertNull(sim.remove(rebuild(sim).source()));
        sim.awaitRebuilds();
        assertEquals(2, sim.newestDurable().healthyCount());
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    @Test
    void aVerificationFindsWhatDiffersAndChangesNothing() {
        NexusSim sim = opened(2);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 64));
        sim.disks.get(1).media.durable.put((long) DATA_BLOCK + 33, filled(9));
        assertNull(sim.operate(done -> sim.nexus.verifyChild("disk1", done)));
        sim.hand.runUntil(() -> sim.nexus.rebuildStatuses().isEmpty(), 4_000_000);
        assertEquals(RebuildKind.VERIFY, sim.nexus.rebuildHistory().getLast().kind());
        assertEquals(1, sim.nexus.rebuildHistory().getLast().differences().size());
        assertTrue(sim.events.stream().anyMatch(event -> event.startsWith("verify-completed child=disk1 different-bytes=512")),
                sim.events.toString());
        assertEquals("no-healthy-source", onlyOne(sim));
        assertNull(sim.close(false));
    }

    private static String onlyOne(NexusSim sim) {
        assertNull(sim.offline("disk1"));
        return sim.operate(done -> sim.nexus.verifyChild("disk0", done));
    }

    /** Hosts were told that nothing is volatile, so they do not flush: a child with a cache is written through. */
    @Test
    void aChildWithACacheThatHostsDoNotKnowOfIsWrittenThrough() {
        NexusSim sim = opened(1);
        assertFalse(sim.nexus.hasVolatileCache());
        SimDisk cached = new SimDisk(9, "cached", sim.disks.get(0).sizeBytes(), new SimDisk.Media(), true, 1);
        sim.registry.register(cached);
        sim.disks.add(cached);
        assertNull(sim.add(cached));
        sim.awaitRebuilds();
        assertFalse(sim.nexus.hasVolatileCache(), "hosts have asked already");
        assertEquals(0, sim.run(0, IoType.WRITE, 40, 8));
        assertEquals(0, sim.run(1, IoType.WRITE_ZEROES, 60, 8));
        assertTrue(cached.media.cached.isEmpty(), cached.media.cached.keySet().toString());
        sim.crash();
        assertTrue(cached.media.durable.containsKey((long) DATA_BLOCK + 40));
    }

    /** Else somebody might bring it back by himself. */
    @Test
    void thatAChildIsToStayOutIsStoredAlsoWhereItIsOutAlready() {
        NexusSim sim = new NexusSim(1, 2, 2, SIZE, NexusSim.media(2), false, new NexusSim.History(SIZE));
        sim.openAll();
        sim.hand.on(0, sim.disks.get(1)::pull);
        sim.hand.runUntil(() -> !sim.disks.get(1).isOpen());
        assertEquals(FaultReason.REMOVED, sim.nexus.childStatuses().get(1).reason());
        String member = sim.nexus.childStatuses().get(1).memberUuid().toString();
        assertNull(sim.offline(member));
        assertEquals(FaultReason.OFFLINE, sim.nexus.childStatuses().get(1).reason());
        assertEquals(FaultReason.OFFLINE, sim.newestDurable().members().get(1).reason());
        long generation = sim.nexus.generation();
        assertNull(sim.offline(member));
        assertEquals(generation, sim.nexus.generation(), "it is so already");
        assertNull(sim.operate(done -> sim.nexus.faultChild(member, done)));
        assertEquals(FaultReason.ADMINISTRATIVE, sim.newestDurable().members().get(1).reason());
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        sim.plugIn(1);
        assertNull(sim.online(1));
        sim.awaitRebuilds();
        assertEquals("PARTIAL", sim.nexus.rebuildHistory().getLast().kind().name());
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }
}
