package io.mizzen.nexus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A nexus grows under its hosts. */
class NexusResizeTest {
    private static final long SIZE = 2 << 20;
    private static final long LARGER = 5 << 20;
    private static final int DATA_BLOCK = 8192;
    private final NexusSim.History history = new NexusSim.History(LARGER);

    private NexusSim sim(List<SimDisk.Media> media) {
        NexusSim sim = new NexusSim(1, 2, media.size(), LARGER, media, false, history);
        return sim;
    }

    private NexusSim opened(int disks) {
        NexusSim sim = sim(NexusSim.media(disks));
        int[] all = java.util.stream.IntStream.range(0, disks).toArray();
        assertNull(sim.open(NexusSim.parameters().withSizeBytes(SIZE), all));
        return sim;
    }

    private static String resize(NexusSim sim, long sizeBytes) {
        return sim.operate(done -> sim.nexus.resize(sizeBytes, done));
    }

    private static void dirtyTail(NexusSim sim, int disk) {
        byte[] old = new byte[SimDisk.BLOCK];
        Arrays.fill(old, (byte) 1);
        sim.disks.get(disk).media.durable.put(DATA_BLOCK + LARGER / SimDisk.BLOCK - 5, old);
    }

    @Test
    void hostsSeeTheNewSizeAndTheLegsAreMadeEqualThere() {
        NexusSim sim = opened(2);
        dirtyTail(sim, 1);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        for (int i = 0; i < 6; i++) {
            sim.write(i & 1, i, IoType.WRITE, 100L * i, 8, 0);
        }
        assertNull(resize(sim, LARGER));
        assertEquals(LARGER, sim.nexus.sizeBytes());
        assertEquals(LARGER, sim.newestDurable().sizeBytes());
        sim.drain();
        assertEquals(0, sim.failed);
        assertEquals(0, sim.run(1, IoType.WRITE, LARGER / SimDisk.BLOCK - 16, 8));
        sim.awaitResync();
        sim.checkLegs();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.hand.runUntil(() -> sim.nexus.dirtyRegions() == 0);
        assertNull(sim.close(false));
        NexusSim next = sim(sim.media());
        assertNull(next.open(NexusSim.parameters().withSizeBytes(LARGER), 0, 1));
        assertEquals(0, next.nexus.suspectRegions());
        next.checkLegs();
        assertNull(next.close(false));
    }

    @Test
    void sizesThatCannotBeAreRefusedWithTheSizesNeeded() {
        NexusSim sim = opened(2);
        assertNull(resize(sim, SIZE));
        assertEquals("nexus-shrink-refused", resize(sim, 1 << 20));
        assertEquals("nexus-size-invalid", resize(sim, SIZE + 512));
        assertEquals("child-too-small", resize(sim, LARGER + (1 << 20)));
        assertTrue(sim.lastFailure.getMessage().contains(String.valueOf(LARGER + (9 << 20))), sim.lastFailure.getMessage());
        assertTrue(sim.lastFailure.getMessage().contains("disk0 (" + sim.disks.get(0).sizeBytes() + " bytes)"));
        sim.hand.on(0, () -> sim.disks.forEach(disk -> disk.grow(disk.sizeBytes() + (1 << 20))));
        assertNull(resize(sim, LARGER + (1 << 20)));
        assertNull(sim.close(false));
    }

    /** A child that is away or being rebuilt lacks the new part too. */
    @Test
    void childrenThatAreNotEqualYetGetTheNewPart() {
        NexusSim sim = opened(3);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(sim.offline("disk1"));
        dirtyTail(sim, 1);
        dirtyTail(sim, 2);
        assertEquals(0, sim.run(0, IoType.WRITE, 1000, 8));
        assertNull(sim.offline("disk2"));
        assertNull(sim.online(2));
        assertNull(resize(sim, LARGER));
        assertEquals(0, sim.run(0, IoType.WRITE, SIZE / SimDisk.BLOCK + 64, 8));
        assertNull(sim.online(1));
        sim.awaitRebuilds();
        assertEquals(NexusState.ONLINE, sim.nexus.state());
        sim.checkLegs();
        assertNull(sim.close(false));
    }

    @Test
    void aSizeThatCannotBeStoredIsNotShown() {
        NexusSim sim = opened(2);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        int[] slots = new int[1];
        for (SimDisk disk : sim.disks) {
            disk.fault = io -> io.type == IoType.WRITE && io.offsetBlocks < 4096 && slots[0]++ < 8 ? Status.WRITE_FAULT
                    : Status.SUCCESS;
        }
        assertEquals("nexus-metadata-not-stored", resize(sim, LARGER));
        assertEquals(SIZE, sim.nexus.sizeBytes());
        sim.disks.forEach(disk -> disk.fault = io -> Status.SUCCESS);
        sim.hand.runUntil(() -> sim.nexus.state() != NexusState.FAULTED);
        assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
        assertNull(resize(sim, LARGER));
        assertNull(sim.close(false));
    }

    /** Power fails at a random moment of the growth: the old size or the new one, nothing lost, legs equal. */
    @Test
    void aCrashWhileGrowingLosesNothing() {
        int[] grown = new int[1];
        for (int seed = 0; seed < 40; seed++) {
            List<SimDisk.Media> media = NexusSim.media(2);
            NexusSim sim = new NexusSim(seed, 2, 2, LARGER, media, false, new NexusSim.History(LARGER));
            assertNull(sim.open(NexusSim.parameters().withSizeBytes(SIZE), 0, 1));
            dirtyTail(sim, 1);
            assertEquals(0, sim.run(0, IoType.WRITE, 0, 8));
            sim.hand.on(0, () -> sim.nexus.resize(LARGER, (value, failure) -> { }));
            for (int i = 0; i < seed * 40; i++) {
                sim.hand.tickAny();
            }
            sim.crash();
            NexusSim next = new NexusSim(seed, 2, 2, LARGER, media, false, sim.history);
            assertNull(next.open(NexusSim.parameters(), 0, 1));
            grown[0] += next.nexus.sizeBytes() == LARGER ? 1 : 0;
            next.awaitResync();
            next.checkLegs();
            assertNull(next.close(false));
        }
        assertTrue(grown[0] > 5 && grown[0] < 35, grown[0] + " of 40");
    }

    /** A map that is full gets coarser regions, under another epoch. */
    @Test
    void bitsSurviveCoarserRegions() {
        DirtyGeometry old = new DirtyGeometry(100L << 16, 512, 16);
        DirtyGeometry coarser = new DirtyGeometry(1000L << 16, 512, 18);
        long[] words = new long[old.wordCount()];
        words[0] = 1L << 7 | 1L << 63;
        long[] grown = NexusResizer.grown(words, old, coarser, true);
        for (int region = 0; region < coarser.regionCount(); region++) {
            boolean expected = region == 1 || region == 15 || region >= 25;
            assertEquals(expected, (grown[region >>> 6] >>> region & 1) != 0, "region " + region);
        }
    }

    /** It was away when the nexus grew. */
    @Test
    void aChildThatIsOutAndTooSmallDoesNotKeepTheOthersFromBeingAssembled() {
        long size = LARGER + (4 << 20);
        List<SimDisk.Media> media = NexusSim.media(2);
        NexusSim sim = sim(media);
        assertNull(sim.open(NexusSim.parameters().withSizeBytes(SIZE), 0, 1));
        assertNull(sim.offline("disk1"));
        sim.hand.on(0, () -> sim.disks.get(0).grow(size + (8 << 20)));
        assertNull(resize(sim, size));
        assertNull(sim.close(false));
        NexusSim again = sim(media);
        assertEquals("child-too-small", again.open(NexusSim.parameters(), 0, 1));
        again.hand.on(0, () -> again.disks.get(0).grow(size + (8 << 20)));
        assertNull(again.open(NexusSim.parameters(), 0, 1));
        assertEquals(NexusState.DEGRADED, again.nexus.state());
        assertEquals(size, again.nexus.sizeBytes());
        assertEquals("child-too-small", again.online(1));
        assertNull(again.close(false));
    }
}
