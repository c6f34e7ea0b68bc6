package io.mizzen.api.request;

import io.mizzen.control.ByteSize;
import io.mizzen.engine.model.ReplicaSpec;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;

/** A replica to create; the UUID comes from the path, or is chosen. */
public record ReplicaRequest(
    @Schema(description = "Unique in the pool; default: the UUID", example = "volume-a") String name,
    @Schema(description = "Name or UUID of the pool", example = "pool-a") @NotBlank String pool,
    @Schema(description = "Bytes, or text such as \"10GiB\", at most the pool's capacity; rounded up to whole clusters",
        types = {"integer", "string"}, example = "10GiB") @NotNull ByteSize sizeBytes,
    @Schema(description = "Clusters are allocated on first write; default false") Boolean thin,
    @Schema(description = "The word for a pool that is SUSPECTED: its disks may fail") Boolean allowSuspected) {

    /** As a command. */
    public ReplicaSpec toSpec(String uuid) {
        return new ReplicaSpec(uuid, name, pool, sizeBytes.bytes(), Boolean.TRUE.equals(thin), Boolean.TRUE.equals(allowSuspected));
    }
}
