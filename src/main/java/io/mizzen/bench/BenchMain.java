package io.mizzen.bench;

import io.mizzen.bdev.Bdev;
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
            Runs runs = new Runs(bench, stack, options, buffers);
            if (options.prefill) {
                runs.prefill();
            }
            boolean good = true;
            for (BenchOptions shape : options.shapes()) {
                Doorbells before = doorbells(bench);
                Measurement measured = runs.measure(shape);
                measured.doorbellsPerIo = doorbells(bench).perCommandSince(before);
                Report report = new Report(shape, names, measured, bench.regions());
                System.out.print(options.json ? report.json() : report.text());
                good &= !measured.failed();
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
        return defaults.withCores(cores).withMemory(new EngineConfig.Memory(bytes, !options.smallPages, false, options.smallPages))
                .withNvmf(defaults.nvmf().withAddresses(List.of()));
    }

    private static String describe(Bdev bdev) {
        return bdev.name() + " (" + bdev.product() + ", " + bdev.blockSizeBytes() + " B blocks, " + (bdev.sizeBytes() >> 20) + " MiB)";
    }
}
