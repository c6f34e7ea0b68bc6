package io.mizzen.bench;

import io.mizzen.bdev.Descriptor;
import io.mizzen.engine.Workbench;
import io.mizzen.memory.DmaMemory;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/** Runs the jobs: a load for as long as was asked, or fills, one after the other in new replicas. Main thread. */
final class Runs {
    private static final long SECOND_NS = 1_000_000_000L;
    private static final long POLL_NS = 10_000_000L;
    private static final long NO_PROGRESS_SECONDS = 60;
    /** So many I/Os of a core are timed a second, or all if there are fewer: two clock readings cost about 45 ns. */
    private static final long TIMED_PER_SECOND = 100_000;
    /** Odd, so that it is not always the same place in a batch that is timed. */
    private static final int[] SAMPLE_STEPS = {1, 3, 7, 15, 31, 61, 127, 251};
    private static final int STEP_MAX = SAMPLE_STEPS[SAMPLE_STEPS.length - 1];

    private final Workbench bench;
    private final Stack stack;
    private final BenchOptions options;
    private final List<List<DmaMemory.Block>> buffers;
    private final List<Mthread> mthreads;
    private boolean filled;

    /** @param buffers of each core, for each target */
    Runs(Workbench bench, Stack stack, BenchOptions options, List<List<DmaMemory.Block>> buffers) {
        this.bench = bench;
        this.stack = stack;
        this.options = options;
        this.buffers = buffers;
        this.mthreads = bench.reactors().stream().map(Worker::mthread).toList();
    }

    Measurement measure(BenchOptions shape) {
        return shape.fill ? fills(shape) : load(shape);
    }

    /** Writes every block once. */
    void prefill() {
        List<Worker> workers = workers(options.prefillShape());
        fill(workers, STEP_MAX);
        workers.forEach(Worker::close);
        Measurement measured = new Measurement();
        measured.add(workers);
        if (measured.failed()) {
            throw new OperationException(ErrorKind.INTERNAL, "prefill-failed", measured.failure);
        }
    }

    private Measurement load(BenchOptions shape) {
        List<Worker> workers = workers(shape);
        Measurement measured = new Measurement();
        measured.snapshots = shape.snapshots == 0 ? null : new SnapshotRounds(shape, stack, workers);
        measured.sampleEvery = drive(workers, measured.snapshots);
        measured.add(workers);
        workers.forEach(Worker::close);
        return measured;
    }

    /** As many as the warm-up takes, which do not count, then as many as the time takes: at least one. */
    private Measurement fills(BenchOptions shape) {
        long warmNs = System.nanoTime() + (long) (options.warmupSeconds * SECOND_NS);
        Measurement warmup = fillUntil(shape, warmNs, STEP_MAX);
        if (warmup.failed()) {
            return warmup;
        }
        int every = warmup.runs == 0 ? STEP_MAX : step(warmup.writes / warmup.seconds / warmup.cores);
        long endNs = System.nanoTime() + (long) (options.seconds * SECOND_NS);
        return fillUntil(shape, endNs, every);
    }

    private Measurement fillUntil(BenchOptions shape, long endNs, int every) {
        Measurement measured = new Measurement();
        measured.sampleEvery = every;
        while (System.nanoTime() < endNs && !measured.failed()) {
            if (filled) {
                stack.renew();
            }
            filled = true;
            List<Worker> workers = workers(shape);
            fill(workers, every);
            measured.add(workers);
            workers.forEach(Worker::close);
        }
        return measured;
    }

    private static void fill(List<Worker> workers, int every) {
        List<CompletableFuture<Void>> ends = workers.stream().map(worker -> worker.startToEnd(every)).toList();
        CompletableFuture<Void> end = CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new));
        long before = -1;
        while (!end.isDone()) {
            try {
                end.get(NO_PROGRESS_SECONDS, TimeUnit.SECONDS);
            } catch (ExecutionException failure) {
                throw new OperationException(ErrorKind.INTERNAL, "internal-error", "a job failed: " + failure.getCause(),
                        failure.getCause());
            } catch (TimeoutException late) {
                long now = completed(workers);
                if (now == before) {
                    throw new OperationException(ErrorKind.TIMEOUT, "no-progress", "no I/O has ended for " + NO_PROGRESS_SECONDS
                            + " s: I/O that never ends?");
                }
                before = now;
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw new OperationException(ErrorKind.UNAVAILABLE, "interrupted", "interrupted");
            }
        }
    }

    private List<Worker> workers(BenchOptions shape) {
        for (Descriptor target : stack.targets()) {
            int unitBytes = shape.fill ? shape.strideBytes : shape.blockBytes;
            long units = target.bdev().sizeBytes() / unitBytes;
            long needed = shape.fill ? options.cores.size()     // A stride each, at the least.
                    : options.verify ? VerifyJob.unitsNeeded(shape, options.cores.size()) : 1;
            if (units < needed) {
                throw OperationException.invalid("bdev-too-small", target.bdev().name() + " holds " + units
                        + " times " + unitBytes + " bytes; " + needed + " are needed");
            }
        }
        List<Worker> workers = new ArrayList<>();
        for (Reactor reactor : bench.reactors()) {
            int index = workers.size();
            workers.add(new Worker(reactor, mthreads.get(index), index, bench.reactors().size(), shape, stack.targets(),
                    buffers.get(index)));
        }
        return workers;
    }

    /** Warm-up and measurement; returns how many I/Os there were for each one that was timed. */
    private int drive(List<Worker> workers, SnapshotRounds snapshots) {
        workers.forEach(worker -> worker.beginMeasurement(STEP_MAX));
        workers.forEach(Worker::start);
        long begunNs = System.nanoTime();
        long warmupNs = (long) (options.warmupSeconds * SECOND_NS);
        pause(workers, begunNs + warmupNs / 2);
        long before = completed(workers);
        long beforeNs = System.nanoTime();
        pause(workers, begunNs + warmupNs);
        long tookNs = Math.max(1, System.nanoTime() - beforeNs);
        int every = snapshots != null ? 1 : step((completed(workers) - before) * (double) SECOND_NS / tookNs / workers.size());
        workers.forEach(worker -> worker.beginMeasurement(every));
        if (snapshots != null) {
            snapshots.run();
        } else {
            pause(workers, System.nanoTime() + (long) (options.seconds * SECOND_NS));
        }
        workers.forEach(Worker::endMeasurement);
        return every;
    }

    private static int step(double perSecond) {
        for (int step : SAMPLE_STEPS) {
            if (perSecond / step <= TIMED_PER_SECOND) {
                return step;
            }
        }
        return STEP_MAX;
    }

    private static long completed(List<Worker> workers) {
        return workers.stream().mapToLong(Worker::completed).sum();
    }

    /** Until then, or until one of them has failed. */
    static void pause(List<Worker> workers, long untilNs) {
        long leftNs = untilNs - System.nanoTime();
        while (leftNs > 0 && workers.stream().noneMatch(Worker::failed)) {
            LockSupport.parkNanos(Math.min(leftNs, POLL_NS));
            leftNs = untilNs - System.nanoTime();
        }
    }
}
