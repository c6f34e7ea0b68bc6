package io.mizzen.engine.model;

/**
 * An lvol of a pool.
 *
 * @param uri bdev URI that a nexus on this engine uses ({@code lvol:///pool/name})
 * @param parent name of the snapshot that it is a clone of; null when it is none
 * @param bdev name of its bdev; null when unusable
 * @param allocatedBytes clusters that it holds
 * @param usable false for volumes with features that this engine lists but does not serve
 * @param unusableReason null when usable
 * @param claimedBy null when free
 * @param share null when not shared
 */
public record ReplicaView(String uuid, String name, String pool, String poolUuid, long sizeBytes, long allocatedBytes,
                          boolean thin, boolean snapshot, String parent, String uri, String bdev, boolean usable,
                          String unusableReason, String claimedBy, ShareView share) { }
