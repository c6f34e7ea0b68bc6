package io.mizzen.api.request;

import io.mizzen.control.ByteSize;
import io.mizzen.engine.model.NexusSpec;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.Pattern;
import java.util.List;

/** A nexus to create or to assemble again; the UUID comes from the path, or is chosen. */
public record NexusRequest(
    @Schema(description = "Default: \"nexus-\" and the UUID", example = "volume") String name,
    @Schema(description = "Bdev URIs or names, one or more", example = "[\"lvol:///pool-a/volume-a\"]")
    @NotEmpty List<@NotBlank String> children,
    @Schema(description = "What hosts see; default: what the smallest child allows", types = {"integer", "string"},
        example = "9GiB") ByteSize sizeBytes,
    @Schema(description = "Layout on the children: v2 (default) or v1", example = "v2")
    @Pattern(regexp = "v[12]", message = "must be v1 or v2") String label,
    @Schema(description = "What may be destroyed on children that are disks, in words: the signatures that a refusal names, or \"any\"; and "
        + "\"nexus\": another nexus's metadata on any child, while what its hosts wrote stays (for a volume over clones)",
        example = "[\"ext4\"]") List<@NotBlank String> overwrite) {

    /** As a command. */
    public NexusSpec toSpec(String uuid) {
        return new NexusSpec(uuid, name, children, sizeBytes == null ? 0 : sizeBytes.bytes(), label, overwrite);
    }
}
