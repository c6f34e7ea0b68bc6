package io.mizzen.engine;

import io.mizzen.bdev.BdevRegistry;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.memory.BufferPools;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Reactors;
import java.util.List;

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
    /** Records a change of state; the watchdog thread writes it to the log. */
    void event(ObjectKind kind, String object, String type, String message) {
        events.add(kind, object, type, message);
    }
}
