package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.control.store.StateStore;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.DeviceSpec;
import io.mizzen.engine.model.DeviceView;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * Brings the desired state back at start: devices, bdevs, pools, nexuses, shares, in this order. What fails does not stop the rest;
 * it is reported (health, events, log) and tried again until it works or somebody removes it. Nor does a pool that takes long to
 * read: what lies on it comes back after it.
 */
public final class Restorer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Restorer.class);
    /** What an assembly says of a child that the nexus's metadata does not know. */
    private static final Set<String> NO_MEMBER = Set.of("child-foreign", "child-not-member", "child-of-other-nexus");
    /** Of a pool that is being read: no failure yet. */
    private static final String IMPORTING = "pool-importing";
    /** Turns at which everything is tried; then every second, fourth and so on, up to every 32nd. */
    private static final int QUICK_ATTEMPTS = 6;
    private static final int SLOWEST_SHIFT = 5;

    private final Engine engine;
    private final EngineCalls calls;
    private final DesiredState state;
    private final Map<String, Failure> failures = new LinkedHashMap<>();
    private final List<StateStore.SetAside> setAside = new ArrayList<>();
    /** What drives were asked last, by address. */
    private final Map<String, CompletableFuture<DeviceView>> asked = new ConcurrentHashMap<>();
    /** What pools were opened with last, by UUID. */
    private final Map<String, CompletableFuture<PoolView>> imports = new ConcurrentHashMap<>();
    private final ScheduledExecutorService retries =
        Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().name("restore").daemon().factory());
    /** Held by the start, for which other work waits: it says to hosts whether there is more to come. */
    private final Object turn = new Object();
    private long round;

    /**
     * An object that could not be brought back.
     *
     * @param attempts so far
     */
    public record Failure(StateKind kind, String object, String code, String message, int attempts, Instant since) {
    }

    Restorer(Engine engine, EngineCalls calls, DesiredState state) {
        this.engine = engine;
        this.calls = calls;
        this.state = state;
    }

    /**
     * Reads the documents and restores each once; then goes on with those that failed, every {@code retry}. Pools whose replicas are
     * served come first: of several replicas with one UUID the first can be used.
     */
    void start(StateStore.Contents contents, Duration retry) {
        synchronized (this) {
            setAside.addAll(contents.setAside());
        }
        for (StateStore.SetAside document : contents.setAside()) {
            engine.report(ObjectKind.ENGINE, null, document.file(), "state-document-corrupt", "A " + document.kind()
                + " document of the desired state was set aside: " + document.reason(), "reason", document.reason());
        }
        List<Restorable> pending = new ArrayList<>();
        for (StateStore.Document document : contents.documents()) {
            try {
                Object content = document.as(typeOf(document.kind()));
                state.adopt(document.kind(), document.key(), content);
                pending.add(new Restorable(document.kind(), document.key()));
            } catch (JacksonException e) {
                fail(new Restorable(document.kind(), document.key()), OperationException.internal("document-unreadable",
                    "The document does not have the form of this version: " + e.getOriginalMessage()));
            }
        }
        List<String> served = state.list(DesiredState.StoredShare.class).stream().map(DesiredState.StoredShare::pool).toList();
        pending.sort(Comparator.comparing(Restorable::kind).thenComparing(object -> !served.contains(object.key())));
        synchronized (turn) {
            pending.forEach(this::restore);
            tellHosts();
        }
        retries.scheduleWithFixedDelay(this::retryDue, retry.toNanos(), retry.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** What could not be brought back so far, in the order of its first failure. */
    public synchronized List<Failure> failures() {
        return List.copyOf(failures.values());
    }

    /** How many of each kind could not be brought back; every kind is there. */
    public Map<StateKind, Integer> failureCounts() {
        Map<StateKind, Integer> counts = new EnumMap<>(StateKind.class);
        for (StateKind kind : StateKind.values()) {
            counts.put(kind, 0);
        }
        failures().forEach(failure -> counts.merge(failure.kind(), 1, Integer::sum));
        setAside().forEach(document -> counts.merge(document.kind(), 1, Integer::sum));
        return counts;
    }

    /** Documents that were damaged. */
    public synchronized List<StateStore.SetAside> setAside() {
        return List.copyOf(setAside);
    }

    /** Tries again what is due: at every turn at first, less and less often later, since every try is an event. */
    private void retryDue() {
        round++;
        noticeLostBdevs();
        for (Failure failure : failures()) {
            int every = 1 << Math.clamp(failure.attempts() - QUICK_ATTEMPTS, 0, SLOWEST_SHIFT);
            if (round % every == 0) {
                restore(new Restorable(failure.kind(), failure.object()));
            }
        }
        tellHosts();
    }

    /** Tries everything that failed once more. */
    void retry() {
        noticeLostBdevs();
        for (Failure failure : failures()) {
            restore(new Restorable(failure.kind(), failure.object()));
        }
        tellHosts();
    }

    /** A bdev whose device went is closed before its successor opens; when that fails, nobody else would bring it back. */
    private void noticeLostBdevs() {
        List<String> wanted = state.keys(StateKind.BDEV);
        if (wanted.isEmpty()) {
            return;
        }
        try {
            List<String> there = calls.await(engine.bdevs()).stream().map(BdevView::name).toList();
            List<String> known = failures().stream().filter(failure -> failure.kind() == StateKind.BDEV).map(Failure::object).toList();
            wanted.stream().filter(name -> !there.contains(name) && !known.contains(name))
                .forEach(name -> restore(new Restorable(StateKind.BDEV, name)));
        } catch (OperationException e) {
            LOG.warn("event=lost-bdevs-unknown code={} message=\"{}\"", e.code(), e.getMessage());
        }
    }

    /** While anything is missing, hosts that look for a subsystem are to try again rather than to give up. */
    private void tellHosts() {
        try {
            calls.await(engine.awaitShares(!failures().isEmpty() || !setAside().isEmpty()
                || state.list(DesiredState.StoredShare.class).stream().anyMatch(share -> isShutDown(share.uuid()))));
        } catch (OperationException e) {
            LOG.warn("event=shares-to-come-unknown code={} message=\"{}\"", e.code(), e.getMessage());
        }
    }

    private void restore(Restorable object) {
        try {
            state.locked(object.key(), () -> {
                state.find(object.kind(), object.key(), Object.class).ifPresent(this::bringBack);
                return null;
            });
            succeed(object);
        } catch (OperationException e) {
            fail(object, e);
        } catch (RuntimeException e) {
            fail(object, EngineCalls.failureOf(e));
        }
    }

    private void bringBack(Object content) {
        switch (content) {
            case DesiredState.StoredDevice device -> onceAtATime(device.address(), () -> engine.bindDevice(device.address(),
                new DeviceSpec(device.driver(), device.accept(), device.serial())));
            case DesiredState.StoredBdev bdev -> calls.await(engine.createBdev(new BdevSpec(existing(bdev.uri()))));
            case DesiredState.StoredPool pool -> {
                if (!pool.exported() && calls.await(engine.pools()).stream()
                    .noneMatch(present -> pool.uuid().equals(present.uuid()))) {
                    importShortly(pool);
                }
            }
            case DesiredState.StoredNexus nexus -> {
                if (!nexus.isShutDown()) {
                    assembleNow(nexus, false);
                }
            }
            case DesiredState.StoredLimits limits -> limit(limits);
            case DesiredState.StoredShare share -> serve(share);
            default -> throw new IllegalStateException("unknown content " + content);
        }
    }

    /** Opens a pool, and leaves it to itself if that takes long: then all that failed is tried again when it is there. */
    private void importShortly(DesiredState.StoredPool pool) {
        if (pool.uncertainDisk() != null) {
            importKnown(pool, false);
            return;
        }
        CompletableFuture<PoolView> last = imports.get(pool.uuid());
        if (last != null && !last.isDone()) {
            throw importing(pool);
        }
        CompletableFuture<PoolView> answer = engine.importPool(pool.toImport(false), pool.how(false));
        imports.put(pool.uuid(), answer);
        if (calls.awaitShortly(answer).isEmpty()) {
            answer.whenComplete((view, failure) -> later(() -> {
                if (failure == null) {
                    retry();
                } else {
                    fail(new Restorable(StateKind.POOL, pool.uuid()), EngineCalls.failureOf(failure));
                }
            }));
            throw importing(pool);
        }
    }

    private static OperationException importing(DesiredState.StoredPool pool) {
        return new OperationException(ErrorKind.UNAVAILABLE, IMPORTING, "Pool " + pool.name() + " is being imported, which takes long"
            + " (GET /v1/jobs says how far it is); what lies on it comes back after it. Nothing needs to be done.");
    }

    /**
     * Imports a pool from the disks that are known. One that was being added when the engine or its answer was lost is tried
     * with the others first: without it, they are refused if it belongs to them, and with it, if it does not.
     */
    PoolView importKnown(DesiredState.StoredPool pool, boolean rebuildMasks) {
        if (pool.uncertainDisk() != null) {
            try {
                PoolView view = calls.await(engine.importPool(pool.toImport(true), pool.how(rebuildMasks)));
                state.put(StateKind.POOL, pool.uuid(), pool.withDisks(view.disks(), null));
                return view;
            } catch (OperationException without) {
                LOG.info("event=pool-disk-not-added pool={} disk={} code={}", pool.name(), pool.uncertainDisk(), without.code());
            }
        }
        PoolView view = calls.await(engine.importPool(pool.toImport(false), pool.how(rebuildMasks)));
        if (pool.uncertainDisk() != null) {
            state.put(StateKind.POOL, pool.uuid(), pool.withDisks(pool.disks(), null));     // It never came about.
        }
        return view;
    }

    private void limit(DesiredState.StoredLimits limits) {
        if (limits.nexus()) {
            if (!isShutDown(limits.uuid())) {
                calls.await(engine.setNexusLimits(limits.uuid(), limits.limits()));
            }
        } else if (!isExported(limits.pool())) {
            calls.await(engine.setReplicaLimits(limits.uuid(), limits.limits()));
        }
    }

    private void serve(DesiredState.StoredShare share) {
        ShareSpec spec = new ShareSpec(share.allowedHosts());
        long leftMs = share.pausedUntilMs() == null ? -1
            : share.pausedUntilMs() == 0 ? 0 : Math.max(-1, share.pausedUntilMs() - System.currentTimeMillis());
        if (share.nexus() ? isShutDown(share.uuid()) : isExported(share.pool())) {
            return;
        }
        if (!share.nexus()) {
            String id = share.pool() == null ? share.uuid() : share.pool() + "/" + share.uuid();
            state.put(StateKind.SHARE, share.uuid(), DesiredState.StoredShare.of(calls.await(engine.shareReplica(id, spec)), spec));
        } else if (leftMs < 0 || leftMs == 0 && share.pausedUntilMs() != 0) {
            calls.await(engine.publishNexus(share.uuid(), spec));
        } else {
            calls.await(engine.publishNexusPaused(share.uuid(), spec, leftMs));
        }
    }

    /** @param pool null: not known */
    private boolean isExported(String pool) {
        return pool != null && state.find(StateKind.POOL, pool, DesiredState.StoredPool.class)
            .filter(DesiredState.StoredPool::exported).isPresent();
    }

    private boolean isShutDown(String nexus) {
        return state.find(StateKind.NEXUS, nexus, DesiredState.StoredNexus.class)
            .filter(DesiredState.StoredNexus::isShutDown).isPresent();
    }

    /**
     * Takes a drive again that was plugged in anew, or still has it: by the address in the URI of a bdev on it, if it was taken by
     * request and is the same drive.
     *
     * @return whether the engine has the drive now
     */
    boolean takeAgain(String uri) {
        String address = DeviceService.fullAddress(uri.replaceFirst("^pcie?:///", "").replaceFirst("[?].*", ""));
        try {
            return state.locked(address, () -> {
                DesiredState.StoredDevice taken = state.find(StateKind.DEVICE, address, DesiredState.StoredDevice.class).orElse(null);
                if (taken != null) {
                    bringBack(taken);
                    return true;
                }
                return onceAtATime(address, () -> engine.device(address)).driver() != null;
            });
        } catch (OperationException refused) {
            if (refused.kind() == ErrorKind.UNAVAILABLE || refused.kind() == ErrorKind.TIMEOUT) {
                throw refused;
            }
            return false;       // Not there, in use, or another drive: as long as it is so.
        }
    }

    /** A drive that does not answer is not asked again until it does: every question would wait in the engine behind the last. */
    private DeviceView onceAtATime(String address, Supplier<CompletableFuture<DeviceView>> question) {
        CompletableFuture<DeviceView> last = asked.get(address);
        if (last != null && !last.isDone()) {
            throw new OperationException(ErrorKind.UNAVAILABLE, "device-not-answering", "Device " + address
                + " has not answered what it was asked last; nothing was done. It is asked again when it has.");
        }
        CompletableFuture<DeviceView> answer = question.get();
        asked.put(address, answer);
        return calls.await(answer);
    }

    /** A pool was closed and opened anew, or could only be closed: then it is tried again as at a start. */
    void onPoolReopened(String uuid) {
        restore(new Restorable(StateKind.POOL, uuid));
        onPoolImported(uuid);
        tellHosts();
    }

    /** A pool has come back by request: so do the limits of its replicas, and how they were served. */
    void onPoolImported(String uuid) {
        for (DesiredState.StoredLimits limits : state.list(DesiredState.StoredLimits.class)) {
            if (uuid.equals(limits.pool())) {
                restore(new Restorable(StateKind.LIMITS, limits.uuid()));
            }
        }
        for (DesiredState.StoredShare share : state.list(DesiredState.StoredShare.class)) {
            if (uuid.equals(share.pool())) {
                restore(new Restorable(StateKind.SHARE, share.uuid()));
            }
        }
    }

    /** As {@link #onPoolImported}, on a thread of its own: from one that must not wait for the engine. */
    void onPoolImportedLater(String uuid) {
        later(() -> onPoolImported(uuid));
    }

    /** On a thread of its own, and after the start. */
    private void later(Runnable work) {
        try {
            retries.execute(() -> {
                synchronized (turn) {
                    work.run();
                }
            });
        } catch (RejectedExecutionException e) {
            LOG.info("event=restore-ended reason=\"the engine stops\"");
        }
    }

    /**
     * Assembles a nexus at once, and publishes it again where it was published. Kept in the desired state when it worked.
     *
     * @param allowMissing give up what only absent members hold
     */
    NexusView assemble(DesiredState.StoredNexus nexus, boolean allowMissing) {
        boolean wasShut = isShutDown(nexus.uuid());
        NexusView view;
        try {
            view = state.locked(nexus.uuid(), () -> assembleNow(nexus, allowMissing));
        } catch (OperationException e) {
            if (wasShut && !isShutDown(nexus.uuid())) {
                goOnLater(nexus.uuid());        // It is open; what came next has failed.
            }
            throw e;
        }
        succeed(new Restorable(StateKind.NEXUS, nexus.uuid()));
        return goOn(view);
    }

    /** A nexus is open that counted as shut down, since the request that asked for it was not told: it is not any more. */
    NexusView onOpen(NexusView view) {
        state.locked(view.uuid(), () -> {
            state.find(StateKind.NEXUS, view.uuid(), DesiredState.StoredNexus.class)
                .ifPresent(nexus -> state.put(StateKind.NEXUS, view.uuid(), nexus.asOpen()));
            return null;
        });
        return goOn(view);
    }

    /** What goes with a nexus that was assembled by request. */
    private NexusView goOn(NexusView view) {
        String uuid = view.uuid();
        if (state.contains(StateKind.LIMITS, uuid)) {
            restore(new Restorable(StateKind.LIMITS, uuid));
        }
        boolean toServe = state.contains(StateKind.SHARE, uuid) && view.share() == null;
        if (toServe) {
            restore(new Restorable(StateKind.SHARE, uuid));
        }
        tellHosts();
        return toServe ? calls.await(engine.nexus(uuid)) : view;
    }

    /** As at a start: its settings, limits and share; what fails is tried again. */
    private void goOnLater(String nexus) {
        later(() -> {
            List.of(StateKind.NEXUS, StateKind.LIMITS, StateKind.SHARE).forEach(kind -> restore(new Restorable(kind, nexus)));
            tellHosts();
        });
    }

    private NexusView assembleNow(DesiredState.StoredNexus nexus, boolean allowMissing) {
        NexusView view;
        try {
            view = assembleFrom(nexus, nexus.allChildren(), allowMissing);
        } catch (OperationException e) {
            if (nexus.uncertainChild() == null || !NO_MEMBER.contains(e.code())) {
                throw NexusService.withWayOut(e, nexus.uuid());
            }
            view = assembleWithout(nexus, allowMissing);
        }
        if (nexus.settings() != null) {
            view = calls.await(engine.setNexus(nexus.uuid(), nexus.settings()));
        }
        return goOnRebuilding(view);
    }

    /** The uncertain child is no member: it was not added, or is removed. */
    private NexusView assembleWithout(DesiredState.StoredNexus nexus, boolean allowMissing) {
        try {
            return assembleFrom(nexus, nexus.children(), allowMissing);
        } catch (OperationException e) {
            throw NexusService.withWayOut(e, nexus.uuid());
        }
    }

    private NexusView assembleFrom(DesiredState.StoredNexus nexus, List<String> children, boolean allowMissing) {
        Optional<DesiredState.StoredNexus> before = state.find(StateKind.NEXUS, nexus.uuid(), DesiredState.StoredNexus.class);
        CompletableFuture<NexusView> opened = state.storing(engine.assembleNexus(new NexusSpec(nexus.uuid(), nexus.name(),
            children.stream().map(Restorer::existing).toList(), nexus.sizeBytes(), nexus.label()), allowMissing),
            view -> keep(nexus, before, children, view));
        try {
            return calls.await(opened);
        } catch (OperationException e) {
            if (e.kind() == ErrorKind.TIMEOUT && before.filter(DesiredState.StoredNexus::isShutDown).isPresent()) {
                opened.thenAccept(view -> goOnLater(nexus.uuid()));     // It may open after all. Others are tried again anyhow.
            }
            throw e;
        }
    }

    /** An open nexus is stored as it was opened; what was changed since that was asked for stays. */
    private void keep(DesiredState.StoredNexus nexus, Optional<DesiredState.StoredNexus> before, List<String> children,
                      NexusView view) {
        Optional<DesiredState.StoredNexus> now = state.find(StateKind.NEXUS, nexus.uuid(), DesiredState.StoredNexus.class);
        if (!now.equals(before)) {
            now.ifPresent(stored -> state.put(StateKind.NEXUS, nexus.uuid(), stored.asOpen()));
            return;
        }
        boolean isMember = nexus.uncertainChild() != null && children.contains(nexus.uncertainChild()) && view.children().stream()
            .anyMatch(child -> existing(nexus.uncertainChild()).equals(child.uri()));
        state.put(StateKind.NEXUS, nexus.uuid(), nexus.withChildren(isMember ? nexus.allChildren() : nexus.children(), null));
    }

    /** A rebuild that the end of the engine broke off begins anew; whatever else took a child out is for people to look at. */
    private NexusView goOnRebuilding(NexusView nexus) {
        NexusView last = nexus;
        for (NexusView.ChildView child : nexus.children()) {
            if ("FAULTED".equals(child.state()) && "rebuild-failed".equals(child.faultReason()) && child.uri() != null) {
                try {
                    last = calls.await(engine.onlineNexusChild(nexus.uuid(), child.uri()));
                } catch (OperationException e) {
                    engine.report(ObjectKind.CHILD, null, child.uri(), "child-not-rebuilt", "child " + child.uri() + " of nexus "
                        + nexus.name() + " stays out: " + e.getMessage(), "uri", child.uri(), "memberUuid", child.memberUuid(),
                        "replicaUuid", child.replicaUuid(), "nexus", nexus.uuid(), "nexusName", nexus.name(), "code", e.code());
                }
            }
        }
        return last;
    }

    /** The URI without the wish to create its file: a file that is gone is a failure, not an empty disk. */
    static String existing(String uri) {
        int query = uri.indexOf('?');
        if (query < 0) {
            return uri;
        }
        String kept = Arrays.stream(uri.substring(query + 1).split("&")).filter(pair -> !pair.equals("create=true"))
            .collect(Collectors.joining("&"));
        return kept.isEmpty() ? uri.substring(0, query) : uri.substring(0, query + 1) + kept;
    }

    private void succeed(Restorable object) {
        Failure before;
        synchronized (this) {
            before = failures.remove(object.toString());
        }
        if (before != null && state.contains(object.kind(), object.key())) {
            report(object, "restored", "Restored after " + before.attempts() + " failed attempts.", "attempts",
                before.attempts());
        }
    }

    private void fail(Restorable object, OperationException cause) {
        boolean news;
        synchronized (this) {
            Failure before = failures.get(object.toString());
            news = before == null || !before.code().equals(cause.code());
            failures.put(object.toString(), new Failure(object.kind(), object.key(), cause.code(), cause.getMessage(),
                before == null ? 1 : before.attempts() + 1, before == null ? Instant.now() : before.since()));
        }
        if (news) {
            report(object, cause.code().equals(IMPORTING) ? "restore-waits" : "restore-failed", cause.getMessage(), "code", cause.code());
        }
    }

    private void report(Restorable object, String kind, String message, String detail, Object value) {
        Object content = state.find(object.kind(), object.key(), Object.class).orElse(null);
        String name = switch (content) {
            case DesiredState.StoredPool pool -> pool.name();
            case DesiredState.StoredNexus nexus when nexus.name() != null -> nexus.name();
            case null, default -> object.key();
        };
        ObjectKind type = switch (content) {
            case DesiredState.StoredLimits limits -> limits.nexus() ? ObjectKind.NEXUS : ObjectKind.REPLICA;
            case DesiredState.StoredShare share -> share.nexus() ? ObjectKind.NEXUS : ObjectKind.REPLICA;
            case null, default -> kindOf(object.kind());
        };
        engine.report(type, Ids.isUuid(object.key()) ? object.key() : null, name, kind, message, "document",
            object.kind().name().toLowerCase(Locale.ROOT), detail, value);
    }

    private static ObjectKind kindOf(StateKind kind) {
        return switch (kind) {
            case DEVICE -> ObjectKind.DEVICE;
            case BDEV -> ObjectKind.BDEV;
            case POOL -> ObjectKind.POOL;
            case NEXUS -> ObjectKind.NEXUS;
            case LIMITS -> ObjectKind.ENGINE;
            case SHARE -> ObjectKind.SUBSYSTEM;
        };
    }

    private static Class<?> typeOf(StateKind kind) {
        return switch (kind) {
            case DEVICE -> DesiredState.StoredDevice.class;
            case BDEV -> DesiredState.StoredBdev.class;
            case POOL -> DesiredState.StoredPool.class;
            case NEXUS -> DesiredState.StoredNexus.class;
            case LIMITS -> DesiredState.StoredLimits.class;
            case SHARE -> DesiredState.StoredShare.class;
        };
    }

    /** No more attempts; one that runs is waited for only as long as the process lives. */
    @Override
    public void close() {
        retries.shutdownNow();
    }

    private record Restorable(StateKind kind, String key) {
        @Override
        public String toString() {
            return kind + "/" + key;
        }
    }
}
