package io.mizzen.nexus;

/**
 * Which children the channels use: an immutable picture, published by the home mthread, adopted by each channel before
 * its next I/O. Masks have bit n for the child in place n.
 */
final class NexusConfig {
    /** By place: children that I/O goes to; null elsewhere. */
    final NexusChild[] children = new NexusChild[NexusChildren.PLACE_COUNT];
    /** By place: where writes are noted that a child misses; null elsewhere. */
    final MissedLog[] logs = new MissedLog[NexusChildren.PLACE_COUNT];
    /** Places with a log. */
    final int logged;
    /** Children to read from: healthy and present. */
    final int readers;
    /** Children to write to: readers, and those that are being rebuilt. */
    final int writers;
    /** Readers on this machine. */
    final int localReaders;
    /** Children that do unmap, with zeroes afterwards. */
    final int unmappers;
    /** Children whose volatile cache hosts do not know of: what is written there is written through. */
    final int writeThrough;
    /** Whether there is one on which a write with FUA ends with a flush. */
    final boolean fuaFlushes;
    /** The child that suspect regions are read from, or -1. */
    final int source;
    /** Whether legs may differ after a write that failed: there is more than one member. */
    final boolean mirrors;
    /** The metadata cannot be stored: no write may be acknowledged. */
    final boolean writesBlocked;
    /** Nobody can be read, and hosts have waited for long enough: I/O fails. */
    final boolean lost;
    /** The dirty regions; another map when the nexus has grown. */
    final DirtyMap dirty;

    /**
     * @param cacheKnown whether hosts were told of a volatile cache
     */
    NexusConfig(NexusChild[] members, int source, boolean cacheKnown, boolean writesBlocked, boolean lost,
            DirtyMap dirty) {
        int readerMask = 0;
        int writerMask = 0;
        int localMask = 0;
        int unmapMask = 0;
        int throughMask = 0;
        int logMask = 0;
        boolean flushes = false;
        for (NexusChild child : members) {
            int bit = 1 << child.index();
            if (!child.isAttached()) {
                logs[child.index()] = child.missed();
                logMask |= child.missed() != null ? bit : 0;
                continue;
            }
            children[child.index()] = child;
            assert child.state() != MemberState.FAULTED;
            writerMask |= bit;
            if (child.state() == MemberState.HEALTHY) {
                readerMask |= bit;
                localMask |= child.isLocal() ? bit : 0;
            }
            unmapMask |= child.unmapsToZeroes() ? bit : 0;
            throughMask |= !cacheKnown && child.bdev().hasVolatileCache() ? bit : 0;
            flushes |= child.bdev().fuaFlushes();
        }
        this.logged = logMask;
        this.readers = readerMask;
        this.writers = writerMask;
        this.localReaders = localMask;
        this.unmappers = unmapMask;
        this.writeThrough = throughMask;
        this.fuaFlushes = flushes;
        this.source = source;
        this.mirrors = members.length > 1;
        this.writesBlocked = writesBlocked;
        this.lost = lost;
        this.dirty = dirty;
    }
}
