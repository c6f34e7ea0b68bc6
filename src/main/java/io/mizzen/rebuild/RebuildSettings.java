package io.mizzen.rebuild;

import io.mizzen.memory.BufferPools;
import io.mizzen.util.OperationException;

/**
 * How a job goes about it. Rates count what is read from the source, bytes per second.
 *
 * @param rate limit, or {@link #UNLIMITED}
 * @param floor what back-off leaves at least; above 0
 * @param backOff whether the rate falls while the volume's hosts see much higher latency than without the job
 * @param latencyFactor how much higher their p99 may be before it falls, at least 1
 * @param segments pieces of 128 KiB in flight, on all workers together, 1 to {@link #SEGMENTS_MAX}
 * @param windowBytes what one range lock covers, a multiple of 128 KiB up to {@link #WINDOW_BYTES_MAX}
 * @param workers reactors that share the work while they have little else to do, 1 to {@link #WORKERS_MAX}
 */
public record RebuildSettings(long rate, long floor, boolean backOff, double latencyFactor, int segments,
        int windowBytes, int workers) {
    public static final long UNLIMITED = 0;
    public static final int SEGMENTS_MAX = 64;
    public static final int WORKERS_MAX = 8;
    public static final int WINDOW_BYTES_MAX = 16 << 20;
    /** Bytes of a piece: what one buffer holds. */
    public static final int PIECE_BYTES = BufferPools.LARGE_BYTES;
    private static final long FLOOR_DEFAULT = 8L << 20;

    public static final RebuildSettings DEFAULTS = new RebuildSettings(UNLIMITED, FLOOR_DEFAULT, true, 2, 8, 1 << 20, 2);

    public RebuildSettings {
        if (rate < 0 || floor <= 0) {
            throw OperationException.invalid("invalid-rebuild-rate",
                    "the rate of a rebuild is a number of bytes per second, 0 for no limit; its floor is above 0");
        }
        if (segments < 1 || segments > SEGMENTS_MAX) {
            throw OperationException.invalid("invalid-rebuild-segments",
                    "segments of a rebuild: " + segments + " is not in 1 to " + SEGMENTS_MAX);
        }
        if (windowBytes < PIECE_BYTES || windowBytes > WINDOW_BYTES_MAX || windowBytes % PIECE_BYTES != 0) {
            throw OperationException.invalid("invalid-rebuild-window", "the window of a rebuild is a multiple of "
                    + PIECE_BYTES + " bytes up to " + WINDOW_BYTES_MAX + ", not " + windowBytes);
        }
        if (workers < 1 || workers > WORKERS_MAX) {
            throw OperationException.invalid("invalid-rebuild-workers",
                    "workers of a rebuild: " + workers + " is not in 1 to " + WORKERS_MAX);
        }
        if (!(latencyFactor >= 1)) {
            throw OperationException.invalid("invalid-rebuild-latency-factor",
                    "the latency factor of a rebuild is 1 or more, not " + latencyFactor);
        }
    }

    public RebuildSettings withRate(long bytesPerSecond) {
        return new RebuildSettings(bytesPerSecond, floor, backOff, latencyFactor, segments, windowBytes, workers);
    }

    public RebuildSettings withBackOff(boolean enabled) {
        return new RebuildSettings(rate, floor, enabled, latencyFactor, segments, windowBytes, workers);
    }

    public RebuildSettings withWorkers(int count) {
        return new RebuildSettings(rate, floor, backOff, latencyFactor, segments, windowBytes, count);
    }

    public RebuildSettings withSegments(int count, int newWindowBytes) {
        return new RebuildSettings(rate, floor, backOff, latencyFactor, count, newWindowBytes,
                workers);
    }
}
