package io.mizzen.api;

import io.mizzen.api.request.AssemblyRequest;
import io.mizzen.api.request.NexusRequest;
import io.mizzen.api.request.PauseRequest;
import io.mizzen.api.request.SettingsRequest;
import io.mizzen.api.request.ShareRequest;
import io.mizzen.api.request.SizeRequest;
import io.mizzen.control.Ids;
import io.mizzen.control.NexusService;
import io.mizzen.engine.model.NexusView;
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
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Nexuses: mirrored volumes. */
@RestController
@RequestMapping("/v1/nexuses")
@Tag(name = "nexuses", description = "Mirrored volumes over replicas or other bdevs")
public class NexusController {
    private static final String UUID_MESSAGE = "must be a UUID in lower case";
    private final NexusService nexuses;

    NexusController(NexusService nexuses) {
        this.nexuses = nexuses;
    }

    @GetMapping
    @Operation(operationId = "listNexuses", summary = "All nexuses", description = "By name, with their children and publication.")
    List<NexusView> list() {
        return nexuses.list().stream().sorted(Comparator.comparing(NexusView::name)).toList();
    }

    @PostMapping
    @Operation(operationId = "createNexus", summary = "Create a nexus, with a UUID of the engine's choice",
        description = "Use PUT where a request may be repeated. A disk with a partition table, a file system or a foreign signature is "
            + "refused as a child unless 'overwrite' names what may be destroyed.")
    ResponseEntity<NexusView> create(@io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
        @ExampleObject(Examples.NEXUS_POST_BODY))) @Valid @RequestBody NexusRequest request) {
        String uuid = UUID.randomUUID().toString();
        return Created.of(nexuses.create(request.toSpec(uuid)), "/v1/nexuses", uuid);
    }

    @PutMapping("/{uuid}")
    @Operation(operationId = "putNexus", summary = "Create the nexus with this UUID, or assemble it again",
        description = "Idempotent: 201 when it was created, 200 when it is there with the same specification, 409 when "
            + "with another. Children that carry its metadata are assembled; nothing on them is lost. For a new nexus, a disk with a "
            + "partition table, a file system or a foreign signature is refused unless 'overwrite' names what may be destroyed. A new volume from snapshots "
            + "of all children of another one: clone each of them, and create a nexus over the clones with \"overwrite\": [\"nexus\"].")
    ResponseEntity<NexusView> put(
        @Parameter(description = "UUID of the nexus", example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.NEXUS_BODY))) @Valid @RequestBody NexusRequest request) {
        return Created.of(nexuses.create(request.toSpec(uuid)), "/v1/nexuses", uuid);
    }

    @GetMapping("/{uuid}")
    @Operation(operationId = "getNexus", summary = "One nexus", description = "With its children and publication.")
    NexusView get(@Parameter(description = "UUID of the nexus", example = Examples.NEXUS)
                  @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        return nexuses.get(uuid);
    }

    @DeleteMapping("/{uuid}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "destroyNexus", summary = "Close a nexus and forget it",
        description = "The data stays on its children. Refused while it is published. One that is shut down is only forgotten: its "
            + "children, which another engine may have by now, are not touched.")
    void destroy(@Parameter(description = "UUID of the nexus", example = Examples.OWN_NEXUS)
                 @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        nexuses.destroy(uuid);
    }

    @PostMapping("/{uuid}/assembly")
    @Operation(operationId = "assembleNexus", summary = "Assemble a nexus that could not be restored, or was shut down",
        description = "For a nexus of the desired state that health lists as not restored, or that is shut down; one that is open is left "
            + "alone (409 when 'children' names others than it has). Without 'allowMissing' this tries once more. DANGER: \"allowMissing\": true goes on although a "
            + "member is absent that was healthy in the newest generation found. Writes that were acknowledged and that "
            + "only the absent member holds are lost for good; it is marked failed and its copy is not used again. Do this "
            + "only when that disk will not come back. 'children' replaces the list of the desired state, to leave out "
            + "one of two children that went on without each other.")
    NexusView assemble(
        @Parameter(description = "UUID of the nexus", example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.ASSEMBLY_BODY))) @Valid @RequestBody(required = false) AssemblyRequest body) {
        AssemblyRequest request = body == null ? AssemblyRequest.DEFAULT : body;
        return nexuses.assemble(uuid, request.children(), Boolean.TRUE.equals(request.allowMissing()));
    }

    @PutMapping("/{uuid}/size")
    @Operation(operationId = "resizeNexus", summary = "Make a nexus larger",
        description = "While hosts use it; they see the new size at once. Its children must be large enough: resize the replicas first. "
            + "Shrinking is refused.")
    NexusView resize(
        @Parameter(description = "UUID of the nexus", example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.NEXUS_SIZE_BODY))) @Valid @RequestBody SizeRequest request) {
        return nexuses.resize(uuid, request.sizeBytes().bytes());
    }

    @PostMapping("/{uuid}/shutdown")
    @Operation(operationId = "shutdownNexus", summary = "Close a nexus while its hosts wait",
        description = "What is in flight ends, new I/O waits without an error, the nexus is closed clean, and its children are free, for "
            + "another engine too. It stays listed as SHUTDOWN and is not brought back by a start. POST /assembly opens it again, and "
            + "hosts go on; DELETE forgets it. 503 when what is in flight does not end within 10 s; nothing has changed then. 503 with code "
            + "nexus-closed-unclean when it is SHUTDOWN all the same, but its children could not be marked clean: the assembly makes "
            + "them equal.")
    NexusView shutdown(@Parameter(description = "UUID of the nexus", example = Examples.OWN_NEXUS)
                       @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        return nexuses.shutdown(uuid);
    }

    @PatchMapping("/{uuid}/settings")
    @Operation(operationId = "changeNexusSettings", summary = "Change how a nexus behaves",
        description = "What is left out stays as it is. In force at once, for jobs under way too, and after every restart.")
    NexusView change(
        @Parameter(description = "UUID of the nexus", example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.SETTINGS_BODY))) @Valid @RequestBody SettingsRequest request) {
        return nexuses.set(uuid, request::applyTo);
    }

    @PutMapping("/{uuid}/publication")
    @Operation(operationId = "publishNexus", summary = "Serve a nexus over NVMe/TCP",
        description = "Idempotent; another list of hosts replaces the old one, and hosts not in it are "
            + "disconnected. The NQN derives from the UUID and is the "
            + "same after every restart.")
    NexusView publish(
        @Parameter(description = "UUID of the nexus", example = Examples.NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.PUBLICATION_BODY))) @Valid @RequestBody ShareRequest request) {
        return nexuses.publish(uuid, request.toSpec());
    }

    @PostMapping("/{uuid}/publication/pause")
    @Operation(operationId = "pausePublication", summary = "Let the hosts' I/O wait",
        description = "New I/O waits, what is in flight ends first, connections stay: hosts see a pause and no error. It ends "
            + "with 'resume', or by itself after 'atMostSeconds'. Linux hosts give a command up after 30 s (nvme_core.io_timeout), "
            + "connect anew and send it again: a longer pause is still only a pause to them, but fills their log. Paused "
            + "already: the limit counts anew. 503 when what is in flight does not end within 10 s; nothing is paused then.")
    NexusView pause(
        @Parameter(description = "UUID of the nexus", example = Examples.NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.PAUSE_BODY))) @Valid @RequestBody(required = false) PauseRequest body) {
        PauseRequest request = body == null ? PauseRequest.DEFAULT : body;
        return nexuses.pause(uuid, request.atMost());
    }

    @PostMapping("/{uuid}/publication/resume")
    @Operation(operationId = "resumePublication", summary = "Let the hosts' I/O go on",
        description = "Nothing happens when it is not paused.")
    NexusView resume(@Parameter(description = "UUID of the nexus", example = Examples.NEXUS)
                     @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        return nexuses.resume(uuid);
    }

    @DeleteMapping("/{uuid}/publication")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "unpublishNexus", summary = "Serve a nexus no more",
        description = "Hosts are disconnected. Nothing happens when it is not published.")
    void unpublish(@Parameter(description = "UUID of the nexus", example = Examples.NEXUS)
                   @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        nexuses.unpublish(uuid);
    }
}
