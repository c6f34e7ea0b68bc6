package io.mizzen.ring;

import static io.mizzen.ffi.IoUringAbi.*;

import io.mizzen.ffi.IoUringAbi;
import io.mizzen.ffi.RawMemory;
import io.mizzen.util.HotPath;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/** The registered files of a ring: saves the kernel a look-up per operation. Reactor's thread only. */
public final class RingFiles {
    private final IoUring ring;
    private final int capacity;
    private final boolean registered;
    private final BitSet used = new BitSet();

    RingFiles(IoUring ring, int capacity) {
        this.ring = ring;
        this.capacity = capacity;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(RSRC_REGISTER_SIZE_BYTES, 8);
            RawMemory.putInt(request.address(), capacity);
            RawMemory.putInt(request.address() + 4, IORING_RSRC_REGISTER_SPARSE);
            registered = ring.register(IORING_REGISTER_FILES2, request.address(), RSRC_REGISTER_SIZE_BYTES) >= 0;
        }
    }

    boolean isRegistered() {
        return registered;
    }

    /**
     * Registers a descriptor; returns a handle for {@link #fd} and {@link #flags}: the table's index, or the descriptor
     * itself as {@code -1 - fd} when the table is full or missing.
     */
    public int add(int fd) {
        int index = used.nextClearBit(0);
        if (!registered || index >= capacity || update(index, fd) < 0) {
            return -1 - fd;
        }
        used.set(index);
        return index;
    }

    /** Takes a descriptor out; it is closed by whoever opened it. */
    public void remove(int handle) {
        if (handle >= 0) {
            update(handle, -1);
            used.clear(handle);
        }
    }

    /** What goes into an entry's fd field. */
    @HotPath
    public static int fd(int handle) {
        return handle >= 0 ? handle : -1 - handle;
    }

    /** What goes into an entry's flags. */
    @HotPath
    public static int flags(int handle) {
        return handle >= 0 ? IoUringAbi.IOSQE_FIXED_FILE : 0;
    }

    private int update(int index, int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(RSRC_UPDATE_SIZE_BYTES + 8, 8);
            long fds = request.address() + RSRC_UPDATE_SIZE_BYTES;
            RawMemory.putInt(fds, fd);
            RawMemory.putInt(request.address() + RSRC_UPDATE_OFFSET, index);
            RawMemory.putLong(request.address() + RSRC_UPDATE_DATA, fds);
            return ring.register(IORING_REGISTER_FILES_UPDATE, request.address(), 1);
        }
    }
}
