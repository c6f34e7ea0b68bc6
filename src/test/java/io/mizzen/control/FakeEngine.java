package io.mizzen.control;

import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.CloneSpec;
import io.mizzen.engine.model.ConnectionView;
import io.mizzen.engine.model.EventSeverity;
import io.mizzen.engine.model.HostView;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.LimitsView;
import io.mizzen.engine.model.ListenerView;
import io.mizzen.engine.model.MemoryView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.engine.model.NexusSettings;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.Outcome;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.RangesView;
import io.mizzen.engine.model.RebuildOrder;
import io.mizzen.engine.model.RebuildView;
import io.mizzen.engine.model.RebuildsView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.ShareView;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.engine.model.SnapshotView;
import io.mizzen.engine.model.SubsystemView;
import io.mizzen.engine.model.VolumeSnapshotSpec;
import io.mizzen.engine.model.VolumeSnapshotView;
import io.mizzen.engine.model.WipeMethod;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/** An engine without a data plane: keeps specifications, answers at once, fails or never answers on request. */
public final class FakeEngine extends FakeStorage {
    private static final NexusSettings SETTINGS = new NexusSettings(25_000, 0, 8 * MIB, true, 2);
    private final Map<String, ReplicaSpec> replicas = new LinkedHashMap<>();
    private final Map<String, SnapshotSpec> snapshots = new LinkedHashMap<>();
    private final Map<String, NexusSpec> nexuses = new LinkedHashMap<>();
    private final Map<String, ShareSpec> shares = new LinkedHashMap<>();
    private final Map<String, LimitsSpec> limits = new LinkedHashMap<>();
    private final Map<String, Long> pauses = new LinkedHashMap<>();
    private final Map<String, NexusSettings> settings = new LinkedHashMap<>();
    private final List<JobView> jobs = new ArrayList<>();
    private final Map<String, Boolean> shut = new LinkedHashMap<>();
    private final Map<String, String> childStates = new LinkedHashMap<>();
    private String faultReason = "administrative";
    private final Map<String, String> refusedChildren = new HashMap<>();
    private final List<String> faultedOnAssembly = new ArrayList<>();
    private boolean awaitsShares = true;

    @Override
    public synchronized void clear() {
        super.clear();
        List.of(replicas, snapshots, nexuses, shares, limits, pauses, settings, childStates, shut).forEach(Map::clear);
    }

    @Override
    public synchronized MetricsView metrics() {
        List<MetricsView.VolumeMetrics> volumes = new ArrayList<>();
        bdevs.forEach((name, spec) -> volumes.add(new MetricsView.VolumeMetrics(ObjectKind.BDEV, name, null, stats(), null)));
        nexuses.values().forEach(nexus -> volumes.add(
            new MetricsView.VolumeMetrics(ObjectKind.NEXUS, nexus.name(), nexus.uuid(), stats(), limitsView(nexus.uuid()))));
        return new MetricsView(1, List.of(new MetricsView.ReactorMetrics(0, true, 2_000_000_000L, 500_000_000L, 9_000_000_000L,
            100, 50, 7, 3, 2, 1, 20, 40, 39)), volumes, List.of(new MemoryView.BufferPoolView("data", 4096, 10, 8, 1, List.of(
                new MemoryView.CacheView(0, 3, 9, 8, 0, 0)))), 2, 1, target(), new MetricsView.MemoryMetrics("HUGETLB_2M",
                2 * MIB, 256 * MIB, 128 * MIB, MIB), List.of(new MetricsView.EventCount("child-faulted", EventSeverity.WARNING, 3)));
    }

    private static MetricsView.TargetMetrics target() {
        return new MetricsView.TargetMetrics(4, 9, 1, 5, 2, 1, 0, 0, 0, 100, 3, 1, List.of(new MetricsView.HostMetrics(
            "nqn.host", "nqn.subsystem", 1, 2, stats())));
    }

    @Override
    public CompletableFuture<ReplicaView> createReplica(ReplicaSpec spec) {
        return answer("createReplica", () -> {
            ReplicaSpec old = replicas.putIfAbsent(spec.uuid(), spec);
            if (old != null && !old.equals(spec)) {
                throw new OperationException(ErrorKind.ALREADY_EXISTS, "replica-exists", "another specification");
            }
            return replicaView(spec.uuid());
        });
    }

    /** Snapshots are volumes, too. */
    private ReplicaSpec ofSnapshot(SnapshotSpec snapshot) {
        ReplicaSpec of = replicas.get(snapshot.replica());
        return new ReplicaSpec(snapshot.uuid(), snapshot.name(), of.pool(), of.sizeBytes(), true);
    }

    private ReplicaView replicaView(String id) {
        ReplicaSpec spec = snapshots.containsKey(id) ? ofSnapshot(snapshots.get(id)) : found(replicas, id, "replica");
        return new ReplicaView(id, spec.name(), spec.pool(), poolUuid(spec.pool()), spec.sizeBytes(), 0, 0, spec.thin(), false,
            null, "lvol:///" + spec.pool() + "/" + spec.name(), spec.name(), true, null, null, null, shareView(id));
    }

    /** Replicas, too, as pool/name. */
    @Override
    public CompletableFuture<BdevView> bdev(String name) {
        ReplicaSpec replica = replicas.values().stream().filter(spec -> name.equals(spec.pool() + "/" + spec.name())).findAny().orElse(null);
        return replica == null ? super.bdev(name) : answer("bdev", () -> bdevView(replica.uuid(), null, replica.uuid(), "lvol"));
    }

    @Override
    public CompletableFuture<JobView> wipeReplica(String id, WipeMethod method) {
        return answer("wipeReplica", () -> {
            found(replicas, id, "replica");
            return begun("replica-wipe", id);
        });
    }

    private JobView begun(String kind, String replica) {
        jobs.add(new JobView(Integer.toString(jobs.size() + 1), kind, replica, replica, "RUNNING", 1, 4, 25, Instant.EPOCH, null, null, null));
        return jobs.getLast();
    }

    /** A job that makes or opens a pool begins. */
    public synchronized void beginPool(String kind, String name, String uuid) {
        jobs.add(new JobView(Integer.toString(jobs.size() + 1), kind, name, uuid, "RUNNING", 1, 2, 50, Instant.EPOCH, null, null, null));
    }

    @Override
    public CompletableFuture<List<JobView>> jobs() {
        return answer("jobs", () -> List.copyOf(jobs));
    }

    @Override
    public CompletableFuture<JobView> job(String id) {
        return answer("job", () -> jobs.stream().filter(job -> job.id().equals(id)).findFirst().orElseThrow(() ->
            OperationException.notFound("job-not-found", "There is no job " + id)));
    }

    @Override
    public CompletableFuture<JobView> cancelJob(String id) {
        return job(id);
    }

    @Override
    public CompletableFuture<ReplicaView> resizeReplica(String id, long sizeBytes, boolean shrink) {
        return answer("resizeReplica", () -> {
            ReplicaSpec old = found(replicas, id, "replica");
            if (sizeBytes <= old.sizeBytes() - 4 * MIB && !shrink) {
                throw OperationException.precondition("replica-would-shrink", "It would.");
            }
            replicas.put(id, new ReplicaSpec(id, old.name(), old.pool(), sizeBytes, old.thin()));
            return replicaView(id);
        });
    }

    @Override
    public CompletableFuture<Void> destroyReplica(String id) {
        return answer("destroyReplica", () -> snapshots.remove(id) != null ? null : removed(replicas, id, "replica"));
    }

    @Override
    public CompletableFuture<List<ReplicaView>> replicas() {
        return answer("replicas", () -> replicas.keySet().stream().map(this::replicaView).toList());
    }

    @Override
    public CompletableFuture<ReplicaView> replica(String id) {
        return answer("replica", () -> replicaView(id));
    }

    @Override
    public CompletableFuture<Outcome<SnapshotView>> createSnapshot(SnapshotSpec spec) {
        return answer("createSnapshot", () -> {
            found(replicas, spec.replica(), "replica");
            boolean created = snapshots.put(spec.uuid(), spec) == null;
            return new Outcome<>(snapshotView(spec.uuid()), created);
        });
    }

    @Override
    public CompletableFuture<Outcome<VolumeSnapshotView>> createVolumeSnapshot(VolumeSnapshotSpec spec) {
        return answer("createVolumeSnapshot", () -> {
            List<String> children = found(nexuses, spec.nexus(), "nexus").children();
            List<SnapshotView> taken = new ArrayList<>();
            int before = snapshots.size();
            List.copyOf(replicas.values()).stream().filter(r -> children.contains("lvol:///" + r.pool() + "/" + r.name())).forEach(r -> {
                String uuid = spec.uuids().getOrDefault(r.uuid(), uuidOf(r.uuid() + spec.transactionId()));
                snapshots.put(uuid, new SnapshotSpec(uuid, spec.name(), r.uuid(), spec.entityId(), spec.transactionId()));
                taken.add(snapshotView(uuid));
            });
            return new Outcome<>(new VolumeSnapshotView(spec.nexus(), nexuses.get(spec.nexus()).name(), spec.transactionId(),
                "2026-01-01T00:00:00Z", 0L, taken, List.of()), snapshots.size() > before);
        });
    }

    private SnapshotView snapshotView(String id) {
        SnapshotSpec spec = found(snapshots, id, "snapshot");
        ReplicaSpec of = replicas.get(spec.replica());
        return new SnapshotView(id, spec.name(), of.pool(), uuidOf(of.pool()), of.sizeBytes(), MIB, of.uuid(), null,
            List.of(of.name()), spec.entityId(), spec.transactionId(), null, "2026-01-02T03:04:05Z", false, 250_000L, true, null);
    }

    @Override
    public CompletableFuture<List<SnapshotView>> snapshots() {
        return answer("snapshots", () -> snapshots.keySet().stream().map(this::snapshotView).toList());
    }

    @Override
    public CompletableFuture<ReplicaView> cloneSnapshot(CloneSpec spec) {
        return answer("cloneSnapshot", () -> {
            ReplicaSpec of = replicas.get(found(snapshots, spec.snapshot(), "snapshot").replica());
            replicas.put(spec.uuid(), new ReplicaSpec(spec.uuid(), spec.name(), of.pool(), of.sizeBytes(), true));
            return replicaView(spec.uuid());
        });
    }

    @Override
    public CompletableFuture<ReplicaView> rollbackReplica(String id, String snapshotId) {
        return answer("rollbackReplica", () -> {
            found(snapshots, snapshotId, "snapshot");
            return replicaView(id);
        });
    }

    @Override
    public CompletableFuture<NexusView> rollbackNexus(String id, String snapshot) {
        return answer("rollbackNexus", () -> {
            if (snapshots.values().stream().noneMatch(one -> snapshot.equals(one.transactionId()))) {
                throw OperationException.notFound("snapshot-not-found", "no snapshot " + snapshot);
            }
            return nexusView(id);
        });
    }

    @Override
    public CompletableFuture<JobView> inflateReplica(String id, boolean parentOnly) {
        return answer("inflateReplica", () -> begun(parentOnly ? "replica-decouple" : "replica-inflate", replicaView(id).uuid()));
    }

    @Override
    public CompletableFuture<RangesView> ranges(String id, String since, long offsetBytes, int count) {
        return answer("ranges", () -> new RangesView(id, since, 4 * MIB, MIB,
            List.of(new RangesView.Range(offsetBytes, MIB, false)), null));
    }

    @Override
    public CompletableFuture<ReplicaView> shareReplica(String id, ShareSpec spec) {
        return answer("shareReplica", () -> {
            String uuid = id.substring(id.indexOf('/') + 1);
            ReplicaSpec replica = found(replicas, uuid, "replica");
            if (!uuid.equals(id) && !id.startsWith(poolUuid(replica.pool()) + "/")) {
                throw OperationException.notFound("replica-not-found", "There is no replica " + id);
            }
            shares.put(uuid, spec);
            return replicaView(uuid);
        });
    }

    @Override
    public CompletableFuture<ReplicaView> unshareReplica(String id) {
        return answer("unshareReplica", () -> {
            shares.remove(id);
            return replicaView(id);
        });
    }

    private ShareView shareView(String id) {
        ShareSpec share = shares.get(id);
        return share == null ? null : new ShareView("nqn.2026-11.io.mizzen:" + id, 1, id, "serial", share.allowedHosts(),
            List.of(new ListenerView("tcp", "ipv4", "127.0.0.1", 4420)), pauses.containsKey(id),
            pauses.getOrDefault(id, 0L) == 0 ? null : Instant.now().plusMillis(pauses.get(id)), false);
    }

    @Override
    public CompletableFuture<NexusView> createNexus(NexusSpec spec) {
        return answer("createNexus", () -> {
            NexusSpec old = nexuses.putIfAbsent(spec.uuid(), spec);
            if (old != null && !old.equals(spec)) {
                throw new OperationException(ErrorKind.ALREADY_EXISTS, "nexus-exists", "another specification");
            }
            return nexusView(spec.uuid());
        });
    }

    @Override
    public CompletableFuture<NexusView> assembleNexus(NexusSpec spec, boolean allowMissing) {
        return answer("assembleNexus", () -> {
            failUnless(allowMissing, "assembleWithAll");
            for (String child : spec.children()) {
                if (refusedChildren.containsKey(child)) {
                    throw OperationException.precondition(refusedChildren.get(child), child + " is no member");
                }
            }
            if (shut.remove(spec.uuid()) != null) {
                pauses.remove(spec.uuid());
            } else {
                createNexus(spec).join();
            }
            faultedOnAssembly.forEach(child -> childStates.put(spec.uuid() + " " + child, "FAULTED"));
            return nexusView(spec.uuid());
        });
    }

    private NexusView nexusView(String id) {
        NexusSpec spec = nexuses.values().stream().filter(nexus -> id.equals(nexus.uuid()) || id.equals(nexus.name()))
            .findFirst().orElseThrow(() -> OperationException.notFound("nexus-not-found", "There is no nexus " + id));
        LimitsSpec limited = limits.get(spec.uuid());
        return new NexusView(spec.uuid(), Objects.requireNonNullElse(spec.name(), "nexus"), "bdev", spec.sizeBytes(), 512,
            shut.containsKey(spec.uuid()) ? "SHUTDOWN" : "ONLINE", "v2", 1, false, 0, false, 0, 0, 0, null,
            spec.children().stream().map(child -> childView(spec, child)).toList(),
            settings.getOrDefault(spec.uuid(), SETTINGS), limited, shareView(spec.uuid()));
    }

    private NexusView.ChildView childView(NexusSpec nexus, String uri) {
        String state = childStates.getOrDefault(nexus.uuid() + " " + uri, "OPEN");
        boolean rebuilding = state.equals("REBUILDING");
        return new NexusView.ChildView(uri, uri.replaceAll("^[a-z]+:///|[?].*", ""), uuidOf("member " + uri), uuidOf(uri), state,
            state.equals("OPEN"), true, state.equals("FAULTED") ? faultReason : null, Instant.EPOCH, 1, 2, 0, 0, 0,
            rebuilding ? rebuildView(uri) : null);
    }

    private static RebuildView rebuildView(String child) {
        return new RebuildView(child, "source", "FULL", "COPYING", 100, 40, 60, 50, 10, 50, 0, 1000, 0, 5, 40L);
    }

    /** An assembly with this child fails with this code. */
    public synchronized void refuseAssembly(String child, String code) {
        refusedChildren.put(child, code);
    }

    /** This child is out when its nexus is assembled. */
    public synchronized void faultedOnAssembly(String child) {
        faultedOnAssembly.add(child);
    }

    /** Children that are out are so for this reason. */
    public synchronized void faultReason(String reason) {
        faultReason = reason;
    }

    private CompletableFuture<NexusView> onChild(String command, String id, String child, String state) {
        return answer(command, () -> {
            NexusView nexus = nexusView(id);
            NexusView.ChildView known = nexus.children().stream().filter(one -> child.equals(one.uri()) || child.equals(one.bdev()))
                .findFirst().orElseThrow(() -> OperationException.notFound("child-not-found", "There is no child " + child));
            childStates.put(nexus.uuid() + " " + known.uri(), state);
            return nexusView(id);
        });
    }

    private void setChildren(String id, List<String> children) {
        NexusSpec old = nexuses.get(nexusView(id).uuid());
        nexuses.put(old.uuid(), new NexusSpec(old.uuid(), old.name(), children, old.sizeBytes(), old.label()));
    }

    @Override
    public CompletableFuture<NexusView> resizeNexus(String id, long sizeBytes) {
        return answer("resizeNexus", () -> {
            NexusSpec old = nexuses.get(nexusView(id).uuid());
            nexuses.put(old.uuid(), new NexusSpec(old.uuid(), old.name(), old.children(), sizeBytes, old.label()));
            return nexusView(id);
        });
    }

    @Override
    public CompletableFuture<NexusView> shutdownNexus(String id) {
        return answer("shutdownNexus", () -> {
            shut.put(nexusView(id).uuid(), true);
            pauses.put(nexusView(id).uuid(), 0L);
            failUnless(false, "closeClean");
            return nexusView(id);
        });
    }

    @Override
    public CompletableFuture<NexusView> addNexusChild(String id, String uri, List<String> overwrite) {
        return answer("addNexusChild", () -> {
            List<String> children = new ArrayList<>(nexuses.get(nexusView(id).uuid()).children());
            children.add(uri);
            setChildren(id, children);
            return onChild("child", id, uri, "REBUILDING").join();
        });
    }

    @Override
    public CompletableFuture<NexusView> removeNexusChild(String id, String child) {
        return answer("removeNexusChild", () -> {
            String uri = nexusView(id).children().stream().filter(one -> child.equals(one.uri()) || child.equals(one.bdev()))
                .findFirst().orElseThrow(() -> OperationException.notFound("child-not-found", "no child " + child)).uri();
            setChildren(id, nexuses.get(nexusView(id).uuid()).children().stream().filter(one -> !one.equals(uri)).toList());
            return nexusView(id);
        });
    }

    @Override
    public CompletableFuture<NexusView> offlineNexusChild(String id, String child) {
        return onChild("offlineNexusChild", id, child, "OFFLINE");
    }

    @Override
    public CompletableFuture<NexusView> onlineNexusChild(String id, String child) {
        return onChild("onlineNexusChild", id, child, "REBUILDING");
    }

    @Override
    public CompletableFuture<NexusView> returnNexusChild(String id, String child) {
        return onChild("returnNexusChild", id, child, "REBUILDING");
    }

    /** A child is in this state, for the reason that {@link #faultReason} says. */
    public synchronized void childState(String nexus, String child, String state) {
        childStates.put(nexus + " " + child, state);
    }

    @Override
    public CompletableFuture<NexusView> faultNexusChild(String id, String child) {
        return onChild("faultNexusChild", id, child, "FAULTED");
    }

    @Override
    public CompletableFuture<NexusView> rebuildNexusChild(String id, String child, RebuildOrder order) {
        return onChild(order + " rebuildNexusChild", id, child, "REBUILDING");
    }

    @Override
    public CompletableFuture<RebuildsView> verifyNexus(String id, String child) {
        return answer("verifyNexus", () -> new RebuildsView(List.of(rebuildView(nexusView(id).name())), List.of()));
    }

    @Override
    public CompletableFuture<RebuildsView> nexusRebuilds(String id) {
        return answer("nexusRebuilds", () -> new RebuildsView(nexusView(id).children().stream()
            .map(NexusView.ChildView::rebuild).filter(Objects::nonNull).toList(), List.of()));
    }

    @Override
    public CompletableFuture<NexusView> setNexus(String id, NexusSettings wanted) {
        return answer("setNexus", () -> {
            settings.put(nexusView(id).uuid(), wanted);
            return nexusView(id);
        });
    }

    @Override
    public CompletableFuture<Void> destroyNexus(String id) {
        return answer("destroyNexus", () -> removed(nexuses, nexusView(id).uuid(), "nexus"));
    }

    @Override
    public CompletableFuture<List<NexusView>> nexuses() {
        return answer("nexuses", () -> nexuses.keySet().stream().map(this::nexusView).toList());
    }

    @Override
    public CompletableFuture<NexusView> nexus(String id) {
        return answer("nexus", () -> nexusView(id));
    }

    @Override
    public CompletableFuture<NexusView> publishNexus(String id, ShareSpec spec) {
        return answer("publishNexus", () -> {
            shares.put(nexusView(id).uuid(), spec);
            return nexusView(id);
        });
    }

    @Override
    public CompletableFuture<NexusView> publishNexusPaused(String id, ShareSpec spec, long forMs) {
        return answer("publishNexusPaused", () -> {
            shares.put(nexusView(id).uuid(), spec);
            pauses.put(nexusView(id).uuid(), forMs);
            return nexusView(id);
        });
    }

    @Override
    public CompletableFuture<NexusView> pauseNexus(String id, long forMs) {
        return answer("pauseNexus", () -> {
            if (nexusView(id).share() == null) {
                throw OperationException.precondition("not-published", "not served");
            }
            pauses.put(nexusView(id).uuid(), forMs);
            return nexusView(id);
        });
    }

    @Override
    public CompletableFuture<NexusView> resumeNexus(String id) {
        return answer("resumeNexus", () -> {
            pauses.remove(nexusView(id).uuid());
            return nexusView(id);
        });
    }

    @Override
    public CompletableFuture<LimitsView> nexusLimits(String id) {
        return answer("nexusLimits", () -> limitsView(nexusView(id).uuid()));
    }

    @Override
    public CompletableFuture<LimitsView> setNexusLimits(String id, LimitsSpec spec) {
        return answer("setNexusLimits", () -> {
            limits.put(nexusView(id).uuid(), spec);
            return limitsView(id);
        });
    }

    @Override
    public CompletableFuture<LimitsView> replicaLimits(String id) {
        return answer("replicaLimits", () -> limitsView(replicaView(id).uuid()));
    }

    @Override
    public CompletableFuture<LimitsView> setReplicaLimits(String id, LimitsSpec spec) {
        return answer("setReplicaLimits", () -> {
            limits.put(replicaView(id).uuid(), spec);
            return limitsView(id);
        });
    }

    private LimitsView limitsView(String uuid) {
        return new LimitsView(limits.getOrDefault(uuid, LimitsSpec.NONE), 0, 0);
    }

    @Override
    public CompletableFuture<NexusView> unpublishNexus(String id) {
        return answer("unpublishNexus", () -> {
            shares.remove(nexusView(id).uuid());
            return nexusView(id);
        });
    }

    @Override
    public synchronized CompletableFuture<Void> awaitShares(boolean more) {
        awaitsShares = more;
        return CompletableFuture.completedFuture(null);
    }

    /** What the control plane has said last. */
    public synchronized boolean awaitsShares() {
        return awaitsShares;
    }

    @Override
    public CompletableFuture<List<SubsystemView>> subsystems() {
        return answer("subsystems", () -> shares.keySet().stream().map(id -> new SubsystemView(
            "nqn.2026-11.io.mizzen:" + id, "nvme", ObjectKind.NEXUS, id, "serial", "Mizzen", shares.get(id).allowedHosts(),
            List.of(), List.of(), List.of())).toList());
    }

    @Override
    public CompletableFuture<List<HostView>> hosts() {
        return answer("hosts", List::of);
    }

    @Override
    public CompletableFuture<List<ConnectionView>> connections() {
        return answer("connections", List::of);
    }
}
