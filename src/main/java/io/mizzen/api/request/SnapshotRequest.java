package io.mizzen.api.request;

import io.mizzen.control.Ids;
import io.mizzen.engine.model.SnapshotSpec;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Pattern;
import java.util.UUID;

/** A snapshot to take. */
public record SnapshotRequest(
    @Schema(description = "Unique in the pool; default: the UUID", example = "before-upgrade") String name,
    @Schema(description = "UUID of the snapshot, so that the request may be repeated; default: a random one",
        example = "e0000000-0000-4000-8000-0000000000b1")
    @Pattern(regexp = Ids.UUID_PATTERN, message = "must be a UUID in lower case") String uuid,
    @Schema(description = "Whatever the snapshot belongs to; default: that of the replica, or its UUID") String entityId,
    @Schema(description = "What the snapshots of several replicas, taken together, have in common; default: the UUID")
    String transactionId) {
    /** What a request without a body means. */
    public static final SnapshotRequest DEFAULT = new SnapshotRequest(null, null, null, null);

    /** As a command. */
    public SnapshotSpec toSpec(String replica) {
        return new SnapshotSpec(uuid == null ? UUID.randomUUID().toString() : uuid, name, replica, entityId, transactionId);
    }
}
