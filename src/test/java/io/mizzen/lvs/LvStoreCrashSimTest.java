package io.mizzen.lvs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.testsupport.Seeds;
import org.junit.jupiter.api.Test;

/**
 * Pools whose disk loses power at any moment, also while they start again, with writes torn, reordered and lost as a disk
 * may between flushes. {@code -Dpool.seeds=N} tries N seeds; {@code ./mizzen sim --pools --seed S --trace} replays one.
 */
class LvStoreCrashSimTest {
    private static final int SEEDS = Integer.getInteger("pool.seeds", 10_000);
    private static final int SEEDS_EVERYWHERE = Integer.getInteger("pool.seeds.everywhere", 40);

    private final CrashRun runs = new CrashRun();

    private CrashStory.Result run(long seed, boolean everywhere) {
        return Seeds.run(seed, "./mizzen sim --pools " + (everywhere ? "--everywhere " : "") + "--seed " + seed + " --trace",
                () -> runs.run(seed, everywhere));
    }

    @Test
    void whatWasAcknowledgedIsThereAfterEveryPowerCut() {
        long acknowledged = 0;
        long cuts = 0;
        long cutsWhileStarting = 0;
        for (long seed = 1; seed <= SEEDS; seed++) {
            CrashStory.Result result = run(seed, false);
            acknowledged += result.acknowledged();
            cuts += result.cuts();
            cutsWhileStarting += result.cutsWhileStarting();
        }
        assertTrue(acknowledged > 20L * SEEDS, "only " + acknowledged + " changes and I/Os were acknowledged");
        assertTrue(cuts > 5L * SEEDS, "only " + cuts + " power cuts");
        assertTrue(cutsWhileStarting > SEEDS / 2, "only " + cutsWhileStarting + " power cuts at a start");
    }

    @Test
    void theSameHoldsAtEveryMomentOfTheDisk() {
        long cuts = 0;
        for (long seed = 1; seed <= SEEDS_EVERYWHERE; seed++) {
            cuts += run(seed, true).cuts();
        }
        assertTrue(cuts > 100L * SEEDS_EVERYWHERE, "only " + cuts + " power cuts");
    }

    @Test
    void aSeedIsTheSameStoryEveryTime() {
        for (long seed = 1; seed <= 4; seed++) {
            assertEquals(run(seed, false), new CrashRun().run(seed, false), "seed " + seed);
        }
    }
}
