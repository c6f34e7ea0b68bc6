package io.mizzen.bench;

import io.mizzen.util.HotPath;

/**
 * Latencies in nanoseconds, in buckets of at most 1/64 of their value. One thread's own while it records.
 */
final class LatencyHistogram {
    private static final int SUB_BITS = 6;
    private static final int SUB_COUNT = 1 << SUB_BITS;

    private final long[] buckets = new long[(64 - SUB_BITS) * SUB_COUNT];
    private long count;
    private long sumNs;
    private long maxNs;

    @HotPath
    void record(long latencyNs) {
        long value = Math.max(0, latencyNs);
        buckets[index(value)]++;
        count++;
        sumNs += value;
        if (value > maxNs) {
            maxNs = value;
        }
    }

    @HotPath
    private static int index(long value) {
        int shift = Math.max(0, 64 - SUB_BITS - Long.numberOfLeadingZeros(value) - 1);
        return shift * SUB_COUNT + (int) (value >>> shift);
    }

    private static long highest(int index) {
        int shift = Math.max(0, index / SUB_COUNT - 1);
        return ((index - (long) shift * SUB_COUNT + 1) << shift) - 1;
    }

    void clear() {
        java.util.Arrays.fill(buckets, 0);
        count = 0;
        sumNs = 0;
        maxNs = 0;
    }

    void add(LatencyHistogram other) {
        for (int i = 0; i < buckets.length; i++) {
            buckets[i] += other.buckets[i];
        }
        count += other.count;
        sumNs += other.sumNs;
        maxNs = Math.max(maxNs, other.maxNs);
    }

    long count() {
        return count;
    }

    long maxNs() {
        return maxNs;
    }

    double averageNs() {
        return count == 0 ? 0 : (double) sumNs / count;
    }

    /** The latency that this part of the I/Os did not exceed; 0 without any. */
    long quantileNs(double part) {
        long wanted = (long) Math.ceil(part * count);
        long seen = 0;
        for (int i = 0; i < buckets.length; i++) {
            seen += buckets[i];
            if (seen >= wanted && seen > 0) {
                return Math.min(highest(i), maxNs);
            }
        }
        return maxNs;
    }
}
