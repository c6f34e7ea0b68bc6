package io.mizzen.bench;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.Descriptor;
import io.mizzen.engine.EngineConfig;
import io.mizzen.engine.Workbench;
import io.mizzen.engine.model.NvmeControllerView;
import io.mizzen.engine.model.PollMode;
import io.mizzen.memory.DmaMemory;
import io.mizzen.reactor.LinuxAffinity;
import io.mizzen.reactor.Reactor;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * {@code ./mizzen bench}: sets up what the options say, warms up, measures, reports. Exit status 0; 1 when an I/O or the
 * verification failed or the set-up was refused; 2 for options that make no sense.
 */
public final class BenchMain {
    private static final int EXIT_FAILED = 1;
    private static final int EXIT_USAGE = 2;
    private static final long MEMORY_MIN_BYTES = 128L << 20;
    private static final long SECOND_NS = 1_000_000_000L;
    private static final long POLL_NS = 10_000_000L;
    /** So many I/Os of a core are timed a second, or all if there are fewer: two clock readings cost about 45 ns. */
    private static final long TIMED_PER_SECOND = 100_000;
    /** Odd, so that it is not always the same place in a batch that is timed. */
    private static final int[] SAMPLE_STEPS = {1, 3, 7, 15, 31, 61, 127, 251};
    private static final Logger LOG = Logger.getLogger("io.mizzen");

    private final BenchOptions options;

    private BenchMain(BenchOptions options) {
        this.options = options;
    }

    public static void main(String[] args) {
        System.exit(run(args));
    }

    private static int run(String... args) {
        BenchOptions options;
        try {
            options = BenchOptions.parse(args);
        } catch (OperationException invalid) {
            System.err.println("mizzen bench: " + invalid.getMessage());
            return EXIT_USAGE;
        }
        if (options.help) {
            System.out.print(BenchOptions.USAGE);
            return 0;
        }
        LOG.setLevel(Level.WARNING);
        try {
            return new BenchMain(options).measure() ? 0 : EXIT_FAILED;
        } catch (OperationException refused) {
            System.err.println("mizzen bench: " + refused.getMessage() + " [" + refused.code() + "]");
            return EXIT_FAILED;
        }
    }

    /** Reports each measurement when it is done; false when one has failed. */
    private boolean measure() {
        if (options.cores.isEmpty()) {
            options.cores = List.of(Collections.max(new LinuxAffinity().allowedCores()));
        }
        Workbench bench = Workbench.start(config());
        try {
            Stack stack = new Stack(bench, options);
            stack.build();
            List<String> names = stack.targets().stream().map(target -> describe(target.bdev())).toList();
            List<List<DmaMemory.Block>> buffers = bench.reactors().stream().map(reactor -> buffers(bench, reactor)).toList();
            boolean good = true;
            for (BenchOptions shape : options.shapes()) {
                List<Worker> workers = workers(bench, stack, shape, buffers);
                Doorbells before = doorbells(bench);
                int every = drive(workers);
                Report report = new Report(shape, names, workers, bench.regions(), every, doorbells(bench).perCommandSince(before));
                System.out.print(options.json ? report.json() : report.text());
                workers.forEach(Worker::close);
                good &= !report.failed();
            }
            stack.close();
            return good;
        } finally {
            bench.stop();
        }
    }

    /** For each target what its deepest measurement needs: they follow each other in the same memory. */
    private List<DmaMemory.Block> buffers(Workbench bench, Reactor reactor) {
        List<DmaMemory.Block> buffers = new ArrayList<>();
        for (int i = 0; i < options.bdevs.size(); i++) {
            buffers.add(bench.allocate((long) options.depthMax() * options.blockBytes, reactor.core()));
        }
        return buffers;
    }

    /** Of all NVMe controllers that the engine drives, warm-up included. */
    private record Doorbells(long writes, long commands) {
        /** NaN where no controller did anything. */
        double perCommandSince(Doorbells before) {
            return commands == before.commands ? Double.NaN : (double) (writes - before.writes) / (commands - before.commands);
        }
    }

    private static Doorbells doorbells(Workbench bench) {
        List<NvmeControllerView> controllers = bench.engine().nvmeControllers().join();
        return new Doorbells(
                controllers.stream().mapToLong(c -> c.stats().submissionDoorbells() + c.stats().completionDoorbells()).sum(),
                controllers.stream().mapToLong(c -> c.stats().completions()).sum());
    }

    private EngineConfig config() {
        long perBdev = (long) options.depthMax() * options.blockBytes * options.cores.size();
        long bytes = MEMORY_MIN_BYTES + 3 * perBdev * options.bdevs.size();
        EngineConfig defaults = EngineConfig.defaults();
        EngineConfig.Cores cores = new EngineConfig.Cores(options.cores, options.busy ? PollMode.BUSY : PollMode.ADAPTIVE,
                List.of(), defaults.cores().spinNs(), defaults.cores().stallNs(), List.of(), List.of(), List.of());
        EngineConfig.Nvmf nvmf = defaults.nvmf();
        return defaults.withCores(cores).withMemory(new EngineConfig.Memory(bytes, !options.smallPages, false, options.smallPages))
                .withNvmf(new EngineConfig.Nvmf(List.of(), nvmf.port(), nvmf.nqnPrefix(), nvmf.maxConnections(),
                        nvmf.maxQueueDepth(), nvmf.maxIoBytes(), nvmf.inCapsuleBytes(), nvmf.maxR2t()));
    }

    private List<Worker> workers(Workbench bench, Stack stack, BenchOptions shape, List<List<DmaMemory.Block>> buffers) {
        for (Descriptor target : stack.targets()) {
            long units = target.bdev().sizeBytes() / options.blockBytes;
            long needed = options.verify ? VerifyJob.unitsNeeded(shape, options.cores.size()) : 1;
            if (units < needed) {
                throw OperationException.invalid("bdev-too-small", target.bdev().name() + " holds " + units
                        + " blocks of --block-size; " + needed + " are needed");
            }
        }
        List<Worker> workers = new ArrayList<>();
        for (Reactor reactor : bench.reactors()) {
            workers.add(new Worker(reactor, workers.size(), bench.reactors().size(), shape, stack.targets(),
                    buffers.get(workers.size())));
        }
        return workers;
    }

    /** Warm-up and measurement; returns how many I/Os there were for each one that was timed. */
    private int drive(List<Worker> workers) {
        workers.forEach(worker -> worker.beginMeasurement(SAMPLE_STEPS[SAMPLE_STEPS.length - 1]));
        workers.forEach(Worker::start);
        long begunNs = System.nanoTime();
        long warmupNs = (long) (options.warmupSeconds * SECOND_NS);
        pause(workers, begunNs + warmupNs / 2);
        long before = completed(workers);
        long beforeNs = System.nanoTime();
        pause(workers, begunNs + warmupNs);
        long tookNs = Math.max(1, System.nanoTime() - beforeNs);
        int every = step((completed(workers) - before) * (double) SECOND_NS / tookNs / workers.size());
        workers.forEach(worker -> worker.beginMeasurement(every));
        pause(workers, System.nanoTime() + (long) (options.seconds * SECOND_NS));
        workers.forEach(Worker::endMeasurement);
        return every;
    }

    private static int step(double perSecond) {
        for (int step : SAMPLE_STEPS) {
            if (perSecond / step <= TIMED_PER_SECOND) {
                return step;
            }
        }
        return SAMPLE_STEPS[SAMPLE_STEPS.length - 1];
    }

    private static long completed(List<Worker> workers) {
        return workers.stream().mapToLong(Worker::completed).sum();
    }

    private static void pause(List<Worker> workers, long untilNs) {
        long leftNs = untilNs - System.nanoTime();
        while (leftNs > 0 && workers.stream().noneMatch(Worker::failed)) {
            LockSupport.parkNanos(Math.min(leftNs, POLL_NS));
            leftNs = untilNs - System.nanoTime();
        }
    }

    private static String describe(Bdev bdev) {
        return bdev.name() + " (" + bdev.product() + ", " + bdev.blockSizeBytes() + " B blocks, " + (bdev.sizeBytes() >> 20) + " MiB)";
    }
}
