package io.mizzen.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Hardware counters of the calling thread: {@code perf_event_open(2)} of {@code linux/perf_event.h}. Many virtual
 * machines have none, and {@code kernel.perf_event_paranoid} may forbid them: then {@link #open} says so.
 */
public final class PerfEvents {
    public static final int PERF_TYPE_HW_CACHE = 3;
    /** Loads that missed the data TLB, as {@code config} of {@link #PERF_TYPE_HW_CACHE}. */
    public static final long DTLB_LOAD_MISSES = 0x10003;

    private static final int PERF_ATTR_SIZE_VER0 = 64;
    private static final int ATTR_TYPE = 0;
    private static final int ATTR_SIZE = 4;
    private static final int ATTR_CONFIG = 8;
    private static final int ATTR_FLAGS = 40;
    /** Bits of the attribute's bit field: what the kernel does on our behalf is not counted. */
    private static final long EXCLUDE_KERNEL = 1 << 5;
    private static final long EXCLUDE_HYPERVISOR = 1 << 6;
    private static final long PERF_FLAG_FD_CLOEXEC = 8;

    private PerfEvents() {
    }

    /** A descriptor that counts an event of the calling thread in user mode, or the negative errno. */
    public static int open(int type, long config) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = arena.allocate(PERF_ATTR_SIZE_VER0, 8);
            RawMemory.putInt(attr.address() + ATTR_TYPE, type);
            RawMemory.putInt(attr.address() + ATTR_SIZE, PERF_ATTR_SIZE_VER0);
            RawMemory.putLong(attr.address() + ATTR_CONFIG, config);
            RawMemory.putLong(attr.address() + ATTR_FLAGS, EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR);
            return Libc.perf_event_open(attr.address(), 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
        }
    }

    /** The count since {@link #open}, or the negative errno. */
    public static long read(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(8, 8);
            long result = Libc.read(fd, value.address(), 8);
            return result < 0 ? result : RawMemory.getLong(value.address());
        }
    }
}
