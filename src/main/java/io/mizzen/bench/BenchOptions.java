package io.mizzen.bench;

import io.mizzen.reactor.CoreMask;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/** The command line of the load generator, checked. */
final class BenchOptions implements Cloneable {
    static final String USAGE = """
            usage: ./mizzen bench --bdev URI [--bdev URI ...] [OPTION ...]
              Drives bdevs from inside and reports IOPS, latency, CPU and garbage per I/O.

              --bdev URI            what to drive; repeat it for several at once:
                                    uring:///dev/sdb, uring:///tmp/f.img?create=true&size_mb=1024,
                                    malloc:///m0?size_mb=512, null:///n0?size_mb=1024
              --replica thick|thin  make a pool on each of them and drive a replica there instead
              --snapshots N         take so many snapshots of the replicas, evenly over --time, and report how long
                                    writes were held back for them
              --chain N             delete the oldest when there are more; 1 to 64   [4]
              --cluster-size SIZE   of those pools   [4m]
              --imported            export those pools and import them again before each replica is made, as after a restart
              --nexus               mirror over all of them (or their replicas) and drive the nexus
              --rw KIND             read, write, rw (in sequence), randread, randwrite, randrw   [randread]
                                    several, as in randread,randwrite: one after the other
              --mix PERCENT         reads among rw and randrw   [50]
              --block-size SIZE     bytes of one I/O: 4096, 4k, 128k   [4k]
              --prefill             write every block once before anything is measured: thin replicas allocate all of it
              --fill                with --rw write or randwrite: write every block once, as often as --time allows, each
                                    time in a new replica; only the filling counts
              --stride SIZE         with --fill: one I/O in so many bytes: 4m writes to each cluster once   [--block-size]
              --depth N             I/Os in flight on each bdev and core, or several: 1,32,128   [32]
              --rounds N            all of that so many times: compilers go on learning   [1]
              --cores LIST          CPUs with a reactor: 1, 0-1, 0x2   [the last CPU]
              --time SECONDS        what is measured   [5]
              --warmup SECONDS      what goes before   [2]
              --verify              every I/O writes a pattern, reads it back and compares
              --overwrite           write even to a disk that carries a file system, partitions or a pool
              --memory 4k|2m        page size of the buffers and of malloc disks   [2m]
              --poll busy|adaptive  busy never sleeps   [busy]
              --json                a JSON document for each measurement instead of the text
              --help                this text
            """;

    private static final int BLOCK_BYTES_MAX = 16 << 20;
    private static final int STRIDE_BYTES_MAX = 1 << 30;
    private static final int DEPTH_MAX = 4096;
    private static final int ROUNDS_MAX = 1000;
    private static final int SNAPSHOTS_MAX = 100_000;
    private static final int CHAIN_MAX = 64;
    private static final double SECONDS_MAX = 24 * 3600;

    final List<String> bdevs = new ArrayList<>();
    boolean nexus;
    /** thick, thin or null. */
    String replica;
    /** 0: the default. */
    int clusterBytes;
    /** 0: none are taken. */
    int snapshots;
    int chain = 4;
    boolean imported;
    boolean prefill;
    boolean fill;
    /** From the start of one I/O of a fill to that of the next; 0: {@link #blockBytes}. */
    int strideBytes;
    private List<Workload> workloads = List.of(Workload.RANDREAD);
    private List<Integer> depths = List.of(32);
    private int rounds = 1;
    /** Of what {@link #shapes} returns. */
    Workload workload;
    int depth;
    int readPercent = -1;
    int blockBytes = 4096;
    List<Integer> cores = List.of();
    double seconds = 5;
    double warmupSeconds = 2;
    boolean verify;
    boolean overwrite;
    boolean smallPages;
    boolean busy = true;
    boolean json;
    boolean help;

    /**
     * Reads the arguments.
     *
     * @throws OperationException INVALID_ARGUMENT, naming the option
     */
    static BenchOptions parse(String... arguments) {
        BenchOptions options = new BenchOptions();
        for (int i = 0; i < arguments.length; i++) {
            String name = arguments[i];
            String value = null;
            int equals = name.indexOf('=');
            if (name.startsWith("--") && equals > 0) {
                value = name.substring(equals + 1);
                name = name.substring(0, equals);
            }
            if (options.flag(name)) {
                if (value != null) {
                    throw invalid(name + " takes no value");
                }
                continue;
            }
            if (value == null && i + 1 < arguments.length) {
                value = arguments[++i];
            }
            options.set(name, value);
        }
        if (!options.help) {
            options.check();
        }
        return options;
    }

    /** What is to be measured, one after the other: each as if it had been asked for alone. */
    List<BenchOptions> shapes() {
        List<BenchOptions> shapes = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            for (Workload kind : workloads) {
                for (int each : depths) {
                    shapes.add(shape(kind, each));
                }
            }
        }
        return shapes;
    }

    private BenchOptions shape(Workload kind, int each) {
        BenchOptions shape;
        try {
            shape = (BenchOptions) clone();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
        shape.workload = verify && kind == Workload.RANDREAD ? Workload.RANDWRITE : kind;
        shape.depth = each;
        shape.readPercent = readPercent >= 0 ? readPercent : shape.workload.readPercent;
        shape.strideBytes = strideBytes == 0 ? blockBytes : strideBytes;
        return shape;
    }

    /** Every block written once, in sequence, as deep as anything goes. */
    BenchOptions prefillShape() {
        BenchOptions shape = shape(Workload.WRITE, depthMax());
        shape.fill = true;
        shape.strideBytes = blockBytes;
        return shape;
    }

    int depthMax() {
        return Collections.max(depths);
    }

    private boolean flag(String name) {
        switch (name) {
            case "--nexus" -> nexus = true;
            case "--verify" -> verify = true;
            case "--overwrite" -> overwrite = true;
            case "--imported" -> imported = true;
            case "--prefill" -> prefill = true;
            case "--fill" -> fill = true;
            case "--json" -> json = true;
            case "--help", "-h" -> help = true;
            default -> {
                return false;
            }
        }
        return true;
    }

    private void set(String name, String value) {
        switch (name) {
            case "--bdev" -> bdevs.add(given(name, value));
            case "--replica" -> replica = oneOf(name, value, "thick", "thin");
            case "--snapshots" -> snapshots = (int) number(name, value, 1, SNAPSHOTS_MAX);
            case "--chain" -> chain = (int) number(name, value, 1, CHAIN_MAX);
            case "--rw" -> workloads = each(given(name, value), BenchOptions::workload);
            case "--mix" -> readPercent = (int) number(name, value, 0, 100);
            case "--block-size" -> blockBytes = size(name, value, BLOCK_BYTES_MAX);
            case "--stride" -> strideBytes = size(name, value, STRIDE_BYTES_MAX);
            case "--cluster-size" -> clusterBytes = size(name, value, STRIDE_BYTES_MAX);
            case "--depth" -> depths = each(given(name, value), one -> (int) number(name, one, 1, DEPTH_MAX));
            case "--rounds" -> rounds = (int) number(name, value, 1, ROUNDS_MAX);
            case "--cores" -> cores = CoreMask.parse(given(name, value));
            case "--time" -> seconds = number(name, value, 0.1, SECONDS_MAX);
            case "--warmup" -> warmupSeconds = number(name, value, 0, SECONDS_MAX);
            case "--memory" -> smallPages = oneOf(name, value, "4k", "2m").equals("4k");
            case "--poll" -> busy = oneOf(name, value, "busy", "adaptive").equals("busy");
            default -> throw invalid("unknown option " + name);
        }
    }

    private void check() {
        if (bdevs.isEmpty()) {
            throw invalid("--bdev is missing");
        }
        for (Workload kind : workloads) {
            if (readPercent >= 0 && !kind.isMixed()) {
                throw invalid("--mix goes with --rw rw or randrw");
            }
            if (verify && !kind.random && kind != Workload.WRITE) {
                throw invalid("--verify goes with --rw randwrite, randrw or write");
            }
            if (fill && kind.readPercent > 0) {
                throw invalid("--fill goes with --rw write or randwrite");
            }
        }
        if (fill && (verify || prefill)) {
            throw invalid("--fill goes without --verify and --prefill");
        }
        if (strideBytes != 0 && (!fill || strideBytes % blockBytes != 0)) {
            throw invalid("--stride goes with --fill, and is a multiple of --block-size");
        }
        if (snapshots > 0 && (replica == null || nexus || fill)) {
            throw invalid("--snapshots goes with --replica, and without --nexus and --fill");
        }
        if (replica == null && (imported || clusterBytes != 0)) {
            throw invalid("--cluster-size and --imported go with --replica");
        }
    }

    /** Whether anything on the bdevs is changed. */
    boolean writes() {
        return verify || prefill || shapes().stream().anyMatch(shape -> shape.readPercent < 100);
    }

    private static String given(String name, String value) {
        if (value == null || value.isBlank()) {
            throw invalid(name + " needs a value");
        }
        return value;
    }

    private static String oneOf(String name, String value, String... words) {
        if (!List.of(words).contains(given(name, value))) {
            throw invalid(name + " is '" + value + "'; it must be " + String.join(" or ", words));
        }
        return value;
    }

    private static Workload workload(String value) {
        Workload found = Workload.of(given("--rw", value));
        if (found == null) {
            throw invalid("--rw is '" + value + "'; it must be read, write, rw, randread, randwrite or randrw");
        }
        return found;
    }

    private static <T> List<T> each(String list, Function<String, T> one) {
        return Stream.of(list.split(",", -1)).map(one).toList();
    }

    private static double number(String name, String value, double min, double max) {
        double number;
        try {
            number = Double.parseDouble(given(name, value));
        } catch (NumberFormatException notOne) {
            throw invalid(name + " is '" + value + "', which is not a number");
        }
        if (!(number >= min && number <= max)) {
            throw invalid(name + " is " + value + "; it must be " + plain(min) + " to " + plain(max));
        }
        return number;
    }

    private static String plain(double number) {
        return number == Math.rint(number) ? Long.toString((long) number) : Double.toString(number);
    }

    private static int size(String name, String value, int max) {
        String text = given(name, value).toLowerCase(java.util.Locale.ROOT);
        int shift = text.endsWith("k") ? 10 : text.endsWith("m") ? 20 : 0;
        double count = number(name, shift == 0 ? text : text.substring(0, text.length() - 1), 1, max);
        long bytes = (long) count << shift;
        if (count != Math.rint(count) || bytes % 512 != 0 || bytes > max) {
            throw invalid(name + " is '" + value + "'; it must be a multiple of 512 bytes up to " + (max >> 20) + "m");
        }
        return (int) bytes;
    }

    private static OperationException invalid(String problem) {
        return OperationException.invalid("invalid-option", problem + "; see ./mizzen bench --help");
    }
}
