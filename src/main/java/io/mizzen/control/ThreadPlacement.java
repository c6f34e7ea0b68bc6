package io.mizzen.control;

import io.mizzen.engine.Engine;
import io.mizzen.engine.JvmThreads;
import io.mizzen.engine.model.ReactorView;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.ApplicationContext;

/** Leaves the reactors' CPUs to the reactors, once everything runs. Affects the whole process. */
public final class ThreadPlacement {
    private static final Logger LOG = LoggerFactory.getLogger(ThreadPlacement.class);

    private ThreadPlacement() { }

    /** On the thread that started the application. A failure is logged: the engine runs as well, less evenly. */
    public static void apply(ApplicationContext context) {
        try {
            List<Integer> reactors = context.getBean(Engine.class).reactors().join().stream().map(ReactorView::core).toList();
            List<Integer> others = JvmThreads.keepOff(reactors);
            if (!others.isEmpty()) {
                LOG.info("event=threads-placed reactors={} others={}", reactors, others);
            }
        } catch (CompletionException | io.mizzen.util.OperationException e) {
            LOG.warn("event=threads-not-placed reason=\"{}\"", e.getMessage());
        }
    }
}
