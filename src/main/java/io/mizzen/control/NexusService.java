package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.engine.model.ShareView;
import io.mizzen.util.OperationException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Nexuses and their publication. */
public final class NexusService {
    private final Engine engine;
    private final EngineCalls calls;
    private final DesiredState state;
    private final Restorer restorer;

    NexusService(Engine engine, EngineCalls calls, DesiredState state, Restorer restorer) {
        this.restorer = restorer;
        this.engine = engine;
        this.calls = calls;
        this.state = state;
    }

    public List<NexusView> list() {
        return calls.await(engine.nexuses());
    }

    public NexusView get(String id) {
        return calls.await(engine.nexus(id));
    }

    public Outcome<NexusView> create(NexusSpec spec) {
        boolean existed = list().stream().anyMatch(nexus -> spec.uuid().equals(nexus.uuid()));
        NexusView view;
        try {
            view = calls.await(state.storing(engine.createNexus(spec), nexus ->
                state.put(StateKind.NEXUS, nexus.uuid(), new DesiredState.StoredNexus(spec.uuid(), spec.name(),
                    spec.children(), spec.sizeBytes(), spec.label()))));
        } catch (OperationException e) {
            throw withWayOut(e, spec.uuid());
        }
        return new Outcome<>(view, !existed);
    }

    /**
     * Assembles a nexus that is not there now: one of the desired state that could not be restored, or any from the
     * children named. One that is there already is left alone.
     *
     * @param children to use instead of those of the desired state; empty: those
     * @param allowMissing assemble although a healthy member is absent; writes that only it holds are given up
     */
    public NexusView assemble(String uuid, List<String> children, boolean allowMissing) {
        Optional<NexusView> present = list().stream().filter(nexus -> uuid.equals(nexus.uuid())).findFirst();
        if (present.isPresent()) {
            return present.get();
        }
        Optional<DesiredState.StoredNexus> stored = state.find(StateKind.NEXUS, uuid, DesiredState.StoredNexus.class);
        if (stored.isEmpty() && children.isEmpty()) {
            throw OperationException.notFound("nexus-not-found", "There is no nexus " + uuid
                + ", nor is it among those that a start brings back; name its children.");
        }
        NexusView view = restorer.assemble(new DesiredState.StoredNexus(uuid,
            stored.map(DesiredState.StoredNexus::name).orElse(null),
            children.isEmpty() ? stored.get().children() : List.copyOf(children),
            stored.map(DesiredState.StoredNexus::sizeBytes).orElse(0L),
            stored.map(DesiredState.StoredNexus::label).orElse(null)), allowMissing);
        return view;
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
        state.locked(key, () -> calls.await(state.removing(engine.destroyNexus(id), StateKind.NEXUS, key,
            () -> state.remove(StateKind.LIMITS, key))));
    }

    public NexusView publish(String id, ShareSpec spec) {
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
            new DesiredState.StoredShare(true, nexus.uuid(), share.allowedHosts(), until));
    }

    /**
     * Hosts' I/O waits.
     *
     * @param atMost after which it goes on by itself
     */
    public NexusView pause(String id, Duration atMost) {
        return state.locked(keyOf(id), () ->
            calls.await(state.storing(engine.pauseNexus(id, atMost.toMillis()), this::storeShare)));
    }

    /** Hosts' I/O goes on. */
    public NexusView resume(String id) {
        return state.locked(keyOf(id), () -> calls.await(state.storing(engine.resumeNexus(id), nexus -> {
            if (nexus.share() != null) {
                storeShare(nexus);
            }
        })));
    }

    public void unpublish(String id) {
        String key = keyOf(id);
        state.locked(key, () -> calls.await(state.removing(engine.unpublishNexus(id), StateKind.SHARE, key)));
    }

    public NexusView faultChild(String id, String childUri) {
        NexusView view = calls.await(engine.faultNexusChild(id, childUri));
        return view;
    }

    private String keyOf(String id) {
        return list().stream().filter(nexus -> id.equals(nexus.name())).map(NexusView::uuid).findFirst()
            .or(() -> state.list(DesiredState.StoredNexus.class).stream().filter(nexus -> id.equals(nexus.name()))
                .map(DesiredState.StoredNexus::uuid).findFirst()).orElse(id);
    }
}
