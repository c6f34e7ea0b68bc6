package io.mizzen.rebuild;

/**
 * A plan over a bitmap of equal segments: what is marked is handed out once, in ascending order, round and round until
 * nothing is marked. Segments may be marked while a job runs; what a job did not get to stays marked for the next one.
 * Control reactor, but for {@link #remainingBlocks()} and {@link #totalBlocks()}.
 */
public final class SegmentMap implements RebuildPlan {
    private final long volumeBlocks;
    private final int segmentShift;
    private final int segmentCount;
    private final long[] marked;
    private final long[] handedOut;
    private int cursor;
    private volatile long markedBlocks;
    private volatile long outBlocks;
    private volatile long copiedBlocks;

    /**
     * A map with nothing marked.
     *
     * @param segmentBlocks blocks of a segment, a power of two, at most a piece ({@link RebuildSettings#PIECE_BYTES})
     */
    public SegmentMap(long volumeBlocks, long segmentBlocks) {
        assert volumeBlocks > 0;
        assert Long.bitCount(segmentBlocks) == 1;
        this.volumeBlocks = volumeBlocks;
        this.segmentShift = Long.numberOfTrailingZeros(segmentBlocks);
        this.segmentCount = Math.toIntExact((volumeBlocks + segmentBlocks - 1) >>> segmentShift);
        this.marked = new long[(segmentCount + 63) >>> 6];
        this.handedOut = new long[marked.length];
    }

    /** Marks every segment that the range touches: 64 at a time, since a volume may have half a billion. */
    public void mark(long offsetBlocks, long blockCount) {
        assert blockCount > 0 && offsetBlocks >= 0 && offsetBlocks + blockCount <= volumeBlocks;
        int first = (int) (offsetBlocks >>> segmentShift);
        int last = (int) (offsetBlocks + blockCount - 1 >>> segmentShift);
        boolean endIsNew = last == segmentCount - 1 && !get(marked, last);
        long segments = 0;
        for (int word = first >>> 6; word <= last >>> 6; word++) {
            int from = Math.max(first - (word << 6), 0);
            int to = Math.min(last - (word << 6), 63);
            long added = -1L << from & -1L >>> 63 - to & ~marked[word];
            marked[word] |= added;
            segments += Long.bitCount(added);
        }
        markedBlocks += (segments << segmentShift) - (endIsNew ? missingAtEnd() : 0);
    }

    /** Blocks by which the last segment is shorter than the others. */
    private long missingAtEnd() {
        return (1L << segmentShift) - blocksOf(segmentCount - 1);
    }

    public void markAll() {
        mark(0, volumeBlocks);
    }

    /** The same marks for a larger volume, whose new part is marked; no job uses the map. */
    public SegmentMap grown(long newVolumeBlocks) {
        assert outBlocks == 0;
        assert newVolumeBlocks >= volumeBlocks;
        SegmentMap larger = new SegmentMap(newVolumeBlocks, 1L << segmentShift);
        long segments = 0;
        for (int word = 0; word < marked.length; word++) {
            larger.marked[word] = marked[word];
            segments += Long.bitCount(marked[word]);
        }
        boolean endMarked = get(marked, segmentCount - 1) && larger.segmentCount == segmentCount;
        larger.markedBlocks = (segments << segmentShift) - (endMarked ? larger.missingAtEnd() : 0);
        if (newVolumeBlocks > volumeBlocks) {
            larger.mark(volumeBlocks, newVolumeBlocks - volumeBlocks);
        }
        return larger;
    }

    /** Forgets everything; no job uses the map. */
    public void clear() {
        assert outBlocks == 0;
        java.util.Arrays.fill(marked, 0);
        markedBlocks = 0;
        copiedBlocks = 0;
        cursor = 0;
    }

    /** A new count of what is copied begins; no job uses the map. */
    public void begin() {
        assert outBlocks == 0;
        copiedBlocks = 0;
        cursor = 0;
    }

    @Override
    public long peekBlock() {
        int segment = nextMarked();
        return segment < 0 ? UNKNOWN : (long) segment << segmentShift;
    }

    @Override
    public boolean mayHaveNext() {
        return nextMarked() >= 0;
    }

    @Override
    public boolean next(Segment window, long maxBlocks) {
        int first = nextMarked();
        if (first < 0) {
            return false;
        }
        long maxSegments = Math.max(1, maxBlocks >>> segmentShift);
        assert maxBlocks >= 1L << segmentShift;
        int end = first;
        long blocks = 0;
        while (end < segmentCount && end - first < maxSegments && get(marked, end) && !get(handedOut, end)) {
            clear(marked, end);
            set(handedOut, end);
            blocks += blocksOf(end);
            end++;
        }
        cursor = end;
        markedBlocks -= blocks;
        outBlocks += blocks;
        window.offsetBlocks = (long) first << segmentShift;
        window.blockCount = blocks;
        return true;
    }

    @Override
    public void onCopied(long offsetBlocks, long blockCount) {
        takeBack(offsetBlocks, blockCount);
        copiedBlocks += blockCount;
    }

    @Override
    public void onNotCopied(long offsetBlocks, long blockCount) {
        takeBack(offsetBlocks, blockCount);
        mark(offsetBlocks, blockCount);
    }

    private void takeBack(long offsetBlocks, long blockCount) {
        int last = (int) (offsetBlocks + blockCount - 1 >>> segmentShift);
        for (int segment = (int) (offsetBlocks >>> segmentShift); segment <= last; segment++) {
            assert get(handedOut, segment);
            clear(handedOut, segment);
        }
        outBlocks -= blockCount;
    }

    /**
     * A segment that is marked and not under way: from the cursor on, else from the start. One that was marked again
     * while it is copied has to wait for that: the job asks again when a window has ended.
     */
    private int nextMarked() {
        int found = nextMarked(cursor, segmentCount);
        return found >= 0 ? found : nextMarked(0, cursor);
    }

    private int nextMarked(int from, int to) {
        int word = from >>> 6;
        long mask = -1L << from;
        while (word << 6 < to) {
            long bits = marked[word] & ~handedOut[word] & mask;
            if (bits != 0) {
                int segment = (word << 6) + Long.numberOfTrailingZeros(bits);
                return segment < to ? segment : -1;
            }
            mask = -1L;
            word++;
        }
        return -1;
    }

    private long blocksOf(int segment) {
        return Math.min(volumeBlocks - ((long) segment << segmentShift), 1L << segmentShift);
    }

    private static boolean get(long[] bits, int index) {
        return (bits[index >>> 6] & 1L << index) != 0;
    }

    private static void set(long[] bits, int index) {
        bits[index >>> 6] |= 1L << index;
    }

    private static void clear(long[] bits, int index) {
        bits[index >>> 6] &= ~(1L << index);
    }

    /** Blocks that are marked or under way. Any thread. */
    public long remainingBlocks() {
        return markedBlocks + outBlocks;
    }

    /** Copied since {@link #begin()} and remaining. Any thread. */
    @Override
    public long totalBlocks() {
        return copiedBlocks + remainingBlocks();
    }
}
