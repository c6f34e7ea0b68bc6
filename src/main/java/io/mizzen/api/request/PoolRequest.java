package io.mizzen.api.request;

import io.mizzen.control.ByteSize;
import io.mizzen.engine.model.PoolSpec;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotEmpty;
import java.util.List;

/** A pool to create; the UUID comes from the path, or is chosen. */
public record PoolRequest(
    @Schema(description = "1 to 63 letters, digits, '.', '_', '-'", example = "pool-a") @NotBlank String name,
    @Schema(description = "Bdev URIs or names of existing bdevs; exactly one today", example = "[\"uring:///dev/sdb\"]")
    @NotEmpty List<@NotBlank String> disks,
    @Schema(description = "Cluster size; default 4MiB", types = {"integer", "string"}, example = "4MiB")
    ByteSize clusterSizeBytes,
    @Schema(description = "What may be destroyed on the disks, in words: the signatures that a refusal names, or \"any\"",
        example = "[\"ext4\"]") List<@NotBlank String> overwrite,
    @Schema(description = "The word for a pool on a bdev that is for tests only") Boolean allowTest) {

    /** As a command. */
    public PoolSpec toSpec(String uuid) {
        return new PoolSpec(name, uuid, disks, clusterSizeBytes == null ? 0 : clusterSizeBytes.bytes(),
            overwrite == null ? List.of() : overwrite, Boolean.TRUE.equals(allowTest));
    }
}
