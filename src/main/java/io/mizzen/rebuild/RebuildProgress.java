package io.mizzen.rebuild;

/**
 * How far a job is.
 *
 * @param totalBlocks to be dealt with in all; what is marked meanwhile is added
 * @param copiedBlocks read from the source and dealt with
 * @param skippedBlocks dealt with without reading: the source holds nothing there
 * @param writtenBlocks written to destinations, zeroes included, over all destinations
 * @param differentBlocks blocks found to differ, where the kind compares, over all destinations
 * @param elapsedNs since the start, pauses excluded
 * @param bytesPerSecond over the last seconds, skipped blocks included; 0 in a pause; when it has ended, on average
 * @param limitBytesPerSecond what it may copy now, after back-off; 0: no limit
 * @param remainingNs estimate at that rate or the limit, if that is lower; or -1
 */
public record RebuildProgress(RebuildState state, long totalBlocks, long copiedBlocks, long skippedBlocks,
        long writtenBlocks, long differentBlocks, long elapsedNs, long bytesPerSecond, long limitBytesPerSecond,
        long remainingNs) {
    /** Blocks dealt with. */
    public long doneBlocks() {
        return copiedBlocks + skippedBlocks;
    }
}
