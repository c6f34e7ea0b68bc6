package io.mizzen.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.control.ReturnPolicy.Answer;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A device that comes and goes costs a bounded number of rebuilds. */
class ReturnPolicyTest {
    private static final long SECOND = 1_000_000_000L;
    private static final String CHILD = "child";

    private final ReturnPolicy policy = new ReturnPolicy();

    /** Attempts within so many seconds, if it is out all the time. */
    private int attempts(boolean urgent, long fromSecond, long toSecond) {
        int attempts = 0;
        for (long second = fromSecond; second < toSecond; second++) {
            if (policy.ask(CHILD, urgent, second * SECOND) == Answer.TRY) {
                policy.onAttempt(CHILD, second * SECOND);
                attempts++;
            }
        }
        return attempts;
    }

    @Test
    void theFirstReturnIsAtOnceAndEachFurtherOneWaitsTwiceAsLong() {
        long last = -1;
        long gap = 0;
        for (long second = 0; second < 1000; second++) {
            if (policy.ask(CHILD, false, second * SECOND) == Answer.TRY) {
                policy.onAttempt(CHILD, second * SECOND);
                if (last < 0) {
                    assertThat(second).isZero();
                } else {
                    assertThat(second - last).isEqualTo(gap == 0 ? 10 : 2 * gap);
                    gap = second - last;
                }
                last = second;
            }
        }
        assertThat(gap).isEqualTo(80);
    }

    @Test
    void whatComesAndGoesIsLeftToPeopleForTheRestOfTheHour() {
        assertThat(attempts(false, 0, 200)).isEqualTo(ReturnPolicy.ATTEMPTS_MAX);
        assertThat(policy.ask(CHILD, false, 200 * SECOND)).as("told already").isEqualTo(Answer.WAIT);
        assertThat(attempts(false, 200, 3600)).isZero();
        assertThat(attempts(false, 3600, 3602)).as("the first one is an hour ago").isEqualTo(1);
        assertThat(attempts(false, 0, 0)).isZero();
    }

    @Test
    void thatItIsLeftToPeopleIsToldOnce() {
        int told = 0;
        for (long second = 0; second < 3000; second++) {
            Answer answer = policy.ask(CHILD, false, second * SECOND);
            if (answer == Answer.TRY) {
                policy.onAttempt(CHILD, second * SECOND);
            }
            told += answer == Answer.GIVE_UP ? 1 : 0;
        }
        assertThat(told).isEqualTo(1);
    }

    @Test
    void hostsThatWaitAreWorthAnAttemptForEver() {
        assertThat(attempts(true, 0, 41)).isEqualTo(5);
        assertThat(attempts(true, 41, 3641)).isBetween(50, 60);
    }

    /** Whether it was away counts for one absence, how often it was tried for an hour. */
    @Test
    void beingBackForgetsTheAbsenceAndNotTheAttempts() {
        policy.onGone(CHILD);
        policy.onAttempt(CHILD, 0);
        assertThat(policy.wasGone(CHILD)).isTrue();
        policy.retain(Set.of(CHILD), SECOND);
        assertThat(policy.wasGone(CHILD)).isTrue();
        policy.retain(Set.of(), 2 * SECOND);
        assertThat(policy.wasGone(CHILD)).isFalse();
        assertThat(policy.ask(CHILD, false, 3 * SECOND)).isEqualTo(Answer.WAIT);
        policy.retain(Set.of(), ReturnPolicy.WINDOW_NS + 2 * SECOND);
        assertThat(policy.ask(CHILD, false, ReturnPolicy.WINDOW_NS + 2 * SECOND)).isEqualTo(Answer.TRY);
    }
}
