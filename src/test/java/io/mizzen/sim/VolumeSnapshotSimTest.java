package io.mizzen.sim;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.testsupport.Seeds;
import org.junit.jupiter.api.Test;

/** Snapshots of a mirror under load: {@code -Dsim.snapshots=N} tries N seeds, from {@code -Dsim.first}. */
class VolumeSnapshotSimTest {
    private static final long FIRST = Long.getLong("sim.first", 1);
    private static final int SEEDS = Integer.getInteger("sim.snapshots", 150);

    @Test
    void allLegsHoldTheSameMomentOrNoneIsLeft() {
        SimMemory memory = new SimMemory();
        VolumeSnapshotRun.Result result = new VolumeSnapshotRun.Result();
        Seeds.each(FIRST, SEEDS, seed -> new VolumeSnapshotRun(seed, memory, result).run());
        assertTrue(result.taken > SEEDS, result.taken + " taken");
        assertTrue(result.refused > SEEDS / 10, result.refused + " refused");
        assertTrue(result.cutShort > SEEDS / 10, result.cutShort + " cut short");
        assertTrue(result.sealedByOne > SEEDS / 50, result.sealedByOne + " cut short when one half was sealed");
        assertTrue(result.different > 0, result.different + " of " + result.unsealed + " pairs differ that were left of requests that failed");
        assertTrue(result.readsWhileHeld > SEEDS, result.readsWhileHeld + " reads while writes were held back");
    }
}
