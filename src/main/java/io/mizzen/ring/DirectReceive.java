package io.mizzen.ring;

import static io.mizzen.ffi.IoUringAbi.*;

import io.mizzen.ffi.IoUringAbi;
import io.mizzen.ffi.RawMemory;
import io.mizzen.util.HotPath;
import java.lang.foreign.Arena;

/**
 * Receives of a connection that go straight to where the data belongs, one at a time: the vector names the expected memory
 * and, behind it, a place for what follows, which is mostly the next header. Made for the first large transfer of a
 * connection. Reactor's thread only.
 */
final class DirectReceive {
    /** Expecting less than this is not worth a receive of its own. */
    static final int EXPECTED_BYTES_MIN = 16 << 10;
    /** Receives without expectation after which the connection goes back to the shared buffers. */
    private static final int PLAIN_RECEIVES_MAX = 32;
    private static final int STAGING_BYTES = 16 << 10;
    /** What is staged behind expected bytes has to be copied: not much of it. */
    private static final int STAGING_BEHIND_BYTES = 2 << 10;
    private static final int MSGHDR_BYTES = 56;
    private static final int MSGHDR_IOV = 16;
    private static final int MSGHDR_IOVLEN = 24;

    private final long header;
    private final long vector;
    private final long staging;
    private int expectedBytes;
    private int plainReceives;
    private boolean drained;

    DirectReceive(Arena arena) {
        header = arena.allocate(MSGHDR_BYTES, 8).address();
        vector = arena.allocate(32, 8).address();
        staging = arena.allocate(STAGING_BYTES, 64).address();
        RawMemory.putLong(header + MSGHDR_IOV, vector);
    }

    /** The connection begins to receive so. */
    void begin() {
        plainReceives = 0;
        drained = false;
    }

    /** Fills the entry. {@code lengthBytes} 0: nothing is expected. */
    @HotPath
    void fill(long sqe, int fd, long address, int lengthBytes, long userData) {
        expectedBytes = lengthBytes;
        long piece = vector;
        if (lengthBytes != 0) {
            RawMemory.putLong(piece, address);
            RawMemory.putLong(piece + 8, lengthBytes);
            piece += 16;
            plainReceives = 0;
        } else {
            plainReceives++;
        }
        RawMemory.putLong(piece, staging);
        RawMemory.putLong(piece + 8, lengthBytes != 0 ? STAGING_BEHIND_BYTES : STAGING_BYTES);
        RawMemory.putLong(header + MSGHDR_IOVLEN, lengthBytes != 0 ? 2 : 1);
        IoUringAbi.fill(sqe, IORING_OP_RECVMSG, 0, drained ? IORING_RECVSEND_POLL_FIRST : 0, fd, 0, header, 1, 0, userData,
                0);
    }

    /** Notes from a completion's flags whether the socket is known to be empty: the next receive need not try, then. */
    @HotPath
    void onCqe(int flags) {
        drained = (flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
    }

    /** How many of the bytes received lie where they were expected, told once; the others are staged. */
    @HotPath
    int takeExpected(int receivedBytes) {
        int placed = Math.min(receivedBytes, expectedBytes);
        expectedBytes = 0;
        return placed;
    }

    @HotPath
    long staging() {
        return staging;
    }

    /** No large transfer for some time. */
    @HotPath
    boolean isOver() {
        return plainReceives >= PLAIN_RECEIVES_MAX;
    }
}
