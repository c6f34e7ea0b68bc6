package io.mizzen.api;

import io.mizzen.api.request.LimitsRequest;
import io.mizzen.control.Ids;
import io.mizzen.control.LimitsService;
import io.mizzen.engine.model.LimitsSpec;
import io.mizzen.engine.model.LimitsView;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Pattern;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Limits of nexuses and replicas. */
@RestController
@RequestMapping("/v1")
@Tag(name = "limits", description = "Limits of operations and bytes a second, for each volume")
public class LimitsController {
    private static final String UUID_MESSAGE = "must be a UUID in lower case";
    private static final String WHAT = "They count for all hosts and cores together, at once and after every restart. A limit "
        + "that is left out is none. Flushes are never held back; a rebuild has a rate of its own.";
    private final LimitsService limits;

    LimitsController(LimitsService limits) {
        this.limits = limits;
    }

    @GetMapping("/nexuses/{uuid}/limits")
    @Operation(operationId = "getNexusLimits", summary = "The limits of a nexus",
        description = "And how many operations waited because of them, and for how long.")
    LimitsView ofNexus(@Parameter(description = "UUID of the nexus", example = Examples.NEXUS)
                       @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        return limits.ofNexus(uuid);
    }

    @PutMapping("/nexuses/{uuid}/limits")
    @Operation(operationId = "setNexusLimits", summary = "Limit a nexus", description = WHAT)
    LimitsView setNexus(
        @Parameter(description = "UUID of the nexus", example = Examples.NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.LIMITS_BODY))) @Valid @RequestBody LimitsRequest request) {
        return limits.setNexus(uuid, request.toSpec());
    }

    @DeleteMapping("/nexuses/{uuid}/limits")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "removeNexusLimits", summary = "Limit a nexus no more",
        description = "What waits goes at once. Nothing happens when there are no limits.")
    void removeNexus(@Parameter(description = "UUID of the nexus", example = Examples.NEXUS)
                     @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        limits.setNexus(uuid, LimitsSpec.NONE);
    }

    @GetMapping("/replicas/{uuid}/limits")
    @Operation(operationId = "getReplicaLimits", summary = "The limits of a replica",
        description = "And how many operations waited because of them, and for how long.")
    LimitsView ofReplica(@Parameter(description = "UUID of the replica", example = Examples.REPLICA)
                         @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        return limits.ofReplica(uuid);
    }

    @PutMapping("/replicas/{uuid}/limits")
    @Operation(operationId = "setReplicaLimits", summary = "Limit a replica", description = WHAT
        + " Where a nexus has the replica, the nexus's writes wait too.")
    LimitsView setReplica(
        @Parameter(description = "UUID of the replica", example = Examples.OWN_REPLICA)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.LIMITS_BODY))) @Valid @RequestBody LimitsRequest request) {
        return limits.setReplica(uuid, request.toSpec());
    }

    @DeleteMapping("/replicas/{uuid}/limits")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "removeReplicaLimits", summary = "Limit a replica no more",
        description = "What waits goes at once. Nothing happens when there are no limits.")
    void removeReplica(@Parameter(description = "UUID of the replica", example = Examples.OWN_REPLICA)
                       @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        limits.removeReplica(uuid);
    }
}
