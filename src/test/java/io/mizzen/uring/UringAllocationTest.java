package io.mizzen.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.testsupport.RealReactors;
import io.mizzen.testsupport.TestIo;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reads and writes through bdev, ring and kernel allocate nothing on the reactor once the code is warm. */
class UringAllocationTest {
    private static final int DEPTH = 32;
    private static final int WINDOW = 30_000;
    /** The compiler needs some windows to warm up, and on a busy machine its time. */
    private static final long LIMIT_NS = 120_000_000_000L;
    /** A sleep or a turn of the compiler may cost a little; one object per I/O would be 480,000. */
    private static final long TOLERATED_BYTES = 1024;
    private static final long SIZE_BYTES = 4L << 20;

    @TempDir
    Path directory;

    /** Keeps {@link #DEPTH} I/Os in flight; every fourth is a write. */
    private static final class Load implements IoCompletion {
        private final IoChannel channel;
        private final DmaBuffer buffer;
        private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        private final CompletableFuture<Void> done;
        private final long startNs = System.nanoTime();
        private int submitted;
        private int completed;
        private int failed;
        private long windowStartBytes;
        private long leastBytes = Long.MAX_VALUE;

        Load(IoChannel channel, DmaBuffer buffer, CompletableFuture<Void> done) {
            this.channel = channel;
            this.buffer = buffer;
            this.done = done;
        }

        void submitNext() {
            BdevIo io = channel.tryAcquire();
            int slot = submitted % DEPTH;
            long block = submitted * 7L % (SIZE_BYTES / 4096);
            io.prepare(submitted % 4 == 0 ? IoType.WRITE : IoType.READ, block, 1, buffer.address() + slot * 4096L,
                    buffer.regionIndex(), this);
            submitted++;
            channel.submit(io);
        }

        @Override
        public void onIoComplete(BdevIo io) {
            failed += io.status() == 0 ? 0 : 1;
            io.release();
            completed++;
            if (completed % WINDOW == 0) {
                long nowBytes = threads.getCurrentThreadAllocatedBytes();
                if (completed > WINDOW) {
                    leastBytes = Math.min(leastBytes, nowBytes - windowStartBytes);
                }
                windowStartBytes = nowBytes;
            }
            if (leastBytes > TOLERATED_BYTES && System.nanoTime() - startNs < LIMIT_NS) {
                submitNext();
            } else if (completed == submitted) {
                done.complete(null);
            }
        }
    }

    @Test
    void ioThroughTheRingAllocatesNothing() {
        try (RealReactors real = new RealReactors(1, 50_000)) {
            UringFile file = UringFile.open(directory.resolve("disk"), new UringFile.Options(4096, true, SIZE_BYTES));
            UringBdev bdev = new UringBdev("u", UUID.randomUUID(), file);
            BdevRegistry registry = new BdevRegistry();
            CompletableFuture<Void> done = new CompletableFuture<>();
            CompletableFuture<Void> gone = new CompletableFuture<>();
            Load[] load = new Load[1];
            Descriptor[] descriptor = new Descriptor[1];
            real.run(0, () -> {
                registry.register(bdev);
                descriptor[0] = registry.open(bdev, "test", true, TestIo.ignoring());
                IoChannel channel = descriptor[0].openChannel(real.reactor(0).mthread());
                load[0] = new Load(channel, real.pools().large().cache(0).tryAcquire(), done);
                for (int i = 0; i < DEPTH; i++) {
                    load[0].submitNext();
                }
            });
            real.await(done);
            real.run(0, () -> {
                load[0].buffer.close();
                load[0].channel.close();
                descriptor[0].close();
                registry.unregister(bdev, (value, failure) -> gone.complete(null));
            });
            real.await(gone);
            assertEquals(0, load[0].failed);
            assertTrue(load[0].leastBytes <= TOLERATED_BYTES,
                    load[0].leastBytes + " bytes in " + WINDOW + " I/Os, at best");
        }
    }
}
