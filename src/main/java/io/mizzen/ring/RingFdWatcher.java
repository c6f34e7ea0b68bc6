package io.mizzen.ring;

import static io.mizzen.ffi.IoUringAbi.*;

import io.mizzen.ffi.IoUringAbi;
import io.mizzen.reactor.FdWatcher;
import io.mizzen.reactor.Timer;
import io.mizzen.util.HotPath;

/**
 * Watches descriptors by polls in the ring; re-armed as long as somebody watches, at once while they work, and after a time
 * that doubles while they fail. A queue pair's interrupt may be asked for once per I/O. Reactor's thread only.
 */
final class RingFdWatcher implements FdWatcher, CqeHandler {
    private static final int POLLIN = 1;
    private static final int WATCH_MAX = 64;
    private static final long BACK_OFF_NS_MIN = 1_000_000;
    private static final long BACK_OFF_NS_MAX = 1_000_000_000;

    private final ReactorRing ring;
    private final Watch[] watches = new Watch[WATCH_MAX];

    RingFdWatcher(ReactorRing ring) {
        this.ring = ring;
        for (int i = 0; i < WATCH_MAX; i++) {
            watches[i] = new Watch();
        }
    }

    /** A descriptor, or none (-1): polled while it has a slot, else its timer is armed. */
    private final class Watch extends Timer {
        private int fd = -1;
        private Handler handler;
        private RingSlot slot;
        private long backOffNs;

        @HotPath
        boolean begin(int newFd, Handler newHandler) {
            fd = newFd;
            handler = newHandler;
            backOffNs = 0;
            if (!arm()) {
                fd = -1;
            }
            return fd >= 0;
        }

        @HotPath
        private boolean arm() {
            slot = ring.tryAcquire(RingFdWatcher.this);
            if (slot == null) {
                return false;
            }
            slot.value = fd;
            IoUringAbi.fill(ring.nextSqe(), IORING_OP_POLL_ADD, 0, 0, fd, 0, 0, IORING_POLL_ADD_MULTI, POLLIN,
                    slot.userData(), 0);
            return true;
        }

        private void armLater() {
            backOffNs = Math.clamp(2 * backOffNs, BACK_OFF_NS_MIN, BACK_OFF_NS_MAX);
            ring.reactor().arm(this, backOffNs);
        }

        @Override
        protected void onTimer(long nowNs) {
            if (!arm()) {
                armLater();
            }
        }

        @HotPath
        void onPolled(int result, boolean more) {
            if (!more) {
                slot = null;
            }
            boolean readable = result >= 0 && (result & POLLIN) != 0;
            if (readable) {
                backOffNs = 0;
                handler.onReadable(fd);
            }
            boolean isOver = !more && fd >= 0 && slot == null && !isArmed();    // The handler may have ended it, or begun another.
            if (isOver && (!readable || !arm())) {
                armLater();
            }
        }

        @HotPath
        void end() {
            fd = -1;
            handler = null;
            ring.reactor().cancel(this);
            if (slot != null) {
                IoUringAbi.fill(ring.nextSqe(), IORING_OP_POLL_REMOVE, 0, 0, -1, 0, slot.userData(), 0, 0, -3L, 0);
                slot = null;
            }
        }
    }

    @HotPath
    private Watch of(int fd) {
        for (int i = 0; i < WATCH_MAX; i++) {
            if (watches[i].fd == fd) {
                return watches[i];
            }
        }
        return null;
    }

    @Override
    @HotPath
    public boolean watch(int fd, Handler handler) {
        Watch free = of(-1);
        return free != null && of(fd) == null && free.begin(fd, handler);
    }

    @Override
    @HotPath
    public void onCqe(RingSlot slot, int result, int flags, boolean more) {
        Watch watch = of((int) slot.value);
        if (watch != null && watch.slot == slot) {      // Else unwatched meanwhile.
            watch.onPolled(result, more);
        }
    }

    @Override
    @HotPath
    public void unwatch(int fd) {
        Watch watch = of(fd);
        if (watch != null) {
            watch.end();
        }
    }

    void close() {
        for (Watch watch : watches) {
            watch.fd = -1;
        }
    }
}
