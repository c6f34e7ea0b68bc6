package io.mizzen.api.request;

import io.mizzen.control.Ids;
import io.mizzen.engine.model.VolumeSnapshotSpec;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.util.List;
import java.util.Map;

/** A snapshot to take of a nexus. */
public record NexusSnapshotRequest(
    @Schema(description = "Name of each child's snapshot, unique in its pool; of children that share a pool, '-' and the name of the "
        + "replica follow it; default: the snapshot's UUID", example = "monday") String name,
    @Schema(description = "For each replica that gets one, by its UUID, the UUID of its snapshot; default: random ones")
    @Size(max = 16) Map<@Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String,
        @NotNull @Pattern(regexp = Ids.UUID_PATTERN, message = UUID_MESSAGE) String> uuids,
    @Schema(description = "Children that get none, by URI, bdev, UUID of the member or of the replica; \"unhealthy\" stands for all that "
        + "are out, being rebuilt or being made equal to another", example = "[\"unhealthy\"]")
    @Size(max = 16) List<@NotNull String> skip,
    @Schema(description = "Whatever the snapshots belong to; default: that of each replica, or its UUID") String entityId,
    @Schema(description = "What they have in common; default: a random UUID") String transactionId,
    @Schema(description = "Seconds that writes may wait, 1 to 20; default 5", example = "5") @Min(1) @Max(20) Integer atMostSeconds) {
    /** What a request without a body means. */
    public static final NexusSnapshotRequest DEFAULT = new NexusSnapshotRequest(null, null, null, null, null, null);
    private static final String UUID_MESSAGE = "must be a UUID in lower case";
    /** Far below the 30 s after which a Linux host gives a command up and tries it again. */
    private static final int DEFAULT_SECONDS = 5;

    /** What the engine is asked for. */
    public VolumeSnapshotSpec toSpec(String nexus) {
        return new VolumeSnapshotSpec(nexus, name, uuids == null ? Map.of() : uuids, skip == null ? List.of() : skip, entityId,
            transactionId, (atMostSeconds == null ? DEFAULT_SECONDS : atMostSeconds) * 1000L);
    }
}
