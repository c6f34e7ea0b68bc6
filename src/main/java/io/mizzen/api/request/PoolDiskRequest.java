package io.mizzen.api.request;

import io.mizzen.engine.model.PoolDiskSpec;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotBlank;
import java.util.List;

/** A disk to add to a pool. */
public record PoolDiskRequest(
    @Schema(description = "Bdev URI or name of an existing bdev", example = "uring:///dev/sdc") @NotBlank String disk,
    @Schema(description = "What may be destroyed on it, in words: the signatures that a refusal names, or \"any\"",
        example = "[\"ext4\"]") List<@NotBlank String> overwrite,
    @Schema(description = "The word for a bdev that is for tests only") Boolean allowTest) {

    /** As a command. */
    public PoolDiskSpec toSpec() {
        return new PoolDiskSpec(disk, overwrite == null ? List.of() : overwrite, Boolean.TRUE.equals(allowTest));
    }
}
