package io.mizzen.engine;

import io.mizzen.reactor.LinuxAffinity;
import java.util.Collection;
import java.util.List;

/** Where the threads run that are no reactors: collector, compilers, REST, the engine's own helpers. Any thread. */
public final class JvmThreads {
    private JvmThreads() { }

    /**
     * Moves them to the CPUs of this process that no reactor has, if there are any: what they do must not make I/O wait.
     *
     * @return those CPUs; empty when the reactors have all, and nothing was moved
     */
    public static List<Integer> keepOff(Collection<Integer> reactorCores) {
        List<Integer> free = new LinuxAffinity().allowedCores().stream().filter(core -> !reactorCores.contains(core)).toList();
        if (!free.isEmpty()) {
            LinuxAffinity.moveOthers(free);
        }
        return free;
    }
}
