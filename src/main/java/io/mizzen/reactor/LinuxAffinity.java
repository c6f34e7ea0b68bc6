package io.mizzen.reactor;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.util.OperationException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** CPU affinity through the scheduler's system calls. Any thread. */
public final class LinuxAffinity implements CpuAffinity {
    private static final int MASK_BYTES = (CoreMask.CORE_MAX + 1) / 8;

    @Override
    public List<Integer> allowedCores() {
        try (Arena arena = Arena.ofConfined()) {
            return read(arena.allocate(MASK_BYTES, 8));
        }
    }

    @Override
    public void pinCurrentThread(int core) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(MASK_BYTES, 8);
            mask.set(ValueLayout.JAVA_BYTE, core / 8, (byte) (1 << core % 8));
            int result = Libc.sched_setaffinity(0, MASK_BYTES, mask.address());
            if (result < 0) {
                throw OperationException.invalid("core-not-available", "cannot pin a reactor to core " + core + ": "
                        + Errno.describe(-result) + "; is the core online and in the cpuset?");
            }
            List<Integer> now = read(mask.fill((byte) 0));
            if (!now.equals(List.of(core))) {
                throw OperationException.internal("core-not-pinned", "core " + core
                        + " was asked for, but the thread may run on " + CoreMask.format(now));
            }
        }
    }

    private static List<Integer> read(MemorySegment mask) {
        int result = Libc.sched_getaffinity(0, MASK_BYTES, mask.address());
        if (result < 0) {
            throw OperationException.internal("affinity-unknown", "sched_getaffinity: " + Errno.describe(-result));
        }
        List<Integer> cores = new ArrayList<>();
        for (int core = 0; core <= CoreMask.CORE_MAX; core++) {
            if ((mask.get(ValueLayout.JAVA_BYTE, core / 8) >>> core % 8 & 1) != 0) {
                cores.add(core);
            }
        }
        return cores;
    }
}
