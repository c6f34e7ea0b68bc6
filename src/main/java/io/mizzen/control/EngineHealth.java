package io.mizzen.control;

import io.mizzen.engine.Engine;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.util.OperationException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;

/**
 * DOWN when a reactor does not run or the control reactor does not answer; DEGRADED (still HTTP 200) when something could
 * not be restored, a pool is faulted or its disks ail, or a nexus has lost a child; else UP.
 */
public final class EngineHealth implements HealthIndicator {
    private static final String WELL_POOL = "ONLINE";
    /** States of a nexus that need nobody's attention: shut down is by request. */
    private static final Set<String> WELL = Set.of("ONLINE", "SHUTDOWN");
    static final Status DEGRADED = new Status("DEGRADED", "Serving, but something needs attention");

    private final Engine engine;
    private final EngineCalls calls;
    private final Restorer restorer;

    EngineHealth(Engine engine, EngineCalls calls, Restorer restorer) {
        this.engine = engine;
        this.calls = calls;
        this.restorer = restorer;
    }

    @Override
    public Health health() {
        if (!engine.isRunning()) {
            return Health.down().withDetail("engine", "not running").build();
        }
        List<Integer> dead = engine.metrics().reactors().stream().filter(reactor -> !reactor.running())
            .map(MetricsView.ReactorMetrics::core).toList();
        if (!dead.isEmpty()) {
            return Health.down().withDetail("reactorsNotRunning", dead).build();
        }
        try {
            return examine();
        } catch (OperationException e) {
            return Health.down().withDetail("code", e.code()).withDetail("message", e.getMessage()).build();
        }
    }

    private Health examine() {
        Map<String, String> pools = new LinkedHashMap<>();
        Map<String, String> reasons = new LinkedHashMap<>();
        calls.await(engine.pools()).forEach(pool -> {
            boolean open = WELL_POOL.equals(pool.state());
            pools.put(pool.name(), open ? pool.health().state().name() : pool.state());
            String reason = open ? pool.health().reason() : pool.fault();
            if (reason != null) {
                reasons.put(pool.name(), reason);
            }
        });
        Map<String, String> nexuses = new LinkedHashMap<>();
        calls.await(engine.nexuses()).forEach(nexus -> nexuses.put(nexus.name(), nexus.state()));
        List<Restorer.Failure> failures = restorer.failures();
        boolean well = failures.isEmpty() && restorer.setAside().isEmpty()
            && pools.values().stream().allMatch(WELL_POOL::equals) && nexuses.values().stream().allMatch(WELL::contains);
        return Health.status(well ? Status.UP : DEGRADED)
            .withDetail("reactors", engine.metrics().reactors().stream().map(MetricsView.ReactorMetrics::core).toList())
            .withDetail("memoryKind", calls.await(engine.memory()).kind())
            .withDetail("pools", pools)
            .withDetail("poolReasons", reasons)
            .withDetail("nexuses", nexuses)
            .withDetail("restoreFailures", failures)
            .withDetail("corruptDocuments", restorer.setAside())
            .build();
    }
}
