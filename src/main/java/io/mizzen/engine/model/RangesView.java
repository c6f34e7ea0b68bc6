package io.mizzen.engine.model;

import java.util.List;

/**
 * What a replica or snapshot holds, or in what it may differ from a snapshot.
 *
 * @param since the snapshot that it is compared with; null: what is allocated
 * @param clusterSizeBytes ranges are of whole clusters
 * @param ranges there may be none before the end
 * @param nextOffsetBytes where to go on asking; null: that was all
 */
public record RangesView(String uuid, String since, long sizeBytes, long clusterSizeBytes, List<Range> ranges,
                         Long nextOffsetBytes) {
    /**
     * Neighbouring clusters.
     *
     * @param zero they read as zeroes now: there is nothing to copy
     */
    public record Range(long offsetBytes, long sizeBytes, boolean zero) { }
}
