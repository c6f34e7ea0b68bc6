package io.mizzen.engine.model;

import java.util.List;
import java.util.Map;

/**
 * A snapshot to take of a nexus: of all its children, at one moment.
 *
 * @param nexus name or uuid
 * @param name of each child's snapshot, unique in its pool; where several children are in one pool, {@code -} and the name of the
 *        replica follow; null: its uuid
 * @param uuids by the uuid of the replica, that of its snapshot; empty: random ones
 * @param skip children that get none, by URI, bdev, UUID of the member or of the replica, or {@link #UNHEALTHY}
 * @param entityId whatever the snapshots belong to; null: that of each replica
 * @param transactionId what they have in common; null: a random one
 * @param atMostMs how long writes may wait
 */
public record VolumeSnapshotSpec(String nexus, String name, Map<String, String> uuids, List<String> skip, String entityId,
                                 String transactionId, long atMostMs) {
    /** Stands for all children that do not hold what the volume does now. */
    public static final String UNHEALTHY = "unhealthy";
}
