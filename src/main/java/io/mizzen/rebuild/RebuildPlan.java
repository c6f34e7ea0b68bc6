package io.mizzen.rebuild;

/** What a {@link RebuildJob} copies, window by window. Control reactor. */
public interface RebuildPlan {
    /** Nothing is known of what comes next. */
    long UNKNOWN = -1;

    /** Where the next window will begin, or {@link #UNKNOWN}: lets the job take a long stretch that holds nothing at once. */
    default long peekBlock() {
        return UNKNOWN;
    }

    /** Whether {@link #next} may have another window now: if it is known that it has none, the job need not wait for it. */
    default boolean mayHaveNext() {
        return true;
    }

    /**
     * The next window to deal with; false when there is none left. What was handed out before is handed out again only
     * if it was marked, or not dealt with, since.
     *
     * @param window takes the piece; at most {@code maxBlocks} long
     */
    boolean next(Segment window, long maxBlocks);

    /** All destinations now hold what the source holds in this window (or have been compared). It is still locked. */
    void onCopied(long offsetBlocks, long blockCount);

    /** The window was handed out, but the job is stopped or has failed before it was dealt with. */
    default void onNotCopied(long offsetBlocks, long blockCount) {
        // A plan that is made anew for each job need not know.
    }

    /** Blocks that were to be dealt with, in all. */
    long totalBlocks();

    /** A window, in blocks of the volume (not of the legs: their data offset is added by the job). */
    final class Segment {
        public long offsetBlocks;
        public long blockCount;
    }
}
