package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.ChildNames;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.NexusSettings;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.Outcome;
import io.mizzen.engine.model.RebuildOrder;
import io.mizzen.engine.model.RebuildView;
import io.mizzen.engine.model.RebuildsView;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.ShareView;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Nexuses and their publication. */
public final class NexusService {
    private final Engine engine;
    private final EngineCalls calls;
    private final DesiredState state;
    private final Restorer restorer;
    private final ShutNexuses shut;

    NexusService(Engine engine, EngineCalls calls, DesiredState state, Restorer restorer) {
        this.restorer = restorer;
        this.engine = engine;
        this.calls = calls;
        this.state = state;
        this.shut = new ShutNexuses(state);
    }

    /** Those of the engine, and those that were shut down before it started. */
    public List<NexusView> list() {
        List<NexusView> open = calls.await(engine.nexuses());
        return Stream.concat(open.stream(), shut.except(open).stream()).toList();
    }

    public NexusView get(String id) {
        Optional<NexusView> absent = shutBefore(id);
        return absent.isPresent() ? absent.get() : calls.await(engine.nexus(id));
    }

    /** A nexus that was shut down before this start: the engine does not have it. */
    private Optional<NexusView> shutBefore(String id) {
        return shut.except(calls.await(engine.nexuses())).stream()
            .filter(nexus -> id.equals(nexus.uuid()) || id.equals(nexus.name())).findFirst();
    }

    private void refuseShut(String id) {
        if (shutBefore(id).isPresent()) {
            throw OperationException.precondition("nexus-shut-down", "Nexus " + id + " is shut down; assemble it first.");
        }
    }

    public Outcome<NexusView> create(NexusSpec spec) {
        Optional<NexusView> absent = shutBefore(spec.uuid());
        if (absent.isPresent()) {
            shut.checkSame(spec);
            return new Outcome<>(absent.get(), false);
        }
        boolean existed = list().stream().anyMatch(nexus -> spec.uuid().equals(nexus.uuid()));
        NexusView view;
        try {
            view = calls.await(state.storing(engine.createNexus(spec), nexus ->
                storeNew(spec)));
        } catch (OperationException e) {
            throw withWayOut(e, spec.uuid());
        }
        return new Outcome<>(view, !existed);
    }

    /** One that is there already keeps what was changed since. */
    private void storeNew(NexusSpec spec) {
        if (stored(spec.uuid()).isEmpty()) {
            state.put(StateKind.NEXUS, spec.uuid(), new DesiredState.StoredNexus(spec.uuid(), spec.name(), spec.children(),
                spec.sizeBytes(), spec.label()));
        }
    }

    private Optional<DesiredState.StoredNexus> stored(String uuid) {
        return state.find(StateKind.NEXUS, uuid, DesiredState.StoredNexus.class);
    }

    /**
     * Assembles a nexus that is not there now: one of the desired state that could not be restored, or any from the
     * children named. One that is there already is left alone, and refused where other children than its own are named.
     *
     * @param children to use instead of those of the desired state; empty: those
     * @param allowMissing assemble although a healthy member is absent; writes that only it holds are given up
     */
    public NexusView assemble(String uuid, List<String> children, boolean allowMissing) {
        Optional<NexusView> present = list().stream().filter(nexus -> uuid.equals(nexus.uuid())).findFirst();
        Optional<DesiredState.StoredNexus> stored = stored(uuid);
        if (present.isPresent() && !"SHUTDOWN".equals(present.get().state())) {
            refuseOthers(present.get(), stored.map(DesiredState.StoredNexus::children).orElse(List.of()), children);
            boolean isNews = stored.filter(DesiredState.StoredNexus::isShutDown).isPresent();
            return isNews ? restorer.onOpen(present.get()) : present.get();
        }
        if (stored.isEmpty() && children.isEmpty()) {
            throw OperationException.notFound("nexus-not-found", "There is no nexus " + uuid
                + ", nor is it among those that a start brings back; name its children.");
        }
        if (stored.filter(DesiredState.StoredNexus::isShutDown).isPresent()) {
            state.find(StateKind.SHARE, uuid, DesiredState.StoredShare.class).ifPresent(share -> state.put(StateKind.SHARE, uuid,
                new DesiredState.StoredShare(true, uuid, null, share.allowedHosts(), null)));     // Its hosts waited for this.
        }
        NexusView view = restorer.assemble(new DesiredState.StoredNexus(uuid,
            stored.map(DesiredState.StoredNexus::name).orElse(null),
            children.isEmpty() ? stored.get().children() : List.copyOf(children),
            stored.map(DesiredState.StoredNexus::sizeBytes).orElse(0L),
            stored.map(DesiredState.StoredNexus::label).orElse(null),
            stored.map(DesiredState.StoredNexus::settings).orElse(null),
            children.isEmpty() ? stored.get().uncertainChild() : null, null, null), allowMissing);
        return view;
    }

    /** @param stored what the desired state says, which counts too: what it names may be no member any more */
    private static void refuseOthers(NexusView open, List<String> stored, List<String> children) {
        List<NexusView.ChildView> known = open.children().stream().filter(child -> child.uri() != null).toList();
        boolean same = children.stream().allMatch(name -> known.stream().anyMatch(child -> isNamed(child, name)))
            && known.stream().allMatch(child -> children.stream().anyMatch(name -> isNamed(child, name)));
        boolean asStored = children.stream().map(Restorer::existing).collect(Collectors.toSet())
            .equals(stored.stream().map(Restorer::existing).collect(Collectors.toSet()));
        if (!children.isEmpty() && !same && !asStored) {
            String path = "/v1/nexuses/" + open.uuid();
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "nexus-exists", "Nexus " + open.name() + " is open with other children ("
                + String.join(", ", known.stream().map(NexusView.ChildView::uri).toList()) + "), which an assembly does not change. Add and"
                + " remove children (POST " + path + "/children, DELETE " + path + "/children/{child}), or shut it down first (POST "
                + path + "/shutdown).");
        }
    }

    private static boolean isNamed(NexusView.ChildView child, String name) {
        return name.equals(child.bdev()) || name.equals(child.memberUuid()) || name.equals(child.replicaUuid())
            || ChildNames.meet(child.uri(), name);
    }

    /** Makes a nexus larger. */
    public NexusView resize(String id, long sizeBytes) {
        String key = keyOf(id);
        refuseShut(id);
        return state.locked(key, () -> {
            // From here on its metadata alone says how large it is: a crash may come before or after the change.
            stored(key).ifPresent(nexus -> state.put(StateKind.NEXUS, key, nexus.withoutSize()));
            return calls.await(engine.resizeNexus(id, sizeBytes));
        });
    }

    /** Closes a nexus while its hosts wait; a start does not bring it back, {@link #assemble} does. */
    public NexusView shutdown(String id) {
        String key = keyOf(id);
        Optional<NexusView> absent = shutBefore(id);
        if (absent.isPresent()) {
            return absent.get();
        }
        // That its hosts wait follows from this one document: with a second one, a crash between the two would let them wait for ever.
        return state.locked(key, () -> {
            long sizeBytes = get(id).sizeBytes();
            return calls.await(state.closing(engine.shutdownNexus(id), () ->
                stored(key).ifPresent(nexus -> state.put(StateKind.NEXUS, key, nexus.asShutDown(sizeBytes)))));
        });
    }

    /** The refusal, with the request that goes on all the same where there is one. */
    static OperationException withWayOut(OperationException refusal, String uuid) {
        String wayOut = switch (refusal.code()) {
            case "nexus-newest-generation-missing" -> ": POST /v1/nexuses/" + uuid + "/assembly with {\"allowMissing\": true}, "
                + "which gives up the writes that only the absent member holds";
            case "nexus-diverged" -> ": POST /v1/nexuses/" + uuid + "/assembly with {\"allowMissing\": true, \"children\": "
                + "[...]} that names the children to keep";
            default -> "";
        };
        return wayOut.isEmpty() ? refusal
            : new OperationException(refusal.kind(), refusal.code(), refusal.getMessage() + wayOut, refusal);
    }

    public void destroy(String id) {
        String key = keyOf(id);
        if (shutBefore(id).isPresent() && state.contains(StateKind.SHARE, key)) {
            throw OperationException.precondition("nexus-published", "Nexus " + id + " is published; unpublish it first.");
        }
        state.locked(key, () -> calls.await(state.removing(engine.destroyNexus(id), StateKind.NEXUS, key,
            () -> state.remove(StateKind.LIMITS, key))));
    }

    public NexusView publish(String id, ShareSpec spec) {
        refuseShut(id);
        NexusView view = state.locked(keyOf(id), () -> calls.await(state.storing(engine.publishNexus(id, spec), nexus ->
            storeShare(nexus))));
        return view;
    }

    /** What is served, and whether it is paused, as the engine says. */
    private void storeShare(NexusView nexus) {
        ShareView share = nexus.share();
        Long until = !share.paused() ? null : share.pausedUntil() == null ? Long.valueOf(0)
            : Long.valueOf(share.pausedUntil().toEpochMilli());
        state.put(StateKind.SHARE, nexus.uuid(),
            new DesiredState.StoredShare(true, nexus.uuid(), null, share.allowedHosts(), until));
    }

    /**
     * Hosts' I/O waits.
     *
     * @param atMost after which it goes on by itself
     */
    public NexusView pause(String id, Duration atMost) {
        refuseShut(id);
        return state.locked(keyOf(id), () ->
            calls.await(state.storing(engine.pauseNexus(id, atMost.toMillis()), this::storeShare)));
    }

    /** Hosts' I/O goes on. */
    public NexusView resume(String id) {
        refuseShut(id);
        return state.locked(keyOf(id), () -> calls.await(state.storing(engine.resumeNexus(id), nexus -> {
            if (nexus.share() != null) {
                storeShare(nexus);
            }
        })));
    }

    public void unpublish(String id) {
        String key = keyOf(id);
        if (shutBefore(id).isPresent() && !state.contains(StateKind.SHARE, key)) {
            return;
        }
        state.locked(key, () -> calls.await(state.removing(engine.unpublishNexus(id), StateKind.SHARE, key)));
    }

    // --- children ----------------------------------------------------------------------------------

    /**
     * Adds a child; stored as uncertain before, and as a child before this answers.
     *
     * @param overwrite what may be destroyed where it is a disk, in words
     */
    public NexusView addChild(String id, String uri, List<String> overwrite) {
        refuseShut(id);
        String key = keyOf(id);
        return state.locked(key, () -> {
            List<String> before = stored(key).map(DesiredState.StoredNexus::children).orElse(List.of());
            return change(key, before, before, uri, () -> engine.addNexusChild(id, uri, overwrite));
        });
    }

    /** Removes a child for good. */
    public void removeChild(String id, String child) {
        refuseShut(id);
        String key = keyOf(id);
        state.locked(key, () -> {
            String uri = child(get(id), child).uri();
            List<String> before = stored(key).map(DesiredState.StoredNexus::children).orElse(List.of());
            return uri == null ? calls.await(engine.removeNexusChild(id, child))
                : change(key, before, before.stream().filter(other -> !Restorer.existing(other).equals(Restorer.existing(uri)))
                    .toList(), uri,
                    () -> engine.removeNexusChild(id, child));
        });
    }

    /** @param certain the children whatever comes of it */
    private NexusView change(String key, List<String> before, List<String> certain, String uri,
                             Supplier<CompletableFuture<NexusView>> command) {
        store(key, certain, uri);
        try {
            return calls.await(state.storing(command.get(), view -> store(key, view.children().stream()
                .map(NexusView.ChildView::uri).filter(Objects::nonNull).toList(), null)));
        } catch (OperationException e) {
            if (e.kind() != ErrorKind.TIMEOUT) {
                store(key, before, null);
            }
            throw e;
        }
    }

    private void store(String key, List<String> children, String uncertain) {
        stored(key).ifPresent(nexus -> state.put(StateKind.NEXUS, key, nexus.withChildren(children, uncertain)));
    }

    /** One child, by URI, bdev, or UUID of the member or replica. */
    public NexusView.ChildView child(String id, String child) {
        return child(get(id), child);
    }

    private static NexusView.ChildView child(NexusView nexus, String name) {
        return nexus.children().stream().filter(child -> name.equals(child.uri()) || name.equals(child.bdev())
            || child.uri() != null && Restorer.existing(name).equals(Restorer.existing(child.uri()))
            || name.equals(child.memberUuid()) || name.equals(child.replicaUuid())).findFirst().orElseThrow(() ->
            OperationException.notFound("child-not-found", "Nexus " + nexus.name() + " has no child " + name + "; its children are "
                + String.join(", ", nexus.children().stream().map(child -> String.valueOf(child.uri())).toList()) + "."));
    }

    public NexusView faultChild(String id, String child) {
        refuseShut(id);
        return calls.await(engine.faultNexusChild(id, child));
    }

    public NexusView offlineChild(String id, String child) {
        refuseShut(id);
        return calls.await(engine.offlineNexusChild(id, child));
    }

    public NexusView onlineChild(String id, String child) {
        refuseShut(id);
        return calls.await(engine.onlineNexusChild(id, child));
    }

    // --- rebuilds and settings ---------------------------------------------------------------------

    public RebuildsView rebuilds(String id) {
        if (shutBefore(id).isPresent()) {
            return new RebuildsView(List.of(), List.of());
        }
        return calls.await(engine.nexusRebuilds(id));
    }

    /** What is under way for a child. */
    public RebuildView rebuild(String id, String name) {
        NexusView.ChildView child = child(id, name);
        if (child.rebuild() == null) {
            throw OperationException.notFound("rebuild-not-found", "Child " + name + " is neither being rebuilt nor verified; "
                + "/v1/nexuses/" + id + "/rebuilds has the history.");
        }
        return child.rebuild();
    }

    public NexusView order(String id, String child, RebuildOrder order) {
        refuseShut(id);
        return calls.await(engine.rebuildNexusChild(id, child, order));
    }

    /** @param child null: each but the first */
    public RebuildsView verify(String id, String child) {
        refuseShut(id);
        return calls.await(engine.verifyNexus(id, child));
    }

    /** Changes how a nexus behaves; kept over restarts. */
    public NexusView set(String id, UnaryOperator<NexusSettings> change) {
        refuseShut(id);
        String key = keyOf(id);
        return state.locked(key, () -> calls.await(state.storing(engine.setNexus(id, change.apply(get(id).settings())), view ->
            stored(key).ifPresent(nexus -> state.put(StateKind.NEXUS, key, nexus.withSettings(view.settings()))))));
    }

    private String keyOf(String id) {
        return list().stream().filter(nexus -> id.equals(nexus.name())).map(NexusView::uuid).findFirst()
            .or(() -> state.list(DesiredState.StoredNexus.class).stream().filter(nexus -> id.equals(nexus.name()))
                .map(DesiredState.StoredNexus::uuid).findFirst()).orElse(id);
    }
}
