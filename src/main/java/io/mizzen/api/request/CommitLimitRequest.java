package io.mizzen.api.request;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;

/** How far a pool's replicas may exceed its capacity. */
public record CommitLimitRequest(
    @Schema(description = "Percent of the capacity that the pool's `committedBytes` may come to, the sizes of its replicas and what "
        + "its snapshots hold themselves: 100 (none may exceed it) to 1000000; 0: no limit", example = "250") @NotNull Integer commitLimitPercent) {
}
