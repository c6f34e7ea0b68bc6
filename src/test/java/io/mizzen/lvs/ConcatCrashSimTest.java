package io.mizzen.lvs;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Pools of several disks whose power fails while they get more. {@code -Dconcat.seeds=N} tries N seeds. */
class ConcatCrashSimTest {
    private static final int SEEDS = Integer.getInteger("concat.seeds", 300);

    @Test
    void disksThatWereAddedAreThereAfterEveryPowerCutAndNothingIsLost() {
        ConcatCrashRun runs = new ConcatCrashRun();
        long additions = 0;
        for (long seed = 1; seed <= SEEDS; seed++) {
            String found = runs.apply(seed);
            additions += runs.additions();
            assertNull(found, "seed " + seed);
        }
        assertTrue(additions > SEEDS, "the pools grew only " + additions + " times");
    }
}
