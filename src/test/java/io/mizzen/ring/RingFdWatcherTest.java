package io.mizzen.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

/** Descriptors that a reactor watches by its ring. */
class RingFdWatcherTest {
    private static final int EFD_CLOEXEC_NONBLOCK = 0x80800;
    private static final long WHILE_NS = 300_000_000L;

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
