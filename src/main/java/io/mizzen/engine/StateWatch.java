package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.lvs.LvStore;
import io.mizzen.nexus.Nexus;
import io.mizzen.nexus.NexusState;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Looks at the states that change by themselves and tells each change once: nexuses, pools, devices that are gone. A
 * poller of the control reactor.
 */
final class StateWatch {
    private static final long PERIOD_NS = 100_000_000L;
    private static final int FORGET_LOOKS = 100;

    private final PlaneContext plane;
    private final NexusService nexuses;
    private final PoolService pools;
    // Changed in place: a look that finds nothing new makes no garbage on a reactor that does I/O.
    private final Map<Nexus, NexusState> nexusStates = new HashMap<>();
    private final Map<LvStore, LvStore.State> poolStates = new HashMap<>();
    private final Set<Bdev> gone = new HashSet<>();
    private final Consumer<Nexus> eachNexus = this::look;
    private final Consumer<LvStore> eachPool = this::look;
    private final Consumer<Bdev> eachBdev = this::look;
    private int looks;

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
        nexuses.forEachOpen(eachNexus);
        pools.forEachStore(eachPool);
        plane.registry().forEach(eachBdev);
        if (++looks % FORGET_LOOKS == 0) {
            forget();
        }
        return 0;
    }

    /** What is closed. */
    private void forget() {
        nexusStates.keySet().retainAll(nexuses.open());
        poolStates.keySet().retainAll(pools.stores());
        gone.retainAll(plane.registry().all());
    }

    private void look(Nexus nexus) {
        NexusState state = nexus.state();
        NexusState seen = nexusStates.put(nexus, state);
        NexusState before = seen == null ? nexuses.find(nexus).openedAs : seen;
        if (before != state && state != NexusState.SHUTDOWN) {       // Whoever closes it tells of that.
            plane.event(ObjectKind.NEXUS, nexus.uuid(), nexus.name(), "nexus-" + state.name().toLowerCase(Locale.ROOT),
                    "nexus " + nexus.name() + " is " + state + ", was " + before, "state", state, "before", before);
        }
    }

    private void look(LvStore store) {
        LvStore.State state = store.state();
        LvStore.State seen = poolStates.put(store, state);
        LvStore.State before = seen == null ? LvStore.State.ONLINE : seen;      // So it was when it was opened, which was told.
        boolean told = state == LvStore.State.ONLINE || state == LvStore.State.FAULTED;
        if (before != state && told) {
            String why = store.fault() == null ? "" : ": " + store.fault().getMessage();
            plane.event(ObjectKind.POOL, store.uuid(), store.name(), "pool-" + state.name().toLowerCase(Locale.ROOT),
                    "pool " + store.name() + " is " + state + why, "state", state, "before", before);
        }
    }

    private void look(Bdev bdev) {
        if (bdev.isRemoved() && gone.add(bdev)) {
            plane.event(ObjectKind.BDEV, bdev.uuid(), bdev.name(), "bdev-lost", "the device of bdev " + bdev.name()
                    + " is gone");
        }
    }
}
