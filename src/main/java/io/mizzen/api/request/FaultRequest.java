package io.mizzen.api.request;

import io.mizzen.engine.model.FaultSpec;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;

/** A rule of a fault bdev; what is left out hits everything. */
public record FaultRequest(
    @Schema(description = "Which operations it hits; default ANY") FaultSpec.Operation operation,
    @Schema(description = "When: before the base sees the request (default), or after it completed")
    FaultSpec.Stage stage,
    @Schema(description = "What happens") @NotNull FaultSpec.Action action,
    @Schema(description = "First block of the range; default 0", example = "0") @Min(0) Long startBlock,
    @Schema(description = "Length of the range; 0 (default): to the end", example = "0") @Min(0) Long blockCount,
    @Schema(description = "Matching requests that are hit; 0 (default): no limit", example = "1") @Min(0) Long count,
    @Schema(description = "For DELAY: nanoseconds", example = "0") @Min(0) Long delayNs,
    @Schema(description = "For ERROR: NVMe status field; 0 (default): internal error", example = "0")
    @Min(0) @Max(0x7fff) Integer status) {

    /** As a command. */
    public FaultSpec toSpec(String id) {
        return new FaultSpec(id, operation == null ? FaultSpec.Operation.ANY : operation,
            stage == null ? FaultSpec.Stage.SUBMISSION : stage, action, orZero(startBlock), orZero(blockCount),
            orZero(count), orZero(delayNs), status == null ? 0 : status);
    }

    private static long orZero(Long value) {
        return value == null ? 0 : value;
    }
}
