package io.mizzen.control;

import io.mizzen.engine.Engine;
import io.mizzen.engine.model.ConnectionView;
import io.mizzen.engine.model.EngineView;
import io.mizzen.engine.model.EventPage;
import io.mizzen.engine.model.HostView;
import io.mizzen.engine.model.MemoryView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.engine.model.ReactorView;
import io.mizzen.engine.model.SubsystemView;
import java.util.List;

/** What can be seen of the engine besides the objects that users make. */
public final class EngineQueries {
    private final Engine engine;
    private final EngineCalls calls;

    EngineQueries(Engine engine, EngineCalls calls) {
        this.engine = engine;
        this.calls = calls;
    }

    public EngineView info() {
        return calls.await(engine.info());
    }

    public List<ReactorView> reactors() {
        return calls.await(engine.reactors());
    }

    public ReactorView reactor(int core) {
        return calls.await(engine.reactor(core));
    }

    public MemoryView memory() {
        return calls.await(engine.memory());
    }

    public List<SubsystemView> subsystems() {
        return calls.await(engine.subsystems());
    }

    public List<HostView> hosts() {
        return calls.await(engine.hosts());
    }

    public List<ConnectionView> connections() {
        return calls.await(engine.connections());
    }

    public MetricsView metrics() {
        return engine.metrics();
    }

    /** Events above a sequence number; see {@link Engine#events}. */
    public EventPage events(long afterSequence, int limit) {
        return engine.events(afterSequence, limit);
    }

    /** The same, waiting for one; see {@link Engine#awaitEvents}. */
    public EventPage awaitEvents(long afterSequence, int limit, long timeoutNs) throws InterruptedException {
        return engine.awaitEvents(afterSequence, limit, timeoutNs);
    }
}
