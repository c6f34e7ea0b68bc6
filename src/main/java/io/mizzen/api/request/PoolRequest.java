package io.mizzen.api.request;

import io.mizzen.control.ByteSize;
import io.mizzen.engine.model.PoolSpec;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotEmpty;
import java.util.List;

/** A pool to create; the UUID comes from the path, or is chosen. */
public record PoolRequest(
    @Schema(description = "1 to 63 letters, digits, '.', '_', '-'", example = "pool-a") @NotBlank String name,
    @Schema(description = "Bdev URIs or names of existing bdevs; several are joined end to end", example = "[\"uring:///dev/sdb\"]")
    @NotEmpty List<@NotBlank String> disks,
    @Schema(description = "Cluster size; default 4MiB", types = {"integer", "string"}, example = "4MiB")
    ByteSize clusterSizeBytes,
    @Schema(description = "What may be destroyed on the disks, in words: the signatures that a refusal names, or \"any\"",
        example = "[\"ext4\"]") List<@NotBlank String> overwrite,
    @Schema(description = "The word for a pool on a bdev that is for tests only") Boolean allowTest,
    @Schema(description = "A pool of one disk to which others can be added later; without it, it is a bare lvstore")
    Boolean expandable,
    @Schema(description = "So large the pool can become: its metadata is made for that. Default: what the metadata pages come to",
        types = {"integer", "string"}, example = "10TiB") ByteSize growableToBytes,
    @Schema(description = "Metadata pages of 4 KiB for each hundred clusters; default 100. More volumes need more",
        minimum = "1", maximum = "10000", example = "100") @Min(1) @Max(10_000) Integer metadataPagesPerHundredClusters) {

    /** As a command. */
    public PoolSpec toSpec(String uuid) {
        return new PoolSpec(name, uuid, disks, clusterSizeBytes == null ? 0 : clusterSizeBytes.bytes(),
            overwrite == null ? List.of() : overwrite, Boolean.TRUE.equals(allowTest), new PoolSpec.Room(
            Boolean.TRUE.equals(expandable), growableToBytes == null ? 0 : growableToBytes.bytes(),
            metadataPagesPerHundredClusters == null ? 0 : metadataPagesPerHundredClusters));
    }
}
