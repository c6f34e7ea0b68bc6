package io.mizzen.rebuild;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.Descriptor;

/**
 * One leg of the volume.
 *
 * @param descriptor open for writing, at least where the leg is a destination
 * @param dataOffsetBlocks where block 0 of the volume lies on it
 */
public record RebuildLeg(Descriptor descriptor, long dataOffsetBlocks) {
    /** The bdev's name. */
    public String name() {
        return bdev().name();
    }

    Bdev bdev() {
        return descriptor.bdev();
    }

    /** The first block from there on that may hold data, or {@code endBlock}; blocks of the volume. */
    long nextData(long fromBlock, long endBlock) {
        return bdev().nextAllocated(fromBlock + dataOffsetBlocks, endBlock + dataOffsetBlocks) - dataOffsetBlocks;
    }

    /** The first block from there on that holds nothing and reads as zeroes, or {@code endBlock}; blocks of the volume. */
    long nextHole(long fromBlock, long endBlock) {
        return bdev().nextUnallocated(fromBlock + dataOffsetBlocks, endBlock + dataOffsetBlocks) - dataOffsetBlocks;
    }
}
