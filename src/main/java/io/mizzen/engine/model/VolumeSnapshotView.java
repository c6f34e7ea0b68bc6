package io.mizzen.engine.model;

import java.util.List;

/**
 * Snapshots of the children of a nexus that hold the same.
 *
 * @param nexus uuid
 * @param transactionId what they have in common
 * @param createdAt RFC 3339
 * @param pauseNs how long writes to the nexus waited at most; null when that was before one of the pools was imported
 * @param snapshots one of each child that was not skipped
 */
public record VolumeSnapshotView(String nexus, String nexusName, String transactionId, String createdAt, Long pauseNs,
                                 List<SnapshotView> snapshots, List<SkippedView> skipped) {
    /**
     * A child of which none was taken.
     *
     * @param child its URI; null when nobody knows
     */
    public record SkippedView(String child, String memberUuid, String why) { }
}
