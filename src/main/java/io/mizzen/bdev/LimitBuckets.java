package io.mizzen.bdev;

import io.mizzen.util.HotPath;

/** The buckets of a bdev's limits, shared by its channels. Any thread. */
final class LimitBuckets {
    final IoLimits limits;
    private final TokenBucket readOperations;
    private final TokenBucket writeOperations;
    private final TokenBucket totalOperations;
    private final TokenBucket readBytes;
    private final TokenBucket writeBytes;
    private final TokenBucket totalBytes;

    /** @param previous what was in force until now, or null: a limit that only changes gets no burst for it */
    LimitBuckets(IoLimits limits, IoLimits previous, long nowNs) {
        this.limits = limits;
        readOperations = bucket(limits.readOperations(), previous.readOperations(), nowNs);
        writeOperations = bucket(limits.writeOperations(), previous.writeOperations(), nowNs);
        totalOperations = bucket(limits.totalOperations(), previous.totalOperations(), nowNs);
        readBytes = bucket(limits.readBytes(), previous.readBytes(), nowNs);
        writeBytes = bucket(limits.writeBytes(), previous.writeBytes(), nowNs);
        totalBytes = bucket(limits.totalBytes(), previous.totalBytes(), nowNs);
    }

    private static TokenBucket bucket(IoLimit limit, IoLimit previous, long nowNs) {
        return limit.isNone() ? null : new TokenBucket(limit, nowNs, previous.isNone());
    }

    /** Reserves what an I/O takes; returns when it may start. */
    @HotPath
    long reserve(boolean isWrite, long byteCount, long nowNs) {
        long dueNs = reserve(totalOperations, 1, nowNs, nowNs);
        dueNs = reserve(isWrite ? writeOperations : readOperations, 1, nowNs, dueNs);
        if (byteCount > 0) {
            dueNs = reserve(totalBytes, byteCount, nowNs, dueNs);
            dueNs = reserve(isWrite ? writeBytes : readBytes, byteCount, nowNs, dueNs);
        }
        return dueNs;
    }

    @HotPath
    private static long reserve(TokenBucket bucket, long amount, long nowNs, long dueNs) {
        return bucket == null ? dueNs : Math.max(dueNs, bucket.reserve(amount, nowNs));
    }
}
