package io.mizzen.api;

import io.mizzen.api.request.WipeRequest;
import io.mizzen.control.Ids;
import io.mizzen.control.JobService;
import io.mizzen.engine.model.JobView;
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

/** Work that goes on after its request was answered. */
@RestController
@RequestMapping("/v1")
@Tag(name = "jobs", description = "Work that goes on after its request was answered, with progress")
public class JobController {
    private final JobService jobs;

    JobController(JobService jobs) {
        this.jobs = jobs;
    }

    @GetMapping("/jobs")
    @Operation(operationId = "listJobs", summary = "Jobs that run, and the newest that have ended", description = "Oldest first.")
    List<JobView> list() {
        return jobs.list();
    }

    @GetMapping("/jobs/{id}")
    @Operation(operationId = "getJob", summary = "One job", description = "With its progress, and its result or error.")
    JobView get(@Parameter(description = "Number of the job", example = Examples.JOB)
                @PathVariable @Pattern(regexp = "[0-9]{1,18}", message = "must be a number") String id) {
        return jobs.get(id);
    }

    @DeleteMapping("/jobs/{id}")
    @Operation(operationId = "cancelJob", summary = "End a job soon",
        description = "One that has ended stays as it is. The creation of a pool cannot be interrupted. A replica that was being "
            + "inflated or decoupled keeps what it has, and its snapshot.")
    JobView cancel(@Parameter(description = "Number of the job", example = Examples.JOB)
                   @PathVariable @Pattern(regexp = "[0-9]{1,18}", message = "must be a number") String id) {
        return jobs.cancel(id);
    }

    @PostMapping("/replicas/{uuid}/wipe")
    @ResponseStatus(HttpStatus.ACCEPTED)
    @Operation(operationId = "wipeReplica", summary = "Zero, unmap or checksum a replica",
        description = "Goes on as a job. Refused while the replica is in use or a nexus knows it, also as a child that is out, "
            + "but for a checksum, which then is of whatever each block was when it was read. Where a replica reads from a snapshot, as a "
            + "clone does, ZEROES and UNMAP both allocate, zeroes of its own that hide what the snapshot holds, which stays: they free "
            + "nothing there, and the job fails when the pool has no space left. Destroy the replica to have its space back.")
    ResponseEntity<JobView> wipe(@Parameter(description = "UUID of the replica", example = Examples.OWN_REPLICA)
                 @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = "must be a UUID in lower case") String uuid,
                 @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
                     @ExampleObject(Examples.WIPE_BODY))) @Valid @RequestBody WipeRequest request) {
        return Accepted.of(jobs.wipe(uuid, request.method()));
    }
}
