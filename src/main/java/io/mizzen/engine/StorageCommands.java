package io.mizzen.engine;

import io.mizzen.engine.model.CloneSpec;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.Outcome;
import io.mizzen.engine.model.PoolDiskSpec;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.RangesView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.engine.model.SnapshotView;
import io.mizzen.engine.model.VolumeSnapshotSpec;
import io.mizzen.engine.model.VolumeSnapshotView;
import io.mizzen.engine.model.WipeMethod;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** The engine's commands on pools, replicas, snapshots and jobs: each is one call of a service on the control reactor. */
abstract class StorageCommands implements Engine {
    abstract <T> CompletableFuture<T> query(String name, Function<Services, T> query);

    /** An operation that does not interleave with others on the objects that it names. */
    abstract <T> CompletableFuture<T> change(String name, Function<Services, Set<String>> keys, Function<Services, Operation.Body<T>> body);

    /** As {@link #change}, for what takes the longer the larger the disks are. */
    abstract <T> CompletableFuture<T> longChange(String name, Function<Services, Set<String>> keys, Function<Services, Operation.Body<T>> body);

    // --- pools ------------------------------------------------------------------------------------

    @Override
    public CompletableFuture<PoolView> createPool(PoolSpec spec) {
        return longChange("pool create", s -> s.pools.keys(spec), s -> done -> s.pools.create(spec, done));
    }

    @Override
    public CompletableFuture<PoolView> importPool(PoolSpec spec, PoolImport how) {
        return longChange("pool import", s -> s.pools.keys(spec), s -> done -> s.pools.importPool(spec, how, s.shares, done));
    }

    @Override
    public CompletableFuture<PoolView> reopenPool(String id) {
        return change("pool reopen", s -> s.pools.reopenKeys(id), s -> done -> s.pools.reopen(id, s.shares, done));
    }

    @Override
    public CompletableFuture<PoolView> setCommitLimit(String id, int percent) {
        return change("pool commit limit", s -> s.pools.keys(id), s -> done -> s.pools.setCommitLimit(id, percent, done));
    }

    @Override
    public CompletableFuture<PoolView> addPoolDisk(String id, PoolDiskSpec spec) {
        return change("pool disk add", s -> s.pools.diskKeys(id, spec.disk()), s -> done -> s.pools.addDisk(id, spec, done));
    }

    @Override
    public CompletableFuture<PoolView> growPool(String id) {
        return change("pool grow", s -> s.pools.keys(id), s -> done -> s.pools.grow(id, done));
    }

    @Override
    public CompletableFuture<PoolView> clearPoolHealth(String id) {
        return query("pool health clear", s -> s.pools.clearHealth(id));
    }

    @Override
    public CompletableFuture<Void> exportPool(String id) {
        return change("pool export", s -> s.pools.keys(id), s -> done -> s.pools.exportPool(id, done));
    }

    @Override
    public CompletableFuture<Void> destroyPool(String id, boolean withReplicas) {
        return change("pool destroy", s -> s.pools.keys(id), s -> done -> s.pools.destroy(id, withReplicas, done));
    }

    @Override
    public CompletableFuture<List<PoolView>> pools() {
        return query("pool list", s -> s.pools.list());
    }

    @Override
    public CompletableFuture<PoolView> pool(String id) {
        return query("pool get", s -> s.pools.get(id));
    }

    // --- replicas ---------------------------------------------------------------------------------

    @Override
    public CompletableFuture<ReplicaView> createReplica(ReplicaSpec spec) {
        return change("replica create", s -> s.replicas.keys(spec), s -> done -> s.replicas.create(spec, done));
    }

    @Override
    public CompletableFuture<ReplicaView> resizeReplica(String id, long sizeBytes, boolean shrink) {
        return change("replica resize", s -> s.replicas.keys(id), s -> done -> s.replicas.resize(id, sizeBytes, shrink, done));
    }

    @Override
    public CompletableFuture<Void> destroyReplica(String id) {
        return change("replica destroy", s -> s.replicas.keys(id), s -> done -> s.replicas.destroy(id, done));
    }

    @Override
    public CompletableFuture<List<ReplicaView>> replicas() {
        return query("replica list", s -> s.replicas.list());
    }

    @Override
    public CompletableFuture<ReplicaView> replica(String id) {
        return query("replica get", s -> s.replicas.get(id));
    }

    @Override
    public CompletableFuture<ReplicaView> shareReplica(String id, ShareSpec spec) {
        return change("replica share", s -> s.replicas.keys(id), s -> done -> s.replicas.share(id, spec, done));
    }

    @Override
    public CompletableFuture<ReplicaView> unshareReplica(String id) {
        return change("replica unshare", s -> s.replicas.keys(id), s -> done -> s.replicas.unshare(id, done));
    }

    @Override
    public CompletableFuture<Outcome<SnapshotView>> createSnapshot(SnapshotSpec spec) {
        return change("snapshot create", s -> s.replicas.keys(spec.replica()), s -> done -> s.snapshots.create(spec, done));
    }

    @Override
    public CompletableFuture<Outcome<VolumeSnapshotView>> createVolumeSnapshot(VolumeSnapshotSpec spec) {
        return change("nexus snapshot", s -> s.volumeSnapshots.keys(spec.nexus()), s -> done -> s.volumeSnapshots.create(spec, done));
    }

    @Override
    public CompletableFuture<List<SnapshotView>> snapshots() {
        return query("snapshot list", s -> s.snapshots.list());
    }

    @Override
    public CompletableFuture<ReplicaView> cloneSnapshot(CloneSpec spec) {
        return change("snapshot clone", s -> s.snapshots.keys(spec.snapshot()), s -> done -> s.snapshots.cloneOf(spec, done));
    }

    @Override
    public CompletableFuture<ReplicaView> rollbackReplica(String id, String snapshotId) {
        return change("replica rollback", s -> s.replicas.keys(id), s -> done -> s.snapshots.rollback(id, snapshotId, done));
    }

    @Override
    public CompletableFuture<NexusView> rollbackNexus(String id, String snapshot) {
        return change("nexus rollback", s -> s.volumeSnapshots.keys(id), s -> done -> s.volumeRollbacks.rollback(id, snapshot, done));
    }

    @Override
    public CompletableFuture<JobView> inflateReplica(String id, boolean parentOnly) {
        return change("replica inflate", s -> s.replicas.keys(id), s -> done -> s.snapshots.inflate(id, parentOnly, done));
    }

    @Override
    public CompletableFuture<RangesView> ranges(String id, String since, long offsetBytes, int count) {
        return query("ranges", s -> s.snapshots.ranges(id, since, offsetBytes, count));
    }

    // --- jobs -------------------------------------------------------------------------------------

    @Override
    public CompletableFuture<JobView> wipeReplica(String id, WipeMethod method) {
        return change("replica wipe", s -> s.replicas.keys(id), s -> done -> done.ok(s.replicas.wipe(id, method)));
    }

    @Override
    public CompletableFuture<List<JobView>> jobs() {
        return query("job list", s -> s.jobs.list());
    }

    @Override
    public CompletableFuture<JobView> job(String id) {
        return query("job get", s -> s.jobs.get(id));
    }

    @Override
    public CompletableFuture<JobView> cancelJob(String id) {
        return query("job cancel", s -> s.jobs.cancel(id));
    }
}
