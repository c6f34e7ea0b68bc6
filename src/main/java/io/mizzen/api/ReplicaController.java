package io.mizzen.api;

import io.mizzen.api.request.ReplicaRequest;
import io.mizzen.api.request.ReplicaSizeRequest;
import io.mizzen.api.request.ShareRequest;
import io.mizzen.control.Ids;
import io.mizzen.control.ReplicaService;
import io.mizzen.engine.model.ReplicaView;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Pattern;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Replicas: logical volumes on pools. */
@RestController
@RequestMapping("/v1/replicas")
@Tag(name = "replicas", description = "Logical volumes on pools")
public class ReplicaController {
    private static final String UUID_MESSAGE = "must be a UUID in lower case";
    private final ReplicaService replicas;

    ReplicaController(ReplicaService replicas) {
        this.replicas = replicas;
    }

    @GetMapping
    @Operation(operationId = "listReplicas", summary = "All replicas of all open pools",
        description = "By pool and name. Those with features that this engine does not serve are listed with the reason.")
    List<ReplicaView> list() {
        return replicas.list().stream().sorted(Comparator.comparing(ReplicaView::pool).thenComparing(ReplicaView::name)).toList();
    }

    @PostMapping
    @Operation(operationId = "createReplica", summary = "Create a replica, with a UUID of the engine's choice",
        description = "Use PUT where a request may be repeated.")
    ResponseEntity<ReplicaView> create(@io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(
        examples = @ExampleObject(Examples.REPLICA_POST_BODY))) @Valid @RequestBody ReplicaRequest request) {
        String uuid = UUID.randomUUID().toString();
        return Created.of(replicas.create(request.toSpec(uuid)), "/v1/replicas", uuid);
    }

    @PutMapping("/{uuid}")
    @Operation(operationId = "putReplica", summary = "Create the replica with this UUID",
        description = "Idempotent: 201 when it was created, 200 when it is there with the same specification, 409 when "
            + "with another.")
    ResponseEntity<ReplicaView> put(
        @Parameter(description = "UUID of the replica", example = Examples.OWN_REPLICA)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.REPLICA_BODY))) @Valid @RequestBody ReplicaRequest request) {
        return Created.of(replicas.create(request.toSpec(uuid)), "/v1/replicas", uuid);
    }

    @GetMapping("/{uuid}")
    @Operation(operationId = "getReplica", summary = "One replica", description = "With its size, allocation and share.")
    ReplicaView get(@Parameter(description = "UUID of the replica", example = Examples.REPLICA)
                    @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        return replicas.get(uuid);
    }

    @DeleteMapping("/{uuid}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "destroyReplica", summary = "Destroy a replica and its data",
        description = "Refused while it is shared or a nexus has it, also one that is shut down or could not be brought back yet. "
            + "Its snapshots stay. A snapshot is a replica too: with the UUID of one this is DELETE /v1/snapshots/{uuid}, and what reads "
            + "from it keeps its data.")
    void destroy(@Parameter(description = "UUID of the replica", example = Examples.OWN_REPLICA)
                 @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        replicas.destroy(uuid);
    }

    @PutMapping("/{uuid}/size")
    @Operation(operationId = "resizeReplica", summary = "Resize a replica",
        description = "Growing is told to whoever has it open. Shrinking destroys what lies behind the new end: it is refused, with 409 "
            + "and the code replica-would-shrink, unless \"shrink\": true says so, and while the replica is in use, also by a nexus that "
            + "is shut down or could not be brought back yet. A replica that reads from a snapshot, a clone or one that a snapshot was taken "
            + "of, does not shrink at all (409, replica-has-snapshot): grown again, it would show what the snapshot holds there. Inflate "
            + "it first. A snapshot keeps its size.")
    ReplicaView resize(
        @Parameter(description = "UUID of the replica", example = Examples.OWN_REPLICA)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.SIZE_BODY))) @Valid @RequestBody ReplicaSizeRequest request) {
        return replicas.resize(uuid, request.sizeBytes().bytes(), Boolean.TRUE.equals(request.shrink()));
    }

    @PutMapping("/{uuid}/share")
    @Operation(operationId = "shareReplica", summary = "Serve a replica over NVMe/TCP",
        description = "Idempotent; another list of hosts replaces the old one, and hosts not in it are "
            + "disconnected. The NQN derives from the UUID. A snapshot, and a replica of a pool that is imported read-only, are "
            + "served as write-protected namespaces (`readOnly`): hosts can copy away what can still be read.")
    ReplicaView share(
        @Parameter(description = "UUID of the replica", example = Examples.OWN_REPLICA)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.SHARE_BODY))) @Valid @RequestBody ShareRequest request) {
        return replicas.share(uuid, request.toSpec());
    }

    @DeleteMapping("/{uuid}/share")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "unshareReplica", summary = "Serve a replica no more",
        description = "Hosts are disconnected. Nothing happens when it is not shared.")
    void unshare(@Parameter(description = "UUID of the replica", example = Examples.OWN_REPLICA)
                 @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        replicas.unshare(uuid);
    }
}
