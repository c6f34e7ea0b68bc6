package io.mizzen.engine;

import io.mizzen.lvs.Lvol;
import io.mizzen.lvs.SnapshotMoment;
import io.mizzen.lvs.SnapshotOptions;
import io.mizzen.nexus.ChildStatus;
import io.mizzen.nexus.MemberState;
import io.mizzen.nexus.Nexus;
import io.mizzen.nexus.WriteHold;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Timer;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * Takes snapshots of legs of a nexus at one moment, or none: whatever is written to the nexus waits from before the first until
 * the last has the moment, so all of them hold the same. Control reactor.
 *
 * <pre>
 * SETTLING (the pools: what is asked for there is done, what was written is flushed) → HOLDING (writes) → TAKING (all legs)
 *    → RELEASING (all have the moment, or one has failed) → ENDING (the rest of the legs) → SEALING (all legs) → DONE
 *                                                              └ one failed → UNDOING (those that were made) ←┘ → DONE
 * </pre>
 *
 * <p>Writes wait for the limit at most, plus what a snapshot takes that has begun to change its disk by then: none begins
 * after the limit.
 *
 * <p>A crash, or pools that fail, may leave snapshots of some legs; and if a pool failed before its snapshot had the moment, one
 * of a later moment, when the pool is imported again. So each is sealed on its disk, but only once all of them have the
 * moment, and cannot change any more: that one is sealed says it of all that have the same moment's identity.
 */
public final class VolumeSnapshot {
    /**
     * A leg to take a snapshot of.
     *
     * @param member of the nexus that the replica carries
     */
    public record Leg(UUID member, Lvol lvol, SnapshotOptions options) { }

    /**
     * What was taken.
     *
     * @param snapshots in the order of the legs
     * @param pauseNs how long writes waited at most
     */
    public record Taken(List<Lvol> snapshots, long pauseNs) { }

    private enum State {
        NEW, SETTLING, HOLDING, TAKING, RELEASING, ENDING, SEALING, UNDOING, DONE
    }

    private final Nexus nexus;
    private final UUID momentId;
    private final Mthread control;
    private final long limitNs;
    private final Completion<Taken> done;
    private final List<Taking> takings = new ArrayList<>();
    private State state = State.NEW;
    private WriteHold hold;
    private OperationException failure;
    /** No snapshot begins any more. */
    private boolean closed;
    private final Timer limit = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            closed = true;
            releaseIfOver();
        }
    };

    /**
     * @param momentId new
     * @param limitNs how long writes may wait
     * @param done failures: those of {@link WriteHold#begin} and of the pools; {@code child-not-healthy}, {@code snapshot-too-late}
     */
    public VolumeSnapshot(Nexus nexus, List<Leg> legs, UUID momentId, Mthread control, long limitNs, Completion<Taken> done) {
        this.nexus = nexus;
        this.momentId = momentId;
        this.control = control;
        this.limitNs = limitNs;
        this.done = done;
        legs.forEach(leg -> takings.add(new Taking(leg)));
    }

    private void setState(State next) {
        assert next.ordinal() > state.ordinal();
        state = next;
    }

    /** Why a child does not hold what the volume does, or null. */
    static String unfit(ChildStatus child) {
        if (child.health() == MemberState.FAULTED) {
            return "is out (" + child.reason().word() + ")";
        }
        if (!child.present()) {
            return "is not there";
        }
        return child.health() == MemberState.SYNCING ? "is being rebuilt"
                : child.resyncing() ? "is being made equal to another child" : null;
    }

    /** Whether these hold what one nexus did at one moment: they were taken for the same one, and it is known that all had it. */
    public static boolean ofOneMoment(List<Lvol> snapshots) {
        UUID id = snapshots.getFirst().snapshotInfo().momentId();
        return id != null && snapshots.stream().allMatch(snapshot -> id.equals(snapshot.snapshotInfo().momentId()))
                && snapshots.stream().anyMatch(snapshot -> snapshot.snapshotInfo().sealed());
    }

    /** Whether writes wait now. */
    public boolean isHolding() {
        return state == State.TAKING;
    }

    public void start() {
        setState(State.SETTLING);
        List<Lvol> lvols = new ArrayList<>();
        takings.forEach(taking -> lvols.add(taking.leg.lvol()));
        settle(lvols);
    }

    private void settle(List<Lvol> left) {
        if (!left.isEmpty()) {
            Lvol lvol = left.removeFirst();
            lvol.store().settle(lvol, (nothing, unsettled) -> {
                if (unsettled != null) {
                    end(unsettled);
                } else {
                    settle(left);
                }
            });
            return;
        }
        setState(State.HOLDING);
        WriteHold.begin(nexus, limitNs, (held, notHeld) -> {
            if (notHeld != null) {
                end(notHeld);
                return;
            }
            hold = held;
            take();
        });
    }

    // --- while writes wait ------------------------------------------------------------------------------

    private void take() {
        setState(State.TAKING);
        failure = takings.stream().map(this::refusal).filter(refusal -> refusal != null).findFirst().orElse(null);
        if (failure != null) {
            takings.clear();
            releaseIfOver();
            return;
        }
        control.reactor().arm(limit, Math.max(1, limitNs - hold.soFarNs()));
        List.copyOf(takings).forEach(Taking::start);
    }

    private OperationException refusal(Taking taking) {
        for (ChildStatus child : nexus.childStatuses()) {
            if (child.memberUuid().equals(taking.leg.member())) {
                String why = unfit(child);
                return why == null ? null : notHealthy(taking.leg.lvol().toString(), why);
            }
        }
        return notHealthy(taking.leg.lvol().toString(), "is no child any more");
    }

    static OperationException notHealthy(String child, String why) {
        return OperationException.precondition("child-not-healthy", "child " + child + " " + why
                + ", so that a snapshot of it would not hold what the volume does; wait until it is healthy, or name it in \"skip\""
                + " (\"unhealthy\" stands for all such children)");
    }

    /** One leg's snapshot. */
    private final class Taking implements SnapshotMoment {
        private final Leg leg;
        private Lvol snapshot;
        private boolean begun;
        private boolean passed;
        private boolean ended;

        Taking(Leg leg) {
            this.leg = leg;
        }

        void start() {
            leg.lvol().store().createSnapshot(leg.lvol(), leg.options(), this, (taken, refused) -> {
                ended = true;
                snapshot = taken;
                failed(refused);
                closed |= refused != null;
                releaseIfOver();
                endIfAllHave();
            });
        }

        void seal() {
            leg.lvol().store().sealSnapshot(snapshot, (nothing, refused) -> {
                ended = true;
                failed(refused);
                finishIfAllAreSealed();
            });
        }

        private void failed(OperationException refused) {
            if (refused != null && failure == null) {
                failure = new OperationException(refused.kind(), refused.code(), "no snapshot of nexus " + nexus.name()
                        + " was taken, as none could be of child " + leg.lvol() + ": " + refused.getMessage(), refused);
            }
        }

        @Override
        public UUID id() {
            return momentId;
        }

        @Override
        public boolean isOpen() {
            begun = !closed;
            return begun;
        }

        @Override
        public void onPassed() {
            passed = true;
            releaseIfOver();
        }

        /** Whether writes have to wait for it still. */
        boolean needsHold() {
            return !ended && !passed && (begun || !closed);
        }
    }

    private void releaseIfOver() {
        if (state != State.TAKING || takings.stream().anyMatch(Taking::needsHold)) {
            return;
        }
        setState(State.RELEASING);
        control.reactor().cancel(limit);
        hold.release(() -> {
            setState(State.ENDING);
            endIfAllHave();
        });
    }

    // --- afterwards -------------------------------------------------------------------------------------

    private void endIfAllHave() {
        if (state != State.ENDING || !takings.stream().allMatch(taking -> taking.ended)) {
            return;
        }
        if (failure != null) {
            undo();
            return;
        }
        setState(State.SEALING);
        takings.forEach(taking -> taking.ended = false);
        takings.forEach(Taking::seal);
    }

    private void finishIfAllAreSealed() {
        if (state != State.SEALING || !takings.stream().allMatch(taking -> taking.ended)) {
            return;
        }
        if (failure != null) {
            undo();
            return;
        }
        List<Lvol> snapshots = takings.stream().map(taking -> taking.snapshot).toList();
        snapshots.forEach(snapshot -> snapshot.pauseNs(hold.heldNs()));
        setState(State.DONE);
        done.ok(new Taken(snapshots, hold.heldNs()));
    }

    private void undo() {
        setState(State.UNDOING);
        List<Lvol> made = new ArrayList<>();
        takings.stream().filter(taking -> taking.snapshot != null).forEach(taking -> made.add(taking.snapshot));
        undo(made, new ArrayList<>());
    }

    private void undo(List<Lvol> left, List<String> kept) {
        if (left.isEmpty()) {
            end(kept.isEmpty() ? failure : new OperationException(failure.kind(), failure.code(), failure.getMessage()
                    + "; of what was made, this could not be deleted, and is to be: " + String.join(", ", kept), failure));
            return;
        }
        Lvol snapshot = left.removeFirst();
        snapshot.store().destroyLvol(snapshot, (nothing, undeleted) -> {
            if (undeleted != null) {
                kept.add("snapshot " + snapshot + " (" + undeleted.getMessage() + ")");
            }
            undo(left, kept);
        });
    }

    private void end(OperationException refused) {
        setState(State.DONE);
        done.fail(refused);
    }
}
