package io.mizzen.rebuild;

/**
 * Blocks in which a destination differs from the source.
 *
 * @param destination index among the destinations
 * @param offsetBlocks block of the volume
 */
public record RebuildDifference(int destination, long offsetBlocks, long blockCount) {
}
