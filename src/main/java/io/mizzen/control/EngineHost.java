package io.mizzen.control;

import io.mizzen.engine.model.StopReport;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.context.SmartLifecycle;

/**
 * The engine within the application's life: started, with the desired state restored, before the web server opens its
 * port; stopped after the web server has closed it.
 */
public final class EngineHost implements SmartLifecycle, DisposableBean {
    private final EngineLife life;
    private final EarlyStart early;

    /** @param early what has begun to start it already; null: nothing */
    EngineHost(EngineLife life, EarlyStart early) {
        this.life = life;
        this.early = early;
    }

    @Override
    public void start() {
        if (early == null) {
            life.start();
        } else {
            early.await();
        }
    }

    @Override
    public void stop() {
        life.stop();
    }

    /** When the start fails after the engine's own: nothing is left running. */
    @Override
    public void destroy() {
        stop();
    }

    /** How the stop went; null before it. */
    public StopReport stopReport() {
        return life.stopReport();
    }

    @Override
    public boolean isRunning() {
        return life.isRunning();
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
