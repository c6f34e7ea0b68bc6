package io.mizzen.api;

import io.mizzen.api.request.CloneRequest;
import io.mizzen.api.request.NexusRollbackRequest;
import io.mizzen.api.request.NexusSnapshotRequest;
import io.mizzen.api.request.RollbackRequest;
import io.mizzen.api.request.SnapshotRequest;
import io.mizzen.control.Ids;
import io.mizzen.control.SnapshotService;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.NexusView;
import io.mizzen.engine.model.Outcome;
import io.mizzen.engine.model.RangesView;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.SnapshotView;
import io.mizzen.engine.model.VolumeSnapshotView;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Pattern;
import java.util.Comparator;
import java.util.List;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Snapshots of replicas and of nexuses, and clones of them. */
@RestController
@RequestMapping("/v1")
@Tag(name = "snapshots", description = "Snapshots of replicas and of nexuses, and clones of them")
public class SnapshotController {
    private static final String UUID_MESSAGE = "must be a UUID in lower case";
    private static final String SNAPSHOTS = "/v1/snapshots";
    private static final int RANGES_MAX = 10_000;
    private final SnapshotService snapshots;

    SnapshotController(SnapshotService snapshots) {
        this.snapshots = snapshots;
    }

    @PostMapping("/replicas/{uuid}/snapshots")
    @Operation(operationId = "createSnapshot", summary = "Take a snapshot of a replica",
        description = "While it is in use: new writes are held back until those in flight have ended (`pauseNs`), reads are not. "
            + "With a UUID the request may be repeated: 201 when it was taken, 200 when it is there already; without a body it has a UUID of "
            + "the engine's choice, which is its name. A thick replica is thin "
            + "afterwards: inflate it to have all of its space again.")
    ResponseEntity<SnapshotView> create(
        @Parameter(description = "UUID of the replica", example = Examples.OWN_REPLICA)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.SNAPSHOT_BODY))) @Valid @RequestBody(required = false) SnapshotRequest body) {
        SnapshotRequest request = body == null ? SnapshotRequest.DEFAULT : body;
        Outcome<SnapshotView> outcome = snapshots.create(request.toSpec(uuid));
        return Created.of(outcome, SNAPSHOTS, outcome.view().uuid());
    }

    @PostMapping("/nexuses/{uuid}/snapshots")
    @Operation(operationId = "createNexusSnapshot", summary = "Take a snapshot of a nexus: of all its children, at one moment",
        description = "All of them or none. Writes to the nexus wait (`pauseNs`, at most `atMostSeconds` and what a disk needs to end what it "
            + "has begun), nothing fails, reads go on; a writer sees a slow write. Each child's snapshot holds what all writes left that "
            + "were acknowledged before, and the same as the others'. If one cannot be taken, those that were made are deleted and the "
            + "request fails. After a crash or the loss of several pools, some may be left, of different moments even: they say so "
            + "(`oneMoment`: false). A child that is out or being rebuilt is refused unless `skip` "
            + "names it. With `transactionId` and `name`, or with `uuids`, the request may be repeated: 201 when they were taken, 200 when "
            + "they are there, 409 when only some are, or nobody knows that they are of one moment. Without a body each has a UUID of "
            + "the engine's choice, which is its name.")
    ResponseEntity<VolumeSnapshotView> createOfNexus(
        @Parameter(description = "UUID of the nexus", example = Examples.NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.NEXUS_SNAPSHOT_BODY))) @Valid @RequestBody(required = false) NexusSnapshotRequest body) {
        NexusSnapshotRequest request = body == null ? NexusSnapshotRequest.DEFAULT : body;
        Outcome<VolumeSnapshotView> outcome = snapshots.createOfNexus(request.toSpec(uuid));
        return Created.of(outcome, SNAPSHOTS, outcome.view().snapshots().getFirst().uuid());
    }

    @GetMapping("/snapshots")
    @Operation(operationId = "listSnapshots", summary = "All snapshots of all open pools", description = "By pool and name. Also those that are "
        + "deleted and stay for their clones (`discarded`).")
    List<SnapshotView> list(@Parameter(description = "Only those of this replica", example = Examples.OWN_REPLICA)
        @RequestParam(required = false) @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String replica) {
        return snapshots.list(replica).stream().sorted(Comparator.comparing(SnapshotView::pool).thenComparing(SnapshotView::name)).toList();
    }

    @GetMapping("/snapshots/{uuid}")
    @Operation(operationId = "getSnapshot", summary = "One snapshot", description = "With what it holds, and what reads from it.")
    SnapshotView get(@Parameter(description = "UUID of the snapshot", example = Examples.SNAPSHOT)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        return snapshots.get(uuid);
    }

    @DeleteMapping("/snapshots/{uuid}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "destroySnapshot", summary = "Delete a snapshot",
        description = "In any order. What reads from it gets what it needs of it; while several do, it stays, marked as "
            + "`discarded`, and goes by itself when one is left; the event replica-destroyed tells when. What is asked for while a snapshot "
            + "next to it is going waits for that, 10 s at most (then 409, replica-busy, and nothing has changed).")
    void destroy(@Parameter(description = "UUID of the snapshot", example = Examples.SNAPSHOT)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        snapshots.destroy(uuid);
    }

    @PostMapping("/snapshots/{uuid}/clones")
    @Operation(operationId = "cloneSnapshot", summary = "Make a replica of a snapshot",
        description = "It reads as the snapshot does, and takes space for what is written to it. Without a body it has a UUID of the "
            + "engine's choice, which is its name.")
    ResponseEntity<ReplicaView> cloneOf(
        @Parameter(description = "UUID of the snapshot", example = Examples.SNAPSHOT)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.CLONE_BODY))) @Valid @RequestBody(required = false) CloneRequest body) {
        CloneRequest request = body == null ? CloneRequest.DEFAULT : body;
        Outcome<ReplicaView> outcome = snapshots.cloneOf(request.toSpec(uuid));
        return Created.of(outcome, "/v1/replicas", outcome.view().uuid());
    }

    @PostMapping("/replicas/{uuid}/rollback")
    @Operation(operationId = "rollbackReplica", summary = "Take a replica back to a snapshot",
        description = "What was written since is gone, but what later snapshots hold. Refused while anybody uses the replica, "
            + "and while a nexus knows it, also one that is shut down: to take a whole volume back, roll back its nexus. A nexus of another "
            + "engine does not see that one replica alone was rolled back: add that one to it anew, as a new child.")
    ReplicaView rollback(
        @Parameter(description = "UUID of the replica", example = Examples.OWN_REPLICA)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.ROLLBACK_BODY))) @Valid @RequestBody RollbackRequest request) {
        return snapshots.rollback(uuid, request.snapshot());
    }

    @PostMapping("/nexuses/{uuid}/rollback")
    @Operation(operationId = "rollbackNexus", summary = "Take a nexus back to a snapshot of it: all its children",
        description = "What was written since is gone, but what later snapshots hold, to which it can be taken as well. Refused (409) while it is "
            + "published or in use: unpublish it first, since hosts would go on with what they have read before. Every child must be healthy and have the "
            + "snapshot (409 says which has not): remove one that has none, and add it anew afterwards. The nexus is closed meanwhile and open "
            + "again when this answers, with the size that it had then. A crash, or a child that fails, leaves it as it was, with children that were taken "
            + "back already as `stale` (bring them online, which copies them anew), or as the snapshot has it; never a mixture. Taken to a later snapshot of "
            + "a time that was given up, it is refused as `nexus-diverged` after such an end: assemble it with those `children` only that are at the "
            + "snapshot, or with those that are not, and `allowMissing`, then add the others.")
    NexusView rollbackNexus(
        @Parameter(description = "UUID of the nexus", example = Examples.NEXUS)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.NEXUS_ROLLBACK_BODY))) @Valid @RequestBody NexusRollbackRequest request) {
        return snapshots.rollbackNexus(uuid, request.snapshot());
    }

    @PostMapping("/replicas/{uuid}/inflate")
    @ResponseStatus(HttpStatus.ACCEPTED)
    @Operation(operationId = "inflateReplica", summary = "Make a replica independent of all snapshots",
        description = "Allocates all of it, while it is in use, as a job. Cancelled, or cut short by the engine's end, it has allocated "
            + "some, and reads from its snapshot as before. Its size, its snapshots and itself stay as they are until the job has ended: "
            + "409 with the code replica-busy.")
    ResponseEntity<JobView> inflate(@Parameter(description = "UUID of the replica", example = Examples.OWN_CLONE)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        return Accepted.of(snapshots.inflate(uuid, false));
    }

    @PostMapping("/replicas/{uuid}/decouple")
    @ResponseStatus(HttpStatus.ACCEPTED)
    @Operation(operationId = "decoupleReplica", summary = "Make a replica independent of the snapshot that it reads from",
        description = "Allocates what that holds itself, while the replica is in use; it reads from the snapshot before, if there "
            + "is one, afterwards. A job, as for inflate.")
    ResponseEntity<JobView> decouple(@Parameter(description = "UUID of the replica", example = Examples.OWN_REPLICA)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid) {
        return Accepted.of(snapshots.inflate(uuid, true));
    }

    @GetMapping("/replicas/{uuid}/ranges")
    @Operation(operationId = "listReplicaRanges", summary = "What a replica holds, or what has changed since a snapshot",
        description = "By whole clusters, as a backup reads them. Of a replica in use, what it was at some moment of the answer.")
    RangesView replicaRanges(
        @Parameter(description = "UUID of the replica", example = Examples.OWN_REPLICA)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @Parameter(description = "UUID of a snapshot of the same pool; without: all that is allocated", example = Examples.SNAPSHOT)
        @RequestParam(required = false) @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String from,
        @Parameter(description = "Where to begin, bytes", example = "0") @RequestParam(defaultValue = "0") @Min(0) long offsetBytes,
        @Parameter(description = "Ranges at most", example = "1000")
        @RequestParam(defaultValue = "1000") @Min(1) @Max(RANGES_MAX) int limit) {
        return snapshots.ranges(uuid, from, offsetBytes, limit);
    }

    @GetMapping("/snapshots/{uuid}/ranges")
    @Operation(operationId = "listSnapshotRanges", summary = "What a snapshot holds, or what had changed since another",
        description = "By whole clusters, as a backup reads them.")
    RangesView snapshotRanges(
        @Parameter(description = "UUID of the snapshot", example = Examples.SNAPSHOT)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String uuid,
        @Parameter(description = "UUID of a snapshot of the same pool; without: all that is allocated", example = Examples.SNAPSHOT)
        @RequestParam(required = false) @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String from,
        @Parameter(description = "Where to begin, bytes", example = "0") @RequestParam(defaultValue = "0") @Min(0) long offsetBytes,
        @Parameter(description = "Ranges at most", example = "1000")
        @RequestParam(defaultValue = "1000") @Min(1) @Max(RANGES_MAX) int limit) {
        snapshots.get(uuid);
        return snapshots.ranges(uuid, from, offsetBytes, limit);
    }
}
