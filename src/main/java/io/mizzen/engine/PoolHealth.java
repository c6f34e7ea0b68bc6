package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.HealthState;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.PoolView;
import io.mizzen.lvs.LvStore;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Watches the disks of open pools: each pool is as well as its worst disk. A poller of the control reactor. */
final class PoolHealth {
    private static final long PERIOD_NS = 1_000_000_000L;
    private static final String MAKE_ROOM = "let hosts trim, destroy replicas and snapshots that nobody needs, grow the pool, or move"
            + " replicas to another one";

    private final PlaneContext plane;
    private final NvmeControllers controllers;
    private final KernelDrives kernelDrives;
    private final Map<LvStore, Watched> pools = new HashMap<>();

    /** The disks of an open pool. */
    private static final class Watched {
        final Map<Bdev, DiskWatch> disks = new LinkedHashMap<>();
        final SpaceWatch space = new SpaceWatch();
        HealthState told = HealthState.ONLINE;
    }

    /** What can be said of one disk. */
    record DiskHealth(HealthState state, String reason, long errors, long stalls, boolean stalled, List<String> warnings) { }

    PoolHealth(PlaneContext plane, NvmeControllers controllers, KernelDrives kernelDrives) {
        this.kernelDrives = kernelDrives;
        this.plane = plane;
        this.controllers = controllers;
    }

    void start(PoolService service) {
        plane.control().addPoller("pool-health", PERIOD_NS, nowNs -> {
            service.lookAtHealth(nowNs);
            return 0;
        });
    }

    /** Looks at the disks that the pool has now. */
    void look(LvStore store, PoolDisks.Stack stack, long nowNs) {
        List<Bdev> disks = stack.disks();
        Watched pool = pools.computeIfAbsent(store, key -> new Watched());
        pool.disks.keySet().retainAll(disks);
        for (Bdev disk : disks) {
            DiskWatch watch = pool.disks.computeIfAbsent(disk, key -> new DiskWatch(disk, plane.config().health(), nowNs));
            watch.needs(stack.neededBytes(store, disk));
            watch.look(nowNs, warnings(disk));
            if (watch.gainsUnusable(stack.unusableBytes(disk))) {
                plane.event(ObjectKind.POOL, store.uuid(), store.name(), "pool-disk-unusable-space", "pool " + store.name() + ": "
                        + note(watch), "disk", disk.name(), "unusableBytes", watch.unusableBytes());
            }
        }
        HealthState state = of(store).state();
        if (state != pool.told) {
            tell(store, pool.told, state);
            pool.told = state;
        }
    }

    /** Looks at how full the pool is, after {@link #look}. */
    void lookAtSpace(LvStore store, long nowNs) {
        SpaceWatch space = pools.get(store).space;
        if (store.state() == LvStore.State.ONLINE && !store.readOnly() && space.look(nowNs, store.capacityBytes(),
                store.freeBytes(), hasPage(store), store.refusedAllocationCount())) {
            plane.event(ObjectKind.POOL, store.uuid(), store.name(), switch (space.level()) {
                case FULL -> "pool-full";
                case LOW -> "pool-nearly-full";
                case PLENTY -> "pool-space-available";
            }, switch (space.level()) {
                case FULL -> full(store);
                case LOW -> "pool " + store.name() + " has only " + store.freeBytes() + " of " + store.capacityBytes() + " bytes free; "
                        + MAKE_ROOM;
                case PLENTY -> "pool " + store.name() + " has space again: " + store.freeBytes() + " bytes are free";
            }, "freeBytes", store.freeBytes(), "capacityBytes", store.capacityBytes(), "refusedAllocations", store.refusedAllocationCount());
        }
    }

    /** Whether writes to thin replicas of the pool fail. */
    boolean isFull(LvStore store) {
        Watched pool = pools.get(store);
        return pool != null && pool.space.level() == SpaceWatch.Level.FULL;
    }

    private static boolean hasPage(LvStore store) {
        return store.usedMetadataPageCount() < store.metadataPageCount();
    }

    private static String full(LvStore store) {
        return "pool " + store.name() + " is full: a thin replica needed a cluster; " + store.freeBytes() + " bytes and "
                + (store.metadataPageCount() - store.usedMetadataPageCount()) + " metadata pages are free; such writes"
                + " fail, and a nexus takes the replica out; " + MAKE_ROOM;
    }

    private List<String> warnings(Bdev disk) {
        List<String> warnings = controllers.warnings(disk);
        return warnings != null ? warnings : kernelDrives.warnings(disk);
    }

    /** A disk that is not the last of several has grown: nothing will come of that, which nobody would find out else. */
    private static String note(DiskWatch disk) {
        return "disk " + disk.disk() + " has " + disk.unusableBytes() + " bytes that the pool cannot use: the disks are joined end to"
                + " end, and the data of the next disk follows directly, so only the last disk's gain can be taken in; add a disk"
                + " instead (POST /v1/pools/{id}/disks), or grow the last one";
    }

    private List<String> notes(LvStore store) {
        Watched pool = pools.get(store);
        if (pool == null) {
            return List.of();
        }
        List<String> notes = new ArrayList<>();
        pool.disks.values().stream().filter(disk -> disk.unusableBytes() > 0).map(PoolHealth::note).forEach(notes::add);
        if (isFull(store)) {
            notes.add(full(store));
        }
        return List.copyOf(notes);
    }

    private void tell(LvStore store, HealthState before, HealthState state) {
        String reason = of(store).reason();
        if (state == HealthState.FAULTED && (store.state() == LvStore.State.FAULTED || !isShrunk(store))) {
            return;         // The change of the pool's own state says so.
        }
        plane.event(ObjectKind.POOL, store.uuid(), store.name(), switch (state) {
            case DEGRADED -> "pool-degraded";
            case SUSPECTED -> "pool-suspected";
            case FAULTED -> "pool-disk-shrunk";
            default -> "pool-healthy";
        }, "the disks of pool " + store.name() + " are " + state + ", were " + before + (reason == null ? "" : ": " + reason), "health",
                state, "before", before);
    }

    private boolean isShrunk(LvStore store) {
        return pools.get(store).disks.values().stream().anyMatch(DiskWatch::hasShrunk);
    }

    void forget(LvStore store) {
        pools.remove(store);
    }

    /** Errors and stalls so far count no more. */
    void clear(LvStore store) {
        Watched pool = pools.get(store);
        if (pool != null) {
            pool.disks.values().forEach(DiskWatch::clear);
            pool.disks.keySet().forEach(kernelDrives::askSoon);
        }
    }

    /** As well as its worst disk; a faulted pool is FAULTED. */
    PoolView.Health of(LvStore store) {
        if (store.state() == LvStore.State.FAULTED) {
            return new PoolView.Health(HealthState.FAULTED, store.fault().getMessage(), notes(store));
        }
        DiskWatch worst = null;
        Watched pool = pools.get(store);
        for (DiskWatch disk : pool == null ? List.<DiskWatch>of() : new ArrayList<>(pool.disks.values())) {
            if (worst == null || disk.state().compareTo(worst.state()) > 0) {
                worst = disk;
            }
        }
        return worst == null || worst.state() == HealthState.ONLINE ? new PoolView.Health(HealthState.ONLINE, null, notes(store))
                : new PoolView.Health(worst.state(), "disk " + worst.disk() + ": " + worst.reason(), notes(store));
    }

    /** Of one disk of an open pool. */
    DiskHealth of(LvStore store, Bdev disk) {
        Watched pool = pools.get(store);
        DiskWatch watch = pool == null ? null : pool.disks.get(disk);
        return watch == null ? new DiskHealth(HealthState.ONLINE, null, 0, 0, false, null)
                : new DiskHealth(watch.state(), watch.reason(), watch.errors(), watch.stalls(), watch.stalled(), watch.warnings());
    }
}
