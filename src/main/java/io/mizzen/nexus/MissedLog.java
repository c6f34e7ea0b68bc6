package io.mizzen.nexus;

import io.mizzen.util.HotPath;

/**
 * What one member misses during one absence, as a bitmap of segments. It begins with the picture of the children that
 * leaves the member out: each channel that adopts that picture starts a bitmap of its own with the writes that it has in
 * flight, and marks every later one before it is sent. It ends with the picture that has the member back: each channel
 * hands its bitmap over when it adopts that one, or closes. Handing over from any reactor; the rest on the home mthread,
 * after every channel has.
 */
final class MissedLog {
    /** Bits that a log may have: 32 KiB a channel. */
    static final int SEGMENT_MAX = 256 << 10;
    /** Smallest segment: 64 KiB. */
    static final int SHIFT_MIN = 16;

    private final int shift;
    private final long[] words;

    MissedLog(long sizeBytes) {
        this.shift = shiftFor(sizeBytes);
        this.words = new long[(int) ((segments(sizeBytes, shift) + 63) >>> 6)];
    }

    private static int shiftFor(long sizeBytes) {
        int shift = SHIFT_MIN;
        while (segments(sizeBytes, shift) > SEGMENT_MAX) {
            shift++;
        }
        return shift;
    }

    private static long segments(long sizeBytes, int shift) {
        return (sizeBytes + (1L << shift) - 1) >>> shift;
    }

    /** An empty bitmap for a channel. */
    long[] newBitmap() {
        return new long[words.length];
    }

    /** Marks a range in a channel's bitmap. */
    @HotPath
    void mark(long[] bitmap, long offsetBytes, long lengthBytes) {
        int first = (int) (offsetBytes >>> shift);
        int last = (int) (offsetBytes + lengthBytes - 1 >>> shift);
        for (int word = first >>> 6; word <= last >>> 6; word++) {
            bitmap[word] |= DirtyMap.mask(word, first, last);
        }
    }

    /** Adds a channel's bitmap. Any reactor. */
    synchronized void handOver(long[] bitmap) {
        for (int word = 0; word < words.length; word++) {
            words[word] |= bitmap[word];
        }
    }

    /** Adds a range. */
    synchronized void add(long offsetBytes, long lengthBytes) {
        mark(words, offsetBytes, lengthBytes);
    }

    /** Told of ranges. */
    interface Ranges {
        void onRange(long offsetBytes, long lengthBytes);
    }

    /** Every marked range, in order, cut to the volume. */
    synchronized void forEachRange(long sizeBytes, Ranges ranges) {
        long count = segments(sizeBytes, shift);
        long segment = 0;
        while (segment < count) {
            long end = segment;
            while (end < count && (words[(int) (end >>> 6)] >>> end & 1) != 0) {
                end++;
            }
            if (end > segment) {
                long from = segment << shift;
                ranges.onRange(from, Math.min(sizeBytes, end << shift) - from);
            }
            segment = end + 1;
        }
    }
}
