package io.mizzen.bdev;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class TokenBucketStressTest {
    private static final long START_NS = 1_000;

    @Test
    void twoThreadsTogetherAreGrantedWhatOneWouldBe() throws InterruptedException {
        TokenBucket bucket = new TokenBucket(new IoLimit(1_000_000, 5_000), START_NS, true);
        AtomicLong granted = new AtomicLong();
        Thread[] threads = new Thread[2];
        for (int i = 0; i < 2; i++) {
            threads[i] = new Thread(() -> {
                for (long nowNs = START_NS; nowNs <= START_NS + 100_000_000; nowNs += 1_000) {
                    long dueNs = bucket.reserve(1, nowNs);
                    if (dueNs - (START_NS + 100_000_000) <= 0) {
                        granted.incrementAndGet();
                    }
                }
            });
        }
        for (Thread thread : threads) {
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        // Twice as much was asked for as the rate gives in 100 ms, so all of that and the burst are taken.
        assertEquals(100_000 + 5_000, granted.get());
    }

    @Test
    void yearsAndTheHighestRateDoNotOverflow() {
        TokenBucket bucket = new TokenBucket(new IoLimit(IoLimit.MAX, IoLimit.MAX), START_NS, true);
        long nowNs = START_NS + 2L * 365 * 86_400 * 1_000_000_000L;
        assertEquals(nowNs, bucket.reserve(IoLimit.MAX, nowNs));
        assertEquals(nowNs + 1_000_000_000L, bucket.reserve(IoLimit.MAX, nowNs));
    }
}
