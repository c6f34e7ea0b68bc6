package io.mizzen.bdev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Mthread;
import io.mizzen.testsupport.Patience;
import io.mizzen.testsupport.RealReactors;
import io.mizzen.testsupport.TestIo;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Two real cores under load while the control reactor pauses, resumes, locks, unlocks, and channels come and go. */
class BdevStressTest {
    private static final int DEPTH = 32;
    private static final long BLOCKS = 4096;
    private static final int ROUNDS = 400;

    private final RealReactors real = new RealReactors(2, 50_000);
    private final BdevRegistry registry = new BdevRegistry();
    private final MallocBdev bdev = new MallocBdev("m0", UUID.randomUUID(), 512, BLOCKS);
    private final AtomicLong violations = new AtomicLong();
    private volatile RangeLock locked;
    private volatile boolean pausedNow;
    private volatile boolean stopping;

    /** One core's load: reads and writes in random places, a fixed number in flight; reopens its channel at times. */
    private final class Load implements IoCompletion {
        private final Mthread mthread;
        private final Descriptor descriptor;
        private final Random random;
        private final List<DmaBuffer> buffers = new ArrayList<>();
        private final CompletableFuture<Void> ended = new CompletableFuture<>();
        private final AtomicLong completed = new AtomicLong();
        private IoChannel channel;
        private int inFlight;
        private boolean reopening;

        Load(Mthread mthread, Descriptor descriptor, long seed) {
            this.mthread = mthread;
            this.descriptor = descriptor;
            this.random = new Random(seed);
        }

        void start() {
            for (int i = 0; i < DEPTH; i++) {
                buffers.add(BdevContext.of(mthread.reactor()).small().tryAcquire());
            }
            channel = descriptor.openChannel(mthread);
            refill();
        }

        private void refill() {
            while (inFlight < DEPTH) {
                submit(inFlight++);
            }
        }

        private void submit(int slot) {
            BdevIo io = channel.tryAcquire();
            DmaBuffer buffer = buffers.get(slot);
            int blocks = 1 + random.nextInt(16);
            io.prepare(random.nextInt(2), random.nextLong(BLOCKS - blocks), blocks, buffer.address(), 0, this);
            io.tag = slot;
            channel.submit(io);
        }

        @Override
        public void onIoComplete(BdevIo io) {
            completed.incrementAndGet();
            RangeLock lock = locked;
            boolean hit = lock != null && io.type == IoType.WRITE
                    && io.offsetBlocks < lock.offsetBlocks() + lock.blockCount()
                    && io.offsetBlocks + io.blockCount > lock.offsetBlocks();
            if (io.status() != Status.SUCCESS || pausedNow || hit) {
                violations.incrementAndGet();
            }
            int slot = (int) io.tag;
            io.release();
            if (stopping || reopening || random.nextInt(5_000) == 0) {
                reopening = true;
                if (--inFlight == 0) {
                    channel.close();
                    if (stopping) {
                        buffers.forEach(DmaBuffer::close);
                        ended.complete(null);
                        return;
                    }
                    reopening = false;
                    channel = descriptor.openChannel(mthread);
                    refill();
                }
                return;
            }
            submit(slot);
        }
    }

    @Test
    void pausesAndLocksHoldUnderLoadOnTwoCores() {
        Mthread control = real.reactor(0).mthread();
        List<Load> loads = new ArrayList<>();
        Descriptor descriptor = real.call(0, () -> {
            registry.register(bdev);
            return registry.open(bdev, "stress", true, TestIo.ignoring());
        });
        for (int i = 0; i < real.reactors().all().size(); i++) {
            Load load = new Load(real.reactor(i).mthread(), descriptor, i);
            loads.add(load);
            real.run(i, load::start);
        }
        Random random = new Random(99);
        for (int round = 0; round < ROUNDS; round++) {
            switch (round % 4) {
                case 0 -> pauseAndResume(control);
                case 1 -> holdWrites(control);
                case 2 -> awaitInFlight(control);
                default -> lockAndUnlock(control, random.nextLong(BLOCKS - 64), 64);
            }
        }
        for (Load load : loads) {
            Patience.await(() -> load.completed.get() > 1_000, () -> "the load does not move: " + load.completed.get());
        }
        stopping = true;
        loads.forEach(load -> real.await(load.ended));
        assertEquals(0, violations.get());
        for (int i = 0; i < loads.size(); i++) {
            int index = i;
            assertEquals(4096, real.call(i, () -> BdevContext.of(real.reactor(index)).ioPool().freeCount()));
        }
        assertEquals(real.pools().small().count(), real.pools().small().freeCount());
        real.run(0, descriptor::close);
        real.close();
    }

    private void pauseAndResume(Mthread control) {
        CompletableFuture<Void> paused = new CompletableFuture<>();
        real.run(0, () -> bdev.pause(control, (value, failure) -> {
            pausedNow = true;
            paused.complete(null);
        }));
        real.await(paused);
        assertEquals(0, bdev.channels().stream().mapToInt(IoChannel::inFlight).sum());
        CompletableFuture<Void> resumed = new CompletableFuture<>();
        real.run(0, () -> {
            pausedNow = false;
            bdev.resume(control, (value, failure) -> resumed.complete(null));
        });
        real.await(resumed);
    }

    private void awaitInFlight(Mthread control) {
        CompletableFuture<Void> ended = new CompletableFuture<>();
        real.run(0, () -> bdev.awaitInFlight(control, (value, failure) -> ended.complete(null)));
        real.await(ended);
    }

    private void lockAndUnlock(Mthread control, long offset, long count) {
        CompletableFuture<RangeLock> granted = new CompletableFuture<>();
        real.run(0, () -> bdev.lockRange(offset, count, false, control, (lock, failure) -> {
            locked = lock;
            granted.complete(lock);
        }));
        unlock(control, granted);
    }

    private void holdWrites(Mthread control) {
        CompletableFuture<RangeLock> held = new CompletableFuture<>();
        real.run(0, () -> bdev.holdWrites(control, (lock, failure) -> {
            locked = lock;
            held.complete(lock);
        }));
        unlock(control, held);
    }

    private void unlock(Mthread control, CompletableFuture<RangeLock> granted) {
        RangeLock lock = real.await(granted);
        CompletableFuture<Void> unlocked = new CompletableFuture<>();
        real.run(0, () -> {
            locked = null;
            bdev.unlockRange(lock, control, (value, failure) -> unlocked.complete(null));
        });
        real.await(unlocked);
    }
}
