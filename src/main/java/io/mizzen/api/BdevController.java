package io.mizzen.api;

import io.mizzen.api.request.BdevRequest;
import io.mizzen.api.request.FaultRequest;
import io.mizzen.control.BdevService;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.BdevView;
import io.mizzen.engine.model.FaultView;
import io.mizzen.engine.model.Outcome;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Pattern;
import java.nio.charset.StandardCharsets;
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
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.util.UriUtils;

/** Block devices and faults on them. Slashes in a name are written {@code %2F}. */
@RestController
@RequestMapping("/v1/bdevs")
@Tag(name = "bdevs", description = "Block devices, their I/O channels, and faults for tests")
public class BdevController {
    private static final String FAULT_ID = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}";
    private static final String FAULT_ID_MESSAGE = "must be 1 to 63 letters, digits, '.', '_', '-'";
    private final BdevService bdevs;

    BdevController(BdevService bdevs) {
        this.bdevs = bdevs;
    }

    @GetMapping
    @Operation(operationId = "listBdevs", summary = "All block devices",
        description = "Those made by request and those that pools and nexuses made.")
    List<BdevView> list() {
        return bdevs.list();
    }

    @PostMapping
    @Operation(operationId = "createBdev", summary = "Create the block device of a URI",
        description = "Schemes: uring:/// (block device or file; a file is created with create=true and size_mb, "
            + "grown with size_mb), pcie:///0000:01:00.0 (a namespace, ns=1, of an NVMe controller taken from the kernel), "
            + "malloc:///, null:/// and fault:/// (tests). The same URI again finds the bdev that is there.")
    ResponseEntity<BdevView> create(@io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
        @ExampleObject(Examples.BDEV_BODY))) @Valid @RequestBody BdevRequest request) {
        Outcome<BdevView> outcome = bdevs.create(new BdevSpec(request.uri()));
        return Created.of(outcome, "/v1/bdevs", outcome.view().name());
    }

    @GetMapping("/{name}")
    @Operation(operationId = "getBdev", summary = "One block device", description = "By name, alias or UUID.")
    BdevView get(@Parameter(description = "Name, alias or UUID", example = Examples.FAULT_BDEV)
                 @PathVariable String name) {
        return bdevs.get(name);
    }

    @DeleteMapping("/{name}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "destroyBdev", summary = "Close a block device",
        description = "Its contents stay. Refused while it is in use.")
    void destroy(@Parameter(description = "Name, alias or UUID", example = Examples.FAULT_BDEV)
                 @PathVariable String name) {
        bdevs.destroy(name);
    }

    @GetMapping("/{name}/channels")
    @Operation(operationId = "listBdevChannels", summary = "The I/O channels of a block device",
        description = "One for each mthread that does I/O on it.")
    List<BdevView.ChannelView> channels(@Parameter(description = "Name, alias or UUID", example = Examples.FAULT_BDEV)
                                        @PathVariable String name) {
        return bdevs.channels(name);
    }

    @PostMapping("/{name}/rescan")
    @Operation(operationId = "rescanBdev", summary = "Look at a device's size again",
        description = "A change is told to everyone who has it open, hosts included.")
    BdevView rescan(@Parameter(description = "Name, alias or UUID", example = Examples.FAULT_BDEV)
                    @PathVariable String name) {
        return bdevs.rescan(name);
    }

    @GetMapping("/{name}/faults")
    @Operation(operationId = "listFaults", summary = "The faults of a fault bdev",
        description = "Each rule with the number of requests that it changed.")
    List<FaultView> faults(@Parameter(description = "Name of a fault bdev", example = Examples.FAULT_BDEV)
                           @PathVariable String name) {
        return bdevs.faults(name);
    }

    @PutMapping("/{name}/faults/{id}")
    @Operation(operationId = "putFault", summary = "Add or replace a fault",
        description = "For tests: errors, delays and corruption by operation, stage, block range and count.")
    ResponseEntity<FaultView> putFault(
        @Parameter(description = "Name of a fault bdev", example = Examples.FAULT_BDEV) @PathVariable String name,
        @Parameter(description = "Name of the rule", example = "slow-reads")
        @PathVariable @Pattern(regexp = FAULT_ID, message = FAULT_ID_MESSAGE) String id,
        @io.swagger.v3.oas.annotations.parameters.RequestBody(content = @Content(examples =
            @ExampleObject(Examples.FAULT_BODY))) @Valid @RequestBody FaultRequest request) {
        return Created.of(bdevs.putFault(name, request.toSpec(id)), "/v1/bdevs/"
            + UriUtils.encode(name, StandardCharsets.UTF_8) + "/faults", id);
    }

    @DeleteMapping("/{name}/faults/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(operationId = "deleteFault", summary = "Remove a fault", description = "The bdev works as its base again.")
    void deleteFault(
        @Parameter(description = "Name of a fault bdev", example = Examples.FAULT_BDEV) @PathVariable String name,
        @Parameter(description = "Name of the rule", example = "slow-reads")
        @PathVariable @Pattern(regexp = FAULT_ID, message = FAULT_ID_MESSAGE) String id) {
        bdevs.deleteFault(name, id);
    }
}
