package io.mizzen.rebuild;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** A job that is cut short, because its source is out. */
class RebuildCutTest {
    private static final int SEEDS = 60;

    @Test
    void noDestinationIsWrittenAfterACutThoughTheSourceAnswersLate() {
        RebuildCutRun run = new RebuildCutRun();
        for (long seed = 1; seed <= SEEDS; seed++) {
            long at = seed;
            assertNull(run.apply(seed), () -> "seed " + at);
        }
        assertTrue(run.inTheMiddle() > SEEDS / 4, run.inTheMiddle() + " cuts met a job at work");
    }
}
