package io.mizzen.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.engine.model.PollMode;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.List;
import org.junit.jupiter.api.Test;

class EngineConfigTest {
    private static final EngineConfig DEFAULTS = EngineConfig.defaults();

    @Test
    void defaultsAreValid() {
        DEFAULTS.validate();
    }

    @Test
    void refusalNamesTheComponent() {
        refused("memory.sizeBytes", DEFAULTS.withMemory(new EngineConfig.Memory(1, true, false)));
        refused("cores.list", DEFAULTS.withCores(cores(List.of(1, 1), List.of(), List.of())));
        refused("cores.list", DEFAULTS.withCores(cores(List.of(-1), List.of(), List.of())));
        refused("cores.busy", DEFAULTS.withCores(cores(List.of(0, 1), List.of(2), List.of())));
        refused("cores.nvmf", DEFAULTS.withCores(cores(List.of(0, 1), List.of(), List.of(3))));
        refused("nvmf.addresses", DEFAULTS.withNvmf(nvmf(List.of("localhost"), 4420, "nqn.2026-11.io.mizzen", 128 << 10, 8192)));
        refused("nvmf.addresses", DEFAULTS.withNvmf(nvmf(List.of("[::1]"), 4420, "nqn.2026-11.io.mizzen", 128 << 10, 8192)));
        refused("nvmf.port", DEFAULTS.withNvmf(nvmf(List.of("::1"), 65536, "nqn.2026-11.io.mizzen", 128 << 10, 8192)));
        refused("nvmf.nqnPrefix", DEFAULTS.withNvmf(nvmf(List.of("::1"), 4420, "io.mizzen", 128 << 10, 8192)));
        refused("nvmf.maxIoBytes", DEFAULTS.withNvmf(nvmf(List.of("::1"), 4420, "nqn.2026-11.io.mizzen", 96 << 10, 8192)));
        refused("nvmf.inCapsuleBytes", DEFAULTS.withNvmf(nvmf(List.of("::1"), 4420, "nqn.2026-11.io.mizzen", 128 << 10, 8191)));
        refused("nvmf.congestionControl", DEFAULTS.withNvmf(new EngineConfig.Nvmf(List.of("::1"), 4420,
                "nqn.2026-11.io.mizzen", 16, 128, 128 << 10, 8192, 4, "cubic; rm", true)));
        refused("shutdownDeadlineNs", DEFAULTS.withShutdownDeadlineNs(0));
        refused("limits.mailbox", DEFAULTS.withLimits(new EngineConfig.Limits(0, 1, 1, 1, 1_000_000L)));
    }

    private static EngineConfig.Cores cores(List<Integer> list, List<Integer> busy, List<Integer> nvmf) {
        return new EngineConfig.Cores(list, PollMode.ADAPTIVE, busy, 0, 1_000_000, nvmf, List.of(), List.of());
    }

    private static EngineConfig.Nvmf nvmf(List<String> addresses, int port, String prefix, int maxIo, int inCapsule) {
        return new EngineConfig.Nvmf(addresses, port, prefix, 16, 128, maxIo, inCapsule, 4);
    }

    private static void refused(String component, EngineConfig config) {
        OperationException failure = assertThrows(OperationException.class, config::validate);
        assertEquals(ErrorKind.INVALID_ARGUMENT, failure.kind());
        assertTrue(failure.getMessage().startsWith(component + " "), failure.getMessage());
    }
}
