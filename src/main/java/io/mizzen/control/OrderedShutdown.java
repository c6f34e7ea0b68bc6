package io.mizzen.control;

import io.mizzen.control.properties.MizzenProperties;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * One sequence from the first SIGINT, SIGTERM or SIGHUP to the end of the process: commands refused, web server closed,
 * engine stopped, exit. A second SIGINT ends the process at once and leaves pools unclean but safe; so does the sequence
 * when it takes longer than its deadline.
 */
public final class OrderedShutdown {
    private static final Logger LOG = LoggerFactory.getLogger(OrderedShutdown.class);
    private static final Duration GRACE = Duration.ofSeconds(5);
    private static final Duration START_DEADLINE = Duration.ofMinutes(2);
    private static final int EXIT_UNCLEAN = 1;
    private static final int EXIT_SIGNAL_BASE = 128;
    private static final int SIGINT = 2;

    private final AtomicBoolean begun = new AtomicBoolean();
    private final CountDownLatch started = new CountDownLatch(1);
    private volatile ConfigurableApplicationContext context;

    /** Installs the handlers; before the application starts, so that a signal during the start is not lost. */
    public static OrderedShutdown install() {
        OrderedShutdown shutdown = new OrderedShutdown();
        for (String name : new String[] {"INT", "TERM", "HUP"}) {
            ProcessSignals.handle(name, shutdown::onSignal);
        }
        return shutdown;
    }

    /** The application runs; a signal that came before takes effect now. */
    public void onStarted(ConfigurableApplicationContext running) {
        context = running;
        started.countDown();
    }

    private void onSignal(String name) {
        if (begun.compareAndSet(false, true)) {
            LOG.info("event=shutdown-begins signal=SIG{}", name);
            // Else a daemon, as the one that handles signals is: the process could end, with status 0, before this has.
            Thread.ofPlatform().name("shutdown").daemon(false).start(this::run);
        } else if ("INT".equals(name)) {
            LOG.warn("event=shutdown-aborted signal=SIGINT pools=unclean-but-safe");
            Runtime.getRuntime().halt(EXIT_SIGNAL_BASE + SIGINT);
        }
    }

    private void run() {
        Thread.ofPlatform().daemon().name("shutdown-watch").start(this::watch);
        int status = EXIT_UNCLEAN;
        try {
            if (!started.await(START_DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
                LOG.error("event=shutdown-failed reason=start-not-finished");
            } else {
                EngineHost host = context.getBean(EngineHost.class);
                context.close();
                status = host.stopReport() != null && host.stopReport().clean() ? 0 : EXIT_UNCLEAN;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.error("event=shutdown-failed", e);
        }
        System.exit(status);
    }

    /** Ends the process when the sequence hangs. */
    private void watch() {
        try {
            if (!started.await(START_DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
                Runtime.getRuntime().halt(EXIT_UNCLEAN);
            }
            Thread.sleep(context.getBean(MizzenProperties.class).shutdown().deadline().plus(GRACE));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        LOG.error("event=shutdown-deadline-passed pools=unclean-but-safe");
        Runtime.getRuntime().halt(EXIT_UNCLEAN);
    }
}
