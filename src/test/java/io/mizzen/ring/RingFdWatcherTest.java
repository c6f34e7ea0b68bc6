package io.mizzen.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.FdWatcher;
import io.mizzen.testsupport.Patience;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** Descriptors that a reactor watches by its ring. */
class RingFdWatcherTest {
    private static final int EFD_CLOEXEC_NONBLOCK = 0x80800;
    /** Completions: the ring's first own one, then polls, between which pauses double from 1 ms on. */
    private static final int POLLS = 9;
    private static final long PAUSES_NS = 127_000_000L;

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
            rig.reactor.enter();
            long allocated = Patience.leastAllocated(0, () -> {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 2_000; i++) {
                    watcher.watch(fd, handler);
                    RawMemory.putLong(word, 1);
                    Libc.write(fd, word, 8);
                    for (int due = told[0] + 1; told[0] < due; ) {
                        rig.reactor.tick(System.nanoTime());
                    }
                }
                return threads.getCurrentThreadAllocatedBytes() - before;
            });
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
            long before = rig.ring.stats().completions();
            long startNs = System.nanoTime();
            assertTrue(rig.call(() -> rig.reactor.fdWatcher().watch(fd, readable -> {
                told[0]++;
                Libc.read(readable, word, 8);
            })));
            rig.runUntil(() -> rig.ring.stats().completions() - before >= POLLS);
            assertTrue(System.nanoTime() - startNs >= PAUSES_NS, System.nanoTime() - startNs + " ns for " + POLLS + " polls");
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
