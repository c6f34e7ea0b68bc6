package io.mizzen.engine.model;

import java.util.List;

/**
 * A mirrored volume.
 *
 * @param state ONLINE, DEGRADED, FAULTED (no healthy child) or SHUTDOWN
 * @param generation of the metadata on the healthy children
 * @param resyncing dirty regions of an unclean stop are being copied
 * @param dirtyRegions regions that are marked dirty now
 * @param share null when not published
 */
public record NexusView(String uuid, String name, String bdev, long sizeBytes, int blockSizeBytes, String state,
                        String label, long generation, boolean resyncing, int dirtyRegions, List<ChildView> children,
                        ShareView share) {

    /**
     * One leg of the mirror.
     *
     * @param state OPEN (healthy), RESYNC (being made equal), FAULTED, or MISSING (not there, not known to be bad)
     * @param faultReason null while healthy
     */
    public record ChildView(String uri, String bdev, String uuid, String state, boolean healthy, boolean local,
                            String faultReason, long readErrors, long writeErrors) { }
}
