package io.mizzen.engine.model;

/**
 * An lvol of a pool.
 *
 * @param uri bdev URI that a nexus on this engine uses ({@code lvol:///pool/name})
 * @param parent name of the snapshot that it is a clone of; null when it is none
 * @param bdev name of its bdev; null when unusable
 * @param allocatedBytes clusters that it holds itself
 * @param snapshotBytes clusters that the snapshots from which it reads hold, which may be shared with other replicas
 * @param snapshot it never changes
 * @param usable false for volumes with features that this engine lists but does not serve
 * @param unusableReason null when usable
 * @param claimedBy null when free
 * @param work what goes on for long with it; null when nothing does
 * @param share null when not shared
 */
public record ReplicaView(String uuid, String name, String pool, String poolUuid, long sizeBytes, long allocatedBytes,
                          long snapshotBytes, boolean thin, boolean snapshot, String parent, String uri, String bdev, boolean usable,
                          String unusableReason, String claimedBy, Work work, ShareView share) {
    /**
     * Work that goes on for long.
     *
     * @param what inflate or decouple
     */
    public record Work(String what, int percent) { }
}
