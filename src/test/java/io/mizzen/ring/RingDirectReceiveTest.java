package io.mizzen.ring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.Sockets;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Receives straight to where the data belongs: frames of a length and so many bytes, which the handler expects. */
class RingDirectReceiveTest {
    private static final int FRAME_BYTES_MAX = 200_000;

    private final RingRig rig = new RingRig(RingRig.SMALL);
    private final Arena arena = Arena.ofShared();
    private final MemorySegment place = arena.allocate(FRAME_BYTES_MAX, 8);
    private final List<Integer> accepted = new ArrayList<>();
    private final Frames frames = new Frames();
    private SocketChannel peer;
    private Sockets.Socket socket;

    /** Takes frames apart; each one's bytes are gathered in one place. */
    private final class Frames implements Sockets.SocketHandler {
        private final List<byte[]> done = new ArrayList<>();
        private final byte[] length = new byte[4];
        private int lengthFilled;
        private int frameBytes = -1;
        private int filled;
        private long placedBytes;
        private Integer closed;
        private boolean isPaused;
        private Runnable onEvent = () -> { };

        @Override
        public void onReceive(long address, int lengthBytes) {
            check();
            long at = address;
            int left = lengthBytes;
            while (left > 0) {
                if (frameBytes < 0) {
                    length[lengthFilled++] = RawMemory.getByte(at++);
                    left--;
                    if (lengthFilled == 4) {
                        frameBytes = ByteBuffer.wrap(length).getInt();
                    }
                } else {
                    int some = Math.min(left, frameBytes - filled);
                    RawMemory.copy(at, place.address() + filled, some);
                    filled += some;
                    at += some;
                    left -= some;
                }
                endFrame();
            }
            expect();
        }

        @Override
        public void onExpected(int lengthBytes) {
            check();
            assertTrue(frameBytes >= 0 && lengthBytes <= frameBytes - filled, "within the frame");
            filled += lengthBytes;
            placedBytes += lengthBytes;
            endFrame();
            expect();
        }

        private void check() {
            assertNull(closed);
            assertTrue(!isPaused, "nothing comes while paused");
        }

        private void endFrame() {
            if (frameBytes >= 0 && filled == frameBytes) {
                done.add(place.asSlice(0, filled).toArray(JAVA_BYTE));
                place.fill((byte) 0);
                frameBytes = -1;
                filled = 0;
                lengthFilled = 0;
            }
        }

        private void expect() {
            if (frameBytes > 0) {
                socket.expect(place.address() + filled, frameBytes - filled);
            }
            onEvent.run();
        }

        @Override
        public void onSent(int result) {
            throw new AssertionError("nothing was sent");
        }

        @Override
        public void onClosed(int errno) {
            assertNull(closed);
            closed = errno;
        }
    }

    private void connect() throws IOException {
        Sockets.Listener listener = rig.call(() ->
                rig.reactor.sockets().listen(new InetSocketAddress("127.0.0.1", 0), accepted::add));
        peer = SocketChannel.open(listener.localAddress());
        rig.runUntil(() -> !accepted.isEmpty());
        socket = rig.call(() -> rig.reactor.sockets().adopt(accepted.removeLast(), frames));
        rig.on(listener::close);
        peer.configureBlocking(false);
    }

    @AfterEach
    void everythingEnds() throws IOException {
        peer.close();
        rig.close();
        arena.close();
        assertEquals(512, rig.ring.stats().slotsFree());
        assertEquals(0, rig.ring.stats().lateCompletions());
    }

    private static List<byte[]> someFrames(Random random, int count, int largeOneIn) {
        List<byte[]> made = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] bytes = new byte[1 + random.nextInt(random.nextInt(largeOneIn) == 0 ? FRAME_BYTES_MAX : 300)];
            random.nextBytes(bytes);
            made.add(bytes);
        }
        return made;
    }

    private static byte[] stream(List<byte[]> frames) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] frame : frames) {
            all.writeBytes(ByteBuffer.allocate(4).putInt(frame.length).array());
            all.writeBytes(frame);
        }
        return all.toByteArray();
    }

    /** Writes a piece, turns a few times, until all is written and received. */
    private void transfer(List<byte[]> sent, Random random, Runnable between) throws IOException {
        ByteBuffer left = ByteBuffer.wrap(stream(sent));
        int before = frames.done.size();
        while (left.hasRemaining() || frames.done.size() < before + sent.size()) {
            ByteBuffer piece = left.slice(left.position(), Math.min(left.remaining(), 1 + random.nextInt(60_000)));
            left.position(left.position() + peer.write(piece));
            between.run();
            for (int i = random.nextInt(4); i >= 0; i--) {
                rig.tick();
            }
        }
        for (int i = 0; i < sent.size(); i++) {
            assertArrayEquals(sent.get(i), frames.done.get(before + i), "frame " + i);
        }
    }

    @Test
    void everyByteArrivesOnceAndInOrderWhicheverWay() throws IOException {
        connect();
        for (int seed = 1; seed <= 8; seed++) {
            Random random = new Random(seed);
            transfer(someFrames(random, 60, 1 + seed * 4), random, () -> { });
        }
        assertTrue(frames.placedBytes > 1_000_000, frames.placedBytes + " bytes were placed");
    }

    @Test
    void smallFramesAfterLargeOnesGoBackToTheSharedBuffers() throws IOException {
        connect();
        Random random = new Random(3);
        transfer(List.of(new byte[FRAME_BYTES_MAX]), random, () -> { });
        long placed = frames.placedBytes;
        assertTrue(placed > 0);
        for (int i = 0; i < 100; i++) {
            transfer(someFrames(random, 1, 1 << 30), random, () -> { });
        }
        long enters = rig.ring.stats().submissions();
        for (int i = 0; i < 100; i++) {
            transfer(someFrames(random, 1, 1 << 30), random, () -> { });
        }
        assertTrue(rig.ring.stats().submissions() - enters < 20, "one receive goes on for all of them");
        transfer(List.of(new byte[FRAME_BYTES_MAX]), random, () -> { });
        assertTrue(frames.placedBytes > placed, "and a large one is placed again");
    }

    @Test
    void aPausedConnectionLosesNothing() throws IOException {
        connect();
        for (int seed = 1; seed <= 6; seed++) {
            Random random = new Random(seed);
            Runnable flip = () -> rig.on(() -> pause(random.nextInt(3) == 0));
            frames.onEvent = () -> {
                if (random.nextInt(5) == 0) {
                    pause(true);
                    pause(random.nextBoolean());
                }
            };
            transfer(someFrames(random, 30, 4), random, flip);
        }
        assertTrue(frames.placedBytes > 500_000, frames.placedBytes + " bytes were placed");
    }

    private void pause(boolean pause) {
        frames.isPaused = pause;
        if (pause) {
            socket.pauseReceive();
        } else {
            socket.resumeReceive();
        }
    }

    @Test
    void memoryIsLeftAloneOnceTheEndIsTold() throws IOException {
        connect();
        ByteBuffer half = ByteBuffer.wrap(stream(List.of(new byte[FRAME_BYTES_MAX])), 0, FRAME_BYTES_MAX / 2);
        while (half.hasRemaining()) {
            peer.write(half);
            rig.tick();
        }
        rig.runUntil(() -> frames.placedBytes > 0 && frames.filled == FRAME_BYTES_MAX / 2 - 4);
        rig.tick();                             // The next receive is with the kernel.
        byte[] more = new byte[FRAME_BYTES_MAX / 4];
        java.util.Arrays.fill(more, (byte) 7);
        rig.on(socket::close);
        assertNull(frames.closed, "never inside the call");
        rig.runUntil(() -> frames.closed != null);
        assertEquals(0, frames.closed);
        place.fill((byte) 1);
        try {
            peer.write(ByteBuffer.wrap(more));
        } catch (IOException e) {
            assertTrue(e.getMessage() != null, "the other side may see the end already");
        }
        for (int i = 0; i < 20; i++) {
            rig.tick();
        }
        for (int i = 0; i < FRAME_BYTES_MAX; i++) {
            assertEquals(1, place.get(JAVA_BYTE, i));
        }
    }

    @Test
    void aPeerThatEndsWithinAFrameIsTold() throws IOException {
        connect();
        ByteBuffer half = ByteBuffer.wrap(stream(List.of(new byte[FRAME_BYTES_MAX])), 0, 100_000);
        while (half.hasRemaining()) {
            peer.write(half);
            rig.tick();
        }
        peer.close();
        rig.runUntil(() -> frames.closed != null);
        assertEquals(0, frames.closed);
        assertEquals(100_000 - 4, frames.filled, "what came before the end was delivered");
    }
}
