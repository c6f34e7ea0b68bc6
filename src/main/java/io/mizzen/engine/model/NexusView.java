package io.mizzen.engine.model;

import java.time.Instant;
import java.util.List;

/**
 * A mirrored volume.
 *
 * @param state ONLINE, DEGRADED (serves, but not every child is healthy and equal), FAULTED (no healthy child: hosts wait or
 *        get errors) or SHUTDOWN (closed, hosts wait; it can be assembled again; after a restart the engine knows no more of
 *        it than the desired state: no bdev, block size, members and share, no settings unless they were changed, and the size that it had when it was closed)
 * @param generation of the metadata on the healthy children
 * @param resyncing dirty regions of an unclean stop are being made equal; their progress is in {@code resync}
 * @param dirtyRegions regions that are marked dirty now
 * @param metadataBlocked no healthy child takes the nexus's metadata: no write is acknowledged meanwhile
 * @param frozenIos I/O of hosts that waits for a healthy child
 * @param repairedBlocks blocks rewritten because a child could not read them
 * @param repairFailures blocks that could not be repaired
 * @param resync null when nothing is being made equal
 * @param settings how it behaves; changed by PATCH
 * @param limits null when there are none
 * @param share null when not published
 */
public record NexusView(String uuid, String name, String bdev, long sizeBytes, int blockSizeBytes, String state,
                        String label, long generation, boolean resyncing, int dirtyRegions,
                        boolean metadataBlocked, int frozenIos,
                        long repairedBlocks, long repairFailures, ResyncView resync, List<ChildView> children,
                        NexusSettings settings, LimitsSpec limits, ShareView share) {

    /**
     * One leg of the mirror.
     *
     * @param uri null when nobody has said which bdev it is on
     * @param bdev name of its bdev; null while it has none
     * @param memberUuid names it in the nexus's metadata
     * @param replicaUuid the replica that it is; null for another bdev, or while it is not there
     * @param state OPEN (healthy), RESYNC (healthy, being made equal), REBUILDING (gets all writes, and what it lacks is copied to
     *        it), OFFLINE (by request), FAULTED, MISSING (not there, not known to be bad) or CLOSED (the nexus is shut down)
     * @param faultReason why it is FAULTED or OFFLINE; null in any other state
     * @param changedAt when its health last changed
     * @param readErrors reads that failed on it
     * @param repairedReads reads that another child answered instead
     * @param rebuild what is being copied to it or compared; null: nothing
     */
    public record ChildView(String uri, String bdev, String memberUuid, String replicaUuid, String state, boolean healthy,
                            boolean local, String faultReason, Instant changedAt, long reads, long writes, long readErrors,
                            long writeErrors, long repairedReads, RebuildView rebuild) { }

    /** How far the children are made equal after an unclean stop. */
    public record ResyncView(long totalBytes, long doneBytes, int percent) { }
}
