package io.mizzen.engine;

import io.mizzen.engine.model.CloneSpec;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.Outcome;
import io.mizzen.engine.model.RangesView;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.engine.model.SnapshotView;
import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.Lvol;
import io.mizzen.lvs.LvolRanges;
import io.mizzen.lvs.SnapshotInfo;
import io.mizzen.lvs.SnapshotOptions;
import io.mizzen.nexus.WriteHold;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/** Snapshots of replicas, clones of them, and what can be done with both. Control reactor only. */
final class SnapshotService {
    /** Ranges in one answer. */
    static final int RANGES_MAX = 10_000;

    private final PlaneContext plane;
    private final PoolService pools;
    private final ReplicaService replicas;
    private final NexusService nexuses;
    private final ShareService shares;
    private final Jobs jobs;

    SnapshotService(PlaneContext plane, PoolService pools, ReplicaService replicas, NexusService nexuses, ShareService shares,
                    Jobs jobs) {
        this.plane = plane;
        this.jobs = jobs;
        this.shares = shares;
        this.nexuses = nexuses;
        this.pools = pools;
        this.replicas = replicas;
    }

    void create(SnapshotSpec spec, Completion<Outcome<SnapshotView>> done) {
        UUID uuid = Uuids.parse("uuid", spec.uuid());
        String name = spec.name() == null ? uuid.toString() : spec.name();
        PoolService.checkName(name, "name");
        checkId("entityId", spec.entityId());
        checkId("transactionId", spec.transactionId());
        Lvol lvol = replicas.lvol(spec.replica());
        Lvol existing = lvol.store().findLvol(uuid);
        if (existing != null && existing.snapshot() && existing.name().equals(name)
                && lvol.uuid().equals(existing.snapshotInfo().sourceUuid())) {
            done.ok(new Outcome<>(view(existing), false));
            return;
        }
        InflationJob.refuse(jobs, lvol);
        lvol.store().createSnapshot(lvol, new SnapshotOptions(name, uuid, spec.entityId(), spec.transactionId(), Instant.now()),
                (snapshot, failure) -> {
                    if (failure != null) {
                        done.fail(failure);
                        return;
                    }
                    plane.event(ObjectKind.REPLICA, snapshot.uuid(), snapshot.toString(), "snapshot-created", "snapshot "
                            + snapshot + " of replica " + lvol.name() + "; writes were held back for " + snapshot.pauseNs() / 1000
                            + " us", "replica", lvol.uuid(), "pool", lvol.store().name(), "pauseNs", snapshot.pauseNs());
                    NexusEntry user = nexuses.userOf(lvol);
                    if (user != null) {
                        WriteHold.tellApart(user.nexus);
                    }
                    done.ok(new Outcome<>(view(snapshot), true));
                });
    }

    static void checkId(String what, String id) {
        if (id != null && (id.isEmpty() || id.indexOf('\0') >= 0
                || id.getBytes(StandardCharsets.UTF_8).length > SnapshotOptions.ID_BYTES_MAX)) {
            throw OperationException.invalid("invalid-" + (what.equals("entityId") ? "entity-id" : "transaction-id"),
                    what + " has 1 to " + SnapshotOptions.ID_BYTES_MAX + " bytes");
        }
    }

    /** Operations on a snapshot take turns with those on its pool. */
    Set<String> keys(String id) {
        return replicas.keys(snapshot(id).uuid().toString());
    }

    void cloneOf(CloneSpec spec, Completion<ReplicaView> done) {
        UUID uuid = Uuids.parse("uuid", spec.uuid());
        String name = spec.name() == null ? uuid.toString() : spec.name();
        PoolService.checkName(name, "name");
        Lvol snapshot = snapshot(spec.snapshot());
        Lvol existing = snapshot.store().findLvol(uuid);
        if (existing != null && existing.name().equals(name) && snapshot.uuid().equals(existing.snapshotInfo().sourceUuid())) {
            done.ok(replicas.view(existing));
            return;
        }
        if (!spec.allowSuspected()) {
            pools.refuseSuspected(snapshot.store());
        }
        snapshot.store().cloneSnapshot(snapshot, name, uuid, Instant.now(), (clone, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            plane.event(ObjectKind.REPLICA, clone.uuid(), clone.toString(), "replica-created", "replica " + clone
                    + ", a clone of snapshot " + snapshot.name(), "pool", clone.store().name(), "snapshot", snapshot.uuid(),
                    "sizeBytes", clone.sizeBytes());
            done.ok(replicas.view(clone));
        });
    }

    void rollback(String id, String snapshotId, Completion<ReplicaView> done) {
        Lvol lvol = replicas.lvol(id);
        Lvol snapshot = snapshot(snapshotId);
        if (snapshot.store() != lvol.store()) {
            throw OperationException.invalid("invalid-snapshot", "snapshot " + snapshot + " is in another pool than replica " + lvol + "; GET /v1/snapshots?replica=" + lvol.uuid() + " lists its own");
        }
        NexusEntry user = nexuses.userOf(lvol);
        if (user != null) {     // Also one that is out: what it missed is known, but not that all of it is older.
            throw OperationException.precondition("replica-in-use", "replica " + lvol + " is a child of nexus " + user.name
                    + ", which would take it for what it left; remove it from the nexus first. To take the whole volume back: POST"
                    + " /v1/nexuses/" + user.nexus.uuid() + "/rollback");
        }
        refuseShared(lvol);
        InflationJob.refuse(jobs, lvol);
        lvol.store().rollbackLvol(lvol, snapshot, (same, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            plane.event(ObjectKind.REPLICA, lvol.uuid(), lvol.toString(), "replica-rolled-back", "replica " + lvol
                    + " holds again what it did at snapshot " + snapshot.name(), "snapshot", snapshot.uuid());
            done.ok(replicas.view(lvol));
        });
    }

    /** A nexus of another engine does not see that its child was taken back, and would read old data from it. */
    private void refuseShared(Lvol lvol) {
        if (shares.find(lvol) == null) {
            return;
        }
        List<String> hosts = shares.hosts(lvol.uuid());
        String path = " /v1/replicas/" + lvol.uuid() + "/share";
        throw OperationException.precondition("replica-in-use", "replica " + lvol + " is shared over NVMe/TCP, "
                + (hosts.isEmpty() ? "with nobody connected now" : "connected: " + String.join(", ", hosts))
                + ". Whoever uses it, a nexus of another engine say, would go on with what it has read before: remove the child from"
                + " that nexus, or disconnect the host; end the sharing here (DELETE" + path + "); roll back; share it again (PUT" + path
                + ") and add it to the nexus anew, as a new child");
    }

    /** Begins, as a job; how that ended is an event, too. */
    void inflate(String id, boolean parentOnly, Completion<JobView> done) {
        Lvol lvol = replicas.lvol(id);
        InflationJob.refuse(jobs, lvol);
        InflationJob job = new InflationJob(plane, jobs, lvol, parentOnly ? "decouple" : "inflate", done);
        Completion<Lvol> ended = (same, failure) -> {
            if (job.hasBegun()) {
                job.end(failure);
            } else {
                done.fail(failure);
            }
        };
        if (parentOnly) {
            lvol.store().decoupleLvol(lvol, job, ended);
        } else {
            lvol.store().inflateLvol(lvol, job, ended);
        }
    }

    List<SnapshotView> list() {
        List<SnapshotView> views = new ArrayList<>();
        Set<UUID> sealed = sealedMoments();
        for (LvStore store : pools.stores()) {
            for (Lvol lvol : store.lvols()) {
                if (lvol.snapshot()) {
                    views.add(view(lvol, sealed));
                }
            }
        }
        return views;
    }

    RangesView ranges(String id, String since, long offsetBytes, int count) {
        Lvol lvol = replicas.lvol(id);
        Lvol from = since == null ? null : snapshot(since);
        if (from != null && from.store() != lvol.store()) {
            throw OperationException.invalid("invalid-snapshot", "snapshot " + from + " is in another pool than " + lvol + "; name one of its own pool");
        }
        if (offsetBytes < 0 || count < 1 || count > RANGES_MAX) {
            throw OperationException.invalid("invalid-range", "the offset is 0 or above, and the count 1 to " + RANGES_MAX);
        }
        for (Lvol each : from == null ? List.of(lvol) : List.of(lvol, from)) {
            if (!each.usable()) {
                throw OperationException.precondition("replica-unsupported", each + " cannot be read: " + each.unusableReason());
            }
        }
        List<RangesView.Range> ranges = new ArrayList<>();
        LvolRanges.Page page = LvolRanges.list(from, lvol, offsetBytes, count);
        for (LvolRanges.Range range : page.ranges()) {
            ranges.add(new RangesView.Range(range.offsetBytes(), range.sizeBytes(), range.zero()));
        }
        return new RangesView(lvol.uuid().toString(), from == null ? null : from.uuid().toString(), lvol.sizeBytes(),
                lvol.store().clusterSizeBytes(), ranges,
                page.nextOffsetBytes() == LvolRanges.END ? null : Long.valueOf(page.nextOffsetBytes()));
    }

    private Lvol snapshot(String id) {
        Lvol lvol;
        try {
            lvol = replicas.lvol(id);
        } catch (OperationException e) {
            throw e.kind() == ErrorKind.NOT_FOUND ? missing(id) : e;
        }
        if (!lvol.snapshot()) {
            throw missing(id);
        }
        return lvol;
    }

    private static OperationException missing(String id) {
        return OperationException.notFound("snapshot-not-found", "there is no snapshot " + id + " in the open pools; if it is in another one, import that first");
    }

    private SnapshotView view(Lvol lvol) {
        return view(lvol, lvol.snapshotInfo().momentId() == null ? Set.of() : sealedMoments());
    }

    /** Of which it is known that all had them: one of their snapshots says so. */
    private Set<UUID> sealedMoments() {
        return pools.stores().stream().flatMap(store -> store.lvols().stream()).map(Lvol::snapshotInfo).filter(SnapshotInfo::sealed)
                .map(SnapshotInfo::momentId).collect(Collectors.toSet());
    }

    /** @param sealed identities of moments of which it is known that all had them */
    static SnapshotView view(Lvol lvol, Set<UUID> sealed) {
        SnapshotInfo info = lvol.snapshotInfo();
        return new SnapshotView(lvol.uuid().toString(), lvol.name(), lvol.store().name(), lvol.store().uuid().toString(),
                lvol.sizeBytes(), lvol.allocatedBytes(), info.sourceUuid() == null ? null : info.sourceUuid().toString(),
                lvol.parentName(), lvol.clones().stream().map(Lvol::name).sorted().toList(), info.entityId(), info.transactionId(),
                info.momentId() == null ? null : Boolean.valueOf(sealed.contains(info.momentId())), info.createdAt(), info.discarded(), lvol.pauseNs(), lvol.usable(), lvol.unusableReason());
    }
}
