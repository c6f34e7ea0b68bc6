package io.mizzen;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** Starts the engine: the control plane in this JVM's ordinary threads, the data plane in its reactors. */
@SpringBootApplication
public class MizzenApplication {
    public static void main(String[] args) {
        SpringApplication.run(MizzenApplication.class, args);
    }
}
