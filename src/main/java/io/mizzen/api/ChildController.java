package io.mizzen.api;

import io.mizzen.api.request.ChildRequest;
import io.mizzen.api.request.VerifyRequest;
import io.mizzen.control.Ids;
import io.mizzen.control.NexusService;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.RebuildOrder;
import io.mizzen.engine.model.RebuildView;
import io.mizzen.engine.model.RebuildsView;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Pattern;
import java.util.List;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Children of nexuses and their rebuilds. A child is named by its URI (slashes as {@code %2F}), its bdev, or a UUID. */
@RestController
@RequestMapping("/v1/nexuses/{uuid}")
@Tag(name = "children", description = "Children of nexuses: out, back, new, gone; rebuilds and verification")
public class ChildController {
    private static final String UUID_MESSAGE = "must be a UUID in lower case";
    private static final String NEXUS = "UUID of the nexus";
    private static final String CHILD = "The child's URI (slashes as %2F), bdev, or UUID of the member or replica";
    private final NexusService nexuses;

    ChildController(NexusService nexuses) {
        this.nexuses = nexuses;
    }

    @GetMapping("/children")
    @Operation(operationId = "listChildren", summary = "The children of a nexus",
        description = "Each with its state, the reason of a fault, its errors, and the progress of its rebuild.")
    List<NexusView.ChildView> list(@Parameter(description = NEXUS, example = Examples.NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        return nexuses.get(uuid).children();
    }

    @PostMapping("/children")
    @ResponseStatus(HttpStatus.ACCEPTED)
    @Operation(operationId = "addChild", summary = "Add a child",
        description = "It gets all writes from now on, and everything is copied to it: 202 when that has begun; "
            + "'children[].rebuild' shows the progress. It must be at least as large as the others and carry no other nexus. "
            + "A disk with a partition table, a file system or a foreign signature is refused unless 'overwrite' names what may be "
            + "destroyed.")
    ResponseEntity<NexusView> add(
        @Parameter(description = NEXUS, example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.CHILD_BODY))) @Valid @RequestBody ChildRequest request) {
        return Accepted.ofChild(nexuses.addChild(uuid, request.uri(), request.overwrite()), uuid, request.uri());
    }

    @GetMapping("/children/{child}")
    @Operation(operationId = "getChild", summary = "One child", description = "With the progress of its rebuild.")
    NexusView.ChildView get(
        @Parameter(description = NEXUS, example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @Parameter(description = CHILD, example = Examples.CHILD) @PathVariable String child) {
        return nexuses.child(uuid, child);
    }

    @DeleteMapping("/children/{child}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "removeChild", summary = "Remove a child for good",
        description = "Stored and closed when this answers; its metadata is erased as far as it can be written. Refused for the "
            + "last healthy child.")
    void remove(
        @Parameter(description = NEXUS, example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @Parameter(description = CHILD, example = Examples.CHILD) @PathVariable String child) {
        nexuses.removeChild(uuid, child);
    }

    @PostMapping("/children/{child}/fault")
    @Operation(operationId = "faultChild", summary = "Take a child out as failed",
        description = "It is marked failed on the healthy children before this answers. Refused for the last healthy child.")
    NexusView fault(
        @Parameter(description = NEXUS, example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @Parameter(description = CHILD, example = Examples.CHILD) @PathVariable String child) {
        return nexuses.faultChild(uuid, child);
    }

    @PostMapping("/children/{child}/offline")
    @Operation(operationId = "offlineChild", summary = "Take a child out for a while",
        description = "Its disk is free when this answers, and what the child misses is noted, so that only that is copied when it "
            + "is back. Refused for the last healthy child.")
    NexusView offline(
        @Parameter(description = NEXUS, example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @Parameter(description = CHILD, example = Examples.CHILD) @PathVariable String child) {
        return nexuses.offlineChild(uuid, child);
    }

    @PostMapping("/children/{child}/online")
    @ResponseStatus(HttpStatus.ACCEPTED)
    @Operation(operationId = "onlineChild", summary = "Bring a child back",
        description = "Whatever took it out. It is looked for where its URI says (import its pool first where that was away), gets "
            + "all writes from now on, and what it missed is copied to it, or everything where that is not known: 202 when that "
            + "has begun. Nothing happens when it is online.")
    ResponseEntity<NexusView> online(
        @Parameter(description = NEXUS, example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @Parameter(description = CHILD, example = Examples.CHILD) @PathVariable String child) {
        return Accepted.ofChild(nexuses.onlineChild(uuid, child), uuid, child);
    }

    // --- rebuilds ------------------------------------------------------------------------------------

    @GetMapping("/rebuilds")
    @Operation(operationId = "listRebuilds", summary = "Rebuilds and verifications, running and ended",
        description = "The newest 32 that have ended since the nexus was opened, oldest first, and those under way.")
    RebuildsView rebuilds(@Parameter(description = NEXUS, example = Examples.NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        return nexuses.rebuilds(uuid);
    }

    @PostMapping("/verify")
    @ResponseStatus(HttpStatus.ACCEPTED)
    @Operation(operationId = "verifyNexus", summary = "Compare children",
        description = "Reads a healthy child and the first one and compares them; hosts go on. Nothing is changed; what differs is in "
            + "the history of /rebuilds afterwards. 202 when it has begun.")
    ResponseEntity<RebuildsView> verify(
        @Parameter(description = NEXUS, example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.VERIFY_BODY))) @Valid @RequestBody(required = false) VerifyRequest body) {
        VerifyRequest request = body == null ? VerifyRequest.DEFAULT : body;
        return Accepted.of(nexuses.verify(uuid, request.child()), "/v1/nexuses/" + uuid + "/rebuilds");
    }

    @GetMapping("/children/{child}/rebuild")
    @Operation(operationId = "getRebuild", summary = "The rebuild or verification of a child",
        description = "404 when nothing is under way for it.")
    RebuildView rebuild(
        @Parameter(description = NEXUS, example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @Parameter(description = CHILD, example = Examples.CHILD) @PathVariable String child) {
        return nexuses.rebuild(uuid, child);
    }

    @PostMapping("/children/{child}/rebuild/start")
    @ResponseStatus(HttpStatus.ACCEPTED)
    @Operation(operationId = "startRebuild", summary = "Go on with a rebuild that was stopped",
        description = "From where it was. A child that is out is brought online.")
    ResponseEntity<NexusView> start(
        @Parameter(description = NEXUS, example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @Parameter(description = CHILD, example = Examples.CHILD) @PathVariable String child) {
        return Accepted.ofChild(nexuses.order(uuid, child, RebuildOrder.START), uuid, child);
    }

    @PostMapping("/children/{child}/rebuild/pause")
    @Operation(operationId = "pauseRebuild", summary = "Hold a rebuild or verification",
        description = "Until it is resumed; the child gets all writes meanwhile. One that was stopped is refused: start it.")
    NexusView pause(
        @Parameter(description = NEXUS, example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @Parameter(description = CHILD, example = Examples.CHILD) @PathVariable String child) {
        return nexuses.order(uuid, child, RebuildOrder.PAUSE);
    }

    @PostMapping("/children/{child}/rebuild/resume")
    @Operation(operationId = "resumeRebuild", summary = "Go on with a rebuild or verification that is paused",
        description = "From where it was.")
    NexusView resume(
        @Parameter(description = NEXUS, example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @Parameter(description = CHILD, example = Examples.CHILD) @PathVariable String child) {
        return nexuses.order(uuid, child, RebuildOrder.RESUME);
    }

    @PostMapping("/children/{child}/rebuild/stop")
    @Operation(operationId = "stopRebuild", summary = "End a rebuild or verification",
        description = "A rebuild can be started again and goes on from there; the child gets all writes meanwhile and is not read.")
    NexusView stop(
        @Parameter(description = NEXUS, example = Examples.OWN_NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @Parameter(description = CHILD, example = Examples.CHILD) @PathVariable String child) {
        return nexuses.order(uuid, child, RebuildOrder.STOP);
    }
}
