package io.mizzen.api;

import io.mizzen.engine.model.EventView;
import io.mizzen.engine.model.ObjectKind;
import org.jspecify.annotations.Nullable;

/**
 * Which events a reader wants; what is null does not matter.
 *
 * @param object UUID, name or URI of an object that the event is about or that its details name
 */
record EventFilter(@Nullable ObjectKind objectType, @Nullable String object, @Nullable String kind) {
    boolean takes(EventView event) {
        return (objectType == null || objectType == event.objectType()) && (kind == null || kind.equals(event.kind()))
            && (object == null || object.equals(event.uuid()) || object.equals(event.name())
                || event.details().containsValue(object));
    }
}
