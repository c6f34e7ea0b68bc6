package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.Outcome;
import io.mizzen.engine.model.SnapshotView;
import io.mizzen.engine.model.VolumeSnapshotSpec;
import io.mizzen.engine.model.VolumeSnapshotView;
import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.Lvol;
import io.mizzen.lvs.LvolBdev;
import io.mizzen.lvs.SnapshotInfo;
import io.mizzen.lvs.SnapshotOptions;
import io.mizzen.nexus.ChildStatus;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** Snapshots of whole nexuses. Control reactor only. */
final class VolumeSnapshotService {
    static final long LIMIT_MAX_MS = 20_000;

    private final PlaneContext plane;
    private final BdevService bdevs;
    private final PoolService pools;
    private final NexusService nexuses;
    private final Jobs jobs;

    VolumeSnapshotService(PlaneContext plane, BdevService bdevs, PoolService pools, NexusService nexuses, Jobs jobs) {
        this.jobs = jobs;
        this.plane = plane;
        this.bdevs = bdevs;
        this.pools = pools;
        this.nexuses = nexuses;
    }

    /** What one request is about: the children that get a snapshot, and those that do not. */
    private static final class Plan {
        final NexusEntry entry;
        final List<VolumeSnapshot.Leg> legs = new ArrayList<>();
        final List<VolumeSnapshotView.SkippedView> skipped = new ArrayList<>();

        Plan(NexusEntry entry) {
            this.entry = entry;
        }
    }

    /** Operations on a nexus's snapshots take turns with those on the nexus and on the pools of its children. */
    Set<String> keys(String id) {
        NexusEntry entry = nexuses.entry(id);
        Set<String> keys = new LinkedHashSet<>(nexuses.keys(id));
        for (NexusEntry.Leg leg : entry.legs) {
            Lvol lvol = replica(leg.bdev);
            if (lvol != null) {
                keys.add("pool " + lvol.store().name());
                keys.add("replica " + lvol.uuid());
            }
        }
        return keys;
    }

    /** The replica that a child is, also below bdevs that pass on what is written; or null. */
    private Lvol replica(Bdev bdev) {
        Bdev at = bdev;
        while (at != null && !(at instanceof LvolBdev)) {
            List<Bdev> bases = bdevs.basesOf(at);
            at = bases.size() == 1 ? bases.getFirst() : null;
        }
        return at instanceof LvolBdev lvol ? lvol.lvol() : null;
    }

    void create(VolumeSnapshotSpec spec, Completion<Outcome<VolumeSnapshotView>> done) {
        check(spec);
        NexusEntry entry = nexuses.running(spec.nexus());
        Plan plan = plan(entry, spec);
        checkUuids(plan, spec);
        List<Lvol> existing = existing(plan, spec);
        if (!existing.isEmpty()) {
            done.ok(new Outcome<>(view(plan, existing, pauseNs(existing)), false));
            return;
        }
        plan.legs.forEach(leg -> InflationJob.refuse(jobs, leg.lvol()));
        new VolumeSnapshot(entry.nexus, plan.legs, UUID.randomUUID(), plane.control(), spec.atMostMs() * 1_000_000, (taken, failure) -> {
            if (failure != null) {
                plane.event(ObjectKind.NEXUS, entry.nexus.uuid(), entry.name, "nexus-snapshot-failed", failure.getMessage(), "code",
                        failure.code());
                done.fail(failure);
                return;
            }
            VolumeSnapshotView view = view(plan, taken.snapshots(), taken.pauseNs());
            plane.event(ObjectKind.NEXUS, entry.nexus.uuid(), entry.name, "nexus-snapshot-created", "snapshots "
                    + String.join(", ", taken.snapshots().stream().map(Lvol::toString).toList()) + " hold what nexus " + entry.name
                    + " did at one moment; writes waited for " + taken.pauseNs() / 1000 + " us", "transactionId", view.transactionId(),
                    "snapshots", view.snapshots().stream().map(SnapshotView::uuid).toList(), "skipped", plan.skipped.size(),
                    "pauseNs", taken.pauseNs());
            done.ok(new Outcome<>(view, true));
        }).start();
    }

    private static void check(VolumeSnapshotSpec spec) {
        if (spec.name() != null) {
            PoolService.checkName(spec.name(), "name");
        }
        SnapshotService.checkId("entityId", spec.entityId());
        SnapshotService.checkId("transactionId", spec.transactionId());
        if (spec.atMostMs() < 1 || spec.atMostMs() > LIMIT_MAX_MS) {
            throw OperationException.invalid("invalid-limit", "writes may wait for 1 to " + LIMIT_MAX_MS + " ms, not " + spec.atMostMs());
        }
        Set<UUID> seen = new HashSet<>();
        spec.uuids().forEach((replica, snapshot) -> {
            Uuids.parse("uuids: the replica", replica);
            if (!seen.add(Uuids.parse("uuids: the snapshot of replica " + replica, snapshot))) {
                throw OperationException.invalid("invalid-uuids", "uuids gives two replicas the same snapshot " + snapshot);
            }
        });
    }

    // --- which children ---------------------------------------------------------------------------------

    private Plan plan(NexusEntry entry, VolumeSnapshotSpec spec) {
        Set<NexusEntry.Leg> left = new HashSet<>();
        for (String name : spec.skip()) {
            NexusEntry.Leg leg = name == null ? null : entry.find(name);
            if (leg == null && !VolumeSnapshotSpec.UNHEALTHY.equals(name)) {
                throw OperationException.invalid("invalid-skip", "skip names " + name + ", which is no child of nexus " + entry.name
                        + "; name children, or say \"" + VolumeSnapshotSpec.UNHEALTHY + "\" for all that are not healthy");
            }
            left.add(leg);
        }
        Plan plan = new Plan(entry);
        String transaction = spec.transactionId() == null ? UUID.randomUUID().toString() : spec.transactionId();
        Instant now = Instant.now();
        for (ChildStatus child : entry.nexus.childStatuses()) {
            NexusEntry.Leg leg = entry.legOf(child.memberUuid());
            String uri = leg == null ? null : leg.uri;
            String why = VolumeSnapshot.unfit(child);
            if (leg != null && left.contains(leg)) {
                plan.skipped.add(new VolumeSnapshotView.SkippedView(uri, child.memberUuid().toString(), "as asked for"));
            } else if (why != null && left.contains(null)) {
                plan.skipped.add(new VolumeSnapshotView.SkippedView(uri, child.memberUuid().toString(), why));
            } else if (why != null) {
                throw VolumeSnapshot.notHealthy(uri == null ? child.memberUuid().toString() : uri, why);
            } else {
                Lvol lvol = leg == null ? null : replica(leg.bdev);
                if (lvol == null) {
                    throw OperationException.precondition("child-no-replica", "child " + uri + " is no replica of a pool, so that there"
                            + " is no snapshot of it; name it in \"skip\"");
                }
                UUID uuid = spec.uuids().entrySet().stream().filter(pair -> UUID.fromString(pair.getKey()).equals(lvol.uuid()))
                        .map(pair -> UUID.fromString(pair.getValue())).findFirst().orElseGet(UUID::randomUUID);
                plan.legs.add(new VolumeSnapshot.Leg(child.memberUuid(), lvol, new SnapshotOptions(name(entry, spec, lvol, uuid), uuid, spec.entityId(), transaction, now)));
            }
        }
        if (plan.legs.isEmpty()) {
            throw OperationException.precondition("no-child-left", "no child of nexus " + entry.name + " is left to take a snapshot of: "
                    + String.join("; ", plan.skipped.stream().map(skipped -> skipped.child() + " " + skipped.why()).toList()));
        }
        return plan;
    }

    /** Two snapshots of one pool have two names: where it holds several of the children, that of the replica says which is whose. */
    private String name(NexusEntry entry, VolumeSnapshotSpec spec, Lvol lvol, UUID uuid) {
        if (spec.name() == null) {
            return uuid.toString();
        }
        long inPool = entry.legs.stream().map(leg -> replica(leg.bdev)).filter(other -> other != null && other.store() == lvol.store()).count();
        if (inPool == 1) {
            return spec.name();
        }
        String name = spec.name() + '-' + lvol.name();
        PoolService.checkName(name, "the name of the snapshot of " + lvol + ", in whose pool the nexus has several children,");
        return name;
    }

    /** Given ones are those of all the children that get one, and of no other. */
    private static void checkUuids(Plan plan, VolumeSnapshotSpec spec) {
        Set<UUID> replicas = new LinkedHashSet<>();
        plan.legs.forEach(leg -> replicas.add(leg.lvol().uuid()));
        Set<UUID> given = new HashSet<>();
        spec.uuids().keySet().forEach(replica -> given.add(UUID.fromString(replica)));
        if (!given.isEmpty() && !given.equals(replicas)) {
            throw OperationException.invalid("invalid-uuids", "uuids names replicas " + given + ", but the children that get a snapshot"
                    + " are " + replicas + "; name each of these, or none");
        }
    }

    // --- repeated requests ------------------------------------------------------------------------------

    /** What an earlier request of the same words has taken, all of it; nothing where none of it is there. Else it is refused. */
    private List<Lvol> existing(Plan plan, VolumeSnapshotSpec spec) {
        List<Lvol> found = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        for (VolumeSnapshot.Leg leg : plan.legs) {
            Lvol one = existing(leg, spec);
            if (one == null) {
                missing.add(leg.lvol().toString());
            } else {
                found.add(one);
            }
        }
        if (found.isEmpty() || missing.isEmpty() && VolumeSnapshot.ofOneMoment(found)) {
            return found;
        }
        String there = String.join(", ", found.stream().map(one -> one + " (" + one.uuid() + ")").toList());
        throw new OperationException(ErrorKind.ALREADY_EXISTS, "snapshot-incomplete", "of the snapshots that are asked for, " + there
                + (found.size() == 1 ? " is" : " are") + " there, " + (missing.isEmpty() ? "but nobody knows that they"
                + " are of one moment" : "but none of " + String.join(", ", missing)) + ": an earlier request was cut short, or one was"
                + " deleted or taken by itself. Delete what is there (DELETE /v1/snapshots/{uuid}) and ask again, or ask for others");
    }

    private Lvol existing(VolumeSnapshot.Leg leg, VolumeSnapshotSpec spec) {
        LvStore store = leg.lvol().store();
        Lvol named = store.findLvol(leg.options().name());
        Lvol one = spec.uuids().isEmpty() ? named : store.findLvol(leg.options().uuid());
        boolean same = one != null && one == named && one.snapshot() && leg.lvol().uuid().equals(one.snapshotInfo().sourceUuid())
                && !one.snapshotInfo().discarded() && (spec.transactionId() == null ? !spec.uuids().isEmpty()
                : spec.transactionId().equals(one.snapshotInfo().transactionId()));
        if (same) {
            return one;
        }
        for (LvStore any : pools.stores()) {
            Lvol taken = any == store && named != null ? named : any.findLvol(leg.options().uuid());
            if (taken != null) {
                throw new OperationException(ErrorKind.ALREADY_EXISTS, "snapshot-exists", taken + " (" + taken.uuid() + ") has the name or"
                        + " UUID of the snapshot that is asked for of replica " + leg.lvol() + ", and is another; give another name and"
                        + " other UUIDs. A request that may be repeated has a transactionId, or uuids");
            }
        }
        return null;
    }

    /** The longest; null when that of one is not known. */
    private static Long pauseNs(List<Lvol> snapshots) {
        return snapshots.stream().anyMatch(each -> each.pauseNs() == null) ? null
                : Collections.max(snapshots.stream().map(Lvol::pauseNs).toList());
    }

    private static VolumeSnapshotView view(Plan plan, List<Lvol> snapshots, Long pauseNs) {
        SnapshotInfo info = snapshots.getFirst().snapshotInfo();
        return new VolumeSnapshotView(plan.entry.nexus.uuid().toString(), plan.entry.name, info.transactionId(), info.createdAt(), pauseNs,
                snapshots.stream().map(each -> SnapshotService.view(each, Set.of(info.momentId()))).toList(), List.copyOf(plan.skipped));
    }
}
