package io.mizzen.testsupport;

import io.mizzen.bdev.BdevContext;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.DmaRegion;
import io.mizzen.memory.HugePages;
import io.mizzen.reactor.Clock;
import io.mizzen.reactor.LinuxAffinity;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Reactors;
import io.mizzen.ring.ReactorRing;
import io.mizzen.ring.RingConfig;
import io.mizzen.util.Completion;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/** Real reactors with rings, pinned to the machine's first cores; stopped by {@link #close}, which reports a crash. */
public final class RealReactors implements AutoCloseable {
    public static final long TIMEOUT_NS = TimeUnit.MINUTES.toNanos(5);

    private final AtomicReference<Throwable> crash = new AtomicReference<>();
    private final List<DmaRegion> regions = HugePages.reserve(48L << 20);
    private final DmaMemory memory = new DmaMemory(regions);
    private final BufferPools pools;
    private final DmaMemory.Block zeroes;
    private final Reactors reactors;

    public RealReactors(int count, long spinNs) {
        List<Integer> cores = new LinuxAffinity().allowedCores();
        reactors = new Reactors(cores.subList(0, Math.min(count, cores.size())), Clock.SYSTEM, spinNs);
        zeroes = memory.allocate(BufferPools.LARGE_BYTES, -1);
        pools = new BufferPools(memory, 512, 128, reactors.all().size());
        RingConfig config = new RingConfig(256, 4096, 16, 64, 64, 16 << 10);
        reactors.launch(new LinuxAffinity(), new Reactors.Setup() {
            @Override
            public void open(Reactor reactor) {
                ReactorRing.open(reactor, config, memory, List.of());
                BdevContext.install(reactor, 4096, pools, zeroes);
            }

            @Override
            public void close(Reactor reactor) {
                ReactorRing.of(reactor).close();
            }
        }, (reactor, cause) -> crash.compareAndSet(null, cause), TIMEOUT_NS);
    }

    public Reactors reactors() {
        return reactors;
    }

    public Reactor reactor(int index) {
        return reactors.all().get(index);
    }

    public BufferPools pools() {
        return pools;
    }

    /** Runs a piece of work on a reactor and waits for its result. */
    public <T> T call(int index, Callable<T> work) {
        CompletableFuture<T> future = new CompletableFuture<>();
        boolean posted = reactor(index).mthread().post(() -> {
            try {
                future.complete(work.call());
            } catch (Throwable e) {
                future.completeExceptionally(e);
            }
        });
        if (!posted) {
            throw new IllegalStateException("the ring of messages is full");
        }
        return await(future);
    }

    public void run(int index, Runnable work) {
        call(index, () -> {
            work.run();
            return null;
        });
    }

    /** Runs an operation on the first reactor and waits for what it comes to. */
    public <T> T ok(Consumer<Completion<T>> operation) {
        CompletableFuture<T> future = new CompletableFuture<>();
        run(0, () -> operation.accept((value, failure) -> {
            if (failure == null) {
                future.complete(value);
            } else {
                future.completeExceptionally(failure);
            }
        }));
        return await(future);
    }

    /** Waits for a future that a reactor completes. */
    public <T> T await(CompletableFuture<T> future) {
        try {
            return future.get(TIMEOUT_NS, TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new AssertionError(e.getCause());
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError("no answer from a reactor; crash: " + crash.get(), e);
        }
    }

    @Override
    public void close() {
        boolean ended = reactors.stop(TIMEOUT_NS);
        if (crash.get() != null) {
            throw new AssertionError("a reactor crashed", crash.get());
        }
        if (!ended) {
            throw new AssertionError("a reactor did not stop");
        }
        HugePages.release(regions);
    }
}
