package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.mizzen.bdev.IoType;
import io.mizzen.rebuild.RebuildKind;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A child whose disk was set back to a snapshot of it, alone, is never taken for equal to the others. */
class SetBackChildTest extends NexusTestBase {
    private static final int TURNS = 500;
    private static final long LIMIT_NS = 1_000_000_000L;

    private static Map<Long, byte[]> kept(SimDisk.Media media) {
        return new HashMap<>(media.durable);
    }

    private static void setBack(SimDisk.Media media, Map<Long, byte[]> snapshot) {
        media.durable.clear();
        media.durable.putAll(snapshot);
    }

    /** A snapshot of the second child, at a moment of the nexus. */
    private static Map<Long, byte[]> snapshotOfTheSecond(NexusSim sim, List<SimDisk.Media> media) {
        Map<Long, byte[]> snapshot = new HashMap<>();
        sim.hand.on(0, () -> WriteHold.begin(sim.nexus, LIMIT_NS, (hold, refused) -> {
            snapshot.putAll(media.get(1).durable);
            hold.release(() -> { });
        }));
        sim.hand.tickAll(TURNS);
        return snapshot;
    }

    /** Opened again, it is copied from the one that went on, and reads are true meanwhile and afterwards. */
    private void checkItIsMadeEqual(List<SimDisk.Media> media) {
        NexusSim next = opened(sim(media));
        assertEquals(FaultReason.STALE, next.nexus.childStatuses().get(1).reason());
        assertEquals(0, next.run(0, IoType.READ, 0, 16));
        assertNull(next.online(1));
        assertEquals(RebuildKind.FULL, next.nexus.rebuildStatuses().getFirst().kind());
        next.awaitRebuilds();
        assertEquals(MemberState.HEALTHY, health(next, 1));
        assertNull(next.close(false));
        NexusSim alone = sim(media);
        assertNull(alone.open(NexusSim.parameters().withAllowMissing(true), 1));
        assertEquals(0, alone.run(0, IoType.READ, 0, 16), "the history checks what was read");
    }

    @Test
    void afterACleanClose() {
        List<SimDisk.Media> media = NexusSim.media(2);
        NexusSim sim = opened(sim(media));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        Map<Long, byte[]> snapshot = kept(media.get(1));
        assertEquals(0, sim.run(0, IoType.WRITE, 8, 8));
        assertNull(sim.close(false));
        setBack(media.get(1), snapshot);
        checkItIsMadeEqual(media);
    }

    @Test
    void afterACrash() {
        List<SimDisk.Media> media = NexusSim.media(2);
        NexusSim sim = opened(sim(media));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        Map<Long, byte[]> snapshot = snapshotOfTheSecond(sim, media);
        assertEquals(0, sim.run(0, IoType.WRITE, 8, 8));
        sim.crash();
        setBack(media.get(1), snapshot);
        checkItIsMadeEqual(media);
    }

    @Test
    void toWhatItWasBeforeTheNexusWasOpened() {
        List<SimDisk.Media> media = NexusSim.media(2);
        NexusSim sim = opened(sim(media));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.close(false));
        Map<Long, byte[]> snapshot = kept(media.get(1));
        NexusSim second = opened(sim(media));
        assertEquals(0, second.run(0, IoType.WRITE, 8, 8));
        second.crash();
        setBack(media.get(1), snapshot);
        checkItIsMadeEqual(media);
    }

    @Test
    void whileItWasOutAndTheNexusWentOn() {
        List<SimDisk.Media> media = NexusSim.media(2);
        NexusSim sim = opened(sim(media));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        Map<Long, byte[]> snapshot = snapshotOfTheSecond(sim, media);
        assertNotNull(snapshot);
        assertEquals(0, sim.run(0, IoType.WRITE, 8, 8));
        assertNull(sim.offline("disk1"));
        setBack(media.get(1), snapshot);
        assertNull(sim.online(1));
        assertEquals(RebuildKind.FULL, sim.nexus.rebuildStatuses().getFirst().kind());
        sim.awaitRebuilds();
        assertNull(sim.close(false));
    }

    /** All of them set back to one moment are equal: nothing but what was in flight is copied. */
    @Test
    void butAllOfThemAreEqual() {
        List<SimDisk.Media> media = NexusSim.media(2);
        NexusSim sim = opened(sim(media));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        List<Map<Long, byte[]>> snapshots = media.stream().map(SetBackChildTest::kept).toList();
        assertNull(sim.close(false));
        for (int i = 0; i < 2; i++) {
            setBack(media.get(i), snapshots.get(i));
        }
        NexusSim next = opened(sim(media));
        next.awaitResync();
        assertEquals(MemberState.HEALTHY, health(next, 0));
        assertEquals(MemberState.HEALTHY, health(next, 1));
        assertEquals(0, next.run(0, IoType.READ, 0, 8));
        assertNull(next.close(false));
    }
}
