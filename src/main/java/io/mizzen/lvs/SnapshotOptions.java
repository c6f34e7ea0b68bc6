package io.mizzen.lvs;

import java.time.Instant;
import java.util.UUID;

/**
 * What a new snapshot is to be, with what Mayastor keeps of one in its attributes.
 *
 * @param name unique in the pool, up to 63 bytes
 * @param uuid null: a random one
 * @param entityId whatever the snapshot belongs to, in the caller's words; null: that of the volume, or its UUID
 * @param transactionId what the snapshots of several replicas, taken together, have in common; null: its own UUID
 * @param createdAt when it was asked for
 */
public record SnapshotOptions(String name, UUID uuid, String entityId, String transactionId, Instant createdAt) {
    /** Longest entity and transaction id, bytes of UTF-8. */
    public static final int ID_BYTES_MAX = 255;
}
