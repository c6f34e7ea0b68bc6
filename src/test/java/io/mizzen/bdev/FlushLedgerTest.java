package io.mizzen.bdev;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.HandReactors;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Who waits for the flushes under way waits for those that began before, and for no others. */
class FlushLedgerTest {
    private final HandReactors hand = new HandReactors(1, 3);
    private final FlushLedger ledger = new FlushLedger(false);
    private final List<String> ended = new ArrayList<>();

    private void await(String name) {
        hand.on(0, () -> ledger.await(hand.reactor(0).mthread(), () -> ended.add(name + " " + ledger.failures())));
    }

    private void pass() {
        for (int i = 0; i < 20; i++) {
            hand.advance(100_000);
            hand.tickAny();
        }
    }

    @Test
    void nothingUnderWayIsNotWaitedFor() {
        await("a");
        assertThat(ended).containsExactly("a 0");
    }

    @Test
    void onlyThoseThatBeganBeforeAreWaitedFor() {
        int before = ledger.begin();
        await("a");
        pass();
        assertThat(ended).isEmpty();
        int behind = ledger.begin();
        await("b");
        ledger.end(before, true);
        pass();
        assertThat(ended).containsExactly("a 1");
        int last = ledger.begin();
        ledger.end(behind, false);
        pass();
        assertThat(ended).containsExactly("a 1", "b 1");
        ledger.end(last, false);
    }

    @Test
    void whoHadLookedBeforeAWaitIsWaitedForByTheNext() {
        int straggler = ledger.begin();     // As if it had looked, and counts only now.
        await("a");
        pass();
        ledger.end(straggler, false);
        pass();
        int old = ledger.begin();
        await("b");
        pass();
        assertThat(ended).containsExactly("a 0");
        ledger.end(old, true);
        pass();
        assertThat(ended).containsExactly("a 0", "b 1");
    }

    @Test
    void flushesThatNeverPauseHoldNobodyUp() {
        int on = ledger.begin();
        await("a");
        for (int i = 0; i < 50 && ended.isEmpty(); i++) {
            int next = ledger.begin();
            ledger.end(on, false);
            on = next;
            pass();
        }
        assertThat(ended).containsExactly("a 0");
        ledger.end(on, false);
    }

    /** Several on cores of their own look at the same sides, each in its own time. */
    @Test
    void whoeverWaitsSeesTheEndThoughOthersTurnTheSides() {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            FlushLedger some = new FlushLedger(false);
            List<Integer> underWay = new ArrayList<>();     // The sides on which they began, the oldest first.
            List<long[]> waiting = new ArrayList<>();       // Marks, and how many have to end yet.
            int left = 0;
            for (int step = 0; step < 400; step++) {
                switch (random.nextInt(4)) {
                    case 0 -> underWay.add(some.begin());
                    case 1 -> {
                        if (underWay.size() > 1) {          // So there is always one.
                            some.end(underWay.removeFirst(), false);
                            waiting.forEach(wait -> wait[2]--);
                        }
                    }
                    case 2 -> waiting.add(new long[] {some.mark(0), some.mark(1), underWay.size()});
                    default -> {
                        for (int i = waiting.size() - 1; i >= 0; i--) {
                            long[] wait = waiting.get(i);
                            boolean ended = some.haveEnded(wait[0], wait[1]);
                            assertThat(ended && wait[2] > 0).as("seed %d, step %d", seed, step).isFalse();
                            if (ended) {
                                waiting.remove(i);
                                left++;
                            }
                        }
                    }
                }
            }
            assertThat(left).isPositive();
            for (int rounds = 0; !waiting.isEmpty(); rounds++) {
                assertThat(rounds).as("seed %d", seed).isLessThan(1_000);
                underWay.add(some.begin());
                some.end(underWay.removeFirst(), false);
                waiting.removeIf(wait -> some.haveEnded(wait[0], wait[1]));
            }
        }
    }
}
