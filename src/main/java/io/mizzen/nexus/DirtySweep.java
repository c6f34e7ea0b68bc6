package io.mizzen.nexus;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.FlushLedger;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.reactor.Timer;
import java.util.Arrays;

/**
 * Finds dirty regions that have been idle and has their bits cleared. A region goes when nothing was written to it for a
 * whole period: its durable bit is taken away first, so that new writes wait; then every channel is asked once more, so
 * that a write that slipped in is seen; then the children are flushed, so that what the legs hold is durable; then other
 * flushes that overlap that one are awaited, since a device tells only one of them what it has lost ({@link FlushLedger});
 * only then is the bit cleared on the children. Home mthread.
 *
 * <pre>
 * IDLE → LOOKING (all channels) → CONFIRMING (all channels) → FLUSHING (all healthy children) → AWAITING (flushes of others)
 *            └→ IDLE (nothing idle)   └→ IDLE (none left, or     └→ IDLE (a flush failed:          ├→ IDLE (as well)
 *                                          a healthy child is away)       bits stay)                └→ CLEARING (pages) → IDLE
 * </pre>
 */
final class DirtySweep {
    private enum State {
        IDLE, LOOKING, CONFIRMING, FLUSHING, AWAITING, CLEARING
    }

    private final Nexus nexus;
    private final DirtyMap map;
    private final DirtyKeeper keeper;
    private final long periodNs;
    private final long[] busy;
    private final long[] candidates;
    private State state = State.IDLE;
    private boolean stopped;
    private Runnable whenIdle;
    private boolean looked;
    private final Timer timer = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            look();
        }
    };

    DirtySweep(Nexus nexus, DirtyMap map, DirtyKeeper keeper, long periodNs) {
        this.nexus = nexus;
        this.map = map;
        this.keeper = keeper;
        this.periodNs = periodNs;
        this.busy = new long[map.geometry().wordCount()];
        this.candidates = new long[busy.length];
    }

    private void setState(State next) {
        assert switch (state) {
            case IDLE -> next == State.LOOKING;
            case LOOKING -> next == State.CONFIRMING || next == State.IDLE;
            case CONFIRMING -> next == State.FLUSHING || next == State.IDLE;
            case FLUSHING -> next == State.AWAITING || next == State.IDLE;
            case AWAITING -> next == State.CLEARING || next == State.IDLE;
            case CLEARING -> next == State.IDLE;
        };
        state = next;
        if (next == State.IDLE) {
            if (whenIdle != null) {
                Runnable now = whenIdle;
                whenIdle = null;
                now.run();
            } else if (!stopped) {
                nexus.home().reactor().arm(timer, periodNs);
            }
        }
    }

    void start() {
        nexus.home().reactor().arm(timer, periodNs);
    }

    /** Ends sweeping; {@code done} runs when none is under way. */
    void stop(Runnable done) {
        stopped = true;
        nexus.home().reactor().cancel(timer);
        if (state == State.IDLE) {
            done.run();
        } else {
            whenIdle = done;
        }
    }

    private void look() {
        setState(State.LOOKING);
        collect(() -> {
            boolean any = false;
            for (int word = 0; word < candidates.length; word++) {
                candidates[word] = looked ? map.durable.get(word) & ~busy[word] & ~map.suspect.get(word) : 0;
                any |= candidates[word] != 0;
            }
            looked = true;          // The first look only starts the first period.
            if (any && !stopped) {
                confirm();
            } else {
                setState(State.IDLE);
            }
        });
    }

    private void collect(Runnable then) {
        Arrays.fill(busy, 0);
        nexus.forEachChannel((channel, iteration) -> {
            ((NexusChannel) channel).collectTouched(busy);
            iteration.next();
        }, nexus.home(), (value, failure) -> {
            nexus.repairs().addRegions(busy);
            then.run();
        });
    }

    private void confirm() {
        setState(State.CONFIRMING);
        for (int word = 0; word < candidates.length; word++) {
            if (candidates[word] != 0) {
                DirtyMap.andNot(map.durable, word, candidates[word]);
            }
        }
        collect(() -> {
            long[] back = new long[busy.length];
            boolean any = false;
            for (int word = 0; word < candidates.length; word++) {
                back[word] = candidates[word] & (busy[word] | map.suspect.get(word));
                candidates[word] &= ~back[word];
                any |= candidates[word] != 0;
            }
            keeper.restore(back);
            if (any) {
                flush();
            } else {
                setState(State.IDLE);
            }
        });
    }

    private void flush() {
        if (nexus.childrenTable().isHealthyAway()) {
            // What it holds is not known to be durable, whatever the others say.
            keeper.restore(candidates);
            setState(State.IDLE);
            return;
        }
        setState(State.FLUSHING);
        FlushLedger flushes = nexus.childrenTable().flushes();
        long failures = flushes.failures();
        // Those that are being made equal too: they become healthy without another look at these regions.
        flushChildren(nexus, nexus.attachedMask(), (okMask, failMask) -> {
            if (failMask == 0) {
                setState(State.AWAITING);
                flushes.await(nexus.home(), () -> onFlushed(flushes.failures() == failures));
                return;
            }
            keeper.restore(candidates);
            nexus.membership().requestFaults(failMask, FaultReason.FLUSH_ERROR, () -> {
                nexus.cacheLoss().onFlushFailed(failMask, false);
                setState(State.IDLE);
            });
        });
    }

    private void onFlushed(boolean allDid) {
        if (allDid && nexus.membership().isIdle() && !nexus.childrenTable().isHealthyAway()) {
            setState(State.CLEARING);
            keeper.clear(candidates, () -> setState(State.IDLE));
        } else {
            keeper.restore(candidates);
            setState(State.IDLE);
        }
    }

    /** Flushes the children of the mask through the home mthread's channels. */
    static void flushChildren(Nexus nexus, int mask, Fanout.Done done) {
        new ChildFanout(nexus, done) {
            @Override
            void prepare(int child, BdevIo io, IoCompletion completion) {
                io.prepare(IoType.FLUSH, 0, 0, 0, -1, completion);
            }
        }.submit(mask);
    }
}
