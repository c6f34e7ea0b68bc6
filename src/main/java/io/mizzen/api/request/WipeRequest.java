package io.mizzen.api.request;

import io.mizzen.engine.model.WipeMethod;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;

/** How to wipe a replica. */
public record WipeRequest(
    @Schema(description = "ZEROES writes zeroes, UNMAP gives back the blocks that hide nothing of a snapshot, CHECKSUM only reads: the job's result is the CRC-32C",
        example = "ZEROES") @NotNull WipeMethod method) {
}
