package io.mizzen.control;

import io.mizzen.control.properties.FreePort;
import io.mizzen.control.properties.MizzenProperties;
import io.mizzen.control.properties.StartRefusedException;
import io.mizzen.control.store.StateStore;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.StopReport;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine with its desired state, without anything of the web: what serves hosts. Started once, by one thread, and
 * stopped once; the rest is read by any thread.
 */
final class EngineLife {
    private static final Logger LOG = LoggerFactory.getLogger(EngineLife.class);
    private static final String BUILD_INFO = "/META-INF/build-info.properties";

    private final MizzenProperties properties;
    private final Engine engine;
    private final EngineCalls calls;
    private final StateStore store;
    private final DesiredState state;
    private final Restorer restorer;
    private final AutoOnline autoOnline;
    private boolean started;
    private boolean stopped;
    private volatile StopReport report;

    /**
     * Not started; the state directory is locked from here on.
     *
     * @throws StartRefusedException when another engine has the state directory, or it cannot be used
     */
    EngineLife(MizzenProperties properties, Engine engine) {
        this.properties = properties;
        this.engine = engine;
        this.calls = new EngineCalls(properties.rest().deadline());
        try {
            this.store = StateStore.open(properties.state().dir());
        } catch (OperationException e) {
            throw new StartRefusedException(e.getMessage(), "See the message; the property is mizzen.state.dir.");
        }
        this.state = new DesiredState(store, properties.rest().deadline());
        this.restorer = new Restorer(engine, calls, state);
        this.autoOnline = new AutoOnline(engine, calls, restorer);
    }

    /** An engine as the properties say, not started. */
    static Engine engine(MizzenProperties properties) {
        return Engine.create(EngineConfigs.of(properties, version()));
    }

    /** Of the build; "development" for classes that no build has packaged. */
    private static String version() {
        try (InputStream stream = EngineLife.class.getResourceAsStream(BUILD_INFO)) {
            Properties build = new Properties();
            if (stream != null) {
                build.load(stream);
            }
            return build.getProperty("build.version", "development");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Engine engine() {
        return engine;
    }

    EngineCalls calls() {
        return calls;
    }

    StateStore store() {
        return store;
    }

    DesiredState state() {
        return state;
    }

    Restorer restorer() {
        return restorer;
    }

    /**
     * Starts the engine and restores the desired state: hosts are served when this returns.
     *
     * @throws StartRefusedException why the engine cannot start
     */
    synchronized void start() {
        if (stopped) {
            return;
        }
        LOG.info("event=engine-starts cores={} memory={}", properties.cores().isEmpty() ? "chosen" : properties.cores(),
            properties.memory().size());
        try {
            engine.start();
        } catch (OperationException e) {
            throw new StartRefusedException(e.getMessage(), "listen-failed".equals(e.code())
                ? "Free that address and port, or choose others: " + FreePort.option("mizzen.nvmf.port", properties.nvmf().port())
                    + ", --mizzen.nvmf.addresses=..."
                : "`./mizzen check` says what this machine offers and how to improve it.");
        }
        started = true;
        StateStore.Contents contents = store.load();
        LOG.info("event=restore-starts state={} objects={}", properties.state().dir(), contents.documents().size());
        restorer.start(contents, properties.state().retry());
        if (properties.nexus().autoOnline()) {
            autoOnline.start();
        }
        LOG.info("event=restored state={} failures={}", properties.state().dir(), restorer.failures().size());
    }

    /** Waits for a start under way, then stops in order. Later calls do nothing. */
    synchronized void stop() {
        if (stopped) {
            return;
        }
        stopped = true;
        autoOnline.close();
        restorer.close();
        if (started) {
            report = engine.stop(properties.shutdown().deadline().toNanos());
            for (StopReport.Step step : report.steps()) {
                LOG.info("event=stop-step name={} durationMs={} outcome=\"{}\"", step.name(),
                    step.durationNs() / 1_000_000, step.outcome());
            }
        }
        state.close();
    }

    synchronized boolean isRunning() {
        return started && !stopped;
    }

    /** How the stop went; null before it. */
    StopReport stopReport() {
        return report;
    }
}
