package io.mizzen.ring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Sockets;
import io.mizzen.testsupport.RealReactors;
import io.mizzen.util.OperationException;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Random;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real sockets on the ring of a real reactor, with the JDK's own sockets on the other side. */
class RingSocketsTest {
    private final RealReactors real = new RealReactors(2, 0);
    private final LinkedBlockingQueue<Echo> accepted = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Integer> closed = new LinkedBlockingQueue<>();
    private Sockets.Listener listener;

    /** Sends back what comes: one send at a time, what arrives meanwhile waits in the kernel. */
    private final class Echo implements Sockets.SocketHandler {
        private final DmaBuffer buffer;
        private final long iovec;
        private Sockets.Socket socket;
        private boolean holds;
        private int turnsSending;

        Echo(Reactor reactor) {
            buffer = real.pools().large().cache(reactor.index()).tryAcquire();
            iovec = buffer.address() + 65_536;
        }

        @Override
        public void onReceive(long address, int lengthBytes) {
            RawMemory.copy(address, buffer.address(), lengthBytes);
            RawMemory.putLong(iovec, buffer.address());
            RawMemory.putLong(iovec + 8, lengthBytes / 2);
            RawMemory.putLong(iovec + 16, buffer.address() + lengthBytes / 2);
            RawMemory.putLong(iovec + 24, lengthBytes - lengthBytes / 2);
            socket.pauseReceive();
            socket.send(iovec, 2);
        }

        @Override
        public void onSent(int result) {
            if (!holds) {
                socket.resumeReceive();
            }
        }

        @Override
        public void onClosed(int errno) {
            buffer.close();
            closed.add(errno);
        }
    }

    private InetSocketAddress listen(InetAddress address, int servingReactor) {
        real.run(0, () -> listener = real.reactor(0).sockets().listen(new InetSocketAddress(address, 0), id ->
                real.reactor(servingReactor).mthread().post(() -> {
                    Reactor reactor = real.reactor(servingReactor);
                    Echo echo = new Echo(reactor);
                    echo.socket = reactor.sockets().adopt(id, echo);
                    accepted.add(echo);
                })));
        return listener.localAddress();
    }

    @AfterEach
    void close() {
        if (listener != null) {
            real.run(0, listener::close);
        }
        real.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void everythingComesBackInOrder(String host) throws Exception {
        InetSocketAddress address = listen(InetAddress.getByName(host), 1);
        byte[] sent = new byte[3 << 20];
        new Random(5).nextBytes(sent);
        try (Socket client = new Socket(address.getAddress(), address.getPort())) {
            Thread writer = new Thread(() -> {
                try {
                    OutputStream out = client.getOutputStream();
                    for (int i = 0; i < sent.length; i += 10_007) {
                        out.write(sent, i, Math.min(10_007, sent.length - i));
                    }
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            writer.start();
            byte[] received = new byte[sent.length];
            new DataInputStream(client.getInputStream()).readFully(received);
            writer.join();
            assertArrayEquals(sent, received);
            Echo echo = accepted.take();
            assertEquals(client.getLocalPort(), echo.socket.remoteAddress().getPort());
            assertEquals(address, echo.socket.localAddress());
        }
        assertEquals(0, closed.poll(120, TimeUnit.SECONDS));
        assertEquals(0, real.call(1, () -> ReactorRing.of(real.reactor(1)).stats().connections()));
    }

    @Test
    void closingWhileAPeerDoesNotReadEndsAllTheSame() throws Exception {
        InetSocketAddress address = listen(InetAddress.getLoopbackAddress(), 0);
        try (Socket client = new Socket(address.getAddress(), address.getPort())) {
            Echo echo = accepted.take();
            echo.holds = true;
            long deadlineNs = System.nanoTime() + RealReactors.TIMEOUT_NS;
            boolean stuck = false;
            while (!stuck && System.nanoTime() < deadlineNs) {      // Until the kernel takes no more.
                stuck = real.call(0, () -> {
                    if (echo.socket.isSending()) {
                        return ++echo.turnsSending > 1_000;
                    }
                    echo.turnsSending = 0;
                    RawMemory.putLong(echo.iovec, echo.buffer.address());
                    RawMemory.putLong(echo.iovec + 8, 65_536);
                    echo.socket.send(echo.iovec, 1);
                    return false;
                });
            }
            assertTrue(stuck);
            real.run(0, echo.socket::close);
            assertEquals(0, closed.poll(120, TimeUnit.SECONDS));
            assertEquals(real.pools().large().count(), real.pools().large().freeCount());
        }
    }

    @Test
    void portInUseIsAClearError() {
        InetSocketAddress address = listen(InetAddress.getLoopbackAddress(), 0);
        OperationException e = assertThrows(OperationException.class,
                () -> real.run(0, () -> real.reactor(0).sockets().listen(address, id -> { })));
        assertEquals("listen-failed", e.code());
        assertTrue(e.getMessage().contains(String.valueOf(address.getPort())), e.getMessage());
    }

    @Test
    void manyConnectionsComeAndGoAndNothingIsLeft() throws Exception {
        InetSocketAddress address = listen(InetAddress.getLoopbackAddress(), 1);
        int slots = real.call(1, () -> ReactorRing.of(real.reactor(1)).stats().slotsFree());
        for (int i = 0; i < 100; i++) {
            try (Socket client = new Socket(address.getAddress(), address.getPort())) {
                client.getOutputStream().write(i);
                if (i % 3 != 0) {
                    assertEquals(i, client.getInputStream().read());
                } else {
                    client.setSoLinger(true, 0);        // A reset, perhaps before the answer.
                }
            }
        }
        for (int i = 0; i < 100; i++) {
            closed.poll(120, TimeUnit.SECONDS);
        }
        assertEquals(slots, real.call(1, () -> ReactorRing.of(real.reactor(1)).stats().slotsFree()));
        assertEquals(real.pools().large().count(), real.pools().large().freeCount());
    }
}
