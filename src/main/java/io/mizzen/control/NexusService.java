package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.ShareSpec;
import java.util.List;

/** Nexuses and their publication. */
public final class NexusService {
    private final Engine engine;
    private final EngineCalls calls;
    private final DesiredState state;

    NexusService(Engine engine, EngineCalls calls, DesiredState state) {
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
        NexusView view = calls.await(state.storing(engine.createNexus(spec), nexus ->
            state.put(StateKind.NEXUS, nexus.uuid(), new DesiredState.StoredNexus(spec.uuid(), spec.name(),
                spec.children(), spec.sizeBytes(), spec.label()))));
        ChangeLog.info("nexus-created", "uuid", view.uuid(), "name", view.name(), "sizeBytes", view.sizeBytes(),
            "children", spec.children());
        return new Outcome<>(view, !existed);
    }

    public void destroy(String id) {
        String key = keyOf(id);
        state.locked(key, () -> calls.await(state.removing(engine.destroyNexus(id), StateKind.NEXUS, key)));
        ChangeLog.info("nexus-destroyed", "nexus", id);
    }

    public NexusView publish(String id, ShareSpec spec) {
        NexusView view = calls.await(state.storing(engine.publishNexus(id, spec), nexus ->
            state.put(StateKind.SHARE, nexus.uuid(),
                new DesiredState.StoredShare(true, nexus.uuid(), spec.allowedHosts()))));
        ChangeLog.info("nexus-published", "uuid", view.uuid(), "nqn", view.share().nqn(), "allowedHosts",
            spec.allowedHosts());
        return view;
    }

    public void unpublish(String id) {
        String key = keyOf(id);
        state.locked(key, () -> calls.await(state.removing(engine.unpublishNexus(id), StateKind.SHARE, key)));
        ChangeLog.info("nexus-unpublished", "nexus", id);
    }

    public NexusView faultChild(String id, String childUri) {
        NexusView view = calls.await(engine.faultNexusChild(id, childUri));
        ChangeLog.warn("nexus-child-faulted", "uuid", view.uuid(), "child", childUri, "state", view.state());
        return view;
    }

    private String keyOf(String id) {
        return list().stream().filter(nexus -> id.equals(nexus.name())).map(NexusView::uuid).findFirst()
            .or(() -> state.list(DesiredState.StoredNexus.class).stream().filter(nexus -> id.equals(nexus.name()))
                .map(DesiredState.StoredNexus::uuid).findFirst()).orElse(id);
    }
}
