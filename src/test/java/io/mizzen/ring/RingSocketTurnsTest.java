package io.mizzen.ring;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.Sockets;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Sockets turn by turn: order, backpressure and ends, on a hand-driven reactor with a small ring. */
class RingSocketTurnsTest {
    private final RingRig rig = new RingRig(RingRig.SMALL);
    private final Arena arena = Arena.ofConfined();
    private final List<SocketChannel> peers = new ArrayList<>();
    private final List<Integer> accepted = new ArrayList<>();

    private static final class Recorder implements Sockets.SocketHandler {
        private final ByteArrayOutputStream received = new ByteArrayOutputStream();
        private final List<Integer> sent = new ArrayList<>();
        private Integer closed;

        @Override
        public void onReceive(long address, int lengthBytes) {
            assertNull(closed);
            received.writeBytes(RawMemory.ALL.asSlice(address, lengthBytes)
                    .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
        }

        @Override
        public void onSent(int result) {
            assertNull(closed);
            sent.add(result);
        }

        @Override
        public void onClosed(int errno) {
            assertNull(closed);
            closed = errno;
        }
    }

    @AfterEach
    void everythingEnds() throws IOException {
        for (SocketChannel peer : peers) {
            peer.close();
        }
        rig.close();
        arena.close();
        assertEquals(512, rig.ring.stats().slotsFree());
        assertEquals(0, rig.ring.stats().lateCompletions());
    }

    private Sockets.Listener listen(String host) {
        return rig.call(() -> rig.reactor.sockets().listen(new InetSocketAddress(host, 0), accepted::add));
    }

    private SocketChannel connect(Sockets.Listener listener) throws IOException {
        SocketChannel peer = SocketChannel.open(listener.localAddress());
        peers.add(peer);
        int before = accepted.size();
        rig.runUntil(() -> accepted.size() > before);
        return peer;
    }

    private Sockets.Socket adopt(Recorder recorder) {
        return rig.call(() -> rig.reactor.sockets().adopt(accepted.remove(accepted.size() - 1), recorder));
    }

    private MemorySegment vector(byte[]... pieces) {
        MemorySegment vector = arena.allocate(16L * pieces.length, 8);
        for (int i = 0; i < pieces.length; i++) {
            MemorySegment copy = arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_BYTE, pieces[i]);
            vector.set(JAVA_LONG, 16L * i, copy.address());
            vector.set(JAVA_LONG, 16L * i + 8, pieces[i].length);
        }
        return vector;
    }

    private static byte[] random(int seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private void echoesOn(String host) throws IOException {
        Sockets.Listener listener = listen(host);
        SocketChannel peer = connect(listener);
        Recorder recorder = new Recorder();
        Sockets.Socket socket = adopt(recorder);
        assertEquals(peer.getLocalAddress(), socket.remoteAddress());
        byte[] question = random(1, 10_000);
        peer.write(ByteBuffer.wrap(question));
        rig.runUntil(() -> recorder.received.size() == question.length);
        assertArrayEquals(question, recorder.received.toByteArray());
        MemorySegment answer = vector(random(2, 24), random(3, 4096));
        rig.on(() -> socket.send(answer.address(), 2));
        rig.runUntil(() -> recorder.sent.size() == 1);
        assertEquals(0, recorder.sent.get(0));
        ByteBuffer got = ByteBuffer.allocate(24 + 4096);
        while (got.hasRemaining()) {
            assertTrue(peer.read(got) > 0);
        }
        assertArrayEquals(random(3, 4096), java.util.Arrays.copyOfRange(got.array(), 24, 24 + 4096));
        peer.close();
        rig.runUntil(() -> recorder.closed != null);
        assertEquals(0, recorder.closed);
        rig.on(listener::close);
    }

    @Test
    void bytesGoBothWaysOverIpv4() throws IOException {
        echoesOn("127.0.0.1");
    }

    @Test
    void bytesGoBothWaysOverIpv6() throws IOException {
        echoesOn("::1");
    }

    @Test
    void aSendLargerThanTheSocketBufferEndsOnlyWhenAllIsSent() throws IOException {
        SocketChannel peer = connect(listen("127.0.0.1"));
        peer.setOption(StandardSocketOptions.SO_RCVBUF, 16 << 10);
        Recorder recorder = new Recorder();
        Sockets.Socket socket = adopt(recorder);
        byte[] first = random(5, 3 << 20);
        byte[] second = random(6, 9 << 20);
        MemorySegment vector = vector(first, second);
        rig.on(() -> socket.send(vector.address(), 2));
        for (int i = 0; i < 50; i++) {
            rig.tick();
        }
        assertTrue(socket.isSending());
        peer.configureBlocking(false);
        ByteBuffer got = ByteBuffer.allocate(12 << 20);
        rig.runUntil(() -> read(peer, got) && !got.hasRemaining());
        rig.runUntil(() -> !socket.isSending());
        assertEquals(List.of(0), recorder.sent);
        assertArrayEquals(first, java.util.Arrays.copyOf(got.array(), first.length));
        assertArrayEquals(second, java.util.Arrays.copyOfRange(got.array(), first.length, 12 << 20));
        assertEquals(first.length, vector.get(JAVA_LONG, 8), "the vector is as it was");
    }

    private static boolean read(SocketChannel peer, ByteBuffer into) {
        try {
            return peer.read(into) >= 0;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aPausedConnectionLosesNothingAndDoesNotStarveTheOthers() throws IOException {
        Sockets.Listener listener = listen("127.0.0.1");
        SocketChannel slowPeer = connect(listener);
        Recorder slow = new Recorder();
        Sockets.Socket slowSocket = adopt(slow);
        SocketChannel quickPeer = connect(listener);
        Recorder quick = new Recorder();
        adopt(quick);
        byte[] data = random(7, 300_000);
        slowPeer.configureBlocking(false);
        ByteBuffer left = ByteBuffer.wrap(data);
        for (int round = 0; round < 200 && (left.hasRemaining() || slow.received.size() < data.length); round++) {
            boolean pause = round % 3 == 0;
            rig.on(() -> {
                if (pause) {
                    slowSocket.pauseReceive();
                } else {
                    slowSocket.resumeReceive();
                }
            });
            slowPeer.write(left);
            int before = slow.received.size();
            for (int i = 0; i < 5; i++) {
                rig.tick();
                if (pause) {
                    assertEquals(before, slow.received.size(), "paused");
                }
            }
            quickPeer.write(ByteBuffer.wrap(new byte[100]));
            int wanted = (round + 1) * 100;
            rig.runUntil(() -> quick.received.size() == wanted);
        }
        rig.on(slowSocket::resumeReceive);
        rig.runUntil(() -> slow.received.size() == data.length);
        assertArrayEquals(data, slow.received.toByteArray());
    }

    @Test
    void closingEndsASendInFlightAndIsToldLast() throws IOException {
        connect(listen("127.0.0.1"));
        Recorder recorder = new Recorder();
        Sockets.Socket socket = adopt(recorder);
        MemorySegment vector = vector(random(8, 16 << 20));
        rig.on(() -> socket.send(vector.address(), 1));
        rig.tick();
        rig.on(socket::close);
        assertNull(recorder.closed, "never inside the call");
        rig.runUntil(() -> recorder.closed != null);
        assertEquals(1, recorder.sent.size());
        assertTrue(recorder.sent.get(0) < 0);
        assertEquals(0, recorder.closed);
        assertEquals(0, rig.ring.stats().connections());
    }

    @Test
    void aResetByThePeerIsAnError() throws IOException {
        SocketChannel peer = connect(listen("127.0.0.1"));
        Recorder recorder = new Recorder();
        adopt(recorder);
        peer.setOption(StandardSocketOptions.SO_LINGER, 0);
        peer.close();
        rig.runUntil(() -> recorder.closed != null);
        assertEquals(-104, recorder.closed);
    }

    @Test
    void theLimitOfConnectionsHoldsAndFreesAgain() throws IOException {
        Sockets.Listener listener = listen("127.0.0.1");
        List<Recorder> recorders = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
            connect(listener);
            recorders.add(new Recorder());
            assertNotNull(adopt(recorders.get(i)));
        }
        connect(listener);
        int extra = accepted.get(0);
        assertNull(adopt(new Recorder()));
        rig.on(() -> rig.reactor.sockets().discard(extra));
        peers.get(0).close();
        rig.runUntil(() -> recorders.get(0).closed != null);
        connect(listener);
        assertNotNull(adopt(new Recorder()));
    }
}
