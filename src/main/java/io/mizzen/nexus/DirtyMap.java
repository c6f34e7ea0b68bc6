package io.mizzen.nexus;

import io.mizzen.util.HotPath;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The dirty-region map as all cores see it. Three bits per region:
 *
 * <ul>
 * <li><b>durable</b>: every healthy child's map says "dirty"; writes may go. Set and cleared by the home mthread.
 * <li><b>wanted</b>: a write waits for the region to become durable. Set by any core, cleared by the home mthread.
 * <li><b>suspect</b>: the legs may differ; reads go to the source until it has been copied to the others. Set by any
 *     core, cleared by the home mthread.
 * </ul>
 *
 * One acquire read per write when the region is dirty already.
 */
final class DirtyMap {
    private final DirtyGeometry geometry;
    private final int regionShift;
    final AtomicLongArray durable;
    final AtomicLongArray wanted;
    final AtomicLongArray suspect;
    /** Suspect, and once more since the home mthread last looked: what is being copied must be copied again. */
    final AtomicLongArray suspectAgain;
    private final AtomicInteger suspectCount = new AtomicInteger();

    DirtyMap(DirtyGeometry geometry) {
        this.geometry = geometry;
        this.regionShift = geometry.regionShift();
        int words = geometry.wordCount();
        durable = new AtomicLongArray(words);
        wanted = new AtomicLongArray(words);
        suspect = new AtomicLongArray(words);
        suspectAgain = new AtomicLongArray(words);
    }

    DirtyGeometry geometry() {
        return geometry;
    }

    @HotPath
    int regionOf(long offsetBytes) {
        return (int) (offsetBytes >>> regionShift);
    }

    /** The bits of a word that lie in a range of regions. */
    @HotPath
    static long mask(int word, int firstRegion, int lastRegion) {
        int from = Math.max(firstRegion - (word << 6), 0);
        int to = Math.min(lastRegion - (word << 6), 63);
        return -1L << from & -1L >>> 63 - to;
    }

    /** Whether every region of the range is durably dirty. */
    @HotPath
    boolean isDurable(int firstRegion, int lastRegion) {
        for (int word = firstRegion >>> 6; word <= lastRegion >>> 6; word++) {
            long mask = mask(word, firstRegion, lastRegion);
            if ((durable.getAcquire(word) & mask) != mask) {
                return false;
            }
        }
        return true;
    }

    /** Asks for what is not durable yet. */
    @HotPath
    void want(int firstRegion, int lastRegion) {
        for (int word = firstRegion >>> 6; word <= lastRegion >>> 6; word++) {
            long missing = mask(word, firstRegion, lastRegion) & ~durable.getAcquire(word);
            if (missing != 0) {
                or(wanted, word, missing);
            }
        }
    }

    /** Whether any region of the range is suspect. */
    @HotPath
    boolean isSuspect(int firstRegion, int lastRegion) {
        if (suspectCount.getAcquire() == 0) {
            return false;
        }
        for (int word = firstRegion >>> 6; word <= lastRegion >>> 6; word++) {
            long again = suspectAgain.getAcquire(word);     // First: while a region is cleared, this bit alone may tell of a new mark.
            if (((again | suspect.getAcquire(word)) & mask(word, firstRegion, lastRegion)) != 0) {
                return true;
            }
        }
        return false;
    }

    /** Any core: the legs may differ in the range from now on. */
    @HotPath
    void markSuspect(int firstRegion, int lastRegion) {
        for (int word = firstRegion >>> 6; word <= lastRegion >>> 6; word++) {
            long mask = mask(word, firstRegion, lastRegion);
            or(suspectAgain, word, mask);
            suspectCount.getAndAdd(Long.bitCount(mask & ~or(suspect, word, mask)));
        }
    }

    /** Home: a region's legs are equal, unless it was marked again meanwhile; then false, and no reader sees it as equal. */
    boolean clearSuspect(int region) {
        long bit = 1L << region;
        int word = region >>> 6;
        if ((suspectAgain.get(word) & bit) != 0) {
            return false;
        }
        int counted = (andNot(suspect, word, bit) & bit) != 0 ? 1 : 0;
        boolean isMarked = (suspectAgain.get(word) & bit) != 0;     // Between the two: the mark must not be lost.
        if (isMarked && (or(suspect, word, bit) & bit) == 0) {
            counted--;
        }
        if (counted != 0) {         // Only now: readers look no further when nothing is counted.
            suspectCount.getAndAdd(-counted);
        }
        return !isMarked;
    }

    /** Home: about to copy the region; marks from now on count as new. */
    void beginCopy(int region) {
        andNot(suspectAgain, region >>> 6, 1L << region);
    }

    /** Home: the first suspect region from there on, or -1. */
    int nextSuspect(int fromRegion) {
        for (int word = fromRegion >>> 6; word < suspect.length(); word++) {
            long bits = suspect.get(word);
            if (word == fromRegion >>> 6) {
                bits &= -1L << fromRegion;
            }
            if (bits != 0) {
                return (word << 6) + Long.numberOfTrailingZeros(bits);
            }
        }
        return -1;
    }

    /** Suspect regions. Any thread. */
    int suspectCount() {
        return suspectCount.get();
    }

    /** Regions that are durably dirty. Any thread. */
    int durableCount() {
        int count = 0;
        for (int word = 0; word < durable.length(); word++) {
            count += Long.bitCount(durable.get(word));
        }
        return count;
    }

    /** Sets bits; returns the word before. */
    @HotPath
    static long or(AtomicLongArray array, int word, long bits) {
        long before = array.get(word);
        while (!array.compareAndSet(word, before, before | bits)) {
            before = array.get(word);
        }
        return before;
    }

    /** Clears bits; returns the word before. */
    static long andNot(AtomicLongArray array, int word, long bits) {
        long before = array.get(word);
        while (!array.compareAndSet(word, before, before & ~bits)) {
            before = array.get(word);
        }
        return before;
    }
}
