package io.mizzen.util;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.mizzen.testsupport.Patience;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class Crc32cTest {
    private final Crc32c crc = new Crc32c();

    /** Vectors of RFC 3720, appendix B.4. */
    @Test
    void knownVectors() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment s = arena.allocate(32);
            assertEquals(0x8A9136AA, crc.of(s.address(), 32));
            s.fill((byte) 0xFF);
            assertEquals(0x62A8AB43, crc.of(s.address(), 32));
            for (int i = 0; i < 32; i++) {
                s.set(ValueLayout.JAVA_BYTE, i, (byte) i);
            }
            assertEquals(0x46DD794E, crc.of(s.address(), 32));
            MemorySegment check = arena.allocateFrom("123456789", StandardCharsets.US_ASCII);
            assertEquals(0xE3069283, crc.of(check.address(), 9));
            assertEquals(0, crc.of(check.address(), 0));
        }
    }

    @Test
    void sumOverPiecesEqualsTheWhole() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment s = arena.allocate(10_000);
            for (int i = 0; i < 10_000; i++) {
                s.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 31));
            }
            int whole = crc.of(s.address(), 10_000);
            crc.reset();
            crc.update(s.address(), 1);
            crc.update(s.address() + 1, 4095);
            crc.update(s.address() + 4096, 10_000 - 4096);
            assertEquals(whole, crc.value());
        }
    }

    @Test
    void allocatesNothing() {
        try (Arena arena = Arena.ofConfined()) {
            long first = arena.allocate(4096).address();
            long second = arena.allocate(1 << 20).address();
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            int expected = run(first, second, 20_000);
            long allocated = Patience.leastAllocated(19_999, () -> {
                long before = threads.getCurrentThreadAllocatedBytes();
                assertEquals(expected, run(first, second, 20_000));
                return threads.getCurrentThreadAllocatedBytes() - before;
            });
            assertEquals(0, allocated / 20_000, "bytes allocated: " + allocated);
        }
    }

    private int run(long first, long second, int count) {
        int sum = 0;
        for (int i = 0; i < count; i++) {
            sum += crc.of(first, 24) + crc.of(second + (i & 1023), 4096);
        }
        return sum;
    }
}
