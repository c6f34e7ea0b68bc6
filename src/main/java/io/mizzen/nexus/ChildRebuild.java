package io.mizzen.nexus;

import io.mizzen.bdev.Status;
import io.mizzen.reactor.Timer;
import io.mizzen.rebuild.RebuildJob;
import io.mizzen.rebuild.RebuildKind;
import io.mizzen.rebuild.RebuildSettings;
import io.mizzen.rebuild.RebuildSpec;
import io.mizzen.rebuild.RebuildState;
import io.mizzen.rebuild.SegmentMap;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;

/**
 * Makes one child equal that receives all writes but lacks data. What it lacks is a map that only shrinks, so that
 * another source, a pause or another attempt goes on where the last one ended. The child is healthy when nothing is
 * lacking, all of it is flushed, and that is stored. Home mthread, but for {@link #status()}.
 *
 * <pre>
 * PREPARING (the dirty map goes to the child) → IDLE → COPYING (a job) → IDLE → STORING → OVER (healthy)
 *                                                ↑ ↓       └ source failed: another one; stopped: again, or not
 *                                             WAITING      └ child failed, or every source at the same place: faulted
 * any → OVER (the child is out)
 * </pre>
 */
final class ChildRebuild implements RebuildJob.Listener {
    private static final long RETRY_NS = 1_000_000_000L;

    private enum State {
        PREPARING, IDLE, COPYING, WAITING, STORING, OVER
    }

    private final Nexus nexus;
    private final NexusChild child;
    private final RebuildKind kind;
    private volatile SegmentMap lacks;
    private volatile long totalBlocks;
    private final List<Runnable> whenStopped = new ArrayList<>();
    private RebuildSettings settings;
    private volatile State state = State.PREPARING;
    private volatile RebuildJob job;
    private volatile NexusChild source;
    private volatile boolean pausedByHand;
    private volatile boolean stoppedByHand;
    private boolean closed;
    private boolean suspended;
    private int failedSources;
    private int usableAtFailure;
    private long remainingAtFailure = -1;
    private final Timer retry = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            setState(State.IDLE);
            consider();
        }
    };

    /** @param lacks what the child lacks */
    ChildRebuild(Nexus nexus, NexusChild child, RebuildKind kind, SegmentMap lacks, RebuildSettings settings) {
        this.nexus = nexus;
        this.child = child;
        this.kind = kind;
        this.lacks = lacks;
        this.totalBlocks = lacks.remainingBlocks();
        this.settings = settings;
    }

    private void setState(State next) {
        assert state != State.OVER;
        assert switch (next) {
            case PREPARING -> false;
            case COPYING, STORING -> state == State.IDLE;
            case WAITING -> state == State.IDLE || state == State.STORING;
            default -> true;
        };
        state = next;
    }

    /** The child is a writer on every channel: begins. */
    void start() {
        nexus.event("rebuild-started child=" + child.name() + " kind=" + kind + " bytes="
                + (totalBlocks << nexus.blockShift()));
        nexus.dirtyKeeper().spreadTo(child, there -> {
            if (!isOver()) {
                setState(State.IDLE);
                consider();
            }
        });
    }

    /** Goes on if something can be done now. */
    void consider() {
        if (state != State.IDLE) {
            return;
        }
        if (!isNeeded()) {
            over();
        } else if (stoppedByHand || suspended || closed) {
            return;
        } else if (lacks.remainingBlocks() == 0) {
            store();
        } else {
            copy();
        }
    }

    /** The members have changed: sources may have come or gone, or the child itself. */
    void onMembersChanged() {
        if (state == State.WAITING) {
            if (isNeeded() && nexus.usableMask() == usableAtFailure) {
                return;             // The same children would fail the same way: time has to pass.
            }
            nexus.home().reactor().cancel(retry);
            setState(State.IDLE);
        }
        consider();
    }

    private boolean isNeeded() {
        return child.isAttached() && child.state() == MemberState.SYNCING;
    }

    private void over() {
        nexus.home().reactor().cancel(retry);
        setState(State.OVER);
        nexus.rebuilds().onOver(this);
    }

    private boolean isOver() {
        return state == State.OVER;
    }

    private void waitThenRetry() {
        setState(State.WAITING);
        usableAtFailure = nexus.usableMask();
        if (!closed) {
            nexus.home().reactor().arm(retry, RETRY_NS);
        }
    }

    // --- copying --------------------------------------------------------------------------------------

    private void copy() {
        source = chooseSource();
        if (source == null) {
            if (nexus.usableMask() != 0 && (nexus.usableMask() & ~failedSources) == 0) {
                giveUp();
            }
            return;             // Nobody is there: the next change of members has us look again.
        }
        setState(State.COPYING);
        lacks.begin();
        job = new RebuildJob(new RebuildSpec(kind, nexus, nexus.leg(source), List.of(nexus.leg(child)), lacks, settings),
                nexus.home(), nexus.copier(), nexus::wallClockMs, this);
        job.start();
        if (pausedByHand) {
            job.pause();
        }
    }

    /** While legs may differ, the one that hosts read from; else a local one. */
    private NexusChild chooseSource() {
        NexusChild best = null;
        for (NexusChild candidate : nexus.children()) {
            if (!candidate.isUsable() || (failedSources & 1 << candidate.index()) != 0) {
                continue;
            }
            boolean first = candidate.index() == nexus.source() && nexus.dirtyMap().suspectCount() > 0;
            if (first) {
                return candidate;
            }
            if (best == null || candidate.isLocal() && !best.isLocal()) {
                best = candidate;
            }
        }
        return best;
    }

    /** No source can read what is left. */
    private void giveUp() {
        nexus.event("rebuild-failed child=" + child.name() + " remaining-bytes="
                + (lacks.remainingBlocks() << nexus.blockShift()));
        failedSources = 0;
        waitThenRetry();
        nexus.membership().requestFault(child.index(), FaultReason.REBUILD_FAILED, () -> { });
    }

    @Override
    public void onEnd(RebuildJob ended) {
        nexus.rebuilds().history().add(ended.record());
        job = null;
        NexusChild from = source;
        source = null;
        setState(State.IDLE);
        List<Runnable> now = List.copyOf(whenStopped);
        whenStopped.clear();
        now.forEach(Runnable::run);
        if (ended.state() == RebuildState.FAILED && ended.sourceFailed()) {
            onSourceFailed(from, ended.failureStatus());
        } else if (ended.state() == RebuildState.FAILED) {
            onChildFailed(ended.failureStatus());
        } else {
            consider();
        }
    }

    private void onSourceFailed(NexusChild from, int status) {
        nexus.event("rebuild-source-failed child=" + child.name() + " source=" + from.name() + " status="
                + Status.describe(status));
        if (lacks.remainingBlocks() != remainingAtFailure) {
            failedSources = 0;          // It got further than the last one: whoever failed before may know what comes.
        }
        remainingAtFailure = lacks.remainingBlocks();
        failedSources |= 1 << from.index();
        consider();
    }

    private void onChildFailed(int status) {
        onChildFailed(Status.code(status) == Status.CAPACITY_EXCEEDED ? FaultReason.NO_SPACE : FaultReason.IO_ERROR,
                Status.describe(status));
    }

    private void onChildFailed(FaultReason reason, String status) {
        nexus.event("rebuild-failed child=" + child.name() + " status=" + status);
        waitThenRetry();                // Ended by the fault, unless that cannot be stored.
        if (child.isAttached()) {
            nexus.membership().requestFault(child.index(), reason, () -> { });
        }
    }

    // --- the end --------------------------------------------------------------------------------------

    private void store() {
        setState(State.STORING);
        // The job has flushed, unless it was told to stop and had nothing left to copy.
        DirtySweep.flushChildren(nexus, 1 << child.index(), (okMask, failMask) -> {
            if (failMask == 0) {
                // Another flush may have been told what the child lost of the copy. Then it has failed, and the fault comes first.
                nexus.childrenTable().flushes().await(nexus.home(), this::onFlushed);
            } else if (closed || !isNeeded()) {
                over();
            } else {
                onChildFailed(FaultReason.FLUSH_ERROR, "flush failed");
            }
        });
    }

    private void onFlushed() {
        if (closed) {
            over();             // What is usable is flushed for the last time, or has been.
        } else {
            nexus.membership().request(healthy());
        }
    }

    private MemberChange healthy() {
        return new MemberChange() {
            @Override
            OperationException check() {
                if (isNeeded() && lacks.remainingBlocks() != 0) {
                    return OperationException.precondition("child-lacks-data", "child " + child.name()
                            + " lacks data again: the last healthy child came back without all of its own");
                }
                return isNeeded() ? null : OperationException.precondition("child-out", "child " + child.name()
                        + " has been taken out meanwhile");
            }

            @Override
            void edit(SortedMap<Integer, Member> members) {
                Member now = members.get(child.index());
                members.put(child.index(), new Member(now.uuid(), MemberState.HEALTHY, FaultReason.NONE,
                        now.lastHealthyGeneration(), nexus.wallClockMs()));
            }

            @Override
            int subject() {
                return 1 << child.index();
            }

            @Override
            void take() {
                child.setState(MemberState.HEALTHY, FaultReason.NONE, nexus.wallClockMs());
                nexus.event("child-healthy child=" + child.name());
            }

            @Override
            void done(OperationException failure) {
                onHealthStored(failure);
            }
        };
    }

    private void onHealthStored(OperationException failure) {
        if (isOver()) {
            return;
        }
        if (failure == null || closed || !isNeeded()) {
            over();
        } else {
            waitThenRetry();
        }
    }

    // --- orders ---------------------------------------------------------------------------------------

    /** Stops using a child, for a change of members; {@code then} runs when that is so. Goes on afterwards if it can. */
    void stopUsing(NexusChild used, Runnable then) {
        if (state == State.COPYING && (used == child || used == source)) {
            whenStopped.add(then);
            job.stop();
        } else {
            then.run();
        }
    }

    /** Stops until {@link #goOn}. */
    void suspend(Runnable then) {
        suspended = true;
        stopUsing(child, then);
    }

    void goOn() {
        suspended = false;
        consider();
    }

    /** The volume grows, and no job is under way: the new part is lacking. */
    void grow(long blocks) {
        assert job == null;
        long before = lacks.remainingBlocks();
        lacks = lacks.grown(blocks);
        totalBlocks += lacks.remainingBlocks() - before;
    }

    /** Stops for good. */
    void close(Runnable then) {
        closed = true;
        nexus.home().reactor().cancel(retry);
        stopUsing(child, then);
    }

    void pause() {
        pausedByHand = true;
        if (job != null) {
            job.pause();
        }
    }

    void resume() {
        pausedByHand = false;
        if (job != null) {
            job.resume();
        }
        consider();
    }

    void stop() {
        stoppedByHand = true;
        pausedByHand = false;
        if (job != null) {
            job.stop();
        }
    }

    /** Ended by hand, or about to. */
    boolean isStopped() {
        return stoppedByHand;
    }

    void startAgain() {
        stoppedByHand = false;
        pausedByHand = false;
        consider();
    }

    void setSettings(RebuildSettings changed) {
        settings = changed;
        if (job != null) {
            job.setSettings(changed);
        }
    }

    NexusChild child() {
        return child;
    }

    /** What the child lacks still. No job is under way. */
    SegmentMap lacks() {
        return lacks;
    }

    /** Any thread. */
    RebuildStatus status() {
        RebuildJob running = job;
        NexusChild from = source;
        RebuildStatus.Phase phase = switch (state) {
            case PREPARING -> RebuildStatus.Phase.PREPARING;
            case STORING, OVER -> RebuildStatus.Phase.STORING;
            case WAITING -> RebuildStatus.Phase.WAITING;
            case IDLE -> stoppedByHand ? RebuildStatus.Phase.STOPPED : RebuildStatus.Phase.WAITING;
            case COPYING -> pausedByHand ? RebuildStatus.Phase.PAUSED : RebuildStatus.Phase.COPYING;
        };
        int shift = nexus.blockShift();
        return new RebuildStatus(child.name(), kind, from == null ? null : from.name(), phase, totalBlocks << shift,
                Math.min(totalBlocks, lacks.remainingBlocks()) << shift, running == null ? null : running.progress());
    }
}
