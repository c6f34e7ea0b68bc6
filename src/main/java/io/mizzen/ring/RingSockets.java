package io.mizzen.ring;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.Sockaddr;
import io.mizzen.memory.DmaMemory;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Sockets;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;

/** TCP through a reactor's ring. Reactor's thread only. */
final class RingSockets implements Sockets {
    static final int SOL_SOCKET = 1;
    private static final int SO_REUSEADDR = 2;
    private static final int SOCK_STREAM_CLOEXEC = 0x80001;
    private static final int IPPROTO_TCP = 6;
    private static final int IPPROTO_IPV6 = 41;
    private static final int IPV6_V6ONLY = 26;
    private static final int TCP_NODELAY = 1;
    private static final int TCP_CONGESTION = 13;
    private static final int SO_KEEPALIVE = 9;
    private static final int TCP_KEEPIDLE = 4;
    private static final int TCP_KEEPINTVL = 5;
    private static final int TCP_KEEPCNT = 6;
    private static final int KEEPALIVE_IDLE_S = 60;
    private static final int KEEPALIVE_INTERVAL_S = 10;
    private static final int KEEPALIVE_COUNT = 3;
    private static final int BACKLOG = 512;
    private static final String LOCAL_CONGESTION_CONTROL = "cubic";

    private final ReactorRing ring;
    private final Reactor reactor;
    private final int connectionMax;
    private final String congestionControl;
    private final ReceiveBuffers buffers;
    private int connectionCount;

    RingSockets(ReactorRing ring, Reactor reactor, RingConfig config, DmaMemory memory) {
        this.ring = ring;
        this.reactor = reactor;
        this.connectionMax = config.connections();
        this.congestionControl = config.congestionControl();
        this.buffers = new ReceiveBuffers(ring.raw(), memory, config.receiveBuffers(), config.receiveBufferBytes());
    }

    @Override
    public Listener listen(InetSocketAddress address, AcceptHandler handler) {
        int fd = Libc.socket(Sockaddr.family(address), SOCK_STREAM_CLOEXEC, 0);
        if (fd < 0) {
            throw OperationException.internal("socket-failed", "socket: " + Errno.describe(-fd));
        }
        try (Arena arena = Arena.ofConfined()) {
            setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
            if (Sockaddr.family(address) == Sockaddr.AF_INET6) {
                setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
            }
            MemorySegment name = arena.allocate(Sockaddr.IN6_SIZE_BYTES, 8);
            chooseCongestionControl(fd);
            int result = Libc.bind(fd, name.address(), Sockaddr.write(name, address));
            if (result == 0) {
                result = Libc.listen(fd, BACKLOG);
            }
            if (result < 0) {
                Libc.close(fd);
                throw new OperationException(ErrorKind.FAILED_PRECONDITION, "listen-failed", "cannot listen on "
                        + address.getAddress().getHostAddress() + " port " + address.getPort() + ": "
                        + Errno.describe(-result));
            }
        }
        return new RingListener(ring, reactor, fd, localAddress(fd), handler);
    }

    @Override
    public Socket adopt(int socketId, SocketHandler handler) {
        if (connectionCount >= connectionMax) {
            return null;
        }
        setOption(socketId, IPPROTO_TCP, TCP_NODELAY, 1);
        if (congestionControl.equals(RingConfig.AUTO) && isLocal(remoteAddress(socketId), localAddress(socketId))) {
            setCongestionControl(socketId, LOCAL_CONGESTION_CONTROL);       // Or it goes on with the system's, slower.
        }
        setOption(socketId, SOL_SOCKET, SO_KEEPALIVE, 1);       // A peer that dies while idle is noticed.
        setOption(socketId, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
        setOption(socketId, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
        setOption(socketId, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
        RingSocket socket = new RingSocket(ring, this, buffers, socketId, handler);
        if (!socket.start()) {
            socket.abandon();
            return null;
        }
        connectionCount++;
        return socket;
    }

    /** One that was asked for by name counts for the listener, and so for all that it accepts. */
    private void chooseCongestionControl(int fd) {
        if (congestionControl.equals(RingConfig.AUTO) || congestionControl.equals(RingConfig.SYSTEM)) {
            return;
        }
        int result = setCongestionControl(fd, congestionControl);
        if (result < 0) {
            Libc.close(fd);
            throw new OperationException(ErrorKind.FAILED_PRECONDITION, "congestion-control-unavailable",
                    "the kernel does not let this process use the congestion control " + congestionControl + ": "
                    + Errno.describe(-result) + "; sysctl net.ipv4.tcp_available_congestion_control and"
                    + " tcp_allowed_congestion_control list those that it has and allows");
        }
    }

    private static int setCongestionControl(int fd, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name);
            return Libc.setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, text.address(), name.length());
        }
    }

    private static boolean isLocal(InetSocketAddress peer, InetSocketAddress own) {
        return peer.getAddress().isLoopbackAddress() || peer.getAddress().equals(own.getAddress());
    }

    @Override
    public void discard(int socketId) {
        Libc.close(socketId);
    }

    void onClosed() {
        connectionCount--;
    }

    int connectionCount() {
        return connectionCount;
    }

    Reactor reactor() {
        return reactor;
    }

    static void setOption(int fd, int level, int option, int value) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocateFrom(ValueLayout.JAVA_INT, value);
            Libc.setsockopt(fd, level, option, number.address(), 4);    // A socket without the option works, slower.
        }
    }

    static InetSocketAddress localAddress(int fd) {
        return address(fd, true);
    }

    static InetSocketAddress remoteAddress(int fd) {
        return address(fd, false);
    }

    private static InetSocketAddress address(int fd, boolean local) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(Sockaddr.IN6_SIZE_BYTES, 8);
            MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, Sockaddr.IN6_SIZE_BYTES);
            int result = local ? Libc.getsockname(fd, name.address(), length.address())
                    : Libc.getpeername(fd, name.address(), length.address());
            return result < 0 ? new InetSocketAddress(0) : Sockaddr.read(name);     // The peer may be gone already.
        }
    }

    /** After the ring is closed. */
    void closeBuffers() {
        buffers.close();
    }
}
