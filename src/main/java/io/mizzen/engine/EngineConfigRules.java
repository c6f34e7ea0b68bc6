package io.mizzen.engine;

import io.mizzen.memory.BufferPools;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.HashSet;
import java.util.List;

/** The range of every component of {@link EngineConfig}. Any thread. */
final class EngineConfigRules {
    private static final long MINUTE_NS = 60_000_000_000L;
    private static final int CPU_MAX = 4095;
    private static final int NQN_PREFIX_MAX = 186; // 223 bytes of an NQN less ':' and a uuid.

    private EngineConfigRules() { }

    static void check(EngineConfig config) {
        present("version", config.version());
        present("cores", config.cores());
        present("memory", config.memory());
        present("nvmf", config.nvmf());
        present("rebuild", config.rebuild());
        config.rebuild().settings();
        present("limits", config.limits());
        checkCores(config.cores());
        range("memory.sizeBytes", config.memory().sizeBytes(), 32L << 20, 1L << 42);
        checkNvmf(config.nvmf());
        EngineConfig.Limits limits = config.limits();
        range("limits.mailbox", limits.mailbox(), 1, 1 << 16);
        range("limits.bdevs", limits.bdevs(), 1, 1 << 16);
        range("limits.events", limits.events(), 1, 1 << 20);
        range("limits.faultsPerBdev", limits.faultsPerBdev(), 1, 4096);
        range("limits.operationTimeoutNs", limits.operationTimeoutNs(), 1_000_000L, 60 * MINUTE_NS);
        checkHealth(config.health());
        range("shutdownDeadlineNs", config.shutdownDeadlineNs(), 1_000_000L, 60 * MINUTE_NS);
    }

    private static void checkHealth(EngineConfig.Health health) {
        present("health", health);
        range("health.windowNs", health.windowNs(), 1_000_000_000L, 24 * 60 * MINUTE_NS);
        range("health.errorsDegraded", health.errorsDegraded(), 1, Integer.MAX_VALUE);
        range("health.errorsSuspected", health.errorsSuspected(), health.errorsDegraded(), Integer.MAX_VALUE);
        range("health.stallNs", health.stallNs(), 1_000_000_000L, 60 * MINUTE_NS);
        range("health.stallsSuspected", health.stallsSuspected(), 1, Integer.MAX_VALUE);
    }

    private static void checkCores(EngineConfig.Cores cores) {
        present("cores.pollMode", cores.pollMode());
        coreList("cores.list", cores.list(), null);
        coreList("cores.busy", cores.busy(), cores.list());
        coreList("cores.nvmf", cores.nvmf(), cores.list());
        coreList("cores.rebuild", cores.rebuild(), cores.list());
        coreList("cores.admin", cores.admin(), cores.list());
        range("cores.spinNs", cores.spinNs(), 0, 1_000_000_000L);
        range("cores.stallNs", cores.stallNs(), 1_000_000L, MINUTE_NS);
    }

    /** Placement among cores that default is checked again when the cpuset is known. */
    private static void coreList(String name, List<Integer> list, List<Integer> among) {
        HashSet<Integer> seen = new HashSet<>();
        for (int core : list) {
            range(name, core, 0, CPU_MAX);
            if (!seen.add(core)) throw invalid(name, "names core " + core + " twice");
            if (among != null && !among.isEmpty() && !among.contains(core)) {
                throw invalid(name, "names core " + core + ", which has no reactor (cores.list is " + among + ")");
            }
        }
    }

    private static void checkNvmf(EngineConfig.Nvmf nvmf) {
        for (String address : nvmf.addresses()) {
            if (!IpLiteral.isLiteral(address)) {
                throw invalid("nvmf.addresses", "contains '" + address + "', which is not a literal IPv4 or IPv6 address");
            }
        }
        range("nvmf.port", nvmf.port(), 0, 65535);
        String prefix = nvmf.nqnPrefix();
        present("nvmf.nqnPrefix", prefix);
        if (!prefix.matches("nqn\\.[0-9]{4}-(0[1-9]|1[0-2])\\.[a-z0-9.-]+(:[a-zA-Z0-9._:-]+)?") || prefix.length() > NQN_PREFIX_MAX) {
            throw invalid("nvmf.nqnPrefix", "is '" + prefix + "'; it must look like nqn.2026-11.io.mizzen, up to "
                    + NQN_PREFIX_MAX + " characters");
        }
        range("nvmf.maxConnections", nvmf.maxConnections(), 2, 1 << 16);
        range("nvmf.maxQueueDepth", nvmf.maxQueueDepth(), 2, 1024);
        range("nvmf.maxIoBytes", nvmf.maxIoBytes(), 8192, BufferPools.LARGE_BYTES);
        if (Integer.bitCount(nvmf.maxIoBytes()) != 1) throw invalid("nvmf.maxIoBytes", "must be a power of two");
        range("nvmf.inCapsuleBytes", nvmf.inCapsuleBytes(), 0, 1 << 16);
        if (nvmf.inCapsuleBytes() % 16 != 0) throw invalid("nvmf.inCapsuleBytes", "must be a multiple of 16");
        range("nvmf.maxR2t", nvmf.maxR2t(), 1, 4);
        present("nvmf.congestionControl", nvmf.congestionControl());
        if (!nvmf.congestionControl().matches("[a-z0-9_]{1,15}")) {
            throw invalid("nvmf.congestionControl", "is '" + nvmf.congestionControl()
                    + "'; it must be auto, system, or a name that the kernel lists, such as cubic");
        }
    }

    private static void present(String name, Object value) {
        if (value == null) throw invalid(name, "is missing");
    }

    private static void range(String name, long value, long min, long max) {
        if (value < min || value > max) throw invalid(name, "is " + value + "; it must be " + min + " to " + max);
    }

    private static OperationException invalid(String name, String problem) {
        return new OperationException(ErrorKind.INVALID_ARGUMENT, "invalid-configuration", name + " " + problem);
    }
}
