package io.mizzen.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.testsupport.Seeds;
import org.junit.jupiter.api.Test;

/**
 * The whole engine under faults, power cuts and operators, seed by seed. {@code -Dsim.seeds=N} tries N seeds, from
 * {@code -Dsim.first}; {@code ./mizzen sim} does so without Maven and replays one.
 */
class SystemSimTest {
    private static final long FIRST = Long.getLong("sim.first", 1);
    private static final int SEEDS = Integer.getInteger("sim.seeds", 60);

    @Test
    void nothingAcknowledgedIsLostWhateverFails() {
        SimMemory memory = new SimMemory();
        long acknowledged = 0;
        long reads = 0;
        int powerCuts = 0;
        int reconnects = 0;
        for (long seed = FIRST; seed < FIRST + SEEDS; seed++) {
            Scenario.Result result = run(seed, memory);
            acknowledged += result.acknowledged();
            reads += result.reads();
            powerCuts += result.powerCuts();
            reconnects += result.reconnects();
        }
        assertTrue(acknowledged > 100L * SEEDS, "only " + acknowledged + " commands were acknowledged");
        assertTrue(reads > 30L * SEEDS, "only " + reads + " reads were checked");
        assertTrue(SEEDS < 10 || powerCuts > SEEDS / 4, "only " + powerCuts + " power cuts");
        assertTrue(SEEDS < 10 || reconnects > SEEDS, "only " + reconnects + " connections were lost");
    }

    static Scenario.Result run(long seed, SimMemory memory) {
        return Seeds.run(seed, "./mizzen sim --seed " + seed + " --trace", () -> new Scenario(seed, memory, new Trace(false)).run());
    }

    @Test
    void aSeedIsTheSameStoryEveryTime() {
        SimMemory memory = new SimMemory();
        for (long seed = 1; seed <= 4; seed++) {
            assertEquals(run(seed, memory), run(seed, new SimMemory()), "seed " + seed);
        }
        assertNotEquals(run(1, memory).traceHash(), run(2, memory).traceHash());
    }
}
