package io.mizzen.reactor;

import java.util.List;

/**
 * Finds reactors that make no turn although they do not sleep. Somebody outside the reactors calls {@link #check} about
 * once a second; a reactor frozen longer than the limit is reported once, with its last events and its stack, and again
 * when it moves.
 */
public final class StallDetector {
    /** Who is told. */
    public interface Listener {
        /**
         * @param frozenNs how long no turn ended
         * @param events its last events
         * @param stack where its thread is
         */
        void onStall(Reactor reactor, long frozenNs, List<String> events, StackTraceElement[] stack);

        /** It moves again. */
        void onRecovered(Reactor reactor, long frozenNs);
    }

    private static final int EVENT_COUNT = 32;

    private final List<Reactor> reactors;
    private final long limitNs;
    private final Listener listener;
    private final long[] lastTurns;
    private final long[] lastMoveNs;
    private final boolean[] stalled;

    public StallDetector(List<Reactor> reactors, long limitNs, long nowNs, Listener listener) {
        this.reactors = reactors;
        this.limitNs = limitNs;
        this.listener = listener;
        this.lastTurns = new long[reactors.size()];
        this.lastMoveNs = new long[reactors.size()];
        this.stalled = new boolean[reactors.size()];
        java.util.Arrays.fill(lastMoveNs, nowNs);
    }

    /** Looks at every reactor; returns how many are frozen now. One thread. */
    public int check(long nowNs) {
        int frozen = 0;
        for (int i = 0; i < lastTurns.length; i++) {
            Reactor reactor = reactors.get(i);
            long turns = reactor.stats().turns();
            if (turns != lastTurns[i] || reactor.state() != ReactorState.RUNNING) {
                if (stalled[i]) {
                    stalled[i] = false;
                    listener.onRecovered(reactor, nowNs - lastMoveNs[i]);
                }
                lastTurns[i] = turns;
                lastMoveNs[i] = nowNs;
            } else if (nowNs - lastMoveNs[i] >= limitNs) {
                frozen++;
                if (!stalled[i]) {
                    stalled[i] = true;
                    reactor.stats().stalls++;
                    Thread thread = reactor.thread();
                    listener.onStall(reactor, nowNs - lastMoveNs[i], reactor.events().dump(nowNs, EVENT_COUNT),
                            thread == null ? new StackTraceElement[0] : thread.getStackTrace());
                }
            }
        }
        return frozen;
    }
}
