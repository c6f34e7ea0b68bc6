package io.mizzen.nexus;

/**
 * Which children the channels use: an immutable picture, published by the home mthread, adopted by each channel before
 * its next I/O. Masks have bit n for member n.
 */
final class NexusConfig {
    final NexusChild[] children;
    /** Children to read from: healthy and present. */
    final int readers;
    /** Children to write to: readers, and those that are being rebuilt. */
    final int writers;
    /** Readers on this machine. */
    final int localReaders;
    /** Children that do unmap, with zeroes afterwards. */
    final int unmappers;
    /** The child that suspect regions are read from, or -1. */
    final int source;
    /** The metadata cannot be stored: no write may be acknowledged. */
    final boolean writesBlocked;

    NexusConfig(NexusChild[] children, int source, boolean writesBlocked) {
        this.children = children;
        int readerMask = 0;
        int writerMask = 0;
        int localMask = 0;
        int unmapMask = 0;
        for (NexusChild child : children) {
            int bit = 1 << child.index();
            if (!child.isAttached()) {
                continue;
            }
            if (child.state() == MemberState.HEALTHY) {
                readerMask |= bit;
                writerMask |= bit;
                localMask |= child.isLocal() ? bit : 0;
            } else if (child.state() == MemberState.SYNCING) {
                writerMask |= bit;
            }
            unmapMask |= child.unmapsToZeroes() ? bit : 0;
        }
        this.readers = readerMask;
        this.writers = writerMask;
        this.localReaders = localMask;
        this.unmappers = unmapMask;
        this.source = source;
        this.writesBlocked = writesBlocked;
    }
}
