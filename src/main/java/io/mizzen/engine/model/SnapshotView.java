package io.mizzen.engine.model;

import java.util.List;

/**
 * A snapshot of a replica.
 *
 * @param sizeBytes of the replica when it was taken
 * @param allocatedBytes clusters that it holds itself: what its removal would free at most
 * @param replica uuid of the replica that it was taken of; null when that is not known
 * @param parent name of the snapshot before it, from which it reads what it does not hold; null when there is none
 * @param readers names of what reads from it: the replica itself, clones, the snapshot after it
 * @param entityId whatever it belongs to; null when that is not known
 * @param transactionId what the snapshots of several replicas, taken together, have in common; null when not known
 * @param oneMoment whether it was taken with those of a nexus's other children, and holds what they do; false: that request was cut
 *        short, so that others may be missing, or of another moment; null when it was taken by itself, or nobody knows
 * @param createdAt RFC 3339; null when not known
 * @param discarded it was deleted while several read from it, and goes when one is left
 * @param pauseNs how long writes were held back to take it; null when that was before the pool was imported
 * @param unusableReason null when usable
 */
public record SnapshotView(String uuid, String name, String pool, String poolUuid, long sizeBytes, long allocatedBytes,
                           String replica, String parent, List<String> readers, String entityId, String transactionId,
                           Boolean oneMoment, String createdAt, boolean discarded, Long pauseNs, boolean usable, String unusableReason) { }
