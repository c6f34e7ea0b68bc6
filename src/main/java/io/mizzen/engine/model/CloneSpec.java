package io.mizzen.engine.model;

/**
 * A replica to make of a snapshot.
 *
 * @param uuid identity
 * @param name unique in the pool; null: the uuid
 * @param snapshot name or uuid of the snapshot
 */
public record CloneSpec(String uuid, String name, String snapshot) { }
