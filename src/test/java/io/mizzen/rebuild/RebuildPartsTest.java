package io.mizzen.rebuild;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.reactor.Mthread;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The map against a model, the token bucket, the history, the settings, the chooser's ties. */
class RebuildPartsTest {
    @Test
    void aMapHandsOutWhatIsMarkedOnce() {
        for (long seed = 1; seed <= 200; seed++) {
            Random random = new Random(seed);
            long blocks = 1 + random.nextInt(5000);
            int shift = random.nextInt(5);
            SegmentMap map = new SegmentMap(blocks, 1L << shift);
            BitSet model = new BitSet();
            List<RebuildPlan.Segment> out = new ArrayList<>();
            for (int step = 0; step < 300; step++) {
                step(random, map, model, out, blocks, shift);
                assertEquals(cardinality(model, shift, blocks) + out.stream().mapToLong(s -> s.blockCount).sum(),
                        map.remainingBlocks());
            }
        }
    }

    @Test
    void aMapThatGrowsKeepsItsMarksAndMarksWhatIsNew() {
        for (int seed = 1; seed <= 300; seed++) {
            Random random = new Random(seed);
            long blocks = 1 + random.nextInt(3000);
            int shift = random.nextInt(5);
            SegmentMap map = new SegmentMap(blocks, 1L << shift);
            BitSet model = new BitSet();
            for (int i = random.nextInt(6); i > 0; i--) {
                long offset = random.nextLong(blocks);
                long count = 1 + random.nextLong(blocks - offset);
                map.mark(offset, count);
                model.set((int) (offset >>> shift), (int) (offset + count - 1 >>> shift) + 1);
            }
            long larger = blocks + random.nextInt(3) * random.nextInt(200);
            if (larger > blocks) {
                model.set((int) (blocks >>> shift), (int) (larger - 1 >>> shift) + 1);
            }
            SegmentMap grown = map.grown(larger);
            assertEquals(cardinality(model, shift, larger), grown.remainingBlocks(), "seed " + seed);
            RebuildPlan.Segment next = new RebuildPlan.Segment();
            while (grown.next(next, 64)) {
                for (long segment = next.offsetBlocks >>> shift; segment <= next.offsetBlocks + next.blockCount - 1 >>> shift; segment++) {
                    assertTrue(model.get((int) segment));
                    model.clear((int) segment);
                }
                grown.onCopied(next.offsetBlocks, next.blockCount);
            }
            assertTrue(model.isEmpty());
            assertEquals(0, grown.remainingBlocks());
        }
    }

    private static void step(Random random, SegmentMap map, BitSet model, List<RebuildPlan.Segment> out, long blocks,
            int shift) {
        int dice = random.nextInt(4);
        if (dice == 0) {
            long offset = random.nextLong(blocks);
            long count = 1 + random.nextLong(Math.min(blocks - offset, 300));
            map.mark(offset, count);
            model.set((int) (offset >>> shift), (int) (offset + count - 1 >>> shift) + 1);
        } else if (dice < 3) {
            RebuildPlan.Segment next = new RebuildPlan.Segment();
            BitSet free = (BitSet) model.clone();
            out.forEach(s -> free.clear((int) (s.offsetBlocks >>> shift), (int) (s.offsetBlocks + s.blockCount - 1 >>> shift) + 1));
            long peek = map.peekBlock();
            assertEquals(!free.isEmpty(), map.next(next, 16 + random.nextInt(100)));
            if (!free.isEmpty()) {
                assertEquals(peek, next.offsetBlocks);
                for (long s = next.offsetBlocks >>> shift; s <= next.offsetBlocks + next.blockCount - 1 >>> shift; s++) {
                    assertTrue(free.get((int) s), "not marked, or handed out already");
                    model.clear((int) s);
                }
                assertTrue(next.blockCount <= 116 && next.offsetBlocks + next.blockCount <= blocks);
                out.add(next);
            }
        } else if (!out.isEmpty()) {
            RebuildPlan.Segment done = out.remove(random.nextInt(out.size()));
            if (random.nextBoolean()) {
                map.onCopied(done.offsetBlocks, done.blockCount);
            } else {
                map.onNotCopied(done.offsetBlocks, done.blockCount);
                model.set((int) (done.offsetBlocks >>> shift),
                        (int) (done.offsetBlocks + done.blockCount - 1 >>> shift) + 1);
            }
        }
    }

    private static long cardinality(BitSet model, int shift, long blocks) {
        return model.stream().mapToLong(s -> Math.min(1L << shift, blocks - ((long) s << shift))).sum();
    }

    @Test
    void aBucketGrantsWhatTheRateAllows() {
        Throttle throttle = new Throttle(1000, 0);
        assertEquals(0, throttle.waitNs(0));
        throttle.charge(500);
        assertEquals(500_000_000, throttle.waitNs(0));
        assertEquals(100_000_000, throttle.waitNs(400_000_000));
        throttle.refund(100);
        assertEquals(0, throttle.waitNs(400_000_000));
        throttle.charge(3000);
        throttle.setRate(3000, 400_000_000);
        assertEquals(1.0, throttle.waitNs(400_000_000) / 1e9, 0.01);
        throttle.setRate(RebuildSettings.UNLIMITED, 400_000_001);
        assertEquals(0, throttle.waitNs(400_000_002));
    }

    @Test
    void anIdleBucketSavesNoMoreThanABurst() {
        Throttle throttle = new Throttle(1_000_000, 0);
        assertEquals(0, throttle.waitNs(3_600_000_000_000L));
        throttle.charge(5_000);
        assertEquals(0, throttle.waitNs(3_600_000_000_000L));
        throttle.charge(1_000);
        assertEquals(1_000_000, throttle.waitNs(3_600_000_000_000L), 10);
    }

    @Test
    void aHistoryForgetsTheOldest() {
        RebuildHistory history = new RebuildHistory(3);
        for (int i = 0; i < 5; i++) {
            history.add(new RebuildRecord(RebuildKind.FULL, "s" + i, List.of("d"), 512, i, i, null, null, List.of()));
        }
        assertEquals(List.of("s2", "s3", "s4"), history.records().stream().map(RebuildRecord::source).toList());
        assertEquals(5, history.count());
    }

    @Test
    void impossibleSettingsAreRefused() {
        List<Runnable> wrong = List.of(() -> RebuildSettings.DEFAULTS.withRate(-1),
                () -> RebuildSettings.DEFAULTS.withSegments(0, 1 << 20), () -> RebuildSettings.DEFAULTS.withSegments(65, 1 << 20),
                () -> RebuildSettings.DEFAULTS.withSegments(8, 1000), () -> RebuildSettings.DEFAULTS.withSegments(8, 32 << 20),
                () -> new RebuildSettings(0, 0, true, 2, 8, 1 << 20, 1),
                () -> new RebuildSettings(0, 1, true, Double.NaN, 8, 1 << 20, 1), () -> RebuildSettings.DEFAULTS.withWorkers(0));
        for (Runnable attempt : wrong) {
            OperationException refused = assertThrows(OperationException.class, attempt::run);
            assertTrue(refused.code().startsWith("invalid-rebuild-"));
            assertFalse(refused.getMessage().isEmpty());
        }
    }

    @Test
    void jobsGoToDifferentReactorsWhenAllAreIdle() {
        HandReactors hand = new HandReactors(3, 1);
        List<Mthread> candidates = hand.reactors().all().stream().map(reactor -> reactor.mthread()).toList();
        LeastBusyChooser chooser = new LeastBusyChooser(candidates.get(0), candidates);
        List<List<Mthread>> chosen = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            choose(hand, chooser, 1, chosen);
        }
        assertEquals(3, java.util.Set.copyOf(chosen).size());
        hand.on(0, () -> chooser.release(chosen.get(1)));
        choose(hand, chooser, 1, chosen);
        assertEquals(chosen.get(1), chosen.get(3));
    }

    @Test
    void aJobGetsSeveralWorkersWhileTheyAreIdle() {
        HandReactors hand = new HandReactors(3, 1);
        List<Mthread> candidates = hand.reactors().all().stream().map(reactor -> reactor.mthread()).toList();
        LeastBusyChooser chooser = new LeastBusyChooser(candidates.get(0), candidates);
        List<List<Mthread>> chosen = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            choose(hand, chooser, 8, chosen);
        }
        List<Integer> sizes = chosen.stream().map(List::size).toList();
        assertEquals(List.of(3, 3, 3, 1, 1, 1), sizes, "three jobs on each: as if it were busy");
        chosen.forEach(some -> assertEquals(some.size(), java.util.Set.copyOf(some).size()));
    }

    private static void choose(HandReactors hand, LeastBusyChooser chooser, int max, List<List<Mthread>> chosen) {
        int count = chosen.size() + 1;
        hand.on(0, () -> chooser.choose(max, (mthreads, failure) -> chosen.add(mthreads)));
        hand.runUntil(() -> chosen.size() == count);
    }
}
