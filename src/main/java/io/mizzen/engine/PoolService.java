package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.concat.ConcatBdev;
import io.mizzen.engine.model.HealthState;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.PoolDiskSpec;
import io.mizzen.engine.model.PoolImport;
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
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Pools: lvstores on bdevs. Control reactor only. */
final class PoolService {
    static final String NAME_FORM = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}";
    private static final long CLUSTER_MIN = 1L << 20;
    private static final long CLUSTER_MAX = 1L << 30;
    private static final int METADATA_PAGES_MAX = 10_000;

    /** An open pool and how its disks were named. */
    private record Entry(LvStore store, PoolDisks.Stack stack, List<String> disks, boolean test) {
        Bdev base() {
            return stack.base();
        }
    }

    private final PlaneContext plane;
    private final BdevService bdevs;
    private final PoolDisks disks;
    private final NexusService nexuses;
    private final PoolHealth health;
    private final Jobs jobs;
    private final LvStores stores;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    PoolService(PlaneContext plane, BdevService bdevs, NexusService nexuses, PoolHealth health, Jobs jobs) {
        this.nexuses = nexuses;
        this.jobs = jobs;
        this.plane = plane;
        this.health = health;
        this.bdevs = bdevs;
        this.disks = new PoolDisks(plane, bdevs, nexuses);
        this.stores = new LvStores(plane.registry(), plane.control());
        stores.onGone(lvol -> ReplicaService.tellGone(plane, lvol));
    }

    /** Operations on a pool, its replicas and its disk take turns. */
    Set<String> keys(PoolSpec spec) {
        Set<String> keys = new LinkedHashSet<>();
        if (spec.name() != null) {
            keys.add("pool " + spec.name());
        }
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
        checkName(spec.name(), "name");
        check(spec);
        UUID uuid = spec.uuid() == null ? null : Uuids.parse("uuid", spec.uuid());
        if (Uuids.isUuid(spec.name()) && !UUID.fromString(spec.name()).equals(uuid)) {
            throw OperationException.invalid("invalid-name", "name is '" + spec.name() + "', which would be taken for the UUID of another "
                    + "pool; give it another name");
        }
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
        LvStores.Options options = new LvStores.Options(spec.name(), uuid, clusterSize, spec.room().metadataPagesPerHundredClusters()
                == 0 ? LvStores.METADATA_PAGES_PER_HUNDRED_CLUSTERS_DEFAULT : spec.room().metadataPagesPerHundredClusters(),
                spec.room().growableToBytes());
        disks.forCreation(spec, withDisks(spec, done, (stack, end) -> make(stack, options, spec.uuid(), end), "pool-created"));
    }

    /** As a job: what takes long begins here. */
    private void make(PoolDisks.Stack stack, LvStores.Options options, String uuid, Completion<LvStore> done) {
        Jobs.Job job = jobs.start("pool-create", options.name(), uuid, false);
        Completion<LvStore> end = (store, failure) -> {
            job.end("", failure);
            ImportJob.tell(plane, job);
            done.complete(store, failure);
        };
        stores.create(stack.base(), options, job::progress, (store, failure) -> {
            if (failure != null || stack.concat() == null) {
                end.complete(store, failure);
            } else {
                stack.concat().store((nothing, unwritten) -> stored(store, stack, unwritten, end));
            }
        });
    }

    /** The superblocks of several disks come last: a crash before leaves disks that look empty. */
    private void stored(LvStore store, PoolDisks.Stack stack, OperationException unwritten, Completion<LvStore> end) {
        if (unwritten == null) {
            end.ok(store);
            return;
        }
        store.destroy((nothing, alsoFailed) -> disks.wipe(stack, (wiped, wipeFailed) -> end.fail(unwritten)));
    }

    /** Opens what is on the disk; its replicas that are served still, since their disk went, are served again. */
    void importPool(PoolSpec spec, PoolImport how, ShareService shares, Completion<PoolView> done) {
        check(spec);
        UUID uuid = spec.uuid() == null ? null : Uuids.parse("uuid", spec.uuid());
        Entry existing = existing(spec.name(), uuid);
        if (existing != null) {
            if (existing.store().readOnly() != how.readOnly()) {
                throw new OperationException(ErrorKind.ALREADY_EXISTS, "pool-exists", "pool " + spec.nameOrUuid() + " is open "
                        + (how.readOnly() ? "for writing" : "read-only") + " already; export it first");
            }
            checkSame(existing, spec, uuid, existing.store().clusterSizeBytes());
            done.ok(view(existing));
            return;
        }
        ImportJob job = new ImportJob(plane, jobs, spec);
        Completion<PoolView> imported = (view, failure) -> {
            job.end(failure);
            if (failure != null) {
                done.fail(failure);
            } else {
                serveAgain(lostShares(entry(view.name()).store(), shares), shares, () -> done.ok(view));
            }
        };
        disks.forImport(spec, how.readOnly(), withDisks(spec, imported, (stack, end) ->
                stores.load(stack.base(), new LvStores.Expected(spec.name(), uuid, how.rebuildMasks(), how.readOnly()), job, end), "pool-imported"));
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
                importPool(again(entry), new PoolImport(false, store.readOnly()), shares, done);
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

    /** Opens the pool on the disks that were found, and keeps it; or lets go of the disks. */
    private Completion<PoolDisks.Stack> withDisks(PoolSpec spec, Completion<PoolView> done, Opener opener, String event) {
        return (stack, missing) -> {
            if (missing != null) {
                done.fail(missing);
                return;
            }
            Completion<LvStore> end = (store, failure) -> {
                if (failure != null) {
                    disks.releaseRefused(stack, (nothing, unreleased) -> done.fail(failure));
                    return;
                }
                Bdev base = stack.base();
                List<String> problems = PoolDisks.problems(stack, store);
                Entry entry = new Entry(store, stack, List.copyOf(spec.disks()), base.isTestOnly());
                entries.put(store.name(), entry);
                health.look(store, stack, plane.control().reactor().nowNs());
                plane.event(ObjectKind.POOL, store.uuid(), store.name(), event, "pool " + store.name() + " is open on "
                        + String.join(", ", stack.disks().stream().map(Bdev::name).toList())
                        + (store.readOnly() ? ", read-only" + (problems.isEmpty() ? "" : "; " + problems.size()
                        + " problems, the first: " + problems.getFirst())
                        : store.recovered() ? "; it was unclean and its masks were rebuilt" : "") + replayed(store), "disk", base.name(),
                        "capacityBytes", store.capacityBytes(), "recovered", store.recovered(),
                        "replayMs", known(store, store.replay().durationNs() / 1_000_000),
                        "replayPages", known(store, store.replay().pages()), "replayBytes", known(store, store.replay().memoryBytes()));
                done.ok(view(entry));
            };
            try {
                opener.open(stack, end);
            } catch (OperationException refused) {
                end.fail(refused);
            }
        };
    }

    /** Null of a new pool. */
    private static Long known(LvStore store, long number) {
        return store.replay().pages() == 0 ? null : Long.valueOf(number);
    }

    private static String replayed(LvStore store) {
        LvStore.Replay replay = store.replay();
        return replay.pages() == 0 ? "" : "; " + replay.pages() + " metadata pages were read in " + replay.durationNs() / 1_000_000 + " ms";
    }

    /** Makes or loads the lvstore on what its disks make. */
    private interface Opener {
        void open(PoolDisks.Stack stack, Completion<LvStore> end);
    }

    // --- health -----------------------------------------------------------------------------------

    void lookAtHealth(long nowNs) {
        for (Entry entry : entries.values()) {
            health.look(entry.store(), entry.stack(), nowNs);
            health.lookAtSpace(entry.store(), nowNs);
        }
    }

    /** Somebody has looked after the disks: what they did before counts no more. */
    PoolView clearHealth(String id) {
        Entry entry = entry(id);
        health.look(entry.store(), entry.stack(), plane.control().reactor().nowNs());
        health.clear(entry.store());
        return view(entry);
    }

    /** Refuses a pool that may fail as a place for something new. */
    void refuseSuspected(LvStore store) {
        PoolView.Health now = health.of(store);
        if (now.state() == HealthState.FAULTED && store.state() == LvStore.State.ONLINE) {
            throw OperationException.precondition("pool-disk-faulted", "pool " + store.name() + " gets no new replicas: " + now.reason()
                    + "; see to the disk first, or take another pool");
        }
        if (now.state() == HealthState.SUSPECTED) {
            throw OperationException.precondition("pool-suspected", "pool " + store.name() + " is SUSPECTED and gets no new replicas: "
                    + now.reason() + "; replace the disk, POST /v1/pools/" + store.name() + "/health/clear when it is looked after, or"
                    + " say \"allowSuspected\": true");
        }
    }

    // --- growth -----------------------------------------------------------------------------------

    /** Operations on the pool and on the disk that it is to get. */
    Set<String> diskKeys(String id, String disk) {
        Set<String> keys = new LinkedHashSet<>(keys(id));
        keys.addAll(bdevs.keys(disk));
        return keys;
    }

    /** Adds a disk at the end, online. */
    void addDisk(String id, PoolDiskSpec spec, Completion<PoolView> done) {
        Entry entry = entry(id);
        LvStore store = entry.store();
        if (identities(entry.disks()).contains(BdevUri.identity(spec.disk()))) {
            growStore(entry, done);     // Which it did not come to, perhaps.
            return;
        }
        if (entry.stack().concat() == null) {
            throw OperationException.precondition("pool-not-expandable", "pool " + store.name() + " is a bare lvstore: it begins at"
                    + " the first byte of its disk, where the superblock of a pool of several disks belongs, so no disk can be"
                    + " added. Make a new pool (with several disks, or \"expandable\": true), add its replicas to the nexuses,"
                    + " let them rebuild and remove the old ones; or grow the disk that is there");
        }
        if (store.state() != LvStore.State.ONLINE) {
            throw OperationException.precondition("pool-faulted", "pool " + store.name() + " is " + store.state()
                    + (store.fault() == null ? "" : ": " + store.fault().getMessage()) + "; export it and import it again, then add the disk");
        }
        disks.add(entry.stack(), store, spec, entry.test(), (stack, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            List<String> named = new ArrayList<>(entry.disks());
            named.add(spec.disk());
            Entry larger = new Entry(store, stack, List.copyOf(named), entry.test() || stack.base().isTestOnly());
            entries.put(store.name(), larger);
            plane.event(ObjectKind.POOL, store.uuid(), store.name(), "pool-disk-added", "disk " + stack.disks().getLast()
                    + " was added to pool " + store.name(), "disk", stack.disks().getLast().name());
            growStore(larger, done);
        });
    }

    /** Takes in what the disks have gained: the one of a bare lvstore, the last of several. What others have gained is told. */
    void grow(String id, Completion<PoolView> done) {
        Entry entry = entry(id);
        rescan(new ArrayList<>(entry.stack().disks()), (looked, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            health.look(entry.store(), entry.stack(), plane.control().reactor().nowNs());
            try {
                entry.stack().checkNotShrunk(entry.store());
            } catch (OperationException refused) {
                done.fail(refused);
                return;
            }
            if (entry.stack().concat() == null) {
                growStore(entry, done);
            } else {
                entry.stack().concat().growLast((nothing, unwritten) -> {
                    if (unwritten != null) {
                        done.fail(unwritten);
                    } else {
                        growStore(entry, done);
                    }
                });
            }
        });
    }

    private void rescan(List<Bdev> left, Completion<Void> done) {
        if (left.isEmpty()) {
            done.ok(null);
            return;
        }
        bdevs.rescan(left.removeLast().name(), (looked, failure) -> {
            if (failure != null) {
                done.fail(failure);
            } else {
                rescan(left, done);
            }
        });
    }

    private void growStore(Entry entry, Completion<PoolView> done) {
        LvStore store = entry.store();
        long beforeBytes = store.sizeBytes();
        store.grow((grown, failure) -> {
            if (failure != null) {
                done.fail(failure);
                return;
            }
            if (store.sizeBytes() != beforeBytes) {
                plane.event(ObjectKind.POOL, store.uuid(), store.name(), "pool-grown", "pool " + store.name() + " has "
                        + store.sizeBytes() + " bytes now", "sizeBytes", store.sizeBytes(), "beforeBytes", beforeBytes);
            }
            done.ok(view(entry));
        });
    }

    /** One that is there is known by its UUID alone, too, and may have a name that it would not get here. */
    private static void checkNamed(PoolSpec spec) {
        if (spec.name() == null && spec.uuid() == null) {
            throw OperationException.invalid("invalid-name", "a pool is named by its name or its UUID; neither is given");
        }
    }

    private static void check(PoolSpec spec) {
        checkNamed(spec);
        List<String> named = spec.disks();
        if (named == null || named.isEmpty() || named.stream().anyMatch(Objects::isNull) || named.size() > ConcatBdev.DISKS_MAX) {
            throw OperationException.invalid("invalid-disks", "disks must name 1 to " + ConcatBdev.DISKS_MAX + " bdevs");
        }
        PoolSpec.Room room = spec.room();
        if (room.metadataPagesPerHundredClusters() < 0 || room.metadataPagesPerHundredClusters() > METADATA_PAGES_MAX
                || room.growableToBytes() < 0) {
            throw OperationException.invalid("invalid-pool-room", "metadataPagesPerHundredClusters is 1 to " + METADATA_PAGES_MAX
                    + ", growableToBytes above 0; they are " + room.metadataPagesPerHundredClusters() + " and " + room.growableToBytes());
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
        Entry named = name == null ? null : entries.get(name);
        return named != null || uuid == null ? named
                : entries.values().stream().filter(entry -> uuid.equals(entry.store().uuid())).findFirst().orElse(null);
    }

    private static void checkSame(Entry existing, PoolSpec spec, UUID uuid, long clusterSize) {
        LvStore store = existing.store();
        if (spec.name() != null && !store.name().equals(spec.name())) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "pool-exists", "pool " + store.uuid() + " exists already with the name "
                    + store.name() + ", and is not renamed to " + spec.name() + "; use that name, or another UUID for another pool");
        }
        String differs = !identities(existing.disks()).equals(identities(spec.disks())) ? "disks (" + existing.disks() + ")"
                : uuid != null && !uuid.equals(store.uuid()) ? "uuid (" + store.uuid() + ")"
                : clusterSize != store.clusterSizeBytes() ? "clusterSizeBytes (" + store.clusterSizeBytes() + ")" : null;
        if (differs != null) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "pool-exists",
                    "pool " + store.name() + " exists already with other " + differs + "; send what it was made with, or give another"
                    + " name and UUID for another pool. Disks are added with POST /v1/pools/" + store.name() + "/disks");
        }
    }

    /** In any order: an import finds each disk's place. */
    private static Set<String> identities(List<String> disks) {
        return disks.stream().map(BdevUri::identity).collect(Collectors.toSet());
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
                        + store.name() + " may come to " + (percent == 0 ? "any size" : percent + " % of its capacity"), "commitLimitPercent",
                        percent, "before", before);
            }
            done.ok(view(entry));
        });
    }

    void exportPool(String id, Completion<Void> done) {
        Entry entry = entry(id);
        PoolUse.refuseInUse(entry.store());
        close(entry, false, done);
    }

    /** @param withReplicas the word without which no replica is destroyed */
    void destroy(String id, boolean withReplicas, Completion<Void> done) {
        Entry entry = entry(id);
        PoolUse.refuseInUse(entry.store());
        PoolUse.refuseWaiting(entry.store(), nexuses);
        if (entry.store().state() == LvStore.State.FAULTED) {
            throw OperationException.precondition("pool-faulted", "pool " + entry.store().name() + " is FAULTED ("
                    + entry.store().fault().getMessage() + "): nothing is written to it, so it cannot be destroyed; export it and import"
                    + " it again, then destroy it");
        }
        if (!withReplicas && !entry.store().readOnly()) {      // There, no word helps.
            PoolUse.refuseNotEmpty(entry.store());
        }
        close(entry, true, done);
    }

    private void close(Entry entry, boolean destroy, Completion<Void> done) {
        LvStore store = entry.store();
        Completion<Void> end = (nothing, failure) -> {
            if (store.state() != LvStore.State.CLOSED) {
                done.complete(null, failure);
            } else if (destroy && failure == null) {
                disks.wipe(entry.stack(), (wiped, unwiped) -> closed(entry, true, unwiped, done));
            } else {
                closed(entry, destroy && failure == null, failure, done);
            }
        };
        if (destroy) {
            store.destroy(end);
        } else {
            store.export(end);
        }
    }

    private void closed(Entry entry, boolean destroyed, OperationException failure, Completion<Void> done) {
        LvStore store = entry.store();
        disks.release(entry.stack(), (nothing, unreleased) -> {
            entries.remove(store.name());
            health.forget(store);
            plane.event(ObjectKind.POOL, store.uuid(), store.name(), destroyed ? "pool-destroyed" : "pool-exported",
                    "pool " + store.name() + (destroyed ? " is destroyed" : " is closed"));
            done.complete(null, failure != null ? failure : unreleased);
        });
    }

    /**
     * The newest one, or null. For the ordered stop.
     *
     * @param but those that are not meant
     * @param inUseToo also one of which somebody has a replica open
     */
    LvStore newest(Set<LvStore> but, boolean inUseToo) {
        return stores().reversed().stream().filter(store -> !but.contains(store) && (inUseToo
                || store.lvols().stream().noneMatch(lvol -> lvol.bdev() != null && lvol.bdev().isOpen()))).findFirst().orElse(null);
    }

    /** Exports it, whoever uses it. For the ordered stop. */
    void close(LvStore store, Completion<Void> done) {
        close(entries.get(store.name()), false, done);
    }

    List<PoolView> list() {
        return entries.values().stream().map(this::view).toList();
    }

    PoolView get(String id) {
        return view(entry(id));
    }

    /** The bdevs under the pool of a replica's bdev; none for others. */
    List<Bdev> disksOf(Bdev bdev) {
        Entry entry = bdev instanceof LvolBdev lvol ? entries.get(lvol.lvol().store().name()) : null;
        return entry == null ? List.of() : entry.stack().disks();
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

    /** By UUID first: a pool of another maker may have another one's UUID as its name. */
    private Entry entry(String id) {
        Entry entry = Uuids.isUuid(id) ? existing(null, UUID.fromString(id)) : null;
        entry = entry != null ? entry : entries.get(id);
        if (entry == null) {
            throw OperationException.notFound("pool-not-found", "there is no pool " + id + "; a pool on a disk must be imported first");
        }
        return entry;
    }

    private PoolView view(Entry entry) {
        LvStore store = entry.store();
        return new PoolView(store.name(), store.uuid().toString(), entry.disks(), store.state().name(),
                store.fault() == null ? null : store.fault().getMessage(), store.clusterSizeBytes(), store.blockSizeBytes(),
                store.capacityBytes(), store.usedBytes(), store.freeBytes(), store.committedBytes(), store.commitLimitPercent(),
                store.lvols().size(),
                entry.test(), store.recovered(), store.replay().durationNs() / 1_000_000, store.replay().pages(),
                store.replay().memoryBytes(), store.readOnly(), PoolDisks.problems(entry.stack(), store), PoolDisks.view(entry.stack(), store, health),
                health.of(store));
    }
}
