package io.mizzen.bdev;

import io.mizzen.util.HotPath;

/**
 * I/O counters of one channel, or their sum: operations, bytes, errors by {@link IoType}, and latency histograms whose
 * bucket n counts latencies of [2^n, 2^(n+1)) nanoseconds. Written by one reactor, read by anybody, approximate.
 */
public final class IoStats {
    public static final int BUCKET_COUNT = 48;
    /** Histograms: reads, writes, everything else. */
    public static final int LATENCY_KIND_COUNT = 3;

    /** Without the reads and writes, which the buckets count. */
    private final long[] others = new long[IoType.COUNT];
    private final long[] bytes = new long[IoType.COUNT];
    private final long[] errors = new long[IoType.COUNT];
    private final long[] latencySumNs = new long[LATENCY_KIND_COUNT];
    private long delayed;
    private long delayedNs;
    private final long[] buckets = new long[LATENCY_KIND_COUNT * BUCKET_COUNT];

    @HotPath
    public void record(int type, long byteCount, long latencyNs, boolean failed) {
        if (failed) {
            errors[type]++;
        } else {
            bytes[type] += byteCount;
        }
        int kind = LATENCY_KIND_COUNT - 1;
        if (type < kind) {
            kind = type;
        } else {
            others[type]++;
        }
        latencySumNs[kind] += latencyNs;
        int bucket = 63 - Long.numberOfLeadingZeros(latencyNs | 1);
        buckets[kind * BUCKET_COUNT + Math.min(bucket, BUCKET_COUNT - 1)]++;
    }

    /** Counts an I/O that a limit held back. */
    @HotPath
    void recordDelay(long waitedNs) {
        delayed++;
        delayedNs += waitedNs;
    }

    /** Adds another one's counts to this. */
    public void add(IoStats other) {
        for (int i = 0; i < IoType.COUNT; i++) {
            others[i] += other.others[i];
            bytes[i] += other.bytes[i];
            errors[i] += other.errors[i];
        }
        for (int i = 0; i < LATENCY_KIND_COUNT; i++) {
            latencySumNs[i] += other.latencySumNs[i];
        }
        delayed += other.delayed;
        delayedNs += other.delayedNs;
        for (int i = 0; i < buckets.length; i++) {
            buckets[i] += other.buckets[i];
        }
    }

    static IoStats of(IoChannel channel) {
        IoStats sum = new IoStats();
        sum.add(channel);
        return sum;
    }

    /** Adds a channel's counts: its own, and those of what it handed down or was handed. */
    void add(IoChannel channel) {
        add(channel.stats);
        for (Standing standing : channel.standings) {
            add(standing.stats);
        }
    }

    /** I/Os that have ended on a channel. Any thread, approximate. */
    public static long ended(IoChannel channel) {
        long sum = channel.stats.ended();
        for (Standing standing : channel.standings) {
            sum += standing.stats.ended();
        }
        return sum;
    }

    private long ended() {
        long sum = 0;
        for (long count : buckets) {
            sum += count;
        }
        return sum;
    }

    public long operations(int type) {
        if (type >= LATENCY_KIND_COUNT - 1) {
            return others[type];
        }
        long sum = 0;
        for (int i = type * BUCKET_COUNT; i < (type + 1) * BUCKET_COUNT; i++) {
            sum += buckets[i];
        }
        return sum;
    }

    public long bytes(int type) {
        return bytes[type];
    }

    public long errors(int type) {
        return errors[type];
    }

    /** I/Os that waited because of a limit; what waits now is not in it yet. */
    public long delayed() {
        return delayed;
    }

    /** How long those waited together, nanoseconds; it is in their latency too. */
    public long delayedNs() {
        return delayedNs;
    }

    /** Sum of latencies, nanoseconds; {@code kind}: 0 read, 1 write, 2 other. */
    public long latencySumNs(int kind) {
        return latencySumNs[kind];
    }

    /** A copy of a histogram's buckets. */
    public long[] latencyBuckets(int kind) {
        return java.util.Arrays.copyOfRange(buckets, kind * BUCKET_COUNT, (kind + 1) * BUCKET_COUNT);
    }
}
