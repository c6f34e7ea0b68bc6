package io.mizzen.api.request;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotBlank;
import java.util.List;

/** How far to go to bring a nexus back. */
public record AssemblyRequest(
    @Schema(description = "The word that gives up writes which only an absent member holds; default: false")
    Boolean allowMissing,
    @Schema(description = "Bdev URIs or names to use instead of those of the desired state",
        example = "[\"lvol:///pool-a/volume-a\"]") List<@NotBlank String> children) {
    /** What a request without a body means. */
    public static final AssemblyRequest DEFAULT = new AssemblyRequest(null, null);

    public AssemblyRequest {
        children = children == null ? List.of() : children;
    }
}
