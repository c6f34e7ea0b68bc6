package io.mizzen.control;

import io.mizzen.control.store.StateKind;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.NexusView;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Nexuses that were shut down before the engine started: it does not have them, only the desired state knows them. They are
 * shown all the same, with what is known without a look at their children. Any thread.
 */
final class ShutNexuses {
    private final DesiredState state;

    ShutNexuses(DesiredState state) {
        this.state = state;
    }

    /** Those that are not among the engine's. */
    List<NexusView> except(List<NexusView> open) {
        Set<String> there = open.stream().map(NexusView::uuid).collect(Collectors.toSet());
        return state.list(DesiredState.StoredNexus.class).stream()
            .filter(nexus -> nexus.isShutDown() && !there.contains(nexus.uuid())).map(this::view).toList();
    }

    /** The one with that UUID, if the engine does not have it. */
    Optional<NexusView> find(String uuid, List<NexusView> open) {
        return except(open).stream().filter(nexus -> uuid.equals(nexus.uuid())).findFirst();
    }

    private NexusView view(DesiredState.StoredNexus nexus) {
        LimitsSpec limits = state.find(StateKind.LIMITS, nexus.uuid(), DesiredState.StoredLimits.class)
            .map(DesiredState.StoredLimits::limits).orElse(null);
        long sizeBytes = nexus.sizeWhenShut() == null ? nexus.sizeBytes() : nexus.sizeWhenShut();
        return new NexusView(nexus.uuid(), name(nexus.uuid(), nexus.name()), null, sizeBytes, 0, "SHUTDOWN",
            label(nexus.label()), 0, false, 0, false, 0, 0, 0, null, nexus.children().stream().map(ShutNexuses::child).toList(),
            nexus.settings(), limits, null);
    }

    private static NexusView.ChildView child(String uri) {
        return new NexusView.ChildView(uri, null, null, null, "CLOSED", false, true, null, null, 0, 0, 0, 0, 0, null);
    }

    /** Refuses another specification than that of the nexus with this UUID, as far as it is known. */
    void checkSame(NexusSpec spec) {
        DesiredState.StoredNexus stored = state.find(StateKind.NEXUS, spec.uuid(), DesiredState.StoredNexus.class).orElseThrow();
        boolean otherSize = spec.sizeBytes() != 0 && stored.sizeBytes() != 0 && spec.sizeBytes() != stored.sizeBytes();
        String differs = otherSize ? "sizeBytes (" + stored.sizeBytes() + ")"
            : !name(spec.uuid(), spec.name()).equals(name(stored.uuid(), stored.name())) ? "name (" + name(stored.uuid(), stored.name()) + ")"
            : !label(spec.label()).equals(label(stored.label())) ? "label (" + label(stored.label()) + ")"
            : !children(spec.children()).equals(children(stored.children())) ? "children (" + String.join(", ", stored.children()) + ")"
            : null;
        if (differs != null) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "nexus-exists", "Nexus " + spec.uuid()
                + " is shut down, and was made with other " + differs + ". POST /v1/nexuses/" + spec.uuid() + "/assembly opens it as it"
                + " is, over other children if they are named; give another UUID for another nexus.");
        }
    }

    private static Set<String> children(List<String> uris) {
        return uris.stream().map(Restorer::existing).collect(Collectors.toCollection(HashSet::new));
    }

    private static String name(String uuid, String name) {
        return Objects.requireNonNullElse(name, "nexus-" + uuid);
    }

    private static String label(String label) {
        return Objects.requireNonNullElse(label, "v2");
    }
}
