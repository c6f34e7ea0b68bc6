package io.mizzen.rebuild;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.IoStats;
import io.mizzen.bdev.IoType;
import org.junit.jupiter.api.Test;

/** Back-off against hosts whose latency depends on what the job copies. */
class BackOffTest {
    private static final long MIB = 1 << 20;
    private final IoStats stats = new IoStats();

    /** One period of hosts; the disk does 400 MiB/s, hosts wait in proportion to what is left. */
    private void hosts(long operations, long copiedPerSecond, long baseNs) {
        double busy = Math.min(0.99, copiedPerSecond / (400.0 * MIB));
        for (long i = 0; i < operations; i++) {
            stats.record((int) (i & 1), 4096, (long) (baseNs / (1 - busy)) * (i % 100 == 0 ? 4 : 1), false);
        }
    }

    private long run(BackOff backOff, int periods, long operations, long baseNs) {
        long worst = 0;
        for (int i = 0; i < periods; i++) {
            long copied = backOff.isQuiet() ? 0 : backOff.rate() == 0 ? 390 * MIB : Math.min(390 * MIB, backOff.rate());
            hosts(operations, copied, baseNs);
            backOff.onPeriod(copied);
            worst = Math.max(worst, copied);
        }
        return worst;
    }

    @Test
    void hostsThatDoNothingDoNotSlowItDown() {
        BackOff backOff = new BackOff(() -> stats, RebuildSettings.DEFAULTS);
        run(backOff, 50, 2, 100_000);
        assertEquals(BackOff.Phase.IDLE, backOff.phase());
        assertEquals(RebuildSettings.UNLIMITED, backOff.rate());
    }

    @Test
    void itSettlesWhereHostsAreNotDisturbed() {
        BackOff backOff = new BackOff(() -> stats, RebuildSettings.DEFAULTS);
        run(backOff, 60, 1000, 100_000);
        long worst = run(backOff, 300, 1000, 100_000);
        assertTrue(worst <= 260 * MIB, "at " + worst / MIB + " MiB/s hosts wait more than twice as long");
        assertTrue(worst >= 80 * MIB, "only " + worst / MIB + " MiB/s");
    }

    @Test
    void itNeverFallsBelowTheFloor() {
        RebuildSettings settings = new RebuildSettings(0, 300 * MIB, true, 1.1, 8, 1 << 20, 1);
        BackOff backOff = new BackOff(() -> stats, settings);
        run(backOff, 5, 1000, 100_000);
        for (int i = 0; i < 100; i++) {
            run(backOff, 1, 1000, 100_000);
            assertTrue(backOff.rate() >= 300 * MIB);
        }
    }

    @Test
    void theLimitIsNeverExceededAndASmallOneIsItsOwnFloor() {
        BackOff backOff = new BackOff(() -> stats, RebuildSettings.DEFAULTS.withRate(MIB));
        for (int i = 0; i < 300; i++) {
            run(backOff, 1, i % 20 < 10 ? 1000 : 0, 100_000);
            assertTrue(backOff.rate() <= MIB && backOff.rate() > 0);
        }
        backOff.setLimit(50 * MIB, MIB);
        run(backOff, 200, 1000, 100_000);
        assertTrue(backOff.rate() > 20 * MIB && backOff.rate() <= 50 * MIB, () -> backOff.rate() + " after the change");
    }

    @Test
    void whenHostsGoItGoesAtFullSpeedAgain() {
        BackOff backOff = new BackOff(() -> stats, RebuildSettings.DEFAULTS);
        run(backOff, 30, 1000, 100_000);
        assertTrue(backOff.rate() != RebuildSettings.UNLIMITED);
        run(backOff, 3, 0, 100_000);
        assertEquals(RebuildSettings.UNLIMITED, backOff.rate());
    }

    /** Slower hosts (larger I/O) are not taken for disturbed ones for long. */
    @Test
    void itListensAgainWhenTheLoadChanges() {
        BackOff backOff = new BackOff(() -> stats, RebuildSettings.DEFAULTS);
        run(backOff, 60, 1000, 100_000);
        run(backOff, 110, 1000, 900_000);
        assertTrue(run(backOff, 60, 1000, 900_000) > 60 * MIB);
    }

    @Test
    void quietPeriodsEnd() {
        BackOff backOff = new BackOff(() -> stats, RebuildSettings.DEFAULTS);
        int quiet = 0;
        for (int i = 0; i < 1000; i++) {
            run(backOff, 1, 1000, 100_000);
            quiet += backOff.isQuiet() ? 1 : 0;
        }
        assertTrue(quiet > 4 && quiet < 200, quiet + " of 1000 periods are quiet");
    }

    @Test
    void writesCountAsWellAsReads() {
        BackOff backOff = new BackOff(() -> stats, RebuildSettings.DEFAULTS);
        for (int i = 0; i < 100; i++) {
            stats.record(IoType.WRITE, 4096, 1000, false);
        }
        backOff.onPeriod(0);
        assertTrue(backOff.isQuiet());
    }
}
