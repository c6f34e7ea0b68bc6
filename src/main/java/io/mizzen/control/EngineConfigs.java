package io.mizzen.control;

import io.mizzen.control.properties.HealthProperties;
import io.mizzen.control.properties.MizzenProperties;
import io.mizzen.control.properties.PlacementProperties;
import io.mizzen.control.properties.RebuildProperties;
import io.mizzen.control.properties.StartRefusedException;
import io.mizzen.engine.EngineConfig;
import io.mizzen.util.OperationException;
import java.util.List;

/** Turns the properties, once, into what the data plane is told. */
final class EngineConfigs {
    private static final String PREFIX = "mizzen.";

    private EngineConfigs() {
    }

    /**
     * The engine's configuration.
     *
     * @throws StartRefusedException naming the property that cannot be used
     */
    static EngineConfig of(MizzenProperties properties, String version) {
        EngineConfig defaults = EngineConfig.defaults();
        PlacementProperties placement = properties.placement();
        EngineConfig.Nvmf nvmf = defaults.nvmf();
        EngineConfig config = new EngineConfig(version,
            new EngineConfig.Cores(cores("cores", properties.cores()), properties.reactor().mode(),
                cores("placement.busy", placement.busy()), properties.reactor().spin().toNanos(),
                properties.reactor().stallThreshold().toNanos(), cores("placement.nvmf", placement.nvmf()),
                cores("placement.rebuild", placement.rebuild()), cores("placement.admin", placement.admin())),
            new EngineConfig.Memory(properties.memory().size().bytes(), properties.memory().hugepages(),
                properties.memory().locked()),
            new EngineConfig.Nvmf(properties.nvmf().addresses(), properties.nvmf().port(),
                properties.nvmf().nqnPrefix(), properties.nvmf().maxConnections(), properties.nvmf().maxQueueDepth(),
                nvmf.maxIoBytes(), nvmf.inCapsuleBytes(), nvmf.maxR2t(), properties.nvmf().congestionControl(),
                properties.nvmf().c2hSuccess()),
            rebuild(properties.rebuild()), defaults.limits(), health(properties.health()), properties.shutdown().deadline().toNanos());
        try {
            config.validate();
        } catch (OperationException e) {
            throw new StartRefusedException("The configuration cannot be used: " + e.getMessage(),
                "Correct the property under mizzen.* that sets it.");
        }
        return config;
    }

    private static EngineConfig.Health health(HealthProperties health) {
        return new EngineConfig.Health(health.window().toNanos(), health.errorsDegraded(), health.errorsSuspected(),
            health.stall().toNanos(), health.stallsSuspected());
    }

    private static EngineConfig.Rebuild rebuild(RebuildProperties rebuild) {
        return new EngineConfig.Rebuild(rebuild.rate().bytes(), rebuild.floor().bytes(), rebuild.backOff(),
            rebuild.latencyFactor(), rebuild.segments(), Math.toIntExact(rebuild.window().bytes()), rebuild.workers());
    }

    private static List<Integer> cores(String name, String text) {
        try {
            return EngineConfig.Cores.parse(text);
        } catch (OperationException e) {
            throw new StartRefusedException(PREFIX + name + ": " + e.getMessage(),
                "Write a mask such as 0x3 or a list such as 0,2-3.");
        }
    }
}
