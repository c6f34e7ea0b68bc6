package io.mizzen.engine;

import io.mizzen.bdev.BdevRegistry;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.memory.BufferPools;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Reactors;
import java.util.List;
import java.util.UUID;

/**
 * What the services of the control reactor share. Made at start; immutable but for what its parts own.
 *
 * @param control the mthread of the control reactor on which commands run
 * @param nvmf reactors that serve NVMe/TCP
 * @param rebuild mthreads that copy data, one a core
 * @param admin mthreads that look after devices, one a core
 */
record PlaneContext(EngineConfig config, Platform platform, Reactors reactors, BufferPools buffers,
                    BdevRegistry registry, Serializer serializer, EventRing events, Offload offload,
                    Mthread control, List<Reactor> nvmf, List<Mthread> rebuild, List<Mthread> admin) {
    /**
     * Records a change of state; the events thread writes it to the log.
     *
     * @param uuid null where the object has none
     * @param kind stable kebab-case word for what happened
     * @param details names and values in turn; a null value is left out
     */
    void event(ObjectKind type, UUID uuid, String name, String kind, String message, Object... details) {
        events.add(type, uuid == null ? null : uuid.toString(), name, kind, message, details);
    }
}
