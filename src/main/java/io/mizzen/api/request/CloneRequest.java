package io.mizzen.api.request;

import io.mizzen.control.Ids;
import io.mizzen.engine.model.CloneSpec;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Pattern;
import java.util.UUID;

/** A replica to make of a snapshot. */
public record CloneRequest(
    @Schema(description = "Unique in the pool; default: the UUID", example = "volume-b") String name,
    @Schema(description = "UUID of the replica, so that the request may be repeated; default: a random one",
        example = "e0000000-0000-4000-8000-0000000000b2")
    @Pattern(regexp = Ids.UUID_PATTERN, message = "must be a UUID in lower case") String uuid,
    @Schema(description = "The word for a pool that is SUSPECTED: its disks may fail") Boolean allowSuspected) {
    /** What a request without a body means. */
    public static final CloneRequest DEFAULT = new CloneRequest(null, null, null);

    /** As a command. */
    public CloneSpec toSpec(String snapshot) {
        return new CloneSpec(uuid == null ? UUID.randomUUID().toString() : uuid, name, snapshot,
            Boolean.TRUE.equals(allowSuspected));
    }
}
