package io.mizzen.control;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * When something that is out may be brought back without anybody asking for it. The first time at once; one that goes again
 * waits twice as long each time, and after {@link #ATTEMPTS_MAX} attempts within {@link #WINDOW_NS} it is left to people
 * until the oldest of them is that long ago: a device that comes and goes costs a few rebuilds an hour and no more. One
 * thread; the time is passed in.
 */
final class ReturnPolicy {
    static final int ATTEMPTS_MAX = 5;
    static final long WINDOW_NS = 3_600_000_000_000L;
    static final long DELAY_NS = 5_000_000_000L;
    /** Hosts wait for the last healthy child: it is tried for ever, that often at first and this often later. */
    static final long DELAY_URGENT_NS = 10_000_000_000L;
    static final long DELAY_URGENT_MAX_NS = 60_000_000_000L;

    /** What may be done now. */
    enum Answer {
        WAIT, TRY,
        /** Nothing, for so long that somebody ought to be told; said once. */
        GIVE_UP
    }

    private static final class Absence {
        private final Deque<Long> attempts = new ArrayDeque<>();
        private boolean gone;
        private boolean told;
    }

    private final Map<String, Absence> absences = new HashMap<>();

    private Absence of(String key) {
        return absences.computeIfAbsent(key, unknown -> new Absence());
    }

    /** Its device was seen not to be there. */
    void onGone(String key) {
        of(key).gone = true;
    }

    /** Whether its device was away since it went out. */
    boolean wasGone(String key) {
        Absence absence = absences.get(key);
        return absence != null && absence.gone;
    }

    /** @param urgent whether hosts wait for it */
    Answer ask(String key, boolean urgent, long nowNs) {
        Absence absence = of(key);
        forget(absence, nowNs);
        int attempts = absence.attempts.size();
        if (attempts == 0) {
            return Answer.TRY;
        }
        if (attempts >= ATTEMPTS_MAX && !urgent) {
            boolean news = !absence.told;
            absence.told = true;
            return news ? Answer.GIVE_UP : Answer.WAIT;
        }
        long delayNs = urgent ? attempts < ATTEMPTS_MAX ? DELAY_URGENT_NS : DELAY_URGENT_MAX_NS : DELAY_NS << attempts;
        return nowNs - absence.attempts.getLast() >= delayNs ? Answer.TRY : Answer.WAIT;
    }

    /** It is tried now; how often that was within the window. */
    int onAttempt(String key, long nowNs) {
        Absence absence = of(key);
        if (absence.attempts.size() > ATTEMPTS_MAX) {
            absence.attempts.removeFirst();
        }
        absence.attempts.addLast(nowNs);
        return absence.attempts.size();
    }

    /** These are out now; the others are back, or no more. What was tried counts on. */
    void retain(Set<String> out, long nowNs) {
        absences.entrySet().removeIf(entry -> {
            Absence absence = entry.getValue();
            if (out.contains(entry.getKey())) {
                return false;
            }
            absence.gone = false;
            forget(absence, nowNs);
            return absence.attempts.isEmpty();
        });
    }

    private static void forget(Absence absence, long nowNs) {
        while (!absence.attempts.isEmpty() && nowNs - absence.attempts.getFirst() > WINDOW_NS) {
            absence.attempts.removeFirst();
            absence.told = false;
        }
    }
}
