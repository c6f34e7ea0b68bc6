package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.mizzen.bdev.IoType;
import io.mizzen.rebuild.RebuildKind;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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

    /** Each of the second one's, of a time that then is given up: what was kept at its beginning is what all are set back to. */
    private List<Map<Long, byte[]>> givenUp(List<SimDisk.Media> media, int openings, boolean closed) {
        NexusSim sim = opened(sim(media));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 16));
        assertNull(sim.close(false));
        List<Map<Long, byte[]>> beginning = media.stream().map(SetBackChildTest::kept).toList();
        List<Map<Long, byte[]>> ofTheSecond = new ArrayList<>();
        for (int i = 0; i < openings; i++) {
            NexusSim next = opened(sim(media));
            assertEquals(0, next.run(0, IoType.WRITE, 8, 8));
            if (closed) {
                assertNull(next.close(false));
            } else {
                next.crash();
            }
            ofTheSecond.add(kept(media.get(1)));
        }
        for (int i = 0; i < 2; i++) {
            setBack(media.get(i), beginning.get(i));
        }
        return ofTheSecond;
    }

    /** As many generations as what was given up, or one fewer, or many: they are not those. */
    @ParameterizedTest
    @CsvSource({"1,true,true", "1,true,false", "1,false,true", "3,true,true"})
    void toATimeThatWasGivenUp(int openings, boolean closed, boolean closedAgain) {
        List<SimDisk.Media> media = NexusSim.media(2);
        List<Map<Long, byte[]>> ofTheSecond = givenUp(media, openings, closed);
        NexusSim now = opened(sim(media));
        assertEquals(0, now.run(0, IoType.WRITE, 8, 8));
        if (closedAgain) {
            assertNull(now.close(false));
        } else {
            now.crash();
        }
        setBack(media.get(1), ofTheSecond.getLast());
        assertEquals("nexus-diverged", sim(media).open(NexusSim.parameters(), 0, 1));

        NexusSim without = sim(media);
        assertNull(without.open(NexusSim.parameters().withAllowMissing(true), 0));
        assertEquals(0, without.run(0, IoType.READ, 0, 16), "the history checks what was read");
        assertNull(without.online(1));
        assertEquals(RebuildKind.FULL, without.nexus.rebuildStatuses().getFirst().kind());
        without.awaitRebuilds();
        assertNull(without.close(false));
        NexusSim both = opened(sim(media));
        assertEquals(MemberState.HEALTHY, health(both, 1));
        assertEquals(0, both.run(0, IoType.READ, 0, 16));
        assertNull(both.close(false));
    }

    /** It carries the number that was last written to it, and what it missed is noted; it is not that number of this time. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void toATimeThatWasGivenUpWhileItWasOut(int openings) {
        List<SimDisk.Media> media = NexusSim.media(2);
        List<Map<Long, byte[]>> ofTheSecond = givenUp(media, openings, false);
        NexusSim now = opened(sim(media));
        assertEquals(0, now.run(0, IoType.WRITE, 8, 8));
        assertNull(now.offline("disk1"));
        setBack(media.get(1), ofTheSecond.getLast());
        assertNull(now.online(1));
        assertEquals(RebuildKind.FULL, now.nexus.rebuildStatuses().getFirst().kind());
        now.awaitRebuilds();
        assertNull(now.close(false));
        NexusSim both = opened(sim(media));
        assertEquals(MemberState.HEALTHY, health(both, 1));
        assertEquals(0, both.run(0, IoType.READ, 0, 16));
        assertNull(both.close(false));
    }

    /** As an older release wrote it. */
    private static void withoutTimeline(SimDisk.Media media) {
        for (int slot = 0; slot < MetadataCodec.SLOT_COUNT; slot++) {
            long at = MetadataCodec.slotOffsetBytes(slot);
            MetadataCodec.Copy copy = MetadataCodec.decode(media.durableBytes(at, MetadataCodec.SLOT_BYTES), 0, slot);
            if (copy != null) {
                byte[] bytes = new byte[MetadataCodec.SLOT_BYTES];
                MetadataCodec.encode(copy.metadata().on(Timeline.UNKNOWN), copy.selfIndex(), MemorySegment.ofArray(bytes), 0);
                for (int i = 0; i < bytes.length; i += SimDisk.BLOCK) {
                    media.durable.put((at + i) / SimDisk.BLOCK, Arrays.copyOfRange(bytes, i, i + SimDisk.BLOCK));
                }
            }
        }
    }

    @Test
    void fromWhatAnOlderReleaseStored() {
        List<SimDisk.Media> media = NexusSim.media(2);
        NexusSim sim = opened(sim(media));
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.close(false));
        media.forEach(SetBackChildTest::withoutTimeline);
        Map<Long, byte[]> snapshot = kept(media.get(1));
        NexusSim next = opened(sim(media));
        assertEquals(MemberState.HEALTHY, health(next, 0));
        assertEquals(MemberState.HEALTHY, health(next, 1));
        assertEquals(1, next.nexus.membership().stored().timeline().openings().size());
        assertEquals(0, next.run(0, IoType.READ, 0, 8));
        assertEquals(0, next.run(0, IoType.WRITE, 8, 8));
        next.crash();
        NexusSim again = opened(sim(media));
        assertEquals(MemberState.HEALTHY, health(again, 1));
        assertNull(again.close(false));
        setBack(media.get(1), snapshot);
        checkItIsMadeEqual(media);
    }
}
