package io.mizzen.api.request;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;

/** Where to roll a nexus back to. */
public record NexusRollbackRequest(
    @Schema(description = "A snapshot of the nexus: UUID or name of that of any child, or the transactionId that those of all children have in common",
        example = "example-nexus-snapshot") @NotNull @Size(min = 1, max = 255) String snapshot) {
}
