package io.mizzen.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.FdWatcher;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** Descriptors that a reactor watches by its ring. */
class RingFdWatcherTest {
    private static final int EFD_CLOEXEC_NONBLOCK = 0x80800;
    private static final int ROUNDS_MAX = 60;
    private static final long WHILE_NS = 300_000_000L;

    /** As a queue pair of a slow drive asks for an interrupt with each I/O. */
    @Test
    void watchingAndNoLongerWatchingMakesNoObject() {
        try (RingRig rig = new RingRig(RingRig.SMALL); Arena arena = Arena.ofConfined()) {
            int fd = Libc.eventfd(0, EFD_CLOEXEC_NONBLOCK);
            long word = arena.allocate(8, 8).address();
            int[] told = new int[1];
            FdWatcher watcher = rig.reactor.fdWatcher();
            FdWatcher.Handler handler = readable -> {
                told[0]++;
                Libc.read(readable, word, 8);
                watcher.unwatch(readable);
            };
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long allocated = Long.MAX_VALUE;
            rig.reactor.enter();
            for (int round = 0; round < ROUNDS_MAX && allocated > 0; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 2_000; i++) {
                    watcher.watch(fd, handler);
                    RawMemory.putLong(word, 1);
                    Libc.write(fd, word, 8);
                    for (int due = told[0] + 1; told[0] < due; ) {
                        rig.reactor.tick(System.nanoTime());
                    }
                }
                allocated = threads.getCurrentThreadAllocatedBytes() - before;
            }
            rig.reactor.leave();
            Libc.close(fd);
            assertEquals(0, allocated, "bytes of 2000 interrupts, once it is compiled");
        }
    }

    @Test
    void aDescriptorThatCannotBePolledIsTriedLessAndLessOftenUntilItCan() {
        try (RingRig rig = new RingRig(RingRig.SMALL); Arena arena = Arena.ofConfined()) {
            int fd = Libc.eventfd(0, EFD_CLOEXEC_NONBLOCK);
            Libc.close(fd);
            int[] told = new int[1];
            long word = arena.allocate(8, 8).address();
            assertTrue(rig.call(() -> rig.reactor.fdWatcher().watch(fd, readable -> {
                told[0]++;
                Libc.read(readable, word, 8);
            })));
            long before = rig.ring.stats().completions();
            long endNs = System.nanoTime() + WHILE_NS;
            rig.runUntil(() -> System.nanoTime() - endNs > 0);
            long polls = rig.ring.stats().completions() - before;
            assertTrue(polls >= 2 && polls < 30, polls + " polls");
            assertEquals(0, told[0]);

            assertEquals(fd, Libc.eventfd(0, EFD_CLOEXEC_NONBLOCK), "the lowest number that is free");
            RawMemory.putLong(word, 1);
            Libc.write(fd, word, 8);
            rig.runUntil(() -> told[0] == 1);
            RawMemory.putLong(word, 1);
            Libc.write(fd, word, 8);
            rig.runUntil(() -> told[0] == 2);
            rig.on(() -> rig.reactor.fdWatcher().unwatch(fd));
            Libc.close(fd);
        }
    }
}
