package io.mizzen.rebuild;

import java.util.List;

/**
 * A job that has ended, for the history.
 *
 * @param source name of the source's bdev
 * @param destinations names of the destinations' bdevs
 * @param startedAtMs milliseconds since 1970
 * @param endedAtMs milliseconds since 1970
 * @param progress the last one; its state is COMPLETED, STOPPED or FAILED
 * @param failure what failed, in words, or null
 * @param differences the first ones found by a VERIFY
 */
public record RebuildRecord(RebuildKind kind, String source, List<String> destinations, int blockSizeBytes,
        long startedAtMs, long endedAtMs, RebuildProgress progress, String failure,
        List<RebuildDifference> differences) {
    public RebuildRecord {
        destinations = List.copyOf(destinations);
        differences = List.copyOf(differences);
    }
}
