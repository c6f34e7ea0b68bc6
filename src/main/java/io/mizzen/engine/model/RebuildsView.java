package io.mizzen.engine.model;

import java.time.Instant;
import java.util.List;

/**
 * The rebuilds of a nexus.
 *
 * @param running those under way, paused or stopped
 * @param history those that have ended since the nexus was opened, oldest first; the newest 32 are kept
 */
public record RebuildsView(List<RebuildView> running, List<RecordView> history) {

    /**
     * A job that has ended.
     *
     * @param kind FULL, PARTIAL, RESYNC (after an unclean stop) or VERIFY
     * @param state COMPLETED, STOPPED or FAILED
     * @param children URIs of those that it copied to
     * @param failure what failed; null
     * @param differences the first ones that a VERIFY found
     */
    public record RecordView(String kind, String state, String source, List<String> children, Instant startedAt,
                             Instant endedAt, long totalBytes, long copiedBytes, long skippedBytes, long writtenBytes,
                             long differentBytes, String failure, List<DifferenceView> differences) { }

    /** Bytes in which a child differs from the source. */
    public record DifferenceView(String child, long offsetBytes, long lengthBytes) { }
}
