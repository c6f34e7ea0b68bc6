package io.mizzen.bench;

import com.sun.management.ThreadMXBean;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.PerfEvents;
import io.mizzen.memory.DmaMemory;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One core's jobs and its mthread. The main thread calls; everything runs on the reactor, which the caller waits for.
 */
final class Worker {
    private static final long CALL_TIMEOUT_SECONDS = 60;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Reactor reactor;
    private final int index;
    private final BenchOptions options;
    private final Mthread mthread;
    private final List<IoChannel> channels = new ArrayList<>();
    final List<Job> jobs = new ArrayList<>();
    private int tlbCounter;
    private Sample before = Sample.NONE;
    private Sample after = Sample.NONE;

    /**
     * @param mthread from {@link #mthread}
     * @param index among the cores that take part
     * @param buffers for each target, as much as its I/Os in flight need
     */
    Worker(Reactor reactor, Mthread mthread, int index, int workers, BenchOptions options, List<Descriptor> targets,
           List<DmaMemory.Block> buffers) {
        this.reactor = reactor;
        this.index = index;
        this.options = options;
        this.mthread = mthread;
        run(() -> {
            tlbCounter = PerfEvents.open(PerfEvents.PERF_TYPE_HW_CACHE, PerfEvents.DTLB_LOAD_MISSES);
            for (int i = 0; i < targets.size(); i++) {
                IoChannel channel = targets.get(i).openChannel(mthread);
                channels.add(channel);
                jobs.add(job(channel, buffers.get(i), i, workers));
            }
        });
    }

    /** A mthread for the workers of a reactor, one after the other: there is a limit on their number. */
    static Mthread mthread(Reactor reactor) {
        return call(reactor.mthread(), () -> reactor.createMthread("bench-" + reactor.core()));
    }

    private Job job(IoChannel channel, DmaMemory.Block block, int target, int workers) {
        long seed = 1 + index + 1000L * target;
        if (options.fill) {
            return new FillJob(channel, block.address(), block.regionIndex(), options, index, workers, seed);
        }
        return options.verify
                ? new VerifyJob(channel, block.address(), block.regionIndex(), options, index, workers, seed)
                : new LoadJob(channel, block.address(), block.regionIndex(), options, index, workers, seed);
    }

    int core() {
        return reactor.core();
    }

    void start() {
        run(() -> jobs.forEach(Job::start));
    }

    /** Ends the warm-up: counts from here, timing one I/O in {@code every}. */
    void beginMeasurement(int every) {
        run(() -> {
            jobs.forEach(job -> job.clear(every));
            before = sample();
        });
    }

    /** The worst since the last call; nothing, at the first. */
    Window nextWindow() {
        return call(mthread, () -> {
            long nowNs = System.nanoTime();
            Window worst = new Window(nowNs);
            for (Job job : jobs) {
                Window ended = job.window(new Window(nowNs));
                if (ended != null) {
                    ended.end(nowNs);
                    worst.add(ended);
                }
            }
            return worst;
        });
    }

    /** Takes the end's figures and stops the load; returns when nothing is in flight. */
    void endMeasurement() {
        CompletableFuture<Void> drained = new CompletableFuture<>();
        int[] left = {jobs.size()};
        post(mthread, () -> {
            after = sample();
            Runnable oneLess = () -> {
                if (--left[0] == 0) {
                    drained.complete(null);
                }
            };
            jobs.forEach(Job::freeze);
            jobs.forEach(job -> job.stop(oneLess));
        });
        await(drained);
    }

    /** Measures jobs that end by themselves, one I/O in {@code every} timed; the future is completed when all have ended. */
    CompletableFuture<Void> startToEnd(int every) {
        CompletableFuture<Void> ended = new CompletableFuture<>();
        int[] left = {jobs.size()};
        run(() -> {
            jobs.forEach(job -> job.clear(every));
            before = sample();
            Runnable oneLess = () -> {
                if (--left[0] == 0) {
                    after = sample();
                    ended.complete(null);
                }
            };
            jobs.forEach(job -> job.start(oneLess));
        });
        return ended;
    }

    /** Closes the channels. */
    void close() {
        run(() -> {
            channels.forEach(IoChannel::close);
            if (tlbCounter >= 0) {
                Libc.close(tlbCounter);
            }
        });
    }

    /** I/Os since the last clear, approximate. */
    long completed() {
        return jobs.stream().mapToLong(job -> job.reads + job.writes).sum();
    }

    /** Whether an error or a mismatch has stopped one of the jobs, approximate. */
    boolean failed() {
        return jobs.stream().anyMatch(job -> !job.running);
    }

    Sample before() {
        return before;
    }

    Sample after() {
        return after;
    }

    /** Why there are no counts of TLB misses, or null. */
    String tlbProblem() {
        return tlbCounter >= 0 ? null : Errno.describe(-tlbCounter);
    }

    private Sample sample() {
        long misses = tlbCounter < 0 ? -1 : PerfEvents.read(tlbCounter);
        return new Sample(System.nanoTime(), THREADS.getCurrentThreadCpuTime(), THREADS.getCurrentThreadAllocatedBytes(),
                misses);
    }

    private void run(Runnable body) {
        call(mthread, () -> {
            body.run();
            return null;
        });
    }

    private static <T> T call(Mthread where, java.util.function.Supplier<T> body) {
        CompletableFuture<T> outcome = new CompletableFuture<>();
        post(where, () -> {
            try {
                outcome.complete(body.get());
            } catch (RuntimeException failure) {
                outcome.completeExceptionally(failure);
            }
        });
        return await(outcome);
    }

    private static void post(Mthread where, Runnable body) {
        if (!where.post(body)) {
            throw new OperationException(ErrorKind.UNAVAILABLE, "reactor-busy", where + " takes no messages");
        }
    }

    private static <T> T await(CompletableFuture<T> outcome) {
        try {
            return outcome.get(CALL_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException failure) {
            if (failure.getCause() instanceof OperationException operation) {
                throw operation;
            }
            throw new OperationException(ErrorKind.INTERNAL, "internal-error", "a job failed: " + failure.getCause(),
                    failure.getCause());
        } catch (TimeoutException late) {
            throw new OperationException(ErrorKind.TIMEOUT, "drain-timeout", "a reactor did not answer within "
                    + CALL_TIMEOUT_SECONDS + " s: I/O that never ended?");
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new OperationException(ErrorKind.UNAVAILABLE, "interrupted", "interrupted");
        }
    }
}
