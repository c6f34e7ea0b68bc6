package io.mizzen.engine;

import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.Lvol;
import io.mizzen.nexus.MemberState;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.List;

/**
 * Takes a nexus that nobody uses back to a snapshot of it: all its children, one after the other. Control reactor.
 *
 * <pre>
 * SETTLING (the pools) → CLOSING (the nexus, clean) → ROLLING_BACK (a child at a time) → OPENING → DONE
 * </pre>
 *
 * <p>The last child decides: as long as one holds what the nexus was closed with, its generation is the newest, those that were
 * taken back lack at least two, and whoever assembles the nexus finds them stale. So a crash leaves the volume as it was, or as
 * it was at the snapshot. That needs all children to be healthy to begin with: one that was out would be newer than those that
 * were taken back, and is not what hosts had. Where the snapshot is of a later time that was given up, its generations are the
 * higher ones: then those that were taken there and those that were not are refused together ({@code nexus-diverged}), and who
 * assembles the nexus has to say which.
 */
final class VolumeRollback {
    /** A child, and the snapshot that it is taken back to. */
    record Leg(String uri, Lvol lvol, Lvol snapshot) { }

    private enum State {
        NEW, SETTLING, CLOSING, ROLLING_BACK, OPENING, DONE
    }

    private final PlaneContext plane;
    private final NexusService nexuses;
    private final NexusEntry entry;
    private final List<Leg> legs;
    private final Completion<NexusView> done;
    private State state = State.NEW;
    /** So many are taken back. */
    private int count;

    VolumeRollback(PlaneContext plane, NexusService nexuses, NexusEntry entry, List<Leg> legs, Completion<NexusView> done) {
        this.plane = plane;
        this.nexuses = nexuses;
        this.entry = entry;
        this.legs = List.copyOf(legs);
        this.done = done;
    }

    private void setState(State next) {
        assert next.ordinal() > state.ordinal();
        state = next;
    }

    void start() {
        setState(State.SETTLING);
        settle(0);
    }

    private void settle(int leg) {
        if (leg == legs.size()) {
            close();
            return;
        }
        Lvol lvol = legs.get(leg).lvol;
        lvol.store().settle(lvol, (nothing, unsettled) -> {
            if (unsettled != null) {
                setState(State.DONE);
                done.fail(unsettled);
            } else {
                settle(leg + 1);
            }
        });
    }

    private void close() {
        try {
            nexuses.refuseUsed(entry);
            for (Leg leg : legs) {
                leg.lvol.checkRollback(leg.snapshot);
            }
        } catch (OperationException refused) {
            setState(State.DONE);
            done.fail(refused);
            return;
        }
        setState(State.CLOSING);
        nexuses.close(entry, (nothing, unclean) -> {
            setState(State.ROLLING_BACK);
            OperationException refused = unclean != null ? unclean : refusal();
            if (refused != null) {
                failed(refused);
            } else {
                rollBackNext();
            }
        });
    }

    /** What has come up while the nexus was being closed. */
    private OperationException refusal() {
        if (entry.nexus.childStatuses().stream().anyMatch(child -> child.health() != MemberState.HEALTHY)) {
            return OperationException.precondition("child-not-healthy", "a child of nexus " + entry.name + " has failed meanwhile");
        }
        for (Leg leg : legs) {
            if (leg.lvol.bdev() == null || leg.lvol.bdev().isOpen()) {
                return OperationException.precondition("replica-in-use", "replica " + leg.lvol + " is in use by others than the nexus");
            }
        }
        return null;
    }

    private void rollBackNext() {
        if (count == legs.size()) {
            open();
            return;
        }
        Leg leg = legs.get(count);
        leg.lvol.store().rollbackLvol(leg.lvol, leg.snapshot, (same, failure) -> {
            if (failure != null) {
                failed(failure);
            } else {
                count++;
                rollBackNext();
            }
        });
    }

    /** Members that were removed since the snapshot are missing in what it says, and healthy there. All that are left are here. */
    private void open() {
        setState(State.OPENING);
        nexuses.reopen(entry, true, (view, failure) -> {
            setState(State.DONE);
            String snapshots = String.join(", ", legs.stream().map(leg -> leg.snapshot.toString()).toList());
            plane.event(ObjectKind.NEXUS, entry.nexus.uuid(), entry.name, "nexus-rolled-back", "nexus " + entry.name + " holds again what it did"
                    + " at snapshots " + snapshots, "transactionId", legs.getFirst().snapshot.snapshotInfo().transactionId(), "snapshots",
                    legs.stream().map(leg -> leg.snapshot.uuid()).toList());
            if (failure == null) {
                done.ok(view);
            } else {
                done.fail(new OperationException(failure.kind(), failure.code(), "nexus " + entry.name + " holds again what it did at snapshots "
                        + snapshots + ", but could not be opened: " + failure.getMessage() + wayOut(), failure));
            }
        });
    }

    private String wayOut() {
        return "; assemble it when that is mended (POST /v1/nexuses/" + entry.nexus.uuid() + "/assembly)";
    }

    /** It is opened again, over those that still hold what it was closed with; not while it is not known of one whether it does. */
    private void failed(OperationException failure) {
        LvStore failing = count < legs.size() ? legs.get(count).lvol.store() : null;
        if (failing != null && failing.state() != LvStore.State.ONLINE) {
            end(failure, "whether child " + legs.get(count).uri + " was taken back is not known. Export and import pool " + failing.name()
                    + ", then assemble the nexus (POST /v1/nexuses/" + entry.nexus.uuid() + "/assembly), which finds what it was, or the snapshot");
            return;
        }
        setState(State.OPENING);
        nexuses.reopen(entry, false, (view, notOpened) -> {
            List<String> taken = legs.subList(0, count).stream().map(leg -> leg.uri).toList();
            String stale = taken.isEmpty() ? "" : "; " + String.join(", ", taken) + (taken.size() == 1 ? " was taken back and is" : " were taken back and are")
                    + " stale: bring online what is (POST /v1/nexuses/" + entry.nexus.uuid() + "/children/{child}/online), which copies it anew";
            String what = notOpened == null ? "it holds what it did before" + stale
                    : "it could not be opened again: " + notOpened.getMessage() + wayOut() + ", which finds what it was, or the snapshot";
            end(failure, what);
        });
    }

    private void end(OperationException failure, String what) {
        setState(State.DONE);
        OperationException told = new OperationException(failure.kind(), failure.code(), "nexus " + entry.name + " was not rolled back: "
                + failure.getMessage() + "; " + what, failure);
        plane.event(ObjectKind.NEXUS, entry.nexus.uuid(), entry.name, "nexus-rollback-failed", told.getMessage(), "code", told.code());
        done.fail(told);
    }
}
