package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoStats;
import io.mizzen.bdev.IoType;
import io.mizzen.engine.model.HealthState;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * What one disk of a pool has come to: errors of reads, writes and flushes, and stalls (a core whose I/Os to the disk have not
 * ended, not one of them, for a while). Both count for as long as the window says, then they are forgotten. Control reactor
 * only; it looks at counters that the disk's reactors write.
 */
final class DiskWatch {
    private static final int BUCKETS = 10;

    private final Bdev disk;
    private final EngineConfig.Health config;
    private final Map<IoChannel, long[]> progress = new IdentityHashMap<>();
    private final long[] recentErrors = new long[BUCKETS];
    private final long[] recentStalls = new long[BUCKETS];
    private long bucket;
    private long errors;
    private long errorsSeen;
    private long stalls;
    private boolean stalled;
    private long neededBytes;
    /** The least that the disk had since it lost some of the pool; -1: it has not. */
    private long shrunkToBytes = -1;
    /** -1: not known yet. */
    private long unusableBytes = -1;
    private List<String> warnings;
    private HealthState state = HealthState.ONLINE;
    private String reason;

    /** Errors from before do not count. */
    DiskWatch(Bdev disk, EngineConfig.Health config, long nowNs) {
        this.disk = disk;
        this.config = config;
        this.errorsSeen = errorsOf(disk);
        this.bucket = nowNs / bucketNs();
    }

    private long bucketNs() {
        return Math.max(1, config.windowNs() / BUCKETS);
    }

    private static long errorsOf(Bdev disk) {
        IoStats stats = disk.stats();
        return stats.errors(IoType.READ) + stats.errors(IoType.WRITE) + stats.errors(IoType.FLUSH);
    }

    /**
     * Looks, and judges.
     *
     * @param smart what the drive warns of; null where it cannot be asked
     */
    void look(long nowNs, List<String> smart) {
        advance(nowNs);
        long now = errorsOf(disk);
        long more = Math.max(0, now - errorsSeen);
        errorsSeen = now;
        errors += more;
        recentErrors[(int) (bucket % BUCKETS)] += more;
        boolean was = stalled;
        stalled = isStalled(nowNs);
        if (stalled && !was) {
            stalls++;
            recentStalls[(int) (bucket % BUCKETS)]++;
        }
        warnings = smart;
        judge();
    }

    /** What the pool has on the disk ends there: a smaller disk has lost some of it. */
    void needs(long bytes) {
        neededBytes = bytes;
    }

    /** So much of the disk the pool cannot use. Returns whether it has become more; what it was at first is no news. */
    boolean gainsUnusable(long bytes) {
        boolean isMore = unusableBytes >= 0 && bytes > unusableBytes;
        unusableBytes = bytes;
        return isMore;
    }

    long unusableBytes() {
        return unusableBytes;
    }

    /** Whether the disk has become smaller than what the pool has on it; also when it is as large again, until {@link #clear}. */
    boolean hasShrunk() {
        return shrunkToBytes >= 0;
    }

    private void advance(long nowNs) {
        long now = nowNs / bucketNs();
        for (long passed = Math.min(now - bucket, BUCKETS); passed > 0; passed--) {
            int slot = (int) ((now - passed + 1) % BUCKETS);
            recentErrors[slot] = 0;
            recentStalls[slot] = 0;
        }
        bucket = Math.max(bucket, now);
    }

    private boolean isStalled(long nowNs) {
        List<IoChannel> open = disk.channels();
        progress.keySet().retainAll(open);
        boolean any = false;
        for (IoChannel channel : open) {
            long[] seen = progress.computeIfAbsent(channel, key -> new long[] {-1, nowNs});
            long ended = IoStats.ended(channel);
            if (ended != seen[0] || channel.inFlight() == 0) {
                seen[0] = ended;
                seen[1] = nowNs;
            }
            any |= nowNs - seen[1] >= config.stallNs();
        }
        return any;
    }

    private void judge() {
        long errorCount = recentErrors();
        long stallCount = recentStalls();
        if (!disk.isRemoved() && disk.sizeBytes() < neededBytes) {
            shrunkToBytes = hasShrunk() ? Math.min(shrunkToBytes, disk.sizeBytes()) : disk.sizeBytes();
        }
        if (disk.isRemoved()) {
            become(HealthState.FAULTED, "it is gone");
        } else if (hasShrunk()) {
            become(HealthState.FAULTED, disk.sizeBytes() < neededBytes ? shrunk(disk, neededBytes) : "it has shrunk to "
                    + shrunkToBytes + " bytes and grown again: what lay behind may be lost; check the replicas, then clear the health");
        } else if (errorCount >= config.errorsSuspected()) {
            become(HealthState.SUSPECTED, errorCount + " I/O errors " + lately());
        } else if (stallCount >= config.stallsSuspected()) {
            become(HealthState.SUSPECTED, stallCount + " stalls " + lately());
        } else if (warnings != null && warnings.stream().anyMatch(warning -> !warning.equals("temperature"))) {
            become(HealthState.SUSPECTED, "the drive warns: " + String.join(", ", warnings));
        } else if (stalled) {
            become(HealthState.DEGRADED, "it does not answer now");
        } else if (errorCount >= config.errorsDegraded()) {
            become(HealthState.DEGRADED, errorCount + " I/O errors " + lately());
        } else if (stallCount > 0) {
            become(HealthState.DEGRADED, stallCount + " stalls " + lately());
        } else if (warnings != null && !warnings.isEmpty()) {
            become(HealthState.DEGRADED, "the drive warns: " + String.join(", ", warnings));
        } else {
            become(HealthState.ONLINE, null);
        }
    }

    static String shrunk(Bdev disk, long neededBytes) {
        return "it has only " + disk.sizeBytes() + " bytes now, the pool needs " + neededBytes + " of it: what lay behind cannot be"
                + " read; make it as large as it was, and check the replicas";
    }

    private String lately() {
        return "within " + config.windowNs() / 1_000_000_000L + " s";
    }

    private void become(HealthState newState, String why) {
        state = newState;
        reason = why;
    }

    /** Forgets errors and stalls: somebody has looked after the disk. The totals stay. */
    void clear() {
        Arrays.fill(recentErrors, 0);
        Arrays.fill(recentStalls, 0);
        shrunkToBytes = -1;
        judge();
    }

    Bdev disk() {
        return disk;
    }

    HealthState state() {
        return state;
    }

    /** Null while ONLINE. */
    String reason() {
        return reason;
    }

    /** Since the pool has the disk. */
    long errors() {
        return errors;
    }

    long stalls() {
        return stalls;
    }

    boolean stalled() {
        return stalled;
    }

    /** What the drive warns of; null where it cannot be asked. */
    List<String> warnings() {
        return warnings;
    }

    private long recentErrors() {
        return Arrays.stream(recentErrors).sum();
    }

    private long recentStalls() {
        return Arrays.stream(recentStalls).sum();
    }
}
