package io.mizzen.bdev;

import io.mizzen.util.HotPath;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One rate, shared by all reactors without a lock. What has been granted since the epoch is one counter; what the rate
 * has produced since then is computed from the time, so nothing has to be handed out, and a core that is idle holds
 * nothing back. Whoever finds too little reserves: the grant is counted at once and falls due when the rate has made up
 * for it, so that cores which wait are served in the order in which they asked.
 *
 * <pre>
 * level = produced(now) - granted, at most the bucket's size; a grant of n needs a level of n, or a full bucket if n
 * is larger, and leaves a debt then
 * </pre>
 *
 * <p>Exact: in any time t no more than size + rate * t is granted. Any thread.
 */
final class TokenBucket {
    private static final VarHandle GRANTED;
    private static final long US_PER_S = 1_000_000;

    static {
        try {
            GRANTED = MethodHandles.lookup().findVarHandle(TokenBucket.class, "granted", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final long perSecond;
    private final long size;
    private final long epochNs;
    @SuppressWarnings("unused")
    private volatile long granted;

    /** @param full whether it begins with a burst, as one does that nobody has used before */
    TokenBucket(IoLimit limit, long nowNs, boolean full) {
        perSecond = limit.perSecond();
        size = limit.bucketSize();
        epochNs = nowNs;
        granted = full ? -size : 0;
    }

    /** Grants {@code amount} and returns when it may be used: {@code nowNs} or later. */
    @HotPath
    long reserve(long amount, long nowNs) {
        long produced = producedUntil(nowNs);
        long before;
        long start;
        do {
            before = (long) GRANTED.getAcquire(this);
            start = Math.max(before, produced - size);
        } while (!GRANTED.compareAndSet(this, before, start + amount));
        long needed = start + Math.min(amount, size);
        return needed <= produced ? nowNs : dueNs(needed);
    }

    @HotPath
    private long producedUntil(long nowNs) {
        long us = Math.max(0, nowNs - epochNs) / 1000;
        return us / US_PER_S * perSecond + us % US_PER_S * perSecond / US_PER_S;
    }

    /** When so much has been produced, rounded up. */
    @HotPath
    private long dueNs(long produced) {
        long us = produced / perSecond * US_PER_S + (produced % perSecond * US_PER_S + perSecond - 1) / perSecond;
        return epochNs + us * 1000;
    }
}
