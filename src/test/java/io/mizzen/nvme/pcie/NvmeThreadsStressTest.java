package io.mizzen.nvme.pcie;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.testsupport.RealReactors;
import io.mizzen.testsupport.TestIo;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/**
 * A real reactor against a simulated drive on a thread of its own, as a real one would be: what the one writes the other
 * sees in order, and once the code is warm an I/O allocates nothing.
 */
class NvmeThreadsStressTest {
    private static final int DEPTH = 32;
    private static final int WINDOW = 10_000;
    /** The compiler needs some windows to warm up, and on a busy machine its time. */
    private static final long LIMIT_NS = 120_000_000_000L;
    private static final int BLOCKS = 1024;
    /** A turn of the compiler may cost a little; one object per I/O would be 160,000. */
    private static final long TOLERATED_BYTES = 1024;

    /** Keeps {@link #DEPTH} I/Os in flight: each slot writes its block, then reads it and looks at every word's stamp. */
    private static final class Load implements IoCompletion {
        private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        private final CompletableFuture<Void> done = new CompletableFuture<>();
        private final long[] stamps = new long[DEPTH];
        private final long startNs = System.nanoTime();
        private IoChannel channel;
        private DmaMemory.Block buffer;
        private int submitted;
        private int completed;
        private int failed;
        private long windowStartBytes;
        private long leastBytes = Long.MAX_VALUE;

        void submit(int slot, int type) {
            long address = buffer.address() + slot * 8192L;
            if (type == IoType.WRITE) {
                stamps[slot]++;
                RawMemory.putLong(address, stamps[slot]);
                RawMemory.putLong(address + 4088, stamps[slot]);
            }
            BdevIo io = channel.tryAcquire();
            io.prepare(type, slot, 1, type == IoType.WRITE ? address : address + 4096, buffer.regionIndex(), this);
            io.tag = slot;
            submitted++;
            channel.submit(io);
        }

        @Override
        public void onIoComplete(BdevIo io) {
            int slot = (int) io.tag;
            boolean wrote = io.type == IoType.WRITE;
            long read = buffer.address() + slot * 8192L + 4096;
            failed += io.status() == 0 && (wrote || RawMemory.getLong(read) == stamps[slot]
                    && RawMemory.getLong(read + 4088) == stamps[slot]) ? 0 : 1;
            io.release();
            completed++;
            if (completed % WINDOW == 0) {
                long nowBytes = threads.getCurrentThreadAllocatedBytes();
                leastBytes = completed > WINDOW ? Math.min(leastBytes, nowBytes - windowStartBytes) : leastBytes;
                windowStartBytes = nowBytes;
            }
            if (leastBytes > TOLERATED_BYTES && System.nanoTime() - startNs < LIMIT_NS) {
                submit(slot, wrote ? IoType.READ : IoType.WRITE);
            } else if (completed == submitted) {
                done.complete(null);
            }
        }
    }

    /** Tells nobody. */
    private static final class Silent implements NvmeListener {
        @Override
        public void onEvent(String code, String message) {
            throw new AssertionError(code + ": " + message);
        }

        @Override
        public void onNamespaces(List<NvmeNamespace> namespaces) {
            assertEquals(1, namespaces.size());
        }

        @Override
        public void onDead(String reason) {
            throw new AssertionError(reason);
        }
    }

    @Test
    void ioOfARealReactorIsTrueAndAllocatesNothing() throws InterruptedException {
        try (RealReactors real = new RealReactors(1, 50_000)) {
            DmaMemory memory = real.pools().memory();
            SimPci pci = new SimPci(memory, new Random(5));
            SimDrive drive = new SimDrive(pci);
            drive.faults = (queue, opcode) -> SimFate.after(0);
            drive.namespaces.put(1, new SimNamespace(1, 12, BLOCKS, 0, 0));
            drive.powerOn(20);
            Thread thread = Thread.ofPlatform().name("simulated drive").start(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    if (drive.poll(System.nanoTime()) == 0) {
                        Thread.yield();
                    }
                }
            });
            try {
                run(real, memory, pci);
            } finally {
                thread.interrupt();
                thread.join();
            }
            assertEquals(List.of(), drive.violations);
        }
    }

    private static void run(RealReactors real, DmaMemory memory, SimPci pci) {
        BdevRegistry registry = new BdevRegistry();
        Load load = new Load();
        CompletableFuture<NvmeController> opened = new CompletableFuture<>();
        real.run(0, () -> NvmeController.open(pci, memory, real.reactors(), real.reactor(0).mthread(), NvmeOptions.DEFAULT,
                new Silent(), (controller, failure) -> opened.complete(controller)));
        NvmeController controller = real.await(opened);
        NvmeBdev bdev = real.call(0, () -> controller.createBdev(1, "n", null));
        Descriptor descriptor = real.call(0, () -> {
            registry.register(bdev);
            Descriptor made = registry.open(bdev, "test", true, TestIo.ignoring());
            load.channel = made.openChannel(real.reactor(0).mthread());
            load.buffer = memory.allocate(DEPTH * 8192L, -1);
            for (int slot = 0; slot < DEPTH; slot++) {
                load.submit(slot, IoType.WRITE);
            }
            return made;
        });
        real.await(load.done);
        CompletableFuture<Void> closed = new CompletableFuture<>();
        real.run(0, () -> {
            load.channel.close();
            descriptor.close();
            registry.unregister(bdev, (nothing, failure) -> controller.close((value, refused) -> closed.complete(null)));
        });
        real.await(closed);
        assertEquals(0, load.failed);
        assertEquals(0, controller.stats().unknownCompletions());
        assertTrue(controller.stats().sqDoorbells() < controller.stats().completions(), controller.stats().toString());
        assertTrue(load.leastBytes <= TOLERATED_BYTES, load.leastBytes + " bytes in " + WINDOW + " I/Os, at best");
    }
}
