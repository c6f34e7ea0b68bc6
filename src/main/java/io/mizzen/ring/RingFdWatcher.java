package io.mizzen.ring;

import static io.mizzen.ffi.IoUringAbi.*;

import io.mizzen.ffi.IoUringAbi;
import io.mizzen.reactor.FdWatcher;
import io.mizzen.reactor.Timer;
import java.util.HashMap;
import java.util.Map;

/**
 * Watches descriptors by polls in the ring; re-armed as long as somebody watches, at once while they work, and after a time
 * that doubles while they fail. Reactor's thread only.
 */
final class RingFdWatcher implements FdWatcher, CqeHandler {
    private static final int POLLIN = 1;
    private static final int WATCH_MAX = 64;
    private static final long BACK_OFF_NS_MIN = 1_000_000;
    private static final long BACK_OFF_NS_MAX = 1_000_000_000;

    private final ReactorRing ring;
    private final Map<Integer, Watch> watches = new HashMap<>();

    RingFdWatcher(ReactorRing ring) {
        this.ring = ring;
    }

    /** A descriptor: polled while it has a slot, else its timer is armed. */
    private final class Watch extends Timer {
        private final int fd;
        private final Handler handler;
        private RingSlot slot;
        private long backOffNs;

        Watch(int fd, Handler handler) {
            this.fd = fd;
            this.handler = handler;
        }

        boolean arm() {
            slot = ring.tryAcquire(RingFdWatcher.this);
            if (slot == null) {
                return false;
            }
            slot.value = fd;
            IoUringAbi.fill(ring.nextSqe(), IORING_OP_POLL_ADD, 0, 0, fd, 0, 0, IORING_POLL_ADD_MULTI, POLLIN,
                    slot.userData(), 0);
            return true;
        }

        void armAgain() {
            if (backOffNs > 0 || !arm()) {
                backOffNs = Math.clamp(2 * backOffNs, BACK_OFF_NS_MIN, BACK_OFF_NS_MAX);
                ring.reactor().arm(this, backOffNs);
            }
        }

        @Override
        protected void onTimer(long nowNs) {
            if (!arm()) {
                armAgain();
            }
        }

        void onPolled(int result, boolean more) {
            if (!more) {
                slot = null;
            }
            boolean readable = result >= 0 && (result & POLLIN) != 0;
            if (readable) {
                backOffNs = 0;
                handler.onReadable(fd);
            } else {
                backOffNs = Math.max(backOffNs, BACK_OFF_NS_MIN / 2);
            }
            if (!more && watches.get(fd) == this) {
                armAgain();
            }
        }

        void end() {
            ring.reactor().cancel(this);
            if (slot != null) {
                IoUringAbi.fill(ring.nextSqe(), IORING_OP_POLL_REMOVE, 0, 0, -1, 0, slot.userData(), 0, 0, -3L, 0);
            }
        }
    }

    @Override
    public boolean watch(int fd, Handler handler) {
        if (watches.size() == WATCH_MAX || watches.containsKey(fd)) {
            return false;
        }
        Watch watch = new Watch(fd, handler);
        if (!watch.arm()) {
            return false;
        }
        watches.put(fd, watch);
        return true;
    }

    @Override
    public void onCqe(RingSlot slot, int result, int flags, boolean more) {
        Watch watch = watches.get((int) slot.value);
        if (watch != null && watch.slot == slot) {      // Else unwatched meanwhile.
            watch.onPolled(result, more);
        }
    }

    @Override
    public void unwatch(int fd) {
        Watch watch = watches.remove(fd);
        if (watch != null) {
            watch.end();
        }
    }

    void close() {
        watches.clear();
    }
}
