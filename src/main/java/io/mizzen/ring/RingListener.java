package io.mizzen.ring;

import static io.mizzen.ffi.IoUringAbi.*;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.IoUringAbi;
import io.mizzen.ffi.Libc;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Sockets;
import io.mizzen.reactor.Timer;
import java.net.InetSocketAddress;

/** A listening socket: a multishot accept. After an error such as too many open files it tries again later. */
final class RingListener implements Sockets.Listener, CqeHandler {
    private static final long RETRY_NS = 100_000_000L;
    private static final int SOCK_CLOEXEC = 0x80000;

    private final ReactorRing ring;
    private final Reactor reactor;
    private final int fd;
    private final InetSocketAddress address;
    private final Sockets.AcceptHandler handler;
    private final Timer retry = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            arm();
        }
    };
    private RingSlot slot;
    private boolean closed;

    RingListener(ReactorRing ring, Reactor reactor, int fd, InetSocketAddress address, Sockets.AcceptHandler handler) {
        this.ring = ring;
        this.reactor = reactor;
        this.fd = fd;
        this.address = address;
        this.handler = handler;
        arm();
    }

    private void arm() {
        slot = ring.tryAcquire(this);
        if (slot == null) {
            reactor.arm(retry, RETRY_NS);
            return;
        }
        IoUringAbi.fill(ring.nextSqe(), IORING_OP_ACCEPT, 0, IORING_ACCEPT_MULTISHOT, fd, 0, 0, 0, SOCK_CLOEXEC,
                slot.userData(), 0);
    }

    @Override
    public void onCqe(RingSlot done, int result, int flags, boolean more) {
        if (result >= 0) {
            if (closed) {
                Libc.close(result);
            } else {
                handler.onAccept(result);
            }
        }
        if (more) {
            return;
        }
        slot = null;
        if (closed) {
            Libc.close(fd);
        } else if (result >= 0 || result == -Errno.ECONNRESET) {
            arm();
        } else {
            reactor.arm(retry, RETRY_NS);
        }
    }

    @Override
    public InetSocketAddress localAddress() {
        return address;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        reactor.cancel(retry);
        if (slot == null) {
            Libc.close(fd);
        } else {
            Libc.shutdown(fd, 2);       // Nobody connects from here on, though the last accept is still to end.
            ring.cancel(slot);
        }
    }
}
