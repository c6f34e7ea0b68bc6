package io.mizzen.ring;

import static io.mizzen.ffi.IoUringAbi.*;

import io.mizzen.ffi.IoUringAbi;
import io.mizzen.reactor.FdWatcher;
import java.util.HashMap;
import java.util.Map;

/** Watches descriptors by polls in the ring; re-armed as long as somebody watches. Reactor's thread only. */
final class RingFdWatcher implements FdWatcher, CqeHandler {
    private static final int POLLIN = 1;
    private static final int WATCH_MAX = 64;

    private final ReactorRing ring;
    private final Map<Integer, RingSlot> slots = new HashMap<>();
    private final Map<Integer, Handler> handlers = new HashMap<>();

    RingFdWatcher(ReactorRing ring) {
        this.ring = ring;
    }

    @Override
    public boolean watch(int fd, Handler handler) {
        if (handlers.size() == WATCH_MAX || handlers.containsKey(fd)) {
            return false;
        }
        handlers.put(fd, handler);
        if (!arm(fd)) {
            handlers.remove(fd);
            return false;
        }
        return true;
    }

    private boolean arm(int fd) {
        RingSlot slot = ring.tryAcquire(this);
        if (slot == null) {
            return false;
        }
        slot.value = fd;
        slots.put(fd, slot);
        IoUringAbi.fill(ring.nextSqe(), IORING_OP_POLL_ADD, 0, 0, fd, 0, 0, IORING_POLL_ADD_MULTI, POLLIN,
                slot.userData(), 0);
        return true;
    }

    @Override
    public void onCqe(RingSlot slot, int result, int flags, boolean more) {
        int fd = (int) slot.value;
        if (slots.get(fd) != slot) {
            return;                     // Unwatched meanwhile.
        }
        if (!more) {
            slots.remove(fd);
        }
        Handler handler = handlers.get(fd);
        if (result >= 0) {
            handler.onReadable(fd);
        }
        if (!more && handlers.containsKey(fd)) {
            boolean armed = arm(fd);
            assert armed;
        }
    }

    @Override
    public void unwatch(int fd) {
        handlers.remove(fd);
        RingSlot slot = slots.remove(fd);
        if (slot != null) {
            IoUringAbi.fill(ring.nextSqe(), IORING_OP_POLL_REMOVE, 0, 0, -1, 0, slot.userData(), 0, 0, -3L, 0);
        }
    }

    void close() {
        handlers.clear();
        slots.clear();
    }
}
