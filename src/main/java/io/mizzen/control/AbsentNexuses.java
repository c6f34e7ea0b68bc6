package io.mizzen.control;

import io.mizzen.engine.ChildNames;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Keeps the replicas and disks of nexuses that only the desired state knows: shut down before the engine started, or not
 * brought back yet. The engine keeps those of the nexuses that it has, and has none of these open. Any thread.
 */
final class AbsentNexuses {
    private final Engine engine;
    private final EngineCalls calls;
    private final DesiredState state;

    AbsentNexuses(Engine engine, EngineCalls calls, DesiredState state) {
        this.engine = engine;
        this.calls = calls;
        this.state = state;
    }

    private List<DesiredState.StoredNexus> absent() {
        List<DesiredState.StoredNexus> desired = state.list(DesiredState.StoredNexus.class);
        if (desired.isEmpty()) {
            return List.of();
        }
        Set<String> there = calls.await(engine.nexuses()).stream().map(NexusView::uuid).collect(Collectors.toSet());
        return desired.stream().filter(nexus -> !there.contains(nexus.uuid())).toList();
    }

    private static Optional<DesiredState.StoredNexus> userOf(ReplicaView replica, List<DesiredState.StoredNexus> nexuses) {
        return nexuses.stream().filter(nexus -> nexus.allChildren().stream().anyMatch(child ->
            ChildNames.leadTo(child, replica.pool(), replica.name(), replica.uuid()))).findFirst();
    }

    /** Refuses what would take a replica's data from such a nexus. One that is not there is for the engine to refuse. */
    void refuseReplica(String id) {
        List<DesiredState.StoredNexus> nexuses = absent();
        if (!nexuses.isEmpty()) {
            find(id).ifPresent(replica -> refuse(replica, nexuses));
        }
    }

    /** As {@link #refuseReplica}, where its new size is smaller by a cluster or more. */
    void refuseShrinking(String id, long sizeBytes) {
        List<DesiredState.StoredNexus> nexuses = absent();
        Optional<ReplicaView> replica = nexuses.isEmpty() ? Optional.empty() : find(id);
        if (replica.isPresent() && userOf(replica.get(), nexuses).isPresent() && sizeBytes <= replica.get().sizeBytes()
            - calls.await(engine.pool(replica.get().pool())).clusterSizeBytes()) {
            refuse(replica.get(), nexuses);
        }
    }

    private Optional<ReplicaView> find(String id) {
        return calls.await(engine.replicas()).stream().filter(replica -> id.equals(replica.uuid())
            || id.equals(replica.pool() + "/" + replica.name())).findFirst();
    }

    private static void refuse(ReplicaView replica, List<DesiredState.StoredNexus> nexuses) {
        userOf(replica, nexuses).ifPresent(nexus -> {
            throw OperationException.precondition("replica-in-use", "Replica " + replica.pool() + "/" + replica.name()
                + " is a child of " + describe(nexus));
        });
    }

    /** The same for all replicas of a pool. */
    void refusePool(String id) {
        List<DesiredState.StoredNexus> nexuses = absent();
        if (!nexuses.isEmpty()) {
            for (ReplicaView replica : calls.await(engine.replicas())) {
                boolean inPool = id.equals(replica.pool()) || id.equals(replica.poolUuid());
                Optional<DesiredState.StoredNexus> user = inPool ? userOf(replica, nexuses) : Optional.empty();
                if (user.isPresent()) {
                    throw OperationException.precondition("pool-in-use", "Pool " + replica.pool() + " is in use: its replica "
                        + replica.name() + " is a child of " + describe(user.get()));
                }
            }
        }
    }

    /** Refuses disks that a pool is to be made on or opened from. */
    void refuseDisks(List<String> disks) {
        for (DesiredState.StoredNexus nexus : absent()) {
            for (String disk : disks) {
                if (nexus.allChildren().stream().anyMatch(child -> ChildNames.meet(child, disk))) {
                    throw OperationException.precondition("bdev-in-use", "Disk " + disk + " is a child of " + describe(nexus));
                }
            }
        }
    }

    private static String describe(DesiredState.StoredNexus nexus) {
        String path = " /v1/nexuses/" + nexus.uuid();
        return "nexus " + Objects.requireNonNullElse(nexus.name(), nexus.uuid()) + ", which " + (nexus.isShutDown() ? "is shut down"
            : "could not be brought back yet") + " and is assembled from it; assemble the nexus (POST" + path
            + "/assembly) or delete it (DELETE" + path + ") first.";
    }
}
