package io.mizzen.engine;

import io.mizzen.reactor.CoreMask;
import io.mizzen.util.OperationException;
import java.util.List;

/** Which cores get reactors and what each serves, once the cpuset is known. Any thread. */
final class CoreChoice {
    private static final int ALL_UP_TO = 3;

    private CoreChoice() { }

    /** The cores with a reactor, ascending: those configured, else the whole cpuset with up to three CPUs, else three quarters of it. */
    static List<Integer> reactors(EngineConfig.Cores config, List<Integer> allowed) {
        if (config.list().isEmpty()) {
            int count = allowed.size() <= ALL_UP_TO ? allowed.size() : allowed.size() * 3 / 4;
            return allowed.stream().sorted().limit(count).toList();
        }
        for (int core : config.list()) {
            if (!allowed.contains(core)) {
                throw OperationException.invalid("core-not-available", "core " + core
                        + " is not available to this process; its cpuset is " + CoreMask.format(allowed)
                        + "; set mizzen.cores accordingly");
            }
        }
        return config.list().stream().sorted().toList();
    }

    /** The cores of one kind of work; all of them when none is named. */
    static List<Integer> placement(String name, List<Integer> wanted, List<Integer> cores) {
        for (int core : wanted) {
            if (!cores.contains(core)) {
                throw OperationException.invalid("invalid-configuration", name + " names core " + core
                        + ", which has no reactor; reactors run on " + CoreMask.format(cores));
            }
        }
        return wanted.isEmpty() ? cores : wanted.stream().sorted().toList();
    }
}
