package io.mizzen.engine;

import io.mizzen.engine.model.NexusView;
import io.mizzen.lvs.Lvol;
import io.mizzen.lvs.LvolBdev;
import io.mizzen.nexus.ChildStatus;
import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** Finds out whether a nexus can be taken back to a snapshot of it, and has it done. Control reactor only. */
final class VolumeRollbackService {
    private final PlaneContext plane;
    private final NexusService nexuses;
    private final Jobs jobs;

    VolumeRollbackService(PlaneContext plane, NexusService nexuses, Jobs jobs) {
        this.plane = plane;
        this.nexuses = nexuses;
        this.jobs = jobs;
    }

    /** @param wanted UUID or name of the snapshot of any child, or the transactionId that they have in common */
    void rollback(String id, String wanted, Completion<NexusView> done) {
        NexusEntry entry = nexuses.running(id);
        nexuses.refuseUsed(entry);
        Map<String, Lvol> children = children(entry);
        UUID moment = moment(entry, children, wanted);
        new VolumeRollback(plane, nexuses, entry, legs(entry, children, moment, wanted), done).start();
    }

    /** All children, by URI, each the replica that it is: healthy, so that none is newer than those that are taken back. */
    private Map<String, Lvol> children(NexusEntry entry) {
        Map<String, Lvol> children = new LinkedHashMap<>();
        for (ChildStatus child : entry.nexus.childStatuses()) {
            NexusEntry.Leg leg = entry.legOf(child.memberUuid());
            String uri = leg == null ? child.memberUuid().toString() : leg.uri;
            String why = VolumeSnapshot.unfit(child);
            if (why != null) {
                throw OperationException.precondition("child-not-healthy", "child " + uri + " " + why + ", so that nexus " + entry.name
                        + " cannot be taken back: " + wayOut(entry, "wait until it is healthy, or remove it"));
            }
            if (leg == null || !(leg.bdev instanceof LvolBdev replica)) {
                throw OperationException.precondition("child-no-replica", "child " + uri + " is no replica of a pool, so that there is no"
                        + " snapshot of it: " + wayOut(entry, "remove it"));
            }
            InflationJob.refuse(jobs, replica.lvol());
            children.put(uri, replica.lvol());
        }
        return children;
    }

    private static String wayOut(NexusEntry entry, String first) {
        return first + " first (DELETE /v1/nexuses/" + entry.nexus.uuid() + "/children/{child}), and add it anew afterwards";
    }

    private static UUID moment(NexusEntry entry, Map<String, Lvol> children, String wanted) {
        Set<UUID> moments = new HashSet<>();
        List<String> found = new ArrayList<>();
        for (Lvol child : children.values()) {
            for (Lvol one : child.store().lvols()) {
                boolean named = wanted.equals(one.uuid().toString()) || wanted.equals(one.name())
                        || wanted.equals(one.snapshotInfo().transactionId());
                if (named && isOf(one, child)) {
                    moments.add(one.snapshotInfo().momentId());
                    found.add(one + " (" + one.uuid() + ")");
                }
            }
        }
        if (found.isEmpty()) {
            throw OperationException.notFound("snapshot-not-found", "nexus " + entry.name + " has no child with a snapshot " + wanted);
        }
        if (moments.size() > 1) {
            throw OperationException.precondition("snapshot-ambiguous", "snapshots " + String.join(", ", found) + " have the name or transactionId "
                    + wanted + ", and are not of one moment; name one by its UUID");
        }
        UUID moment = moments.iterator().next();
        if (moment == null) {
            throw OperationException.precondition("snapshot-incomplete", "snapshot " + found.getFirst() + " was not taken of the nexus, but of one"
                    + " child: what the others held then is not known. Take snapshots with POST /v1/nexuses/" + entry.nexus.uuid() + "/snapshots");
        }
        return moment;
    }

    private static boolean isOf(Lvol snapshot, Lvol replica) {
        return snapshot.snapshot() && replica.uuid().equals(snapshot.snapshotInfo().sourceUuid()) && !snapshot.snapshotInfo().discarded();
    }

    private static List<VolumeRollback.Leg> legs(NexusEntry entry, Map<String, Lvol> children, UUID moment, String wanted) {
        List<VolumeRollback.Leg> legs = new ArrayList<>();
        List<String> without = new ArrayList<>();
        children.forEach((uri, lvol) -> lvol.store().lvols().stream().filter(one -> isOf(one, lvol)
                && moment.equals(one.snapshotInfo().momentId())).findFirst().ifPresentOrElse(snapshot ->
                legs.add(new VolumeRollback.Leg(uri, lvol, snapshot)), () -> without.add(uri)));
        if (!without.isEmpty()) {
            throw OperationException.precondition("snapshot-incomplete", "of the moment of snapshot " + wanted + " there is none of child "
                    + String.join(", ", without) + ": it was deleted, or the child was left out or came later; " + wayOut(entry, "remove that child"));
        }
        if (!VolumeSnapshot.ofOneMoment(legs.stream().map(VolumeRollback.Leg::snapshot).toList())) {
            throw OperationException.precondition("snapshot-incomplete", "nobody knows that the snapshots "
                    + String.join(", ", legs.stream().map(leg -> leg.snapshot().toString()).toList())
                    + " are of one moment: the request that took them was cut short. Name another one");
        }
        return legs;
    }
}
