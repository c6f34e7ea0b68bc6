package io.mizzen.reactor;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** CPU affinity through the scheduler's system calls. Any thread. */
public final class LinuxAffinity implements CpuAffinity {
    private static final Path TASKS = Path.of("/proc/self/task");
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

    /**
     * Moves every thread of this process but the reactors (and the kernel's workers of their rings) to these cores;
     * threads that they start inherit it. Call it when the reactors run.
     *
     * @return how many were moved
     */
    public static int moveOthers(List<Integer> cores) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(MASK_BYTES, 8);
            for (int core : cores) {
                mask.set(ValueLayout.JAVA_BYTE, core / 8, (byte) (mask.get(ValueLayout.JAVA_BYTE, core / 8) | 1 << core % 8));
            }
            Set<Integer> moved = new HashSet<>();
            int before;
            do {                    // Again for those that were started meanwhile by one not yet moved.
                before = moved.size();
                for (int thread : others()) {
                    if (moved.add(thread)) {
                        move(thread, mask);
                    }
                }
            } while (moved.size() > before);
            return moved.size();
        }
    }

    private static void move(int thread, MemorySegment mask) {
        int result = Libc.sched_setaffinity(thread, MASK_BYTES, mask.address());
        if (result < 0 && result != -Errno.ESRCH) {
            throw OperationException.internal("thread-not-moved",
                    "sched_setaffinity of thread " + thread + ": " + Errno.describe(-result));
        }
    }

    private static List<Integer> others() {
        List<Integer> threads = new ArrayList<>();
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
            for (Path task : tasks) {
                String name = nameOf(task);
                if (!name.isEmpty() && !name.startsWith(Reactor.NAME_PREFIX) && !name.startsWith("iou-")) {
                    threads.add(Integer.parseInt(task.getFileName().toString()));
                }
            }
        } catch (IOException e) {
            throw OperationException.internal("threads-unreadable", "cannot read " + TASKS + ": " + e.getMessage());
        }
        return threads;
    }

    /** Empty when the thread has ended. */
    private static String nameOf(Path task) {
        try {
            return Files.readString(task.resolve("comm")).strip();
        } catch (IOException e) {
            return "";
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
