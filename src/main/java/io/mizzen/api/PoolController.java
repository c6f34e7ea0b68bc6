package io.mizzen.api;

import io.mizzen.api.request.CommitLimitRequest;
import io.mizzen.api.request.ImportRequest;
import io.mizzen.api.request.PoolDiskRequest;
import io.mizzen.api.request.PoolRequest;
import io.mizzen.control.Ids;
import io.mizzen.control.PoolService;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Pattern;
import java.util.Comparator;
import java.util.List;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Pools: lvstores on disks. */
@RestController
@RequestMapping("/v1/pools")
@Tag(name = "pools", description = "Pools on disks, in the format of SPDK's lvstore")
public class PoolController {
    private final PoolService pools;

    PoolController(PoolService pools) {
        this.pools = pools;
    }

    @GetMapping
    @Operation(operationId = "listPools", summary = "All open pools", description = "By name. Exported pools are not among them.")
    List<PoolView> list() {
        return pools.list().stream().sorted(Comparator.comparing(PoolView::name)).toList();
    }

    @PostMapping
    @Operation(operationId = "createPool", summary = "Create a pool, with a UUID of the engine's choice",
        description = "A disk with a partition table, a file system or a foreign signature is refused unless 'overwrite' "
            + "names what may be destroyed. Several disks are joined end to end, in SPDK's RAID format (concat); without one "
            + "of them the pool cannot be opened. A large one takes long: 202 then, its job at Location. The same name and disks again find the pool that is there.")
    @ApiResponse(responseCode = "200", content = @Content(schema = @Schema(implementation = PoolView.class)))
    ResponseEntity<?> create(@io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
        @ExampleObject(Examples.POOL_POST_BODY))) @Valid @RequestBody PoolRequest request) {
        return answer(request.toSpec(null));
    }

    @PutMapping("/{uuid}")
    @Operation(operationId = "putPool", summary = "Create the pool with this UUID",
        description = "Idempotent: 201 when it was created, 200 when it is there with the same specification, 409 when "
            + "with another.")
    @ApiResponse(responseCode = "200", content = @Content(schema = @Schema(implementation = PoolView.class)))
    ResponseEntity<?> put(
        @Parameter(description = "UUID of the pool", example = Examples.OWN_POOL_UUID)
        @PathVariable @Pattern(regexp = Ids.UUID_PATTERN, message = "must be a UUID in lower case") String uuid,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.POOL_BODY))) @Valid @RequestBody PoolRequest request) {
        return answer(request.toSpec(uuid));
    }

    /** The pool, or the job of one that takes long. */
    private ResponseEntity<?> answer(PoolSpec spec) {
        PoolService.Creation creation = pools.begin(spec);
        return creation.job() == null ? Created.of(creation.outcome(), "/v1/pools", creation.outcome().view().uuid())
            : Accepted.of(creation.job());
    }

    @GetMapping("/{id}")
    @Operation(operationId = "getPool", summary = "One pool", description = "By name or UUID.")
    PoolView get(@Parameter(description = "Name or UUID", example = Examples.POOL) @PathVariable String id) {
        return pools.get(id);
    }

    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "destroyPool", summary = "Destroy a pool and everything in it",
        description = "Its replicas are gone. Refused while one of them is in use, also by a nexus that is shut down or could not "
            + "be brought back yet, while the pool is FAULTED, and, with 409 and the code pool-not-empty, while it has replicas or "
            + "snapshots, unless 'withReplicas' says that they may go. To keep the data, export it. A pool that is not open, exported or "
            + "not brought back, is only forgotten: nothing is written to its disks.")
    void destroy(@Parameter(description = "Name or UUID", example = Examples.OWN_POOL) @PathVariable String id,
        @Parameter(description = "Its replicas and snapshots may be destroyed: true or false; default: false", example = "true")
        @RequestParam(required = false) Boolean withReplicas) {
        pools.destroy(id, Boolean.TRUE.equals(withReplicas));
    }

    @PutMapping("/{id}/commit-limit")
    @Operation(operationId = "setPoolCommitLimit", summary = "Limit how far thin replicas may exceed the pool",
        description = "In percent of its capacity, for `committedBytes`: the sizes of all replicas, and what its snapshots hold "
            + "themselves. What is there already stays; what would exceed the limit, a new or larger replica, a clone or a snapshot, is "
            + "refused with 507 and the code pool-commit-limit. Without a limit "
            + "thin replicas together may promise any size, each of them at most the pool's capacity; a write for which no space "
            + "is left fails with 'capacity exceeded', and no other. The limit is stored in the pool.")
    PoolView commitLimit(@Parameter(description = "Name or UUID", example = Examples.OWN_POOL) @PathVariable String id,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.COMMIT_LIMIT_BODY))) @Valid @RequestBody CommitLimitRequest request) {
        return pools.setCommitLimit(id, request.commitLimitPercent());
    }

    @PostMapping("/{id}/export")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "exportPool", summary = "Close a pool clean and leave it on its disks",
        description = "The next start does not import it. Refused while one of its replicas is in use. One that could not be "
            + "brought back is not looked for any more. 422 with the code pool-writes-lost: it is closed, but a flush of its disk failed "
            + "before, and what was written to the replicas that are named, and not flushed since, may be lost.")
    void export(@Parameter(description = "Name or UUID", example = Examples.EXPORTED_POOL) @PathVariable String id) {
        pools.export(id);
    }

    @PostMapping("/{id}/disks")
    @Operation(operationId = "addPoolDisk", summary = "Add a disk to a pool",
        description = "Online: its capacity is there at once, nothing is moved. For pools of several disks, and for those made "
            + "with 'expandable'; a pool that is a bare lvstore on one disk has no room for the superblock of several. The disk "
            + "is refused while it carries signatures that 'overwrite' does not name. A pool is opened only with all its disks.")
    PoolView addDisk(@Parameter(description = "Name or UUID", example = Examples.OWN_POOL) @PathVariable String id,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.POOL_DISK_BODY))) @Valid @RequestBody PoolDiskRequest request) {
        return pools.addDisk(id, request.toSpec());
    }

    @PostMapping("/{id}/grow")
    @Operation(operationId = "growPool", summary = "Use what the pool's disk has gained",
        description = "Online. Of several disks the last one's gain; that of another is told in 'unusableBytes' of that disk and in "
            + "'notes' of the pool's health: the next disk's data follows directly, so it would have to be moved. So large as its "
            + "metadata was made for it can become ('growableToBytes'), not larger. A disk that has gained nothing changes nothing.")
    PoolView grow(@Parameter(description = "Name or UUID", example = Examples.OWN_POOL) @PathVariable String id) {
        return pools.grow(id);
    }

    @PostMapping("/{id}/health/clear")
    @Operation(operationId = "clearPoolHealth", summary = "Errors and stalls of the pool's disks so far count no more",
        description = "For when somebody has looked after them: the pool is ONLINE again, unless more follow. What the drive "
            + "itself warns of (SMART) stays. The totals stay, too.")
    PoolView clearHealth(@Parameter(description = "Name or UUID", example = Examples.POOL) @PathVariable String id) {
        return pools.clearHealth(id);
    }

    @PostMapping("/{id}/import")
    @Operation(operationId = "importPool", summary = "Open a pool that is on disks",
        description = "One that was exported here, or could not be restored, needs no disks. Pools made by SPDK or "
            + "Mayastor are imported as they are. One that was closed clean but whose masks of used space disagree with "
            + "its metadata is refused: \"rebuildMasks\": true takes the metadata's word, as after a crash. No volume that "
            + "the metadata knows is lost by that; damaged metadata is refused still, with 422 and what is damaged where. \"readOnly\": true writes nothing to the "
            + "disks, and shows what can still be read of a damaged pool: volumes that check are served for reading, also to "
            + "hosts (`PUT /v1/replicas/{uuid}/share`), the others are listed with what is wrong with them; of several disks all but the "
            + "first may be missing then. After a crash all metadata is read, which takes long of a large pool: 202 then, its job at "
            + "Location; it can be cancelled, and nothing is written before it has read everything.")
    @ApiResponse(responseCode = "200", content = @Content(schema = @Schema(implementation = PoolView.class)))
    ResponseEntity<?> importPool(
        @Parameter(description = "Name or UUID", example = Examples.POOL) @PathVariable String id,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.IMPORT_BODY))) @Valid @RequestBody(required = false) ImportRequest body) {
        ImportRequest request = body == null ? ImportRequest.DEFAULT : body;
        PoolService.Creation outcome = pools.importPool(id, request.disks(), Boolean.TRUE.equals(request.allowTest()), new PoolImport(
            Boolean.TRUE.equals(request.rebuildMasks()), Boolean.TRUE.equals(request.readOnly())));
        return outcome.job() == null ? ResponseEntity.ok(outcome.outcome().view()) : Accepted.of(outcome.job());
    }
}
