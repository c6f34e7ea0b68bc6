package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.LimitsView;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.util.OperationException;
import java.util.Optional;

/** Limits of nexuses and replicas: in force and stored when the answer comes. */
public final class LimitsService {
    private final Engine engine;
    private final EngineCalls calls;
    private final DesiredState state;
    private final ShutNexuses shut;

    LimitsService(Engine engine, EngineCalls calls, DesiredState state) {
        this.engine = engine;
        this.calls = calls;
        this.state = state;
        this.shut = new ShutNexuses(state);
    }

    /** Of a nexus that was shut down before this start, those that it will have when it is assembled. */
    public LimitsView ofNexus(String uuid) {
        Optional<NexusView> absent = shut.find(uuid, calls.await(engine.nexuses()));
        if (absent.isPresent()) {
            LimitsSpec limits = absent.get().limits();
            return new LimitsView(limits == null ? LimitsSpec.NONE : limits, 0, 0);
        }
        return calls.await(engine.nexusLimits(uuid));
    }

    public LimitsView ofReplica(String uuid) {
        return calls.await(engine.replicaLimits(uuid));
    }

    /** Sets all limits of a nexus anew; {@link LimitsSpec#NONE} removes them. */
    public LimitsView setNexus(String uuid, LimitsSpec limits) {
        if (shut.find(uuid, calls.await(engine.nexuses())).isPresent()) {
            throw OperationException.precondition("nexus-shut-down", "Nexus " + uuid + " is shut down; assemble it first.");
        }
        return state.locked(uuid, () -> calls.await(state.storing(engine.setNexusLimits(uuid, limits),
            view -> store(new DesiredState.StoredLimits(true, uuid, null, limits)))));
    }

    /** The same for a replica. */
    public LimitsView setReplica(String uuid, LimitsSpec limits) {
        ReplicaView replica = calls.await(engine.replica(uuid));
        return state.locked(uuid, () -> calls.await(state.storing(engine.setReplicaLimits(uuid, limits),
            view -> store(new DesiredState.StoredLimits(false, uuid, replica.poolUuid(), limits)))));
    }

    /** Also of a replica whose pool is lost: a start would look for it for ever. */
    public void removeReplica(String uuid) {
        state.locked(uuid, () -> calls.await(state.removing(engine.setReplicaLimits(uuid, LimitsSpec.NONE), StateKind.LIMITS, uuid)));
    }

    private void store(DesiredState.StoredLimits limits) {
        if (limits.limits().equals(LimitsSpec.NONE)) {
            state.remove(StateKind.LIMITS, limits.uuid());
        } else {
            state.put(StateKind.LIMITS, limits.uuid(), limits);
        }
    }
}
