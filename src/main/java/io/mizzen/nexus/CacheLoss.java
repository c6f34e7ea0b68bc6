package io.mizzen.nexus;

import io.mizzen.util.HotPath;
import java.util.Arrays;

/**
 * What the last healthy child may have forgotten while its device was away: acknowledged writes that only its volatile cache
 * held. A later flush must not promise that they are durable, so on each channel those fail that waited for the child, or else
 * the next one; on a channel that opens later, too, until hosts have been told at all. Hosts learn of it as of any flush that
 * fails. Children that are out or being rebuilt may hold what it has forgotten; they get those regions anew. Home mthread; its listeners are the channels'.
 */
final class CacheLoss {
    private final Nexus nexus;
    private volatile int losses;
    private volatile int told;

    CacheLoss(Nexus nexus) {
        this.nexus = nexus;
    }

    /**
     * A healthy child is back from where its cache may not have survived.
     *
     * @param othersHold other healthy children have been there all the while: hosts read those regions from one of them, from which
     *        they are copied. They are told all the same, since that one may be taken out before
     */
    void onReturned(NexusChild child, boolean othersHold) {
        long[] forgotten = nexus.dirtyKeeper().storedBits();
        int regions = 0;
        for (int word = 0; word < forgotten.length; word++) {
            for (long rest = forgotten[word]; rest != 0; rest &= rest - 1) {
                int region = (word << 6) + Long.numberOfTrailingZeros(rest);
                regions++;
                if (othersHold) {
                    nexus.dirtyMap().markSuspect(region, region);
                }
            }
        }
        if (regions > 0) {
            losses = losses + 1;
            nexus.rebuilds().onForgotten(forgotten);
            nexus.event("cache-lost child=" + child.name() + " regions=" + regions);
        }
    }

    /**
     * Flushes failed, and what that means is stored. The last healthy child stays, though it may have forgotten what those hold
     * that are out or being rebuilt.
     *
     * @param mask those that failed one
     * @param hostsKnow it was a host's
     */
    void onFlushFailed(int mask, boolean hostsKnow) {
        if ((nexus.usableMask() & ~mask) != 0 || (nexus.usableMask() & mask) == 0) {
            return;                     // It is out, or will be: it has been noted what it may lack, or somebody else has it.
        }
        long[] forgotten = nexus.dirtyKeeper().storedBits();
        if (nexus.children().length > 1) {
            nexus.rebuilds().addToAbsent(forgotten);
            nexus.tracking().markSuspect(forgotten);
            nexus.resync().consider();
        }
        if (!hostsKnow) {
            losses = losses + 1;        // The child has told it, and will not tell them.
            int regions = Arrays.stream(forgotten).mapToInt(Long::bitCount).sum();
            nexus.event("cache-lost child=" + nexus.child(Integer.numberOfTrailingZeros(nexus.usableMask())).name() + " regions=" + regions);
        }
    }

    /** The same for metadata that could not be written through: some devices flush for that, and tell it then. */
    void onWriteThroughFailed(int mask) {
        int flushed = 0;
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            NexusChild child = nexus.child(Integer.numberOfTrailingZeros(rest));
            flushed |= child != null && child.isUsable() && child.bdev().fuaFlushes() ? 1 << child.index() : 0;
        }
        onFlushFailed(flushed, false);
    }

    /** For a channel that opens. Any reactor. */
    Listener newListener() {
        return new Listener();
    }

    /** What one channel has told its hosts. Channel's reactor. */
    final class Listener {
        private int known = told;
        private long toldNs = Long.MIN_VALUE;

        /** Whether a flush has to fail: the first one, with those that waited with it and so come in the same turn. */
        @HotPath
        boolean failsFlush(long nowNs) {
            if (losses == known && nowNs != toldNs) {
                return false;
            }
            known = losses;
            toldNs = nowNs;
            told = known;           // The count only grows; two channels that say the same do no harm.
            return true;
        }
    }
}
