package io.mizzen.pci;

import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import java.lang.foreign.Arena;

/**
 * Locks of open file descriptions (fcntl(2), F_OFD_SETLK): they end with the descriptor that has them, and with nothing else,
 * not when the process opens and closes the file once more. Any thread; does not block.
 */
final class FileLocks {
    private static final int F_OFD_SETLK = 37;
    /** struct flock: l_type and l_whence (0: SEEK_SET), l_start, l_len (0: to the end), l_pid. */
    private static final int FLOCK_BYTES = 32;
    private static final short F_WRLCK = 1;

    private FileLocks() {
    }

    /** Locks the whole file, which is open for writing; 0 or a negative errno: EAGAIN (or EACCES) when another has it. */
    static int lock(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            long flock = arena.allocate(FLOCK_BYTES, 8).address();      // Zeroed.
            RawMemory.putShort(flock, F_WRLCK);
            return Libc.fcntl(fd, F_OFD_SETLK, flock);
        }
    }
}
