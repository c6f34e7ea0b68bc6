package io.mizzen.engine;

import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.Lvol;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;

/** Why a pool is not closed or destroyed. Control reactor only. */
final class PoolUse {
    private static final int NAMES_MAX = 5;

    private PoolUse() { }

    static void refuseInUse(LvStore store) {
        List<String> users = new ArrayList<>();
        for (Lvol lvol : store.lvols()) {
            if (lvol.bdev() != null && lvol.bdev().isOpen()) {
                users.add("replica " + lvol.name() + " (" + String.join(", ", lvol.bdev().openedBy()) + ")");
            }
        }
        if (!users.isEmpty()) {
            throw InUse.by(users, "pool-in-use", "pool " + store.name());
        }
    }

    /** Nobody has its replicas open, but a nexus that is shut down is assembled from them. */
    static void refuseWaiting(LvStore store, NexusService nexuses) {
        for (Lvol lvol : store.lvols()) {
            NexusEntry waiting = nexuses.waitingFor(lvol);
            if (waiting != null) {
                throw OperationException.precondition("pool-in-use", "pool " + store.name() + " is in use: its replica " + lvol.name()
                        + " is a child of " + NexusService.waitingName(waiting));
            }
        }
    }

    /** Also snapshots, and volumes that cannot be used here, hold somebody's data. */
    static void refuseNotEmpty(LvStore store) {
        List<String> names = store.lvols().stream().map(lvol -> (lvol.snapshot() ? "snapshot " : "replica ") + lvol.name()).toList();
        if (!names.isEmpty()) {
            String some = String.join(", ", names.subList(0, Math.min(names.size(), NAMES_MAX)));
            throw OperationException.precondition("pool-not-empty", "pool " + store.name() + " is not empty: " + some
                    + (names.size() > NAMES_MAX ? " and " + (names.size() - NAMES_MAX) + " more" : "") + ". To keep them, export it (POST"
                    + " /v1/pools/" + store.name() + "/export); to destroy them with it, say so: DELETE /v1/pools/" + store.name()
                    + "?withReplicas=true");
        }
    }
}
