package io.mizzen.engine.model;

/**
 * A replica to create.
 *
 * @param uuid identity; names the bdev, the NQN and the namespace
 * @param name unique in the pool; null: the uuid
 * @param pool name or uuid of the pool
 * @param sizeBytes rounded up to whole clusters
 * @param thin clusters are allocated on first write
 * @param allowSuspected the word for a pool whose disks may fail
 */
public record ReplicaSpec(String uuid, String name, String pool, long sizeBytes, boolean thin, boolean allowSuspected) {
    public ReplicaSpec(String uuid, String name, String pool, long sizeBytes, boolean thin) {
        this(uuid, name, pool, sizeBytes, thin, false);
    }
}
