package io.mizzen.rebuild;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** A job that is cut short, because its source is out: nothing of it reaches a leg that hosts read from now on. */
class RebuildCutTest {
    private static final int SEEDS = 60;
    private static final long SLOW_NS = 10_000_000_000L;

    @Test
    void noDestinationIsWrittenAfterACutThoughTheSourceAnswersLate() {
        int inTheMiddle = 0;
        for (long seed = 1; seed <= SEEDS; seed++) {
            inTheMiddle += cut(seed) ? 1 : 0;
        }
        assertTrue(inTheMiddle > SEEDS / 4, inTheMiddle + " cuts met a job at work");
    }

    /** Whether something was left to copy. */
    private static boolean cut(long seed) {
        RebuildRig rig = new RebuildRig(seed, 3, seed % 3 == 0, false);
        rig.fillRandomly(rig.disks.get(0));
        SegmentMap lacks = new SegmentMap(RebuildRig.BLOCKS, 256);
        lacks.markAll();
        RebuildJob job = rig.start(rig.spec(seed % 2 == 0 ? RebuildKind.RESYNC : RebuildKind.FULL, lacks,
                RebuildSettings.DEFAULTS));
        long turns = rig.random.nextInt(150);
        for (int i = 0; i < turns && !rig.ended; i++) {
            if (rig.hand.tickAny() == 0) {
                rig.hand.advance(20_000);
            }
        }
        if (rig.ended) {
            return false;
        }
        rig.disks.get(0).maxDelayNs = SLOW_NS;
        RigDisk target = rig.disks.get(1);
        AtomicLong writesAtCut = new AtomicLong(-1);
        long cutAtNs = rig.hand.nowNs();
        rig.hand.on(0, () -> job.cut(() -> writesAtCut.set(target.writes)));
        rig.hand.runUntil(() -> writesAtCut.get() >= 0, 2_000_000);
        assertTrue(rig.hand.nowNs() - cutAtNs < SLOW_NS / 100, "it does not wait for the source");
        if (!rig.ended) {
            rig.await(job);
        }
        assertEquals(writesAtCut.get(), target.writes, () -> "seed " + seed);
        assertEquals(RebuildState.STOPPED, job.state());
        BitSet lacking = new BitSet();
        RebuildPlan.Segment segment = new RebuildPlan.Segment();
        lacks.begin();
        while (lacks.next(segment, 256)) {
            lacking.set((int) segment.offsetBlocks, (int) (segment.offsetBlocks + segment.blockCount));
        }
        for (int block = 0; block < RebuildRig.BLOCKS; block++) {
            boolean equal = Arrays.equals(rig.disks.get(0).data, at(block), at(block + 1), target.data, at(block),
                    at(block + 1));
            assertTrue(equal || lacking.get(block), "what is not copied is still lacking");
        }
        rig.checkNothingHeld();
        return !lacking.isEmpty();
    }

    private static int at(long block) {
        return (int) (RebuildRig.DATA_OFFSET + block) * RigDisk.BLOCK;
    }
}
