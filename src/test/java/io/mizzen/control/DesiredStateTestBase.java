package io.mizzen.control;

import io.mizzen.control.store.StateStore;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** The services over a fake engine and a desired state, whose directory is all that outlives a crash. */
abstract class DesiredStateTestBase {
    @TempDir
    Path directory;
    final EngineCalls calls = new EngineCalls(Duration.ofSeconds(20));
    FakeEngine engine = new FakeEngine();
    StateStore store;
    DesiredState state;
    Restorer restorer;

    /** Over the directory that the last one left, with the engine that there is. */
    @BeforeEach
    final void start() {
        store = StateStore.open(directory);
        state = new DesiredState(store, Duration.ofSeconds(20));
        restorer = new Restorer(engine, calls, state);
        restorer.start(store.load(), Duration.ofHours(1));
    }

    /** With an engine that knows nothing. */
    final void startAnew() {
        engine = new FakeEngine();
        start();
    }

    @AfterEach
    final void crash() {
        restorer.close();
        state.close();
    }

    final PoolService pools() {
        return new PoolService(engine, calls, state, restorer);
    }

    final NexusService nexuses() {
        return new NexusService(engine, calls, state, restorer);
    }

    final ReplicaService replicas() {
        return new ReplicaService(engine, calls, state);
    }

    final LimitsService limits() {
        return new LimitsService(engine, calls, state);
    }
}
