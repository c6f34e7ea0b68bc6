package io.mizzen.nexus;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A region that is marked while the home mthread takes it for equal is suspect from then on, to every reader. */
class DirtyMapStressTest {
    private static final int ROUNDS = 200_000;
    private static final int LOOKS = 50;
    private static final int SPINS_MAX = 1_000;
    private static final int REGION = 3;
    private static final int OVER = -1;

    private final DirtyMap map = new DirtyMap(new DirtyGeometry(1L << 30, 512, 20));
    private volatile int copied;
    private volatile int marked;

    @Test
    void aMarkThatMeetsTheEndOfACopyIsSeenFromThenOn() {
        CompletableFuture<Integer> marker = CompletableFuture.supplyAsync(this::mark);
        try {
            for (int round = 1; round <= ROUNDS; round++) {
                map.markSuspect(REGION, REGION);
                map.beginCopy(REGION);
                copied = round;
                for (int wait = round & 63; wait > 0; wait--) {
                    Thread.onSpinWait();        // So that they meet sooner or later, whoever is faster.
                }
                map.clearSuspect(REGION);
                for (int spins = 0; marked != round; spins++) {
                    pause(spins);
                }
                assertThat(map.suspectCount()).isOne();
            }
        } finally {
            copied = OVER;
        }
        assertThat(marker.join()).as("looks that missed a mark").isZero();
    }

    private int mark() {
        int missed = 0;
        for (int round = 1; round <= ROUNDS; round++) {
            for (int spins = 0; copied != round && copied != OVER; spins++) {
                pause(spins);
            }
            map.markSuspect(REGION, REGION);
            for (int look = 0; look < LOOKS; look++) {
                missed += map.isSuspect(REGION, REGION) ? 0 : 1;
            }
            marked = round;
        }
        return missed;
    }

    private static void pause(int spins) {
        if (spins < SPINS_MAX) {
            Thread.onSpinWait();
        } else {
            Thread.yield();
        }
    }
}
