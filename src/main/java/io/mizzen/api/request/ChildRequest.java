package io.mizzen.api.request;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotBlank;

/** Names a child of a nexus. */
public record ChildRequest(
    @Schema(description = "The child's URI, as the nexus shows it", example = "lvol:///pool-a/volume-a")
    @NotBlank String uri) {
}
