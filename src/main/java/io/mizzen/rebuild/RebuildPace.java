package io.mizzen.rebuild;

/**
 * How fast a job goes of late: an average in which what is older counts less and less, over some seconds. Immutable; the home
 * mthread makes the next one when a span is over, any thread reads. What has happened since counts as it is read: a job that
 * stands still is seen to do so.
 *
 * @param sinceNs when the span under way began
 * @param sinceBytes what was done by then
 * @param before bytes per second by then; below 0: nothing is known from before
 */
record RebuildPace(long sinceNs, long sinceBytes, double before) {
    /** After which a span counts. */
    private static final long SPAN_NS = 1_000_000_000;
    /** After which a span counts for 1 - 1/e of the average. */
    private static final double MEMORY_NS = 3e9;
    private static final double UNKNOWN = -1;

    /** The job begins, or goes on, now. */
    static RebuildPace from(long nowNs, long doneBytes) {
        return new RebuildPace(nowNs, doneBytes, UNKNOWN);
    }

    /** The one to go on with: this, or the next one when the span is over. */
    RebuildPace at(long nowNs, long doneBytes) {
        return nowNs - sinceNs < SPAN_NS ? this : new RebuildPace(nowNs, doneBytes, average(nowNs, doneBytes));
    }

    /** Bytes per second. */
    long bytesPerSecond(long nowNs, long doneBytes) {
        boolean early = before >= 0 && nowNs - sinceNs < SPAN_NS;
        return (long) (early ? before : average(nowNs, doneBytes));
    }

    private double average(long nowNs, long doneBytes) {
        double spanNs = Math.max(1, nowNs - sinceNs);
        double now = Math.max(0, doneBytes - sinceBytes) * 1e9 / spanNs;
        double weight = 1 - Math.exp(-spanNs / MEMORY_NS);
        return before < 0 ? now : before + (now - before) * weight;
    }
}
