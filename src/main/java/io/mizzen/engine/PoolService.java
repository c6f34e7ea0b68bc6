package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.lvs.LvStore;
import io.mizzen.lvs.LvolBdev;
import io.mizzen.lvs.LvStores;
import io.mizzen.lvs.Lvol;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/** Pools: lvstores on bdevs. Control reactor only. */
final class PoolService {
    static final String NAME_FORM = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}";
    private static final long CLUSTER_MIN = 1L << 20;
    private static final long CLUSTER_MAX = 1L << 30;

    /** An open pool and how it was named. */
    private record Entry(LvStore store, Bdev base, List<String> disks, boolean test) { }

    private final PlaneContext plane;
    private final BdevService bdevs;
    private final LvStores stores;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    PoolService(PlaneContext plane, BdevService bdevs) {
        this.plane = plane;
        this.bdevs = bdevs;
        this.stores = new LvStores(plane.registry(), plane.control());
    }

    /** Operations on a pool, its replicas and its disk take turns. */
    Set<String> keys(PoolSpec spec) {
        checkName(spec.name(), "name");
        Set<String> keys = new LinkedHashSet<>();
        keys.add("pool " + spec.name());
        if (spec.uuid() != null) {
            keys.add("pool " + spec.uuid());
        }
        for (String disk : spec.disks() == null ? List.<String>of() : spec.disks()) {
            keys.addAll(bdevs.keys(disk));
        }
        return keys;
    }

    Set<String> keys(String id) {
        return Set.of("pool " + store(id).name());
    }

    void create(PoolSpec spec, Completion<PoolView> done) {
        check(spec);
        UUID uuid = spec.uuid() == null ? null : Uuids.parse("uuid", spec.uuid());
        long clusterSize = spec.clusterSizeBytes() == 0 ? LvStores.CLUSTER_BYTES_DEFAULT : spec.clusterSizeBytes();
        if (clusterSize < CLUSTER_MIN || clusterSize > CLUSTER_MAX || Long.bitCount(clusterSize) != 1) {
            throw OperationException.invalid("invalid-cluster-size", "clusterSizeBytes is " + clusterSize
                    + "; it must be a power of two from " + CLUSTER_MIN + " to " + CLUSTER_MAX);
        }
        Entry existing = existing(spec.name(), uuid);
        if (existing != null) {
            checkSame(existing, spec, uuid, clusterSize);
            done.ok(view(existing));
            return;
        }
        bdevs.resolve(spec.disks().getFirst(), withDisk(spec, done, (base, end) -> SignatureCheck.run(plane, base, spec.overwrite(), (nothing, refused) -> {
            if (refused != null) {
                end.fail(refused);
                return;
            }
            LvStores.Options options = new LvStores.Options(spec.name(), uuid, clusterSize,
                    LvStores.METADATA_PAGES_PER_HUNDRED_CLUSTERS_DEFAULT);
            stores.create(base, options, end);
        }), "pool-created"));
    }

    /** Opens what is on the disk; its replicas that are served still, since their disk went, are served again. */
    void importPool(PoolSpec spec, boolean rebuildMasks, ShareService shares, Completion<PoolView> done) {
        check(spec);
        UUID uuid = spec.uuid() == null ? null : Uuids.parse("uuid", spec.uuid());
        Entry existing = existing(spec.name(), uuid);
        if (existing != null) {
            checkSame(existing, spec, uuid, existing.store().clusterSizeBytes());
            done.ok(view(existing));
            return;
        }
        Completion<PoolView> imported = (view, failure) -> {
            if (failure != null) {
                done.fail(failure);
            } else {
                serveAgain(lostShares(entry(view.name()).store(), shares), shares, () -> done.ok(view));
            }
        };
        bdevs.resolveExisting(spec.disks().getFirst(), withDisk(spec, imported, (base, end) ->
                stores.load(base, new LvStores.Expected(spec.name(), uuid, rebuildMasks), end), "pool-imported"));
    }

    /** As for an import. */
    Set<String> reopenKeys(String id) {
        return keys(again(entry(id)));
    }

    private static PoolSpec again(Entry entry) {
        return new PoolSpec(entry.store().name(), entry.store().uuid().toString(), entry.disks(), 0, List.of(), entry.test());
    }

    /** Closes a pool whose device has gone, and imports it from the device that is there now. */
    void reopen(String id, ShareService shares, Completion<PoolView> done) {
        Entry entry = entry(id);
        LvStore store = entry.store();
        if (!entry.base().isRemoved()) {
            throw OperationException.precondition("pool-device-present", "the device of pool " + store.name()
                    + " is not gone; nothing is to be opened anew");
        }
        if (!store.quiet()) {
            throw new OperationException(ErrorKind.UNAVAILABLE, "pool-busy", "volumes of pool " + store.name()
                    + " on the device that is gone are still being closed; try again");
        }
        close(entry, false, (nothing, unclosed) -> {
            if (store.state() != LvStore.State.CLOSED) {
                done.fail(unclosed);
                return;
            }
            try {
                importPool(again(entry), false, shares, done);
            } catch (OperationException refused) {
                done.fail(refused);
            }
        });
    }

    private static List<Bdev> lostShares(LvStore store, ShareService shares) {
        List<Bdev> lost = new ArrayList<>();
        for (Lvol lvol : store.lvols()) {
            if (lvol.bdev() != null && shares.isLost(lvol.bdev())) {
                lost.add(lvol.bdev());
            }
        }
        return lost;
    }

    private static void serveAgain(List<Bdev> left, ShareService shares, Runnable then) {
        if (left.isEmpty()) {
            then.run();
        } else {
            shares.serveAgain(left.removeLast(), () -> serveAgain(left, shares, then));
        }
    }

    /** Opens the pool on the disk that was found, and keeps it; or lets go of the disk. */
    private Completion<Bdev> withDisk(PoolSpec spec, Completion<PoolView> done, Opener opener, String event) {
        return (base, missing) -> {
            if (missing != null) {
                done.fail(missing);
                return;
            }
            Completion<LvStore> end = (store, failure) -> {
                if (failure != null) {
                    bdevs.release(base);
                    done.fail(failure);
                    return;
                }
                Entry entry = new Entry(store, base, List.copyOf(spec.disks()), base.isTestOnly());
                entries.put(store.name(), entry);
                plane.event(ObjectKind.POOL, store.uuid(), store.name(), event, "pool " + store.name() + " is open on " + base.name()
                        + (store.recovered() ? "; it was unclean and its masks were rebuilt" : ""), "disk", base.name(),
                        "capacityBytes", store.capacityBytes(), "recovered", store.recovered());
                done.ok(view(entry));
            };
            try {
                checkDisk(spec, base);
                opener.open(base, end);
            } catch (OperationException refused) {
                end.fail(refused);
            }
        };
    }

    /** Makes or loads the lvstore on a bdev. */
    private interface Opener {
        void open(Bdev base, Completion<LvStore> end);
    }

    private static void checkDisk(PoolSpec spec, Bdev base) {
        if (base.isTestOnly() && !spec.allowTest()) {
            throw OperationException.precondition("test-bdev", "bdev " + base.name()
                    + " is for tests only: data on it is not safe; say allowTest to make a pool on it all the same");
        }
        if (base.isOpen()) {
            throw OperationException.precondition("bdev-in-use", "bdev " + base.name() + " is in use by "
                    + String.join(", ", base.openedBy()));
        }
    }

    private static void check(PoolSpec spec) {
        checkName(spec.name(), "name");
        if (spec.disks() == null || spec.disks().size() != 1 || spec.disks().getFirst() == null) {
            throw OperationException.invalid("invalid-disks", "disks must name exactly one bdev");
        }
    }

    static void checkName(String name, String component) {
        if (name == null || !name.matches(NAME_FORM)) {
            throw OperationException.invalid("invalid-name", component + " is '" + name
                    + "'; it must be 1 to 63 letters, digits, '.', '_' and '-', beginning with a letter or digit");
        }
    }

    /** The open pool with that name or, under whatever name, that UUID; or null. */
    private Entry existing(String name, UUID uuid) {
        Entry named = entries.get(name);
        return named != null || uuid == null ? named
                : entries.values().stream().filter(entry -> uuid.equals(entry.store().uuid())).findFirst().orElse(null);
    }

    private static void checkSame(Entry existing, PoolSpec spec, UUID uuid, long clusterSize) {
        LvStore store = existing.store();
        if (!store.name().equals(spec.name())) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "pool-exists", "pool " + store.uuid() + " exists already with the name "
                    + store.name() + ", and is not renamed to " + spec.name() + "; use that name, or another UUID for another pool");
        }
        String differs = !identities(existing.disks()).equals(identities(spec.disks())) ? "disks (" + existing.disks() + ")"
                : uuid != null && !uuid.equals(store.uuid()) ? "uuid (" + store.uuid() + ")"
                : clusterSize != store.clusterSizeBytes() ? "clusterSizeBytes (" + store.clusterSizeBytes() + ")" : null;
        if (differs != null) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "pool-exists",
                    "pool " + store.name() + " exists already with other " + differs);
        }
    }

    private static List<String> identities(List<String> disks) {
        return disks.stream().map(BdevUri::identity).toList();
    }

    void setCommitLimit(String id, int percent, Completion<PoolView> done) {
        Entry entry = entry(id);
        LvStore store = entry.store();
        int before = store.commitLimitPercent();
        store.setCommitLimit(percent, (nothing, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            if (percent != before) {
                plane.event(ObjectKind.POOL, store.uuid(), store.name(), "pool-commit-limit-set", "the replicas of pool "
                        + store.name() + " may come to " + (percent == 0 ? "any size" : percent + " % of its capacity"), "percent",
                        percent, "before", before);
            }
            done.ok(view(entry));
        });
    }

    void exportPool(String id, Completion<Void> done) {
        Entry entry = entry(id);
        refuseInUse(entry.store());
        close(entry, false, done);
    }

    void destroy(String id, Completion<Void> done) {
        Entry entry = entry(id);
        refuseInUse(entry.store());
        close(entry, true, done);
    }

    private void close(Entry entry, boolean destroy, Completion<Void> done) {
        LvStore store = entry.store();
        Completion<Void> end = (nothing, failure) -> {
            if (store.state() == LvStore.State.CLOSED) {
                entries.remove(store.name());
                bdevs.release(entry.base());
                plane.event(ObjectKind.POOL, store.uuid(), store.name(), destroy ? "pool-destroyed" : "pool-exported",
                        "pool " + store.name() + (destroy ? " is destroyed" : " is closed"));
            }
            done.complete(null, failure);
        };
        if (destroy) {
            store.destroy(end);
        } else {
            store.export(end);
        }
    }

    private static void refuseInUse(LvStore store) {
        List<String> users = new ArrayList<>();
        for (Lvol lvol : store.lvols()) {
            if (lvol.bdev() != null && lvol.bdev().isOpen()) {
                users.add("replica " + lvol.name() + " (" + String.join(", ", lvol.bdev().openedBy()) + ")");
            }
        }
        if (!users.isEmpty()) {
            throw OperationException.precondition("pool-in-use", "pool " + store.name() + " is in use: " + String.join("; ", users));
        }
    }

    /** Exports every pool; each is tried, the first failure is reported. For the ordered stop. */
    void closeAll(Completion<Void> done) {
        closeNext(new ArrayList<>(entries.values()), null, done);
    }

    private void closeNext(List<Entry> left, OperationException first, Completion<Void> done) {
        if (left.isEmpty()) {
            done.complete(null, first);
            return;
        }
        Entry entry = left.removeFirst();
        close(entry, false, (nothing, failure) -> closeNext(left, first != null ? first : failure, done));
    }

    List<PoolView> list() {
        return entries.values().stream().map(PoolService::view).toList();
    }

    PoolView get(String id) {
        return view(entry(id));
    }

    /** The bdev under the pool of a replica's bdev; null for others. */
    Bdev baseOf(Bdev bdev) {
        Entry entry = bdev instanceof LvolBdev lvol ? entries.get(lvol.lvol().store().name()) : null;
        return entry == null ? null : entry.base();
    }

    /** Visits the open stores, without garbage. */
    void forEachStore(Consumer<LvStore> each) {
        for (Entry entry : entries.values()) {
            each.accept(entry.store());
        }
    }

    List<LvStore> stores() {
        return entries.values().stream().map(Entry::store).toList();
    }

    /** By name or uuid. */
    LvStore store(String id) {
        return entry(id).store();
    }

    private Entry entry(String id) {
        Entry entry = entries.get(id);
        if (entry == null && Uuids.isUuid(id)) {
            UUID uuid = UUID.fromString(id);
            entry = entries.values().stream().filter(e -> e.store().uuid().equals(uuid)).findFirst().orElse(null);
        }
        if (entry == null) {
            throw OperationException.notFound("pool-not-found", "there is no pool " + id + "; a pool on a disk must be imported first");
        }
        return entry;
    }

    private static PoolView view(Entry entry) {
        LvStore store = entry.store();
        return new PoolView(store.name(), store.uuid().toString(), entry.disks(), store.state().name(),
                store.fault() == null ? null : store.fault().getMessage(), store.clusterSizeBytes(), store.blockSizeBytes(),
                store.capacityBytes(), store.usedBytes(), store.freeBytes(), store.committedBytes(),
                store.commitLimitPercent(), store.lvols().size(),
                entry.test(), store.recovered());
    }
}
