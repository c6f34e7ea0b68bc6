package io.mizzen.api;

import io.mizzen.control.EngineQueries;
import io.mizzen.engine.model.EngineView;
import io.mizzen.engine.model.MemoryView;
import io.mizzen.engine.model.MetricsView;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.engine.model.ReactorView;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.util.List;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** The engine itself: its reactors, memory and counters. */
@RestController
@RequestMapping("/v1")
@Tag(name = "engine", description = "The engine itself: reactors, memory, statistics")
public class EngineController {
    private final EngineQueries queries;

    EngineController(EngineQueries queries) {
        this.queries = queries;
    }

    @GetMapping("/engine")
    @Operation(operationId = "getEngine", summary = "The engine as a whole",
        description = "Version, state, cores, kind of memory, listeners and the features of io_uring that are in use.")
    EngineView engine() {
        return queries.info();
    }

    @GetMapping("/reactors")
    @Operation(operationId = "listReactors", summary = "All reactors",
        description = "One for each core that the engine has, with what runs on it.")
    List<ReactorView> reactors() {
        return queries.reactors();
    }

    @GetMapping("/reactors/{core}")
    @Operation(operationId = "getReactor", summary = "The reactor of one core",
        description = "Its mthreads with messages, pollers with period and busy share, poll groups and connections.")
    ReactorView reactor(@Parameter(description = "CPU number", example = "0") @PathVariable @Min(0) @Max(4095) int core) {
        return queries.reactor(core);
    }

    @GetMapping("/memory")
    @Operation(operationId = "getMemory", summary = "The memory reserved at start",
        description = "Regions with page size and NUMA node, buffer pools with their per-core caches.")
    MemoryView memory() {
        return queries.memory();
    }

    @GetMapping("/statistics")
    @Operation(operationId = "listStatistics", summary = "I/O counters of bdevs, replicas, nexuses and hosts",
        description = "Counters since the object was opened. A latency histogram's element i counts operations of at "
            + "least 2^i and less than 2^(i+1) ns. The same numbers are in the Prometheus metrics.")
    List<MetricsView.VolumeMetrics> statistics(
        @Parameter(description = "Only objects of this kind", example = "NEXUS")
        @RequestParam(required = false) ObjectKind kind) {
        return queries.metrics().volumes().stream().filter(volume -> kind == null || kind == volume.kind()).toList();
    }

}
