package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.engine.model.StopReport;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A running engine on reactors that are not pinned, and short ways to ask it. */
final class EngineHarness implements AutoCloseable {
    /** Longer than the engine's own limit of an operation: what is told is that one. */
    static final long PATIENCE_SECONDS = 120;
    static final long STOP_NS = 120_000_000_000L;

    final PlainPlatform platform;
    final Engine engine;

    EngineHarness(int coreCount) {
        this(coreCount, config());
    }

    /** Asks an engine that somebody else starts and stops. */
    EngineHarness(Engine engine) {
        this.platform = null;
        this.engine = engine;
    }

    EngineHarness(int coreCount, EngineConfig config) {
        this(new PlainPlatform(coreCount), config);
    }

    /** An engine on a machine with devices. */
    EngineHarness(PlainPlatform machine, EngineConfig config) {
        platform = machine;
        engine = new DataPlane(config, platform);
        engine.start();
    }

    static EngineConfig config() {
        EngineConfig defaults = EngineConfig.defaults();
        return defaults.withMemory(new EngineConfig.Memory(32L << 20, false, false))
                .withNvmf(new EngineConfig.Nvmf(List.of(), 0, "nqn.2026-11.io.mizzen", 16, 32, 128 << 10, 8192, 4));
    }

    <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException failure) {
            throw new AssertionError(failure.getCause());
        } catch (InterruptedException | TimeoutException failure) {
            throw new AssertionError(failure);
        }
    }

    /** The failure, of the kind and code expected, and a message that contains all the parts. */
    OperationException refused(ErrorKind kind, String code, CompletableFuture<?> future, String... parts) {
        ExecutionException thrown = assertThrows(ExecutionException.class, () -> future.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
        OperationException failure = (OperationException) thrown.getCause();
        assertEquals(kind + " " + code, failure.kind() + " " + failure.code(), failure.getMessage());
        for (String part : parts) {
            assertTrue(failure.getMessage().contains(part), failure.getMessage());
        }
        return failure;
    }

    /** Stops in order; nothing may be left. */
    @Override
    public void close() {
        StopReport report = engine.stop(STOP_NS);
        assertTrue(report.clean(), report.toString());
        assertTrue(platform.isReleased());
    }
}
