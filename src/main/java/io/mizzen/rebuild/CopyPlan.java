package io.mizzen.rebuild;

/** What a {@link CopyJob} copies, piece by piece. Control reactor. */
public interface CopyPlan {
    /**
     * The next piece to copy, none of which has been handed out before; false when there is none left.
     *
     * @param segment takes the piece; at most {@code maxBlocks} long
     */
    boolean next(Segment segment, long maxBlocks);

    /** All destinations now hold what the source holds in this piece. The piece is still locked. */
    void onCopied(long offsetBlocks, long blockCount);

    /** Blocks that were to be copied, in all. */
    long totalBlocks();

    /** A piece, in blocks of the volume (not of the legs: their data offset is added by the job). */
    final class Segment {
        public long offsetBlocks;
        public long blockCount;
    }
}
