package io.mizzen.api.request;

import io.mizzen.control.Ids;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;

/** Where to roll back to. */
public record RollbackRequest(
    @Schema(description = "UUID of a snapshot of the replica", example = "e0000000-0000-4000-8000-0000000000b1")
    @NotNull @Pattern(regexp = Ids.UUID_PATTERN, message = "must be a UUID in lower case") String snapshot) {
}
