package io.mizzen.reactor;

import java.net.InetSocketAddress;

/**
 * TCP for poll groups: the port through which the data plane reaches the network. The io_uring of a reactor implements
 * it; so do the simulator and the tests. All calls and callbacks are on the reactor's own thread.
 */
public interface Sockets {
    /**
     * Listens on a local address (IPv4 or IPv6; port 0 lets the kernel choose).
     *
     * @throws io.mizzen.util.OperationException when the address is in use or not local
     */
    Listener listen(InetSocketAddress address, AcceptHandler handler);

    /**
     * Takes over a connected socket that a listener of this or another reactor accepted.
     *
     * @return null when this reactor's limit on connections is reached; the caller then discards the socket
     */
    Socket adopt(int socketId, SocketHandler handler);

    /** Closes an accepted socket that nobody adopts. */
    void discard(int socketId);

    /** A listening socket. */
    interface Listener {
        /** The address bound, with the port that the kernel chose. */
        InetSocketAddress localAddress();

        /** Stops listening; no callback follows. */
        void close();
    }

    /** Receives what a listener accepts. */
    @FunctionalInterface
    interface AcceptHandler {
        /** {@code socketId} may be adopted on any reactor of the process, once. */
        void onAccept(int socketId);
    }

    /** A connection, owned by one reactor. */
    interface Socket {
        /**
         * Sends an I/O vector ({@code struct iovec[]}: 8 bytes address, 8 bytes length each). One send may be in flight;
         * vector and data stay untouched until {@link SocketHandler#onSent}. Everything is sent before that call.
         */
        void send(long iovecAddress, int iovecCount);

        /** Whether a send is in flight. */
        boolean isSending();

        /**
         * Says where the next bytes belong, so that they may be received straight there. Called within
         * {@link SocketHandler#onReceive} or {@link SocketHandler#onExpected}, and holds until the next call of either or
         * {@link SocketHandler#onClosed}: so long the memory is the socket's. The bytes may come by {@code onReceive} all
         * the same.
         */
        void expect(long address, int lengthBytes);

        /** Stops calling {@link SocketHandler#onReceive} until {@link #resumeReceive()}; data already there is kept. */
        void pauseReceive();

        /** Delivers again. */
        void resumeReceive();

        /** Closes; {@link SocketHandler#onClosed} follows once nothing refers to the caller's memory any more. */
        void close();

        InetSocketAddress localAddress();

        InetSocketAddress remoteAddress();
    }

    /** What happens on a connection. */
    interface SocketHandler {
        /** Bytes arrived; they are valid during the call only. */
        void onReceive(long address, int lengthBytes);

        /**
         * Bytes arrived where {@link Socket#expect} said, from its start on; the rest may be expected anew. Only for a
         * handler that expects.
         */
        default void onExpected(int lengthBytes) {
            throw new IllegalStateException(lengthBytes + " bytes arrived where nothing was expected");
        }

        /** The send ended. {@code result} is 0, or a negative errno after which the connection is closing. */
        void onSent(int result);

        /** The last callback: closed by us (0), by the peer (0) or by an error (negative errno). */
        void onClosed(int errno);
    }
}
