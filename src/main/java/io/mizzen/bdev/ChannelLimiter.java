package io.mizzen.bdev;

import io.mizzen.reactor.Timer;
import io.mizzen.util.HotPath;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;

/**
 * What a channel has of its bdev's limits: the I/O that waits, in order. Reads and writes wait apart if they have limits
 * of their own, else together. The first of each lane has reserved its share in the buckets that all channels use and
 * goes when that falls due; {@link BdevIo#driverLong} is when it began to wait. The channel's thread only.
 */
final class ChannelLimiter extends Timer {
    /** I/O released in one go. */
    private static final int BATCH_MAX = 256;
    /** Shortest time between two releases; the bucket makes up for it. */
    private static final long SLICE_NS = 50_000;
    private static final int LANE_COUNT = 2;

    private final IoChannel channel;
    private final IoQueue[] lanes = {new IoQueue(), new IoQueue()};
    private final boolean[] reserved = new boolean[LANE_COUNT];
    private final long[] dueNs = new long[LANE_COUNT];
    private LimitBuckets buckets;
    private boolean byDirection;
    private long armedNs;

    ChannelLimiter(IoChannel channel) {
        this.channel = channel;
    }

    /** Puts other limits in force, or none; whatever waits goes by the new ones. */
    void apply(LimitBuckets latest) {
        List<BdevIo> waiting = takeAll();
        buckets = latest;
        byDirection = latest != null && latest.limits.isByDirection();
        for (BdevIo io : waiting) {
            if (latest == null) {
                pass(io);
            } else {
                lanes[lane(io)].add(io);
            }
        }
        release();
    }

    private List<BdevIo> takeAll() {
        List<BdevIo> all = new ArrayList<>();
        for (int lane = 0; lane < LANE_COUNT; lane++) {
            reserved[lane] = false;
            for (BdevIo io = lanes[lane].poll(); io != null; io = lanes[lane].poll()) {
                all.add(io);
            }
        }
        all.sort(Comparator.comparingLong(io -> io.driverLong));
        return all;
    }

    /** Whether the I/O has to wait; it is in a lane then. */
    @HotPath
    boolean holds(BdevIo io) {
        if ((io.flags & Bdev.FLAG_ADMITTED) != 0 || !IoType.hasRange(io.type)
                || channel.bdev().check(io) != Status.SUCCESS) {
            return false;
        }
        int lane = lane(io);
        if (lanes[lane].isEmpty()) {
            long nowNs = nowNs();
            long due = reserve(io);
            if (due - nowNs <= 0) {
                io.flags |= Bdev.FLAG_ADMITTED;
                return false;
            }
            dueNs[lane] = due;
            reserved[lane] = true;
            armFor(due);
        }
        io.state = BdevIo.WAITING;
        io.driverLong = nowNs();
        lanes[lane].add(io);
        return true;
    }

    @HotPath
    private int lane(BdevIo io) {
        return byDirection && IoType.isWrite(io.type) ? 1 : 0;
    }

    @HotPath
    private long nowNs() {
        return channel.mthread().reactor().nowNs();
    }

    @HotPath
    private long reserve(BdevIo io) {
        long byteCount = io.type == IoType.UNMAP ? 0 : io.blockCount << channel.bdev().blockShift();
        return buckets.reserve(IoType.isWrite(io.type), byteCount, nowNs());
    }

    @Override
    @HotPath
    protected void onTimer(long nowNs) {
        release();
    }

    /** Lets go what is due, unless the bdev is paused. */
    @HotPath
    void release() {
        if (channel.isPaused()) {
            return;
        }
        int left = BATCH_MAX;
        for (int lane = 0; lane < LANE_COUNT; lane++) {
            left = release(lane, left);
        }
    }

    @HotPath
    private int release(int lane, int batch) {
        IoQueue queue = lanes[lane];
        long nowNs = nowNs();
        int left = batch;
        while (!queue.isEmpty()) {
            if (!reserved[lane]) {
                dueNs[lane] = reserve(queue.peek());
                reserved[lane] = true;
            }
            if (left == 0 || dueNs[lane] - nowNs > 0) {
                armFor(dueNs[lane]);
                break;
            }
            left--;
            reserved[lane] = false;
            pass(queue.poll());
        }
        return left;
    }

    @HotPath
    private void armFor(long due) {
        long nowNs = nowNs();
        long delayNs = Math.max(due - nowNs, SLICE_NS);
        if (isArmed()) {
            if (armedNs - (nowNs + delayNs) <= 0) {
                return;
            }
            channel.mthread().reactor().cancel(this);
        }
        armedNs = nowNs + delayNs;
        channel.mthread().reactor().arm(this, delayNs);
    }

    @HotPath
    private void pass(BdevIo io) {
        channel.stats.recordDelay(nowNs() - io.driverLong);
        io.flags |= Bdev.FLAG_ADMITTED;
        channel.again(io, true);
    }

    /** Lets everything go now; it is taken off what may pass later. */
    void releaseAll() {
        for (int lane = 0; lane < LANE_COUNT; lane++) {
            for (BdevIo io = lanes[lane].poll(); io != null; io = lanes[lane].poll()) {
                if (!reserved[lane]) {
                    reserve(io);
                }
                reserved[lane] = false;
                pass(io);
            }
        }
        disarm();
    }

    /** Ends, undone, what waits and is meant. */
    void abort(Predicate<BdevIo> meant, int status) {
        for (int lane = 0; lane < LANE_COUNT; lane++) {
            for (int i = lanes[lane].size(); i > 0; i--) {
                BdevIo io = lanes[lane].poll();
                if (meant.test(io)) {
                    channel.endWaiting(io, status);
                } else {
                    lanes[lane].add(io);
                }
            }
        }
    }

    private void disarm() {
        if (isArmed()) {
            channel.mthread().reactor().cancel(this);
        }
    }

    void close() {
        assert waiting() == 0;
        disarm();
    }

    /** I/O that waits. Any thread, approximate. */
    int waiting() {
        return lanes[0].size() + lanes[1].size();
    }
}
