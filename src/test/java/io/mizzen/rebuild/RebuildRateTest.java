package io.mizzen.rebuild;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.BdevContext;
import io.mizzen.memory.BufferPool;
import io.mizzen.memory.DmaBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Rate, buffers and progress of a job, under the virtual clock. */
class RebuildRateTest {
    private static final long BYTES = RebuildRig.BLOCKS * RigDisk.BLOCK;

    private static SegmentMap all() {
        SegmentMap map = new SegmentMap(RebuildRig.BLOCKS, 256);
        map.markAll();
        return map;
    }

    private static RebuildRig rig() {
        RebuildRig rig = new RebuildRig(5, 2, false, false);
        rig.fillRandomly(rig.disks.get(0));
        return rig;
    }

    /** On the hosts' reactor, so that they share a cache of buffers. */
    private static RebuildJob start(RebuildRig rig, RebuildSpec spec) {
        return rig.start(spec, RangeLocker.of(rig.mirror, rig.home()), WorkerChooser.fixed(rig.home()));
    }

    @Test
    void theRateIsKept() {
        for (long rate : new long[] {100_000, 1 << 20, 20 << 20}) {
            RebuildRig rig = rig();
            RebuildJob job = start(rig, rig.spec(RebuildKind.FULL, all(), RebuildSettings.DEFAULTS.withRate(rate)));
            rig.await(job);
            double seconds = job.progress().elapsedNs() / 1e9;
            double ideal = (double) (BYTES - RebuildSettings.PIECE_BYTES) / rate;       // The first one goes at once.
            assertTrue(seconds > ideal * 0.97 - 0.006 && seconds < ideal * 1.05 + 0.025,
                    rate + " bytes/s: " + seconds + " s instead of " + ideal);
            assertEquals(rate, job.progress().limitBytesPerSecond());
        }
    }

    @Test
    void theRateIsChangedWhileItRuns() {
        RebuildRig rig = rig();
        RebuildJob job = start(rig, rig.spec(RebuildKind.FULL, all(), RebuildSettings.DEFAULTS.withRate(1000)));
        long startNs = rig.hand.nowNs();
        rig.hand.runUntil(() -> job.progress().doneBlocks() > 0);
        rig.hand.runUntil(() -> rig.hand.nowNs() - startNs > 3_000_000_000L);
        assertEquals(256, job.progress().doneBlocks(), "one window, then a long debt");
        rig.hand.on(0, () -> job.setSettings(job.settings().withRate(RebuildSettings.UNLIMITED)));
        rig.await(job);
        assertTrue(rig.hand.nowNs() - startNs < 4_000_000_000L);
    }

    @Test
    void progressGoesOnlyForwardAndEndsAtTheTotal() {
        RebuildRig rig = rig();
        RebuildJob job = start(rig, rig.spec(RebuildKind.FULL, all(), RebuildSettings.DEFAULTS.withRate(1 << 20)));
        RebuildProgress[] last = {job.progress()};
        rig.loadUntilEnd(50, () -> {
            RebuildProgress now = job.progress();
            assertTrue(now.doneBlocks() >= last[0].doneBlocks() && now.doneBlocks() <= now.totalBlocks());
            assertTrue(now.elapsedNs() >= last[0].elapsedNs());
            last[0] = now;
        });
        RebuildProgress end = job.progress();
        assertEquals(RebuildRig.BLOCKS, end.totalBlocks());
        assertEquals(end.totalBlocks(), end.doneBlocks());
        assertEquals(0, end.remainingNs());
        assertTrue(end.bytesPerSecond() > (1 << 20) * 0.9 && end.bytesPerSecond() < (1 << 20) * 1.2,
                () -> end.bytesPerSecond() + " bytes/s");
    }

    /** What it did at first does not hide that it is slow now, nor that it stands still. */
    @Test
    void speedIsThatOfTheLastSeconds() {
        RebuildRig rig = rig();
        RebuildJob job = start(rig, rig.spec(RebuildKind.FULL, all(), RebuildSettings.DEFAULTS.withRate(1 << 20)));
        long startNs = rig.hand.nowNs();
        rig.hand.runUntil(() -> rig.hand.nowNs() - startNs > 1_500_000_000L);
        RebuildProgress fast = job.progress();
        assertTrue(fast.bytesPerSecond() > (1 << 20) * 0.8 && fast.bytesPerSecond() < (1 << 20) * 1.2,
                () -> fast.bytesPerSecond() + " bytes/s");
        rig.hand.on(0, () -> job.setSettings(job.settings().withRate(1000)));
        RebuildProgress changed = job.progress();
        double leftSeconds = (changed.totalBlocks() - changed.doneBlocks()) * RigDisk.BLOCK / 1000.0;
        assertEquals(leftSeconds, changed.remainingNs() / 1e9, leftSeconds * 0.01, "no faster than the limit");
        rig.hand.runUntil(() -> rig.hand.nowNs() - startNs > 30_000_000_000L, 1_000_000);
        RebuildProgress slow = job.progress();
        assertTrue(slow.doneBlocks() < slow.totalBlocks());
        assertTrue(slow.bytesPerSecond() < 20_000, () -> slow.bytesPerSecond() + " bytes/s");
        rig.hand.on(0, () -> job.setSettings(job.settings().withRate(RebuildSettings.UNLIMITED)));
        rig.await(job);
    }

    @Test
    void timeInPausesDoesNotCount() {
        RebuildRig rig = rig();
        RebuildJob job = start(rig, rig.spec(RebuildKind.FULL, all(), RebuildSettings.DEFAULTS.withRate(4 << 20)));
        rig.hand.runUntil(() -> job.progress().doneBlocks() > 0);
        rig.hand.on(0, job::pause);
        rig.hand.runUntil(() -> job.state() == RebuildState.PAUSED);
        long done = job.progress().doneBlocks();
        assertEquals(rig.pools.large().count(), rig.pools.large().freeCount(), "a paused job holds no buffer");
        long startNs = rig.hand.nowNs();
        rig.hand.runUntil(() -> rig.hand.nowNs() - startNs > 50_000_000_000L, 1_000_000);
        assertEquals(done, job.progress().doneBlocks());
        rig.hand.on(0, job::resume);
        rig.await(job);
        assertTrue(job.progress().elapsedNs() < 2_000_000_000L, () -> job.progress().elapsedNs() + " ns");
    }

    /** With every buffer in the hosts' hands the job locks nothing; one is enough to go on. */
    @Test
    void nothingIsLockedBeforeThereIsABuffer() {
        RebuildRig rig = rig();
        List<DmaBuffer> taken = takeAll(rig);
        RebuildJob job = start(rig, rig.spec(RebuildKind.FULL, all(), RebuildSettings.DEFAULTS));
        rig.hand.tickAll(2000);
        rig.hand.advance(100_000_000);
        for (int i = 0; i < 50; i++) {
            rig.randomWrite();
        }
        rig.drain();
        assertTrue(rig.written > 5, "hosts are not held up");
        assertEquals(0, job.progress().doneBlocks());
        rig.hand.on(0, () -> taken.removeLast().close());
        rig.hand.on(0, () -> taken.removeLast().close());
        rig.hand.on(0, () -> taken.removeLast().close());
        rig.await(job);
        rig.checkLegs();
        rig.hand.on(0, () -> taken.forEach(DmaBuffer::close));
        rig.checkNothingHeld();
    }

    private static List<DmaBuffer> takeAll(RebuildRig rig) {
        List<DmaBuffer> taken = new ArrayList<>();
        rig.hand.on(0, () -> {
            BufferPool.Cache cache = BdevContext.of(rig.hand.reactor(0)).large();
            DmaBuffer buffer = cache.tryAcquire();
            while (buffer != null) {
                taken.add(buffer);
                buffer = cache.tryAcquire();
            }
        });
        return taken;
    }

    /** Half of the pool stays free; when hosts need more, the job gives back all but one piece's. */
    @Test
    void hostsGetTheBuffersThatTheyNeed() {
        RebuildRig rig = rig();
        rig.disks.forEach(disk -> disk.maxDelayNs = 5_000_000);
        RebuildJob job = start(rig, rig.spec(RebuildKind.FULL, all(),
                RebuildSettings.DEFAULTS.withSegments(64, 1 << 20)));
        rig.hand.runUntil(() -> rig.pools.large().freeCount() <= RebuildRig.LARGE_COUNT / 2);
        assertTrue(rig.pools.large().freeCount() >= RebuildRig.LARGE_COUNT / 2 - 1);
        int[] most = new int[1];
        List<DmaBuffer> taken = new ArrayList<>();
        rig.loadUntilEnd(0, () -> {
            if (!job.state().isEnd() && job.progress().doneBlocks() < RebuildRig.BLOCKS * 3 / 4) {
                taken.addAll(takeAll(rig));
            }
            most[0] = Math.max(most[0], taken.size());
        });
        assertTrue(most[0] >= RebuildRig.LARGE_COUNT - 2, "hosts got " + most[0]);
        rig.hand.on(0, () -> taken.forEach(DmaBuffer::close));
        rig.checkLegs();
        rig.checkNothingHeld();
    }

    @Test
    void segmentsAreInFlightTogether() {
        long one = elapsedNs(1);
        long many = elapsedNs(8);
        assertTrue(many * 4 < one, one + " ns with one piece, " + many + " ns with eight");
    }

    private static long elapsedNs(int segments) {
        RebuildRig rig = rig();
        rig.disks.forEach(disk -> disk.maxDelayNs = 5_000_000);
        RebuildJob job = start(rig, rig.spec(RebuildKind.FULL, all(), RebuildSettings.DEFAULTS.withSegments(segments,
                1 << 20)));
        rig.await(job);
        return job.progress().elapsedNs();
    }
}
