package io.mizzen.engine.model;

/**
 * A replica to make of a snapshot.
 *
 * @param uuid identity
 * @param name unique in the pool; null: the uuid
 * @param snapshot name or uuid of the snapshot
 * @param allowSuspected the word for a pool whose disks may fail
 */
public record CloneSpec(String uuid, String name, String snapshot, boolean allowSuspected) {
    public CloneSpec(String uuid, String name, String snapshot) {
        this(uuid, name, snapshot, false);
    }
}
