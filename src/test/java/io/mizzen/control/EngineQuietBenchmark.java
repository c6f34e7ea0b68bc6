package io.mizzen.control;

import io.mizzen.reactor.LinuxAffinity;
import io.mizzen.testsupport.EngineProcess;
import io.mizzen.testsupport.NvmeTcpClient;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;

/**
 * What the packaged engine costs while nobody uses it, and how little its control plane disturbs I/O. Reports, asserts
 * nothing. Arguments:
 * <ul>
 * <li>{@code idle [seconds]}: CPU of an engine with one published volume and a connected host that only keeps alive;
 * <li>{@code rest [rounds] [seconds] [path ...]}: latency of 4 KiB reads one at a time over NVMe/TCP, with 200 REST
 * requests a second and without, in turn. The reactor has the last CPU, everything else the others;
 * <li>{@code rebuild [rounds] [seconds] [MiB/s]}: the same reads and, one in four, writes beside a rebuild of the volume,
 * which is paused in between; 50 MiB/s unless told, 0: as fast as its back-off from the hosts' latency lets it.
 * </ul>
 */
final class EngineQuietBenchmark {
    private static final String NEXUS = "/v1/nexuses/33333333-3333-4333-8333-333333333333";
    private static final String SUBSYSTEM = "nqn.2026-11.io.mizzen:33333333-3333-4333-8333-333333333333";
    private static final String HOST = "nqn.2014-08.org.nvmexpress:uuid:0a0a0a0a-0000-4000-8000-0000000000f2";
    private static final UUID HOST_ID = UUID.fromString("0a0a0a0a-0000-4000-8000-0000000000f2");
    private static final int BLOCK = 512;
    private static final int SETTLE_SECONDS = 20;
    private static final int REST_PER_SECOND = 200;
    private static final int WARM_UP_SECONDS = 90;
    /** Between reads: without it the measuring thread takes the CPU that REST needs. Less than the reactor polls for. */
    private static final long GAP_NS = 20_000;
    private static final List<String> PATHS = List.of("/v1/nexuses", "/v1/bdevs", "/v1/reactors", "/v1/shares",
            "/actuator/health");

    private static final int REBUILT_MIB = 2048;

    private final EngineProcess engine;
    private final String mode;
    private final byte[] data = new byte[8 * BLOCK];
    private NvmeTcpClient admin;
    private NvmeTcpClient io;
    private volatile boolean restWanted;
    private volatile boolean ended;
    private volatile long restCount;

    private EngineQuietBenchmark(EngineProcess engine, String mode) {
        this.engine = engine;
        this.mode = mode;
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        List<Integer> cores = new LinuxAffinity().allowedCores();
        Path directory = Files.createTempDirectory("mizzen-quiet");
        String mode = args.length > 0 ? args[0] : "idle";
        try (EngineProcess engine = EngineProcess.in(directory)) {
            if (!mode.equals("idle")) {
                engine.property("mizzen.cores", Integer.toString(cores.getLast()));
            }
            EngineQuietBenchmark benchmark = new EngineQuietBenchmark(engine.start(), mode);
            benchmark.connect();
            if (mode.equals("idle")) {
                benchmark.idle(number(args, 1, 30));
                return;
            }
            LinuxAffinity.moveOthers(cores.subList(0, cores.size() - 1));
            if (mode.equals("rest")) {
                benchmark.rest(number(args, 1, 5), number(args, 2, 5),
                        args.length > 3 ? List.of(args).subList(3, args.length) : PATHS);
            } else {
                benchmark.rebuild(number(args, 1, 5), number(args, 2, 3), number(args, 3, 50));
            }
        }
    }

    private static int number(String[] args, int at, int usual) {
        return args.length > at ? Integer.parseInt(args[at]) : usual;
    }

    private void connect() {
        int mib = mode.equals("rebuild") ? REBUILT_MIB : 64;
        engine.http().put(NEXUS, "{\"name\": \"v\", \"children\": [\"malloc:///m0?size_mb=%d\"]}".formatted(mib)).expect(201);
        engine.http().put(NEXUS + "/publication", "{\"allowedHosts\": [\"any\"]}").expect(200);
        admin = client();
        NvmeTcpClient.Reply reply = connect(admin, 0, 0xffff, 15_000);
        admin.enable();
        io = client();
        connect(io, 1, (int) reply.result() & 0xffff, 0);
    }

    private NvmeTcpClient client() {
        return NvmeTcpClient.open(new InetSocketAddress("127.0.0.1", engine.nvmfPort())).initialize(0, 0, 1);
    }

    private static NvmeTcpClient.Reply connect(NvmeTcpClient client, int queueId, int controllerId, int keepAliveMs) {
        NvmeTcpClient.Reply reply = client.connect(queueId, 32, controllerId, SUBSYSTEM, HOST, HOST_ID, 0, keepAliveMs);
        if (reply.status() != 0) {
            throw new IllegalStateException("connect: " + reply);
        }
        return reply;
    }

    // --- idle ---------------------------------------------------------------------------------------

    /** CPU over a time in which the host sends a keep-alive every 5 s, as Linux does with its default of 5 or more. */
    private void idle(int seconds) throws IOException, InterruptedException {
        keepAliveFor(SETTLE_SECONDS);                   // The JVM is done with what the start left behind.
        long beforeTicks = cpuTicks();
        Map<String, Long> before = perThread();
        long startNs = System.nanoTime();
        keepAliveFor(seconds);
        double spentSeconds = (cpuTicks() - beforeTicks) / 100.0;
        System.out.printf("idle, published and connected: %.2f %% of one CPU over %d s%n",
                100 * spentSeconds * 1e9 / (System.nanoTime() - startNs), seconds);
        perThread().forEach((name, ticks) -> {
            long spent = ticks - before.getOrDefault(name, 0L);
            if (spent > 0) {
                System.out.printf("  %.2f s  %s%n", spent / 100.0, name);
            }
        });
    }

    private void keepAliveFor(int seconds) throws InterruptedException {
        for (int i = 0; i < seconds; i++) {
            Thread.sleep(1000);
            if (i % 5 == 0) {
                keepAlive();
            }
        }
    }

    private void keepAlive() {
        NvmeTcpClient.Reply reply = admin.admin(0x18, 0);
        if (reply.status() != 0) {
            throw new IllegalStateException("keep-alive: " + reply);
        }
    }

    private long cpuTicks() throws IOException {
        return ticks(Path.of("/proc/" + engine.pid() + "/stat"));
    }

    private static long ticks(Path stat) throws IOException {
        String text = Files.readString(stat);
        String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
        return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    }

    /** By thread, hundredths of a second so far. */
    private Map<String, Long> perThread() throws IOException {
        Map<String, Long> ticks = new TreeMap<>();
        try (var tasks = Files.list(Path.of("/proc/" + engine.pid() + "/task"))) {
            for (Path task : tasks.toList()) {
                ticks.merge(Files.readString(task.resolve("comm")).strip(), ticks(task.resolve("stat")), Long::sum);
            }
        }
        return ticks;
    }

    // --- REST beside I/O ------------------------------------------------------------------------------

    private void rest(int rounds, int seconds, List<String> paths) throws IOException, InterruptedException {
        warmUp(paths);
        Thread requests = Thread.ofPlatform().daemon().start(() -> request(paths));     // Before, or it would inherit:
        raisePriority();
        restWanted = true;
        measure(seconds * 1_000_000_000L);
        double[] ratios = new double[rounds];
        for (int round = 0; round < rounds; round++) {
            long[] without = interval(false, seconds);
            long before = restCount;
            long[] with = interval(true, seconds);
            long rate = (restCount - before) / seconds;
            ratios[round] = (double) at(with, 0.999) / at(without, 0.999);
            System.out.printf("without: %s%nwith:    %s  (%d requests/s%s)%nratio of p99.9: %.2f%n", show(without),
                    show(with), rate, rate < REST_PER_SECOND * 9 / 10 ? ": TOO FEW, the CPU is short" : "", ratios[round]);
        }
        Arrays.sort(ratios);
        System.out.printf("median ratio of p99.9: %.2f%n", ratios[rounds / 2]);
        ended = true;
        requests.join();
    }

    // --- a rebuild beside I/O -------------------------------------------------------------------------

    private void rebuild(int rounds, int seconds, int mibPerSecond) throws IOException, InterruptedException {
        engine.http().patch(NEXUS + "/settings", "{\"rebuildBytesPerSecond\": \"%dMiB\"}".formatted(mibPerSecond)).expect(200);
        raisePriority();
        measure(WARM_UP_SECONDS * 1_000_000_000L / 3);
        engine.http().post(NEXUS + "/children", "{\"uri\": \"malloc:///m1?size_mb=" + REBUILT_MIB + "\"}").expect(202);
        String rebuild = NEXUS + "/children/m1/rebuild";
        measure(2_000_000_000L);
        double[] ratios = new double[rounds];
        for (int round = 0; round < rounds; round++) {
            engine.http().post(rebuild + "/pause", "").expect(200);
            long[] without = interval(false, seconds);
            engine.http().post(rebuild + "/resume", "").expect(200);
            long before = copiedBytes(rebuild);
            long[] with = interval(false, seconds);
            ratios[round] = (double) at(with, 0.99) / at(without, 0.99);
            System.out.printf("without: %s%nwith:    %s  (rebuilt %.0f MiB/s)%nratio of p99: %.2f%n", show(without), show(with),
                    (copiedBytes(rebuild) - before) / 1048576.0 / (seconds + 0.2), ratios[round]);
        }
        Arrays.sort(ratios);
        System.out.printf("median ratio of p99: %.2f%n", ratios[rounds / 2]);
    }

    private long copiedBytes(String rebuild) {
        return engine.http().get(rebuild).expect(200).json().path("copiedBytes").asLong();
    }

    /** Requests as fast as they are answered: what is measured is an engine that has compiled its code. */
    private void warmUp(List<String> paths) {
        long endNs = System.nanoTime() + WARM_UP_SECONDS * 1_000_000_000L;
        for (int i = 0; System.nanoTime() - endNs < 0; i++) {
            engine.http().get(paths.get(i % paths.size())).expect(200);
            if (i % 8 == 0 && io.read(1, i % 65_536, 8, BLOCK).status() != 0) {
                throw new IllegalStateException("a read failed");
            }
        }
    }

    private long[] interval(boolean withRest, int seconds) {
        restWanted = withRest;
        LockSupport.parkNanos(200_000_000L);
        return measure(seconds * 1_000_000_000L);
    }

    /** Sorted latencies. */
    private long[] measure(long ns) {
        long[] latencies = new long[1 << 20];
        int count = 0;
        long endNs = System.nanoTime() + ns;
        long startNs;
        while ((startNs = System.nanoTime()) - endNs < 0 && count < latencies.length) {
            one(count);
            latencies[count++] = System.nanoTime() - startNs;
            LockSupport.parkNanos(GAP_NS);
        }
        long[] sorted = Arrays.copyOf(latencies, count);
        Arrays.sort(sorted);
        return sorted;
    }

    private void one(int count) {
        long lba = count * 8L % 65_536;
        NvmeTcpClient.Reply reply = mode.equals("rebuild") && count % 4 == 0 ? io.write(1, lba, data, BLOCK, true)
                : io.read(1, lba, 8, BLOCK);
        if (reply.status() != 0) {
            throw new IllegalStateException("an I/O failed: " + reply);
        }
    }

    private void request(List<String> paths) {
        long nextNs = System.nanoTime();
        while (!ended) {
            nextNs += 1_000_000_000L / REST_PER_SECOND;
            LockSupport.parkNanos(nextNs - System.nanoTime());
            if (restWanted) {
                engine.http().get(paths.get((int) (restCount % paths.size()))).expect(200);
                restCount++;
            } else {
                nextNs = System.nanoTime();
            }
        }
    }

    /** The measuring thread shares its CPU with the engine's REST threads: it goes first, or it would measure itself. */
    private static void raisePriority() throws IOException, InterruptedException {
        String thread = Path.of("/proc/thread-self").toRealPath().getFileName().toString();
        int status = new ProcessBuilder("chrt", "-f", "-p", "1", thread).inheritIO().start().waitFor();
        if (status != 0) {
            System.out.println("no real-time priority: the measuring thread waits for its CPU too");
        }
    }

    private static long at(long[] sorted, double quantile) {
        return sorted[(int) (sorted.length * quantile)];
    }

    private static String show(long[] sorted) {
        return "%d I/Os, p50 %.1f us, p99 %.1f us, p99.9 %.1f us, p99.99 %.1f us".formatted(sorted.length,
                at(sorted, 0.5) / 1e3, at(sorted, 0.99) / 1e3, at(sorted, 0.999) / 1e3, at(sorted, 0.9999) / 1e3);
    }
}
