package io.mizzen.api.request;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotBlank;
import java.util.List;

/** Names a child of a nexus. */
public record ChildRequest(
    @Schema(description = "The child's URI, as the nexus shows it", example = "lvol:///pool-a/volume-a")
    @NotBlank String uri,
    @Schema(description = "What may be destroyed where it is a disk, in words: the signatures that a refusal names, or \"any\"",
        example = "[\"ext4\"]") List<@NotBlank String> overwrite) {
    public ChildRequest {
        overwrite = overwrite == null ? List.of() : overwrite;
    }
}
