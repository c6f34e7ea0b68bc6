package io.mizzen.control;

import io.mizzen.control.properties.MizzenProperties;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.core.env.Environment;

/** Runs the demo when the application is ready, and has it say what remains when everything has stopped. */
@Configuration(proxyBeanMethods = false)
@Profile("demo")
public class DemoConfiguration {
    @Bean(destroyMethod = "sayWhatRemains")
    DemoRunner demoRunner(PoolService pools, ReplicaService replicas, NexusService nexuses, MizzenProperties properties,
                          Environment environment, EngineHost host) {
        return new DemoRunner(pools, replicas, nexuses, properties,
            () -> environment.getProperty("local.server.port", Integer.class, properties.rest().port()), System.out);
    }

    @Bean
    ApplicationListener<ApplicationReadyEvent> demoStart(DemoRunner demo) {
        return event -> {
            try {
                demo.run();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
    }
}
