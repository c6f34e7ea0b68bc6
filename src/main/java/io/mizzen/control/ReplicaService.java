package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.Outcome;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.ShareSpec;
import java.util.List;

/** Replicas. They live in their pool's own metadata; only how they are shared is desired state. */
public final class ReplicaService {
    private final Engine engine;
    private final EngineCalls calls;
    private final DesiredState state;
    private final AbsentNexuses absent;

    ReplicaService(Engine engine, EngineCalls calls, DesiredState state) {
        this.engine = engine;
        this.calls = calls;
        this.state = state;
        this.absent = new AbsentNexuses(engine, calls, state);
    }

    public List<ReplicaView> list() {
        return calls.await(engine.replicas());
    }

    public ReplicaView get(String id) {
        return calls.await(engine.replica(id));
    }

    public Outcome<ReplicaView> create(ReplicaSpec spec) {
        boolean existed = list().stream().anyMatch(replica -> spec.uuid().equals(replica.uuid()));
        return new Outcome<>(calls.await(engine.createReplica(spec)), !existed);
    }

    /** @param shrink the word without which nothing is cut off */
    public ReplicaView resize(String id, long sizeBytes, boolean shrink) {
        absent.refuseShrinking(id, sizeBytes);
        return calls.await(engine.resizeReplica(id, sizeBytes, shrink));
    }

    public void destroy(String id) {
        ReplicaView view = get(id);
        absent.refuseReplica(id);
        calls.await(state.storing(engine.destroyReplica(id), done -> {
            state.remove(StateKind.LIMITS, view.uuid());
            state.remove(StateKind.SHARE, view.uuid());
        }));
    }

    public ReplicaView share(String id, ShareSpec spec) {
        ReplicaView known = get(id);
        return state.locked(known.uuid(), () -> calls.await(state.storing(engine.shareReplica(id, spec), replica ->
            state.put(StateKind.SHARE, replica.uuid(), DesiredState.StoredShare.of(replica, spec)))));
    }

    /** Also of a replica whose pool is lost: a start would look for it for ever. */
    public void unshare(String uuid) {
        state.locked(uuid, () -> calls.await(state.removing(engine.unshareReplica(uuid), StateKind.SHARE, uuid)));
    }
}
