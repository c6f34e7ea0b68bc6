package io.mizzen.control;

import io.mizzen.control.metrics.EngineCollector;
import io.mizzen.control.properties.MizzenProperties;
import io.mizzen.control.store.StateStore;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.ObjectKind;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.core.env.Environment;

/** Wires the control plane round the engine. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(MizzenProperties.class)
public class ControlConfiguration {
    private static final Logger LOG = LoggerFactory.getLogger(ControlConfiguration.class);

    @Bean
    Admission admission() {
        return new Admission();
    }

    /** Not started: that is {@link EngineHost}'s part, unless it was begun early. */
    @Bean(destroyMethod = "")
    Engine engine(MizzenProperties properties, ObjectProvider<EarlyStart> early) {
        EngineLife begun = begun(early);
        return begun == null ? EngineLife.engine(properties) : begun.engine();
    }

    @Bean(destroyMethod = "")
    EngineLife engineLife(Engine engine, MizzenProperties properties, ObjectProvider<EarlyStart> early) {
        EngineLife begun = begun(early);
        return begun == null ? new EngineLife(properties, engine) : begun;
    }

    /** Null where nothing has begun to start the engine. */
    private static EngineLife begun(ObjectProvider<EarlyStart> provider) {
        EarlyStart early = provider.getIfAvailable();
        return early == null ? null : early.life();
    }

    @Bean
    EngineHost engineHost(EngineLife life, ObjectProvider<EarlyStart> early) {
        return new EngineHost(life, begun(early) == null ? null : early.getIfAvailable());
    }

    @Bean
    EngineCalls engineCalls(EngineLife life) {
        return life.calls();
    }

    @Bean(destroyMethod = "")
    StateStore stateStore(EngineLife life) {
        return life.store();
    }

    @Bean(destroyMethod = "")
    DesiredState desiredState(EngineLife life) {
        return life.state();
    }

    @Bean(destroyMethod = "")
    Restorer restorer(EngineLife life) {
        return life.restorer();
    }

    @Bean
    DeviceService deviceService(Engine engine, EngineCalls calls, DesiredState state) {
        return new DeviceService(engine, calls, state);
    }

    @Bean
    BdevService bdevService(Engine engine, EngineCalls calls, DesiredState state) {
        return new BdevService(engine, calls, state);
    }

    @Bean
    PoolService poolService(Engine engine, EngineCalls calls, DesiredState state, Restorer restorer) {
        return new PoolService(engine, calls, state, restorer);
    }

    @Bean
    LimitsService limitsService(Engine engine, EngineCalls calls, DesiredState state) {
        return new LimitsService(engine, calls, state);
    }

    @Bean
    SnapshotService snapshotService(Engine engine, EngineCalls calls, DesiredState state) {
        return new SnapshotService(engine, calls, state);
    }

    @Bean
    JobService jobService(Engine engine, EngineCalls calls, DesiredState state) {
        return new JobService(engine, calls, state);
    }

    @Bean
    ReplicaService replicaService(Engine engine, EngineCalls calls, DesiredState state) {
        return new ReplicaService(engine, calls, state);
    }

    @Bean
    NexusService nexusService(Engine engine, EngineCalls calls, DesiredState state, Restorer restorer) {
        return new NexusService(engine, calls, state, restorer);
    }

    @Bean
    EngineQueries engineQueries(Engine engine, EngineCalls calls) {
        return new EngineQueries(engine, calls);
    }

    @Bean
    EngineHealth engineHealth(Engine engine, EngineCalls calls, Restorer restorer) {
        return new EngineHealth(engine, calls, restorer);
    }

    @Bean
    EngineCollector engineCollector(Engine engine, Restorer restorer, StateStore store, PrometheusRegistry registry) {
        EngineCollector collector = new EngineCollector(engine, restorer::failureCounts, store::writeFailureCount);
        registry.register(collector);
        return collector;
    }

    /** The last line of a start. */
    @Bean
    ApplicationListener<ApplicationReadyEvent> readyLine(Environment environment, MizzenProperties properties) {
        return event -> LOG.info("event=ready rest=http://{}:{} nvmf={} port={} startMs={}", properties.rest().address(),
            environment.getProperty("local.server.port", Integer.class, properties.rest().port()),
            properties.nvmf().addresses(), properties.nvmf().port(),
            event.getTimeTaken() == null ? "unknown" : event.getTimeTaken().toMillis());
    }

    /** The first step of the ordered stop. */
    @Bean
    ApplicationListener<ContextClosedEvent> admissionCloser(Admission admission, Engine engine) {
        return event -> {
            if (!admission.isClosed()) {
                admission.close();
                engine.report(ObjectKind.ENGINE, null, "engine", "engine-stopping", "the engine takes no more commands and stops");
            }
        };
    }
}
