package io.mizzen.rebuild;

import io.mizzen.testsupport.Seeds;
import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;

/**
 * Cuts a job short, seed by seed, while its source answers late: from then on nothing of it may reach a leg that hosts
 * read. Says what is wrong, or null.
 */
public final class RebuildCutRun implements LongFunction<String> {
    private static final long SLOW_NS = 10_000_000_000L;
    private static final int SEGMENT_BLOCKS = 256;

    private int inTheMiddle;

    /** Cuts so far that left something to copy. */
    int inTheMiddle() {
        return inTheMiddle;
    }

    @Override
    public String apply(long seed) {
        return Seeds.finding(() -> cut(seed));
    }

    private void cut(long seed) {
        RebuildRig rig = new RebuildRig(seed, 3, seed % 3 == 0, false);
        rig.fillRandomly(rig.disks.get(0));
        SegmentMap lacks = new SegmentMap(RebuildRig.BLOCKS, SEGMENT_BLOCKS);
        lacks.markAll();
        RebuildJob job = rig.start(rig.spec(seed % 2 == 0 ? RebuildKind.RESYNC : RebuildKind.FULL, lacks,
                RebuildSettings.DEFAULTS));
        int turns = rig.random.nextInt(150);
        for (int i = 0; i < turns && !rig.ended; i++) {
            if (rig.hand.tickAny() == 0) {
                rig.hand.advance(20_000);
            }
        }
        if (rig.ended) {
            return;
        }
        rig.disks.get(0).maxDelayNs = SLOW_NS;
        RigDisk target = rig.disks.get(1);
        AtomicLong writesAtCut = new AtomicLong(-1);
        long cutAtNs = rig.hand.nowNs();
        rig.hand.on(0, () -> job.cut(() -> writesAtCut.set(target.writes)));
        rig.hand.runUntil(() -> writesAtCut.get() >= 0, 2_000_000);
        RebuildRig.require(rig.hand.nowNs() - cutAtNs < SLOW_NS / 100, "a cut does not wait for the source");
        if (!rig.ended) {
            rig.await(job);
        }
        RebuildRig.require(writesAtCut.get() == target.writes, "a leg is written from a source that was retired");
        RebuildRig.require(job.state() == RebuildState.STOPPED, "it is stopped");
        checkLacking(rig, lacks);
        rig.checkNothingHeld();
    }

    private void checkLacking(RebuildRig rig, SegmentMap lacks) {
        BitSet lacking = new BitSet();
        RebuildPlan.Segment segment = new RebuildPlan.Segment();
        lacks.begin();
        while (lacks.next(segment, SEGMENT_BLOCKS)) {
            lacking.set((int) segment.offsetBlocks, (int) (segment.offsetBlocks + segment.blockCount));
        }
        for (int block = 0; block < RebuildRig.BLOCKS; block++) {
            boolean equal = Arrays.equals(rig.disks.get(0).data, at(block), at(block + 1), rig.disks.get(1).data,
                    at(block), at(block + 1));
            RebuildRig.require(equal || lacking.get(block), "what is not copied is still lacking");
        }
        inTheMiddle += lacking.isEmpty() ? 0 : 1;
    }

    private static int at(long block) {
        return (int) (RebuildRig.DATA_OFFSET + block) * RigDisk.BLOCK;
    }
}
