package io.mizzen.engine.model;

/**
 * A snapshot to take.
 *
 * @param uuid identity
 * @param name unique in the pool; null: the uuid
 * @param replica name or uuid of the replica
 * @param entityId whatever the snapshot belongs to; null: the replica's
 * @param transactionId what the snapshots of several replicas, taken together, have in common; null: its own uuid
 */
public record SnapshotSpec(String uuid, String name, String replica, String entityId, String transactionId) { }
