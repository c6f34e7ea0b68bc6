package io.mizzen.testsupport;

import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.IdleStrategy;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Sockets;
import io.mizzen.util.OperationException;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The sockets port in memory, for hand-driven reactors. A send is read from the sender's memory only when it completes,
 * some turns later, so that memory given back too early shows; received bytes come in pieces of random length, split and
 * merged, and mostly straight to where the target expects them. A connection can be reset, with whatever is under way in either direction lost.
 */
public final class FakeSockets {
    private final HandReactors hand;
    private final Random random;
    private final Map<InetSocketAddress, Listening> listening = new HashMap<>();
    private final Map<Integer, Peer> waiting = new HashMap<>();
    private final List<Peer> peers = new ArrayList<>();
    private static final int ECONNRESET = 104;
    private int nextId = 1;
    private int nextPort = 40_000;

    public FakeSockets(HandReactors hand) {
        this.hand = hand;
        this.random = hand.random();
        for (int i = 0; i < hand.reactors().all().size(); i++) {
            int index = i;
            hand.on(i, () -> {
                Port port = new Port(hand.reactor(index));
                hand.reactor(index).install(new NoIdle(), port, null);
                hand.reactor(index).mthread().addPoller("fake-sockets", 0, port::poll);
            });
        }
    }

    private static final class NoIdle implements IdleStrategy {
        @Override
        public void sleep(long timeoutNs) {
            throw new IllegalStateException("hand-driven reactors do not sleep");
        }

        @Override
        public void wake() {
        }
    }

    private record Listening(Reactor reactor, InetSocketAddress address, Sockets.AcceptHandler handler) {
    }

    /** A client's connection. */
    public Peer connect(InetSocketAddress address) {
        Listening to = listening.get(address);
        if (to == null) {
            throw new IllegalStateException("nobody listens on " + address);
        }
        Peer peer = new Peer(nextId++, new InetSocketAddress(address.getAddress(), nextPort++), address);
        waiting.put(peer.id, peer);
        peers.add(peer);
        hand.on(to.reactor.index(), () -> to.handler.onAccept(peer.id));
        return peer;
    }

    /** Whether somebody listens there. */
    public boolean isListening(InetSocketAddress address) {
        return listening.containsKey(address);
    }

    /** Connections that neither side has ended. */
    public long openCount() {
        return peers.stream().filter(p -> !p.discarded && !p.closedByTarget).count();
    }

    /** The client's end, and what the target knows of the connection. */
    public final class Peer implements Sockets.Socket, NvmeTcpClient.Transport {
        private final int id;
        private final InetSocketAddress remote;
        private final InetSocketAddress local;
        private final ArrayDeque<byte[]> toTarget = new ArrayDeque<>();
        private final ByteArrayOutputStream fromTarget = new ByteArrayOutputStream();
        private byte[] taken = new byte[0];
        private int takenAt;
        private Sockets.SocketHandler handler;
        private Reactor reactor;
        private long iovec;
        private int iovecCount;
        private boolean sending;
        private boolean discarded;
        private boolean closeRequested;
        private boolean closedByTarget;
        private boolean closedByClient;
        private boolean paused;
        private long expectedAddress;
        private int expectedBytes;
        /** Bytes that went straight to where the target expected them. */
        public long placedBytes;
        private boolean reset;
        /** Whether the client takes no bytes at the moment. */
        public boolean readsNothing;
        /** Longest piece delivered at once. */
        public int pieceMax = 20_000;
        /** Until then, in virtual time, nothing passes in either direction. */
        public long stalledUntilNs;

        private Peer(int id, InetSocketAddress remote, InetSocketAddress local) {
            this.id = id;
            this.remote = remote;
            this.local = local;
        }

        // --- the target's side ---

        @Override
        public void send(long iovecAddress, int count) {
            if (sending || closeRequested) {
                throw new IllegalStateException("a send is in flight, or the socket is closed");
            }
            iovec = iovecAddress;
            iovecCount = count;
            sending = true;
        }

        @Override
        public boolean isSending() {
            return sending;
        }

        @Override
        public void expect(long address, int lengthBytes) {
            expectedAddress = address;
            expectedBytes = lengthBytes;
        }

        @Override
        public void pauseReceive() {
            paused = true;
        }

        @Override
        public void resumeReceive() {
            paused = false;
        }

        @Override
        public void close() {
            if (reactor == null || !reactor.isCurrent()) {
                closedByClient = true;
            } else {
                closeRequested = true;
            }
        }

        @Override
        public InetSocketAddress localAddress() {
            return local;
        }

        @Override
        public InetSocketAddress remoteAddress() {
            return remote;
        }

        /** Until the end is told the socket may write to what is expected. */
        private void scribble() {
            if (expectedBytes > 0) {
                RawMemory.ALL.asSlice(expectedAddress, expectedBytes).fill((byte) 0xDB);
            }
        }

        private int step() {
            if (handler == null || !reset && hand.nowNs() < stalledUntilNs) {
                return 0;
            }
            if (reset && !closeRequested) {
                sending = false;
                Sockets.SocketHandler told = handler;
                handler = null;
                closedByTarget = true;
                scribble();
                told.onClosed(-ECONNRESET);
                return 1;
            }
            if (closeRequested || closedByClient && toTarget.isEmpty()) {
                sending = false;
                Sockets.SocketHandler told = handler;
                handler = null;
                closedByTarget = true;
                scribble();
                told.onClosed(0);
                return 1;
            }
            int work = 0;
            if (sending && !readsNothing && random.nextInt(3) != 0) {
                for (int i = 0; i < iovecCount; i++) {
                    long at = RawMemory.getLong(iovec + i * 16L);
                    int length = (int) RawMemory.getLong(iovec + i * 16L + 8);
                    byte[] bytes = new byte[length];
                    MemorySegment.copy(RawMemory.ALL, ValueLayout.JAVA_BYTE, at, bytes, 0, length);
                    fromTarget.writeBytes(bytes);
                }
                sending = false;
                work++;
                handler.onSent(0);
            }
            if (handler != null && !paused && !closeRequested && !toTarget.isEmpty()) {
                deliver();
                work++;
            }
            return work;
        }

        private void deliver() {
            ByteArrayOutputStream piece = new ByteArrayOutputStream();
            int want = 1 + random.nextInt(pieceMax);
            boolean merges = random.nextBoolean();
            do {
                byte[] next = toTarget.poll();
                int length = Math.min(next.length, want - piece.size());
                piece.write(next, 0, length);
                if (length < next.length) {
                    toTarget.addFirst(java.util.Arrays.copyOfRange(next, length, next.length));
                }
            } while (merges && piece.size() < want && !toTarget.isEmpty());
            byte[] bytes = piece.toByteArray();
            int placed = random.nextInt(4) == 0 ? 0 : Math.min(bytes.length, expectedBytes);
            expectedBytes = 0;
            if (placed > 0) {
                MemorySegment.copy(bytes, 0, RawMemory.ALL, ValueLayout.JAVA_BYTE, expectedAddress, placed);
                placedBytes += placed;
                handler.onExpected(placed);
            }
            if (placed < bytes.length && handler != null && !closeRequested) {
                expectedBytes = 0;
                hand(bytes, placed);
            }
        }

        private void hand(byte[] bytes, int from) {
            int length = bytes.length - from;
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment native_ = arena.allocate(length);
                MemorySegment.copy(bytes, from, native_, ValueLayout.JAVA_BYTE, 0, length);
                handler.onReceive(native_.address(), length);
                native_.fill((byte) 0xDB);
            }
        }

        // --- the client's side ---

        @Override
        public void write(byte[] bytes) {
            if (bytes.length > 0 && !reset) {
                toTarget.add(bytes.clone());
            }
        }

        private int available() {
            return fromTarget.size() + taken.length - takenAt;
        }

        /** The connection breaks: what is under way is lost, both ends are told. */
        public void reset() {
            reset = true;
            toTarget.clear();
            fromTarget.reset();
            taken = new byte[0];
            takenAt = 0;
        }

        /** Whether the connection has ended for the client. */
        @Override
        public boolean isClosed() {
            return discarded || closedByTarget || reset;
        }

        /** Bytes that have arrived and were not read. */
        @Override
        public int arrived() {
            return available();
        }

        @Override
        public byte[] read(int count) {
            hand.runUntil(() -> available() >= count || isClosed());
            if (takenAt + count > taken.length) {
                byte[] more = fromTarget.toByteArray();
                fromTarget.reset();
                byte[] joined = new byte[taken.length - takenAt + more.length];
                System.arraycopy(taken, takenAt, joined, 0, taken.length - takenAt);
                System.arraycopy(more, 0, joined, taken.length - takenAt, more.length);
                taken = joined;
                takenAt = 0;
            }
            if (taken.length - takenAt < count) {
                return null;
            }
            takenAt += count;
            return java.util.Arrays.copyOfRange(taken, takenAt - count, takenAt);
        }
    }

    private final class Port implements Sockets {
        private final Reactor reactor;
        private final List<Peer> adopted = new ArrayList<>();

        Port(Reactor reactor) {
            this.reactor = reactor;
        }

        @Override
        public Listener listen(InetSocketAddress address, AcceptHandler handler) {
            InetSocketAddress bound = address.getPort() == 0
                    ? new InetSocketAddress(address.getAddress(), nextPort++) : address;
            if (listening.containsKey(bound)) {
                throw OperationException.precondition("address-in-use", bound + " is in use");
            }
            listening.put(bound, new Listening(reactor, bound, handler));
            return new Listener() {
                @Override
                public InetSocketAddress localAddress() {
                    return bound;
                }

                @Override
                public void close() {
                    listening.remove(bound);
                }
            };
        }

        @Override
        public Socket adopt(int socketId, SocketHandler handler) {
            Peer peer = waiting.remove(socketId);
            peer.handler = handler;
            peer.reactor = reactor;
            adopted.add(peer);
            return peer;
        }

        @Override
        public void discard(int socketId) {
            waiting.remove(socketId).discarded = true;
        }

        int poll(long nowNs) {
            int work = 0;
            for (int i = 0; i < adopted.size(); i++) {
                work += adopted.get(i).step();
            }
            adopted.removeIf(peer -> peer.closedByTarget);
            return work;
        }
    }
}
