package io.mizzen.ring;

import static io.mizzen.ffi.IoUringAbi.*;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.IoUringAbi;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.Deferred;
import io.mizzen.reactor.Sockets;
import io.mizzen.util.HotPath;
import java.lang.foreign.Arena;
import java.net.InetSocketAddress;
import java.util.Arrays;

/**
 * A connection: one receive and at most one send with the kernel. Closing shuts the socket down, waits until the kernel
 * has given both back, closes the descriptor and only then says so: the caller's memory is free then.
 *
 * <pre>
 * OPEN → CLOSING → CLOSED
 * </pre>
 *
 * The receive is multishot, into buffers that all connections share, as long as transfers are small. A large one that the
 * handler expects ends it, and {@link DirectReceive} goes on.
 */
final class RingSocket extends Deferred implements Sockets.Socket, CqeHandler {
    private static final int MSGHDR_BYTES = 56;
    private static final int MSGHDR_IOV = 16;
    private static final int MSGHDR_IOVLEN = 24;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_WAITALL = 0x100;
    private static final int SHUT_RDWR = 2;
    private static final int SHARED = 0;
    private static final int SEND = 1;
    private static final int DIRECT = 2;

    private enum State {
        OPEN, CLOSING, CLOSED
    }

    private final Arena arena = Arena.ofConfined();
    private final long header = arena.allocate(MSGHDR_BYTES, 8).address();
    private final ReactorRing ring;
    private final RingSockets sockets;
    private final ReceiveBuffers buffers;
    private final int fd;
    private final Sockets.SocketHandler handler;
    private final InetSocketAddress local;
    private final InetSocketAddress remote;
    private RingSlot receiveSlot;
    private RingSlot sendSlot;
    private long sendLeftBytes;
    private long shortenedVector;           // The piece that a short send cut, as it was: put back at the end.
    private long shortenedAddress;
    private long shortenedBytes;
    private DirectReceive directReceive;    // Null before the first large transfer.
    private boolean direct;
    private long expectedAddress;
    private int expectedBytes;              // 0: none.
    private int keptDirectBytes;            // Of a direct receive that ended while paused.
    private boolean paused;
    private boolean delivering;
    private int[] kept = new int[16];       // Pairs of buffer and length that came while paused.
    private int keptCount;
    private boolean receiveEnded;
    private int receiveEndErrno;
    private int closeErrno;
    private State state = State.OPEN;
    private boolean finishing;

    RingSocket(ReactorRing ring, RingSockets sockets, ReceiveBuffers buffers, int fd, Sockets.SocketHandler handler) {
        this.ring = ring;
        this.sockets = sockets;
        this.buffers = buffers;
        this.fd = fd;
        this.handler = handler;
        this.local = RingSockets.localAddress(fd);
        this.remote = RingSockets.remoteAddress(fd);
    }

    boolean start() {
        return armReceive();
    }

    /** Never started: the caller keeps the descriptor. */
    void abandon() {
        arena.close();
    }

    @HotPath
    private boolean armReceive() {
        receiveSlot = ring.tryAcquire(this);
        if (receiveSlot == null) {
            return false;
        }
        if (expectedBytes != 0 && !direct) {
            beginDirect();
        } else if (direct && expectedBytes == 0 && directReceive.isOver()) {
            direct = false;
        }
        if (direct) {
            receiveSlot.value = DIRECT;
            directReceive.fill(ring.nextSqe(), fd, expectedAddress, expectedBytes, receiveSlot.userData());
            return true;
        }
        receiveSlot.value = SHARED;
        IoUringAbi.fill(ring.nextSqe(), IORING_OP_RECV, IOSQE_BUFFER_SELECT, IORING_RECV_MULTISHOT, fd, 0, 0, 0, 0,
                receiveSlot.userData(), ReceiveBuffers.GROUP);
        return true;
    }

    // --- sending ----------------------------------------------------------------------------------

    @Override
    @HotPath
    public void send(long iovecAddress, int iovecCount) {
        assert sendSlot == null;
        sendLeftBytes = 0;
        for (int i = 0; i < iovecCount; i++) {
            sendLeftBytes += RawMemory.getLong(iovecAddress + 16L * i + 8);
        }
        RawMemory.putLong(header + MSGHDR_IOV, iovecAddress);
        RawMemory.putLong(header + MSGHDR_IOVLEN, iovecCount);
        if (state != State.OPEN || !submitSend()) {
            failSend();
        }
    }

    @HotPath
    private boolean submitSend() {
        sendSlot = ring.tryAcquire(this);
        if (sendSlot == null) {
            return false;
        }
        sendSlot.value = SEND;
        IoUringAbi.fill(ring.nextSqe(), IORING_OP_SENDMSG, 0, 0, fd, 0, header, 1, MSG_NOSIGNAL | MSG_WAITALL,
                sendSlot.userData(), 0);
        return true;
    }

    private void failSend() {
        // onSent must not come inside send: the caller hears of it with the end of the connection.
        close(-Errno.ENOBUFS);
    }

    @HotPath
    private void onSendCqe(int result) {
        sendSlot = null;
        if (result > 0 && result < sendLeftBytes && state == State.OPEN) {
            advance(result);
            if (submitSend()) {
                return;
            }
        }
        restoreVector();
        boolean complete = result >= 0 && result == sendLeftBytes;
        if (!complete && state == State.OPEN) {
            close(result < 0 ? result : -Errno.EPIPE);
        }
        handler.onSent(complete ? 0 : result < 0 ? result : -Errno.EPIPE);
        finishIfDrained();
    }

    /** Moves the vector behind what was sent; rare, since the kernel is asked to send everything. */
    @HotPath
    private void advance(long sentBytes) {
        sendLeftBytes -= sentBytes;
        long vector = RawMemory.getLong(header + MSGHDR_IOV);
        long count = RawMemory.getLong(header + MSGHDR_IOVLEN);
        long left = sentBytes;
        if (shortenedVector != 0) {
            left += shortenedBytes - RawMemory.getLong(shortenedVector + 8);
            restoreVector();
        }
        while (left > 0) {
            long length = RawMemory.getLong(vector + 8);
            if (left < length) {
                shortenedVector = vector;
                shortenedAddress = RawMemory.getLong(vector);
                shortenedBytes = length;
                RawMemory.putLong(vector, shortenedAddress + left);
                RawMemory.putLong(vector + 8, length - left);
                break;
            }
            left -= length;
            vector += 16;
            count--;
        }
        RawMemory.putLong(header + MSGHDR_IOV, vector);
        RawMemory.putLong(header + MSGHDR_IOVLEN, count);
    }

    @HotPath
    private void restoreVector() {
        if (shortenedVector != 0) {
            RawMemory.putLong(shortenedVector, shortenedAddress);
            RawMemory.putLong(shortenedVector + 8, shortenedBytes);
            shortenedVector = 0;
        }
    }

    @Override
    @HotPath
    public boolean isSending() {
        return sendSlot != null;
    }

    // --- receiving --------------------------------------------------------------------------------

    @Override
    @HotPath
    public void onCqe(RingSlot slot, int result, int flags, boolean more) {
        if (slot.value == SEND) {
            onSendCqe(result);
            return;
        }
        if (!more) {
            receiveSlot = null;
        }
        if (slot.value == DIRECT) {
            directReceive.onCqe(flags);
            onDirectBytes(result);
        } else if ((flags & IORING_CQE_F_BUFFER) != 0) {
            onBuffer(flags >>> IORING_CQE_BUFFER_SHIFT, result);
        }
        if (!more) {
            onReceiveEnd(result);
        } else if (expectedBytes != 0 && !direct && state == State.OPEN && receiveSlot != null) {
            beginDirect();
            ring.cancel(receiveSlot);           // What it still brings is delivered as ever.
        }
    }

    /** A receive has ended, and what it brought is delivered or kept: the next one, or the end of the connection. */
    @HotPath
    private void onReceiveEnd(int result) {
        if (state != State.OPEN) {
            finishIfDrained();
        } else if (result > 0 || result == -Errno.ENOBUFS || result == -Errno.EINTR || result == -Errno.ECANCELED) {
            if (!paused && receiveSlot == null && !armReceive()) {
                close(-Errno.ENOBUFS);
            }
        } else if (keptCount > 0 || keptDirectBytes > 0) {
            receiveEnded = true;                // The end is told after the data.
            receiveEndErrno = result;
        } else {
            close(result);
        }
    }

    @HotPath
    private void onBuffer(int buffer, int lengthBytes) {
        if (state == State.OPEN && lengthBytes > 0) {
            if (paused || keptCount > 0) {
                keep(buffer, lengthBytes);
                return;
            }
            deliver(buffers.address(buffer), lengthBytes);
        }
        buffers.giveBack(buffer);
    }

    @HotPath
    private void deliver(long address, int lengthBytes) {
        expectedBytes = 0;
        handler.onReceive(address, lengthBytes);
    }

    // --- receiving straight to where it belongs -----------------------------------------------------

    @Override
    @HotPath
    public void expect(long address, int lengthBytes) {
        if (lengthBytes >= DirectReceive.EXPECTED_BYTES_MIN || direct) {
            expectedAddress = address;
            expectedBytes = lengthBytes;
        }
    }

    /** From the next receive on. */
    private void beginDirect() {
        if (directReceive == null) {
            directReceive = new DirectReceive(arena);
        }
        directReceive.begin();
        direct = true;
    }

    @HotPath
    private void onDirectBytes(int result) {
        if (result <= 0 || state != State.OPEN) {
            return;
        }
        if (paused) {
            keptDirectBytes = result;
        } else {
            delivering = true;                  // Nothing may be staged anew before all is delivered.
            deliverDirect(result);
            delivering = false;
        }
    }

    @HotPath
    private void deliverDirect(int lengthBytes) {
        int placed = directReceive.takeExpected(lengthBytes);
        if (placed > 0) {
            expectedBytes = 0;
            handler.onExpected(placed);
        }
        int staged = lengthBytes - placed;
        if (staged == 0 || state != State.OPEN) {
            return;
        }
        if (paused) {
            keptDirectBytes = staged;
        } else {
            deliver(directReceive.staging(), staged);
        }
    }

    private void keep(int buffer, int lengthBytes) {
        if (keptCount * 2 == kept.length) {
            kept = Arrays.copyOf(kept, kept.length * 2);
        }
        kept[keptCount * 2] = buffer;
        kept[keptCount * 2 + 1] = lengthBytes;
        keptCount++;
    }

    @Override
    public void pauseReceive() {
        if (!paused && state == State.OPEN) {
            paused = true;
            if (receiveSlot != null) {
                ring.cancel(receiveSlot);       // Or one connection could hold all buffers of the core.
            }
        }
    }

    @Override
    public void resumeReceive() {
        if (!paused || state != State.OPEN) {
            return;
        }
        paused = false;
        if (delivering) {
            return;                     // Called from onReceive: the loop there goes on.
        }
        deliverKept();
        if (state != State.OPEN || paused) {
            return;
        }
        if (receiveEnded) {
            close(receiveEndErrno);
        } else if (receiveSlot == null && !armReceive()) {
            close(-Errno.ENOBUFS);
        }
    }

    private void deliverKept() {
        delivering = true;
        int done = 0;
        while (done < keptCount && !paused && state == State.OPEN) {
            int buffer = kept[done * 2];
            int lengthBytes = kept[done * 2 + 1];
            done++;
            deliver(buffers.address(buffer), lengthBytes);
            buffers.giveBack(buffer);
        }
        System.arraycopy(kept, done * 2, kept, 0, (keptCount - done) * 2);
        keptCount -= done;
        if (keptDirectBytes > 0 && keptCount == 0 && !paused && state == State.OPEN) {
            int lengthBytes = keptDirectBytes;
            keptDirectBytes = 0;
            deliverDirect(lengthBytes);
        }
        delivering = false;
    }

    // --- closing ----------------------------------------------------------------------------------

    @Override
    public void close() {
        close(0);
    }

    private void close(int errno) {
        if (state != State.OPEN) {
            return;
        }
        state = State.CLOSING;
        closeErrno = errno;
        Libc.shutdown(fd, SHUT_RDWR);
        if (receiveSlot != null) {
            ring.cancel(receiveSlot);
        }
        finishIfDrained();
    }

    private void finishIfDrained() {
        if (state == State.CLOSING && receiveSlot == null && sendSlot == null && !finishing) {
            finishing = true;
            sockets.reactor().defer(this);
        }
    }

    @Override
    protected void runDeferred() {
        for (int i = 0; i < keptCount; i++) {
            buffers.giveBack(kept[i * 2]);
        }
        keptCount = 0;
        state = State.CLOSED;
        Libc.close(fd);
        arena.close();
        sockets.onClosed();
        handler.onClosed(closeErrno);
    }

    @Override
    public InetSocketAddress localAddress() {
        return local;
    }

    @Override
    public InetSocketAddress remoteAddress() {
        return remote;
    }
}
