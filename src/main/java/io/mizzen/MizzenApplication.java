package io.mizzen;

import io.mizzen.control.EarlyStart;
import io.mizzen.control.OrderedShutdown;
import io.mizzen.control.ThreadPlacement;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** Starts the engine: the control plane in this JVM's ordinary threads, the data plane in its reactors. */
@SpringBootApplication
public class MizzenApplication {
    private static final int EXIT_REFUSED = 1;

    public static void main(String[] args) {
        System.out.println("Mizzen starts (process " + ProcessHandle.current().pid() + ")");    // At once; the log comes later.
        OrderedShutdown shutdown = OrderedShutdown.install();
        EarlyStart early = new EarlyStart();
        SpringApplication application = new SpringApplication(MizzenApplication.class);
        application.addInitializers(early);
        try {
            ConfigurableApplicationContext context = application.run(args);
            shutdown.onStarted(context);
            ThreadPlacement.apply(context);
        } catch (RuntimeException e) {
            // Spring has reported why; what the start left behind must not keep the process alive.
            early.close();
            System.exit(EXIT_REFUSED);
        }
    }
}
