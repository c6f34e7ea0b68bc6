package io.mizzen.control;

import io.mizzen.engine.Engine;
import io.mizzen.engine.model.CloneSpec;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.Outcome;
import io.mizzen.engine.model.RangesView;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.engine.model.SnapshotView;
import io.mizzen.engine.model.VolumeSnapshotSpec;
import io.mizzen.engine.model.VolumeSnapshotView;
import io.mizzen.util.OperationException;
import java.util.List;

/** Snapshots and clones. They live in their pool's own metadata: of them only limits and shares are desired state. */
public final class SnapshotService {
    private final Engine engine;
    private final EngineCalls calls;
    private final AbsentNexuses absent;
    private final ReplicaService replicas;
    private final ShutNexuses shut;

    SnapshotService(Engine engine, EngineCalls calls, DesiredState state) {
        this.absent = new AbsentNexuses(engine, calls, state);
        this.replicas = new ReplicaService(engine, calls, state);
        this.shut = new ShutNexuses(state);
        this.engine = engine;
        this.calls = calls;
    }

    /** @param replica uuid of the replica that they were taken of; null: all */
    public List<SnapshotView> list(String replica) {
        return calls.await(engine.snapshots()).stream().filter(s -> replica == null || replica.equals(s.replica())).toList();
    }

    /** @param uuid of a snapshot */
    public SnapshotView get(String uuid) {
        return list(null).stream().filter(snapshot -> uuid.equals(snapshot.uuid())).findFirst().orElseThrow(() ->
            OperationException.notFound("snapshot-not-found", "there is no snapshot " + uuid + " in the open pools; if it is in another one, import that first"));
    }

    public Outcome<SnapshotView> create(SnapshotSpec spec) {
        return calls.await(engine.createSnapshot(spec));
    }

    /** Of all children of a nexus, at one moment. */
    public Outcome<VolumeSnapshotView> createOfNexus(VolumeSnapshotSpec spec) {
        if (shut.find(spec.nexus(), calls.await(engine.nexuses())).isPresent()) {
            throw OperationException.precondition("nexus-shut-down", "Nexus " + spec.nexus() + " is shut down; assemble it first.");
        }
        return calls.await(engine.createVolumeSnapshot(spec));
    }

    public Outcome<ReplicaView> cloneOf(CloneSpec spec) {
        boolean existed = calls.await(engine.replicas()).stream().anyMatch(replica -> replica.uuid().equals(spec.uuid()));
        return new Outcome<>(calls.await(engine.cloneSnapshot(spec)), !existed);
    }

    public void destroy(String uuid) {
        get(uuid);
        replicas.destroy(uuid);
    }

    public ReplicaView rollback(String replica, String snapshot) {
        absent.refuseReplica(replica);
        return calls.await(engine.rollbackReplica(replica, snapshot));
    }

    /** Of all children of a nexus. */
    public NexusView rollbackNexus(String nexus, String snapshot) {
        if (shut.find(nexus, calls.await(engine.nexuses())).isPresent()) {
            throw OperationException.precondition("nexus-shut-down", "Nexus " + nexus + " is shut down; assemble it first.");
        }
        return calls.await(engine.rollbackNexus(nexus, snapshot));
    }

    /** @return the job that does it */
    public JobView inflate(String replica, boolean parentOnly) {
        return calls.await(engine.inflateReplica(replica, parentOnly));
    }

    /** @param since a snapshot; null: what is allocated */
    public RangesView ranges(String id, String since, long offsetBytes, int count) {
        return calls.await(engine.ranges(id, since, offsetBytes, count));
    }
}
