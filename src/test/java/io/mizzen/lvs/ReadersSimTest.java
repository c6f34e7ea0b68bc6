package io.mizzen.lvs;

import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

/** Reads go on while a volume leaves its snapshot, which is deleted, and another volume gets the clusters. {@code -Dreaders.seeds=N} tries N seeds. */
class ReadersSimTest {
    private static final int SEEDS = Integer.getInteger("readers.seeds", 500);

    @Test
    void whatIsReadIsTheVolumesOwnHoweverLateTheReadEnds() {
        ReadersRun runs = new ReadersRun();
        for (long seed = 1; seed <= SEEDS; seed++) {
            assertNull(runs.apply(seed), "seed " + seed);
        }
    }
}
