package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.lvs.LvStore;
import io.mizzen.nexus.Nexus;
import io.mizzen.nexus.NexusState;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Looks at the states that change by themselves and tells each change once: nexuses, pools, devices that are gone. A
 * poller of the control reactor.
 */
final class StateWatch {
    private static final long PERIOD_NS = 100_000_000L;

    private final PlaneContext plane;
    private final NexusService nexuses;
    private final PoolService pools;
    private Map<UUID, NexusState> nexusStates = new HashMap<>();
    private Map<UUID, LvStore.State> poolStates = new HashMap<>();
    private Set<Bdev> gone = new HashSet<>();

    StateWatch(PlaneContext plane, NexusService nexuses, PoolService pools) {
        this.plane = plane;
        this.nexuses = nexuses;
        this.pools = pools;
    }

    void start() {
        plane.control().addPoller("state-watch", PERIOD_NS, nowNs -> look());
    }

    /** A look, not work: the reactor may sleep. */
    private int look() {
        lookAtNexuses(nexuses.open());
        lookAtPools(pools.stores());
        lookAtBdevs(plane.registry().all());
        return 0;
    }

    private void lookAtNexuses(List<Nexus> open) {
        Map<UUID, NexusState> states = new HashMap<>();
        for (Nexus nexus : open) {
            NexusState state = nexus.state();
            states.put(nexus.uuid(), state);
            NexusState before = nexusStates.get(nexus.uuid());
            if (before != null && before != state) {
                plane.event(ObjectKind.NEXUS, nexus.uuid(), nexus.name(), "nexus-" + state.name().toLowerCase(Locale.ROOT), "nexus "
                        + nexus.name() + " is " + state + ", was " + before, "state", state, "before", before);
            }
        }
        nexusStates = states;
    }

    private void lookAtPools(List<LvStore> open) {
        Map<UUID, LvStore.State> states = new HashMap<>();
        for (LvStore store : open) {
            LvStore.State state = store.state();
            states.put(store.uuid(), state);
            LvStore.State before = poolStates.get(store.uuid());
            boolean told = state == LvStore.State.ONLINE || state == LvStore.State.FAULTED;
            if (before != null && before != state && told) {
                String why = store.fault() == null ? "" : ": " + store.fault().getMessage();
                plane.event(ObjectKind.POOL, store.uuid(), store.name(), "pool-" + state.name().toLowerCase(Locale.ROOT), "pool " + store.name()
                        + " is " + state + why, "state", state, "before", before);
            }
        }
        poolStates = states;
    }

    private void lookAtBdevs(List<Bdev> known) {
        Set<Bdev> removed = new HashSet<>();
        for (Bdev bdev : known) {
            if (bdev.isRemoved()) {
                removed.add(bdev);
                if (!gone.contains(bdev)) {
                    plane.event(ObjectKind.BDEV, bdev.uuid(), bdev.name(), "bdev-lost", "the device of bdev " + bdev.name() + " is gone");
                }
            }
        }
        gone = removed;
    }
}
