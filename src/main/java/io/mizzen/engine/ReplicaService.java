package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.LimitsView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.WipeMethod;
import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.Lvol;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** Replicas: the lvols of all pools. Control reactor only. */
final class ReplicaService {
    private final PlaneContext plane;
    private final PoolService pools;
    private final NexusService nexuses;
    private final ShareService shares;
    private final Jobs jobs;

    ReplicaService(PlaneContext plane, PoolService pools, NexusService nexuses, ShareService shares, Jobs jobs) {
        this.nexuses = nexuses;
        this.jobs = jobs;
        this.plane = plane;
        this.pools = pools;
        this.shares = shares;
    }

    Set<String> keys(ReplicaSpec spec) {
        if (spec.pool() == null) {
            throw OperationException.invalid("invalid-pool", "pool is missing: the name or UUID of the pool that the replica is to be in");
        }
        UUID uuid = Uuids.parse("uuid", spec.uuid());
        return Set.of("pool " + pools.store(spec.pool()).name(), "replica " + uuid);
    }

    /** Operations on a replica take turns with those on its pool. */
    Set<String> keys(String id) {
        Lvol lvol = lvol(id);
        return Set.of("pool " + lvol.store().name(), "replica " + lvol.uuid());
    }

    void create(ReplicaSpec spec, Completion<ReplicaView> done) {
        UUID uuid = Uuids.parse("uuid", spec.uuid());
        String name = spec.name() == null ? uuid.toString() : spec.name();
        PoolService.checkName(name, "name");
        if (spec.sizeBytes() <= 0) {
            throw OperationException.invalid("invalid-size", "sizeBytes is " + spec.sizeBytes() + "; it must be above 0");
        }
        LvStore store = pools.store(spec.pool());
        Lvol existing = find(uuid);
        if (existing != null) {
            checkSame(existing, store, name, spec);
            done.ok(view(existing));
            return;
        }
        if (!spec.allowSuspected()) {
            pools.refuseSuspected(store);
        }
        store.createLvol(name, uuid, spec.sizeBytes(), spec.thin(), (lvol, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            plane.event(ObjectKind.REPLICA, lvol.uuid(), lvol.toString(), "replica-created", "replica " + lvol + " of "
                    + lvol.sizeBytes() + " bytes, " + (lvol.thin() ? "thin" : "thick"), "pool", store.name(), "sizeBytes",
                    lvol.sizeBytes(), "thin", lvol.thin());
            done.ok(view(lvol));
        });
    }

    private static void checkSame(Lvol existing, LvStore store, String name, ReplicaSpec spec) {
        long clusterSize = store.clusterSizeBytes();
        boolean sameSize = spec.sizeBytes() <= existing.sizeBytes() && spec.sizeBytes() > existing.sizeBytes() - clusterSize;
        String differs = existing.store() != store ? "pool (" + existing.store().name() + ")"
                : !existing.name().equals(name) ? "name (" + existing.name() + ")"
                : existing.thin() != spec.thin() && existing.parent() == null ? "thin (" + existing.thin() + ")"
                : !sameSize ? "sizeBytes (" + existing.sizeBytes() + ")" : null;
        if (differs != null) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "replica-exists",
                    (existing.snapshot() ? "snapshot " : "replica ") + existing.uuid() + " exists already with other " + differs
                    + "; give another UUID for another replica");
        }
    }

    /** @param shrink the word without which nothing is cut off */
    void resize(String id, long sizeBytes, boolean shrink, Completion<ReplicaView> done) {
        Lvol lvol = lvol(id);
        if (sizeBytes <= 0) {
            throw OperationException.invalid("invalid-size", "sizeBytes is " + sizeBytes + "; it must be above 0");
        }
        long beforeBytes = lvol.sizeBytes();
        if (sizeBytes <= beforeBytes - lvol.store().clusterSizeBytes()) {
            nexuses.refuseWaiting(lvol);
            if (!shrink && !lvol.store().readOnly()) {      // There, no word helps.
                throw OperationException.precondition("replica-would-shrink", "replica " + lvol + " has " + beforeBytes + " bytes; what"
                        + " lies behind byte " + sizeBytes + " would be lost. To cut it off, say \"shrink\": true");
            }
        }
        InflationJob.refuse(jobs, lvol);
        lvol.store().resizeLvol(lvol, sizeBytes, (resized, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            if (resized.sizeBytes() != beforeBytes) {
                plane.event(ObjectKind.REPLICA, resized.uuid(), resized.toString(), "replica-resized", "replica " + resized
                        + " has " + resized.sizeBytes() + " bytes", "sizeBytes", resized.sizeBytes(), "beforeBytes", beforeBytes);
            }
            done.ok(view(resized));
        });
    }

    void destroy(String id, Completion<Void> done) {
        Lvol lvol = lvol(id);
        if (shares.find(lvol) != null) {
            throw OperationException.precondition("replica-shared", "replica " + lvol + " is shared; unshare it first");
        }
        if (lvol.bdev() != null && lvol.bdev().isOpen()) {
            throw InUse.by(lvol.bdev().openedBy(), "replica-in-use", "replica " + lvol);
        }
        nexuses.refuseWaiting(lvol);
        InflationJob.refuse(jobs, lvol);
        lvol.store().destroyLvol(lvol, (nothing, failure) -> {
            if (failure == null && lvol.store().findLvol(lvol.name()) == lvol) {
                List<String> readers = lvol.clones().stream().map(Lvol::name).sorted().toList();
                plane.event(ObjectKind.REPLICA, lvol.uuid(), lvol.toString(), "snapshot-discarded", "snapshot " + lvol
                        + " is deleted, and goes by itself when no more than one of these reads from it: " + String.join(", ", readers),
                        "pool", lvol.store().name());
            }
            done.complete(null, failure);
        });
    }

    /** Whether its deletion was asked for just now, or long ago: a snapshot goes when no more than one volume reads from it. */
    static void tellGone(PlaneContext plane, Lvol lvol) {
        plane.event(ObjectKind.REPLICA, lvol.uuid(), lvol.toString(), "replica-destroyed", "replica " + lvol + " is destroyed",
                "pool", lvol.store().name());
    }

    /** Zeroes, unmaps or checksums all of it, as a job. Refused while somebody has it open or a nexus knows it, but for a checksum. */
    JobView wipe(String id, WipeMethod method) {
        Lvol lvol = lvol(id);
        Bdev bdev = usable(lvol);
        if (bdev.isOpen() && method != WipeMethod.CHECKSUM) {
            throw InUse.by(bdev.openedBy(), "replica-in-use", "replica " + lvol);
        }
        NexusEntry user = method == WipeMethod.CHECKSUM ? null : nexuses.userOf(lvol);
        if (user != null) {     // Also of a child that is out: what it missed is known, and all else is taken for equal.
            nexuses.refuseWaiting(lvol);
            throw OperationException.precondition("replica-in-use", "replica " + lvol + " is a child of nexus " + user.name
                    + ", which would take it for what it left; remove it from the nexus first (DELETE /v1/nexuses/" + user.nexus.uuid()
                    + "/children/" + lvol.uuid() + ")");
        }
        Jobs.Job job = jobs.start("replica-wipe", lvol.toString(), lvol.uuid().toString(), true);
        try {
            new Wipe(plane, bdev, method, job, () -> {
                JobView ended = job.view();
                plane.event(ObjectKind.REPLICA, lvol.uuid(), lvol.toString(), "DONE".equals(ended.state()) ? "replica-wiped"
                        : "replica-wipe-" + ended.state().toLowerCase(Locale.ROOT), "the wipe of replica " + lvol + " (" + method + ") is "
                        + ended.state() + (ended.error() == null ? "" : ": " + ended.error()), "job", ended.id(), "method", method,
                        "result", ended.result());
            }).start();
        } catch (OperationException refused) {
            job.end(null, refused);
            throw refused;
        }
        return job.view();
    }

    LimitsView limits(String id) {
        return VolumeLimits.view(usable(lvol(id)));
    }

    void setLimits(String id, LimitsSpec spec, Completion<LimitsView> done) {
        Lvol lvol = lvol(id);
        VolumeLimits.set(plane, ObjectKind.REPLICA, usable(lvol), lvol.toString(), spec, done);
    }

    private static Bdev usable(Lvol lvol) {
        if (lvol.bdev() == null) {
            throw OperationException.precondition("replica-unsupported", "replica " + lvol + " cannot be used: " + lvol.unusableReason());
        }
        return lvol.bdev();
    }

    void share(String id, ShareSpec spec, Completion<ReplicaView> done) {
        Lvol lvol = lvol(id);
        shares.share(ObjectKind.REPLICA, usable(lvol), spec, (share, failure) -> {
            if (failure != null) {
                done.fail(failure);
            } else {
                done.ok(view(lvol));
            }
        });
    }

    void unshare(String id, Completion<ReplicaView> done) {
        Lvol lvol = lvol(id);
        shares.unshare(lvol.uuid(), (nothing, failure) -> {
            if (failure != null) {
                done.fail(failure);
            } else {
                done.ok(view(lvol));
            }
        });
    }

    List<ReplicaView> list() {
        List<ReplicaView> views = new ArrayList<>();
        for (LvStore store : pools.stores()) {
            Map<Lvol, Long> snapshotBytes = new HashMap<>();
            store.lvols().forEach(lvol -> views.add(view(lvol, lvol.snapshotBytes(snapshotBytes))));
        }
        return views;
    }

    ReplicaView get(String id) {
        return view(lvol(id));
    }

    /** Of several, made while the pool of one was away, the one that can be used. */
    private Lvol find(UUID uuid) {
        Lvol found = null;
        for (LvStore store : pools.stores()) {
            Lvol lvol = store.findLvol(uuid);
            if (lvol != null && (found == null || lvol.bdev() != null)) {
                found = lvol;
            }
        }
        return found;
    }

    /** By uuid, pool/uuid or pool/name, where a pool is named by name or UUID. */
    Lvol lvol(String id) {
        Lvol lvol = null;
        int slash = id.indexOf('/');
        if (slash > 0) {
            LvStore store = pools.store(id.substring(0, slash));
            String name = id.substring(slash + 1);
            lvol = Uuids.isUuid(name) ? store.findLvol(UUID.fromString(name)) : null;
            lvol = lvol != null ? lvol : store.findLvol(name);
        } else if (Uuids.isUuid(id)) {
            lvol = find(UUID.fromString(id));
        }
        if (lvol == null) {
            throw OperationException.notFound("replica-not-found", "there is no replica " + id + " in the open pools; if it is in another one, import that first");
        }
        return lvol;
    }

    ReplicaView view(Lvol lvol) {
        return view(lvol, lvol.snapshotBytes());
    }

    private ReplicaView view(Lvol lvol, long snapshotBytes) {
        LvStore store = lvol.store();
        boolean usable = lvol.bdev() != null;
        return new ReplicaView(lvol.uuid().toString(), lvol.name(), store.name(), store.uuid().toString(), lvol.sizeBytes(),
                lvol.allocatedBytes(), snapshotBytes, lvol.thin(), lvol.snapshot(), lvol.parentName(),
                "lvol:///" + BdevUri.encode(store.name()) + "/" + BdevUri.encode(lvol.name()),
                usable ? lvol.bdev().name() : null, usable, lvol.unusableReason(), usable ? lvol.bdev().claimedBy() : null,
                lvol.work() == null ? null : new ReplicaView.Work(lvol.work().what(), lvol.work().percent()),
                shares.find(lvol));
    }
}
