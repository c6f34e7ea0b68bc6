package io.mizzen.control;

import io.mizzen.control.properties.MizzenProperties;
import io.mizzen.control.properties.StartRefusedException;
import io.mizzen.control.store.StateStore;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.StopReport;
import io.mizzen.util.OperationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.context.SmartLifecycle;

/**
 * The engine within the application's life: started, with the desired state restored, before the web server opens its
 * port; stopped after the web server has closed it.
 */
public final class EngineHost implements SmartLifecycle, DisposableBean {
    private static final Logger LOG = LoggerFactory.getLogger(EngineHost.class);

    private final Engine engine;
    private final StateStore store;
    private final DesiredState state;
    private final Restorer restorer;
    private final MizzenProperties properties;
    private boolean started;
    private boolean stopped;
    private volatile StopReport report;

    EngineHost(Engine engine, StateStore store, DesiredState state, Restorer restorer, MizzenProperties properties) {
        this.engine = engine;
        this.store = store;
        this.state = state;
        this.restorer = restorer;
        this.properties = properties;
    }

    @Override
    public synchronized void start() {
        LOG.info("event=engine-starts cores={} memory={}", properties.cores().isEmpty() ? "chosen" : properties.cores(),
            properties.memory().size());
        try {
            engine.start();
        } catch (OperationException e) {
            throw new StartRefusedException(e.getMessage(), "listen-failed".equals(e.code())
                ? "Free that address and port, or choose others: --mizzen.nvmf.port=4421, --mizzen.nvmf.addresses=..."
                : "`./mizzen check` says what this machine offers and how to improve it.");
        }
        started = true;
        StateStore.Contents contents = store.load();
        LOG.info("event=restore-starts state={} objects={}", properties.state().dir(), contents.documents().size());
        restorer.start(contents, properties.state().retry());
        LOG.info("event=restored state={} failures={}", properties.state().dir(), restorer.failures().size());
    }

    @Override
    public synchronized void stop() {
        if (stopped) {
            return;
        }
        stopped = true;
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

    /** When the start fails after the engine's own: nothing is left running. */
    @Override
    public void destroy() {
        stop();
    }

    /** How the stop went; null before it. */
    public StopReport stopReport() {
        return report;
    }

    @Override
    public synchronized boolean isRunning() {
        return started && !stopped;
    }

    /** An engine that was stopped is not started again in its process. */
    @Override
    public boolean isPauseable() {
        return false;
    }

    /** Long before the web server's phase, which starts later and stops earlier. */
    @Override
    public int getPhase() {
        return 0;
    }
}
