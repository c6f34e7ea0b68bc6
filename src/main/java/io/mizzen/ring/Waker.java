package io.mizzen.ring;

import static io.mizzen.ffi.IoUringAbi.*;

import io.mizzen.ffi.IoUringAbi;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Wakes a ring's reactor from any thread: by a message to the ring where the kernel can send one without a ring of the
 * sender's own (6.13), else through an eventfd that the ring watches.
 */
final class Waker {
    private static final int EFD_CLOEXEC_NONBLOCK = 0x80800;

    private static final int ATTEMPTS_MAX = 3;

    private final AtomicLong failures = new AtomicLong();
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment memory = arena.allocate(128, 64);
    private final long message = memory.address();
    private final long one = memory.address() + 64;
    private final long drained = memory.address() + 72;
    private final int eventFd;

    private Waker(IoUring ring, long userData) {
        IoUringAbi.fill(message, IORING_OP_MSG_RING, 0, 0, ring.fd(), userData, 0, 0, 0, 0, 0);
        RawMemory.putLong(one, 1);
        if (Libc.io_uring_register(-1, IORING_REGISTER_SEND_MSG_RING, message, 1) >= 0) {
            eventFd = -1;
            return;
        }
        eventFd = Libc.eventfd(0, EFD_CLOEXEC_NONBLOCK);
        if (eventFd < 0) {
            throw ReactorRing.failed("eventfd", -eventFd);
        }
    }

    static Waker create(IoUring ring, long userData) {
        return new Waker(ring, userData);
    }

    /** The eventfd to watch, or -1. */
    int eventFd() {
        return eventFd;
    }

    void wake() {
        if (eventFd >= 0) {
            Libc.write(eventFd, one, 8);        // EAGAIN: the counter is full, so it is readable already.
            return;
        }
        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {      // Out of memory passes, a closed ring does not.
            if (Libc.io_uring_register(-1, IORING_REGISTER_SEND_MSG_RING, message, 1) >= 0) {
                return;
            }
        }
        failures.incrementAndGet();
    }

    /** Wake-ups that the kernel refused: the reactor slept on, at most to the end of its time limit. */
    long failures() {
        return failures.get();
    }

    void drain(int fd) {
        Libc.read(fd, drained, 8);
    }

    void close() {
        if (eventFd >= 0) {
            Libc.close(eventFd);
        }

    }
}
