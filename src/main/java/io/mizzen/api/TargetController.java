package io.mizzen.api;

import io.mizzen.control.EngineQueries;
import io.mizzen.engine.model.ConnectionView;
import io.mizzen.engine.model.HostView;
import io.mizzen.engine.model.SubsystemView;
import io.mizzen.util.OperationException;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.List;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** The NVMe/TCP target: subsystems and who is connected. */
@RestController
@RequestMapping("/v1")
@Tag(name = "target", description = "The NVMe/TCP target: shares (subsystems), connected hosts, connections")
public class TargetController {
    private final EngineQueries queries;

    TargetController(EngineQueries queries) {
        this.queries = queries;
    }

    @GetMapping("/shares")
    @Operation(operationId = "listShares", summary = "All subsystems that serve something",
        description = "One for each published nexus and shared replica or snapshot. The discovery subsystem, which every host may ask, is not "
            + "listed.")
    List<SubsystemView> shares() {
        return queries.subsystems();
    }

    @GetMapping("/shares/{nqn}")
    @Operation(operationId = "getShare", summary = "One subsystem",
        description = "With its namespaces, listeners, allowed and connected hosts.")
    SubsystemView share(@Parameter(description = "NQN of the subsystem",
        example = "nqn.2026-11.io.mizzen:" + Examples.NEXUS) @PathVariable String nqn) {
        return queries.subsystems().stream().filter(subsystem -> subsystem.nqn().equals(nqn)).findFirst()
            .orElseThrow(() -> OperationException.notFound("share-not-found", "There is no subsystem '" + nqn + "'."));
    }

    @GetMapping("/hosts")
    @Operation(operationId = "listHosts", summary = "Connected hosts",
        description = "One entry for each controller of a host, with its I/O counters.")
    List<HostView> hosts() {
        return queries.hosts();
    }

    @GetMapping("/connections")
    @Operation(operationId = "listConnections", summary = "NVMe/TCP connections",
        description = "One for each queue pair of a host, with the core that serves it.")
    List<ConnectionView> connections() {
        return queries.connections();
    }
}
