package io.mizzen.control;

import io.mizzen.control.metrics.EngineCollector;
import io.mizzen.control.properties.MizzenProperties;
import io.mizzen.control.properties.StartRefusedException;
import io.mizzen.control.store.StateStore;
import io.mizzen.engine.Engine;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.util.OperationException;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.info.BuildProperties;
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

    /** Not started: that is {@link EngineHost}'s part. */
    @Bean(destroyMethod = "")
    Engine engine(MizzenProperties properties, ObjectProvider<BuildProperties> build) {
        BuildProperties known = build.getIfAvailable();
        return Engine.create(EngineConfigs.of(properties, known == null ? "development" : known.getVersion()));
    }

    @Bean
    EngineCalls engineCalls(MizzenProperties properties) {
        return new EngineCalls(properties.rest().deadline());
    }

    @Bean(destroyMethod = "")
    StateStore stateStore(MizzenProperties properties) {
        try {
            return StateStore.open(properties.state().dir());
        } catch (OperationException e) {
            throw new StartRefusedException(e.getMessage(), "See the message; the property is mizzen.state.dir.");
        }
    }

    @Bean(destroyMethod = "")
    DesiredState desiredState(StateStore store, MizzenProperties properties) {
        return new DesiredState(store, properties.rest().deadline());
    }

    @Bean(destroyMethod = "")
    Restorer restorer(Engine engine, EngineCalls calls, DesiredState state) {
        return new Restorer(engine, calls, state);
    }

    @Bean
    EngineHost engineHost(Engine engine, StateStore store, DesiredState state, Restorer restorer,
                          MizzenProperties properties) {
        return new EngineHost(engine, store, state, restorer, properties);
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
