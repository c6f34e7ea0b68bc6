package io.mizzen.rebuild;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoLimit;
import io.mizzen.bdev.IoLimits;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.MallocBdev;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Mthread;
import io.mizzen.testsupport.RealReactors;
import io.mizzen.testsupport.TestIo;
import io.mizzen.uring.UringBdev;
import io.mizzen.uring.UringFile;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/**
 * How fast an idle volume is rebuilt against what one child does in sequence, and what hosts see meanwhile. Reports, asserts
 * nothing. Arguments: {@code speed [MiB] [rounds]}, {@code cpu [MiB] [rounds]}, {@code limited [MiB] [MiB/s]}, {@code hosts
 * [MiB] [seconds]}, {@code files [MiB] [seconds]}; the last one as {@code hosts}, over files in the temporary directory.
 */
final class RebuildBenchmark {
    private static final int BLOCK = RigDisk.BLOCK;
    private static final int MIB = 1 << 20;
    private static final double NS = 1e9;
    private static final double TICKS_PER_S = 100;
    private static final double OTHERS_MAX = 0.06;

    private final RealReactors real = new RealReactors(2, -1);
    private final BdevRegistry registry = new BdevRegistry();
    private final List<Descriptor> legs = new ArrayList<>();
    private final List<Bdev> disks = new ArrayList<>();
    private final long blocks;
    private RigMirror mirror;
    private Descriptor host;

    private RebuildBenchmark(int sizeMib, boolean files) throws IOException {
        blocks = (long) sizeMib * MIB / BLOCK;
        for (int i = 0; i < 2; i++) {
            Bdev disk = files ? file(i) : memory(i);
            disks.add(disk);
            real.run(0, () -> {
                registry.register(disk);
                legs.add(registry.open(disk, "mirror", true, TestIo.ignoring()));
            });
        }
        mirror = new RigMirror(legs, 0, blocks);
        real.run(0, () -> {
            registry.register(mirror);
            host = registry.open(mirror, "host", true, TestIo.ignoring());
        });
    }

    private Bdev memory(int number) {
        MallocBdev disk = new MallocBdev("m" + number, new UUID(1, number), BLOCK, blocks);
        for (long at = 0; at < disk.sizeBytes(); at += 4096) {
            RawMemory.putLong(disk.baseAddress() + at, at + number);     // Every page is there.
        }
        return disk;
    }

    private Bdev file(int number) throws IOException {
        Path path = Files.createTempFile("rebuild-", ".img");
        path.toFile().deleteOnExit();
        byte[] some = new byte[MIB];
        try (OutputStream out = Files.newOutputStream(path)) {
            for (long at = 0; at < blocks * BLOCK; at += MIB) {
                Arrays.fill(some, (byte) (at / MIB + number));
                out.write(some);
            }
        }
        UringFile file = UringFile.open(path, new UringFile.Options(BLOCK, false, 0));
        return new UringBdev("f" + number, new UUID(2, number), file);
    }

    public static void main(String[] arguments) throws IOException {
        int mib = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 512;
        RebuildBenchmark bench = new RebuildBenchmark(mib, arguments[0].equals("files"));
        int second = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 0;
        switch (arguments[0]) {
            case "speed" -> bench.speed(second == 0 ? 10 : second);
            case "cpu" -> bench.cpu(second == 0 ? 5 : second);
            case "limited" -> bench.limited(second == 0 ? 200 : second);
            case "hosts", "files" -> bench.hosts(second == 0 ? 5 : second);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
        System.exit(0);
    }

    // --- speed ------------------------------------------------------------------------------------------

    /** Rounds in which other processes used the CPUs are reported, but count only if there is no other. */
    private void speed(int rounds) throws IOException {
        List<Double> quiet = new ArrayList<>();
        List<Double> all = new ArrayList<>();
        for (int round = -2; round < rounds; round++) {
            double othersBefore = othersSeconds();
            long startNs = System.nanoTime();
            double read = sequential(1, 0, IoType.READ);
            double write = sequential(1, 1, IoType.WRITE);
            double one = rebuild(1);
            double two = rebuild(1, 0);
            double others = (othersSeconds() - othersBefore) / ((System.nanoTime() - startNs) / NS);
            if (round >= 0) {
                double slower = Math.min(read, write);
                (others < OTHERS_MAX ? quiet : all).add(two / slower);
                System.out.printf("read %6.0f  write %6.0f  rebuild, one worker %6.0f (%.2f)  two %6.0f (%.2f) MiB/s, others"
                        + " %.2f CPUs%n", read, write, one, one / slower, two, two / slower, others);
            }
        }
        all.addAll(quiet);
        List<Double> counted = quiet.isEmpty() ? all : quiet;
        counted.sort(null);
        System.out.printf("median ratio %.3f of %d rounds, %d of them quiet%n", counted.get(counted.size() / 2), rounds,
                quiet.size());
    }

    /** CPU time of everybody else on this machine, seconds. */
    private static double othersSeconds() throws IOException {
        String[] cpu = Files.readAllLines(Path.of("/proc/stat")).getFirst().split(" +");
        double busy = 0;
        for (int field : new int[] {1, 2, 3, 6, 7, 8}) {
            busy += Long.parseLong(cpu[field]) / TICKS_PER_S;
        }
        return busy - ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos() / NS;
    }

    /** The same by the CPU time of one reactor: a busy machine disturbs it less. */
    private void cpu(int rounds) {
        for (int round = -2; round < rounds; round++) {
            double read = byCpu(() -> sequential(0, 0, IoType.READ));
            double write = byCpu(() -> sequential(0, 1, IoType.WRITE));
            double rebuilt = byCpu(() -> rebuild(0));
            if (round >= 0) {
                System.out.printf("read %6.0f  write %6.0f  rebuild %6.0f MiB per CPU second (%.2f)%n", read, write, rebuilt,
                        rebuilt / Math.min(read, write));
            }
        }
    }

    private double byCpu(Runnable work) {
        long before = real.call(0, RebuildBenchmark::cpuNs);
        work.run();
        return (double) blocks * BLOCK / MIB / ((real.call(0, RebuildBenchmark::cpuNs) - before) / NS);
    }

    private static long cpuNs() {
        return java.lang.management.ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    private void limited(int mibPerSecond) {
        IoLimit limit = new IoLimit((long) mibPerSecond * MIB, 0);
        for (Bdev disk : disks) {
            CompletableFuture<Void> set = new CompletableFuture<>();
            real.run(0, () -> disk.setLimits(new IoLimits(IoLimit.NONE, IoLimit.NONE, IoLimit.NONE, IoLimit.NONE,
                    IoLimit.NONE, limit), real.reactor(0).mthread(), (value, failure) -> set.complete(null)));
            real.await(set);
        }
        for (int round = 0; round < 3; round++) {
            double read = sequential(1, 0, IoType.READ);
            double write = sequential(1, 1, IoType.WRITE);
            double rebuilt = rebuild(1, 0);
            System.out.printf("read %4.0f  write %4.0f  rebuild %4.0f MiB/s (%.3f)%n", read, write, rebuilt,
                    rebuilt / Math.min(read, write));
        }
    }

    /** MiB/s of one pass over a child, 128 KiB at a time, 16 in flight, from one core. */
    private double sequential(int core, int child, int type) {
        CompletableFuture<Double> rate = new CompletableFuture<>();
        real.run(core, () -> {
            IoChannel channel = legs.get(child).openChannel(real.reactor(core).mthread());
            new Pass(channel, type, blocks, rate).start();
        });
        return real.await(rate);
    }

    private static final class Pass {
        private static final int DEPTH = 16;
        private final IoChannel channel;
        private final int type;
        private final long blocks;
        private final CompletableFuture<Double> rate;
        private final long ioBlocks = BufferPools.LARGE_BYTES / BLOCK;
        private final long startNs = System.nanoTime();
        private long next;
        private int inFlight;

        Pass(IoChannel channel, int type, long blocks, CompletableFuture<Double> rate) {
            this.channel = channel;
            this.type = type;
            this.blocks = blocks;
            this.rate = rate;
        }

        void start() {
            for (int i = 0; i < DEPTH; i++) {
                DmaBuffer buffer = channel.context().large().tryAcquire();
                inFlight++;
                submit(buffer);
            }
        }

        private void submit(DmaBuffer buffer) {
            BdevIo io = channel.tryAcquire();
            io.context = buffer;
            io.prepare(type, next, ioBlocks, buffer.address(), buffer.regionIndex(), this::onDone);
            next += ioBlocks;
            channel.submit(io);
        }

        private void onDone(BdevIo io) {
            DmaBuffer buffer = (DmaBuffer) io.context;
            RebuildRig.require(io.status() == Status.SUCCESS, "an I/O failed");
            io.release();
            if (next < blocks) {
                submit(buffer);
                return;
            }
            buffer.close();
            if (--inFlight == 0) {
                double seconds = (System.nanoTime() - startNs) / NS;
                channel.close();
                rate.complete((double) blocks * BLOCK / MIB / seconds);
            }
        }
    }

    private double rebuild(int... cores) {
        SegmentMap map = new SegmentMap(blocks, 256);
        map.markAll();
        RebuildJob job = real.await(start(cores, map, RebuildSettings.DEFAULTS));
        RebuildRig.require(job.state() == RebuildState.COMPLETED, "the job completes");
        return (double) blocks * BLOCK / MIB / (job.progress().elapsedNs() / NS);
    }

    private CompletableFuture<RebuildJob> start(int[] cores, RebuildPlan plan, RebuildSettings settings) {
        CompletableFuture<RebuildJob> ended = new CompletableFuture<>();
        Mthread[] workers = Arrays.stream(cores).mapToObj(core -> real.reactor(core).mthread()).toArray(Mthread[]::new);
        RebuildSpec spec = new RebuildSpec(RebuildKind.FULL, mirror, new RebuildLeg(legs.get(0), 0),
                List.of(new RebuildLeg(legs.get(1), 0)), plan, settings);
        real.run(0, () -> new RebuildJob(spec, real.reactor(0).mthread(), WorkerChooser.fixed(workers),
                System::currentTimeMillis, ended::complete).start());
        return ended;
    }

    // --- hosts ------------------------------------------------------------------------------------------

    private void hosts(int seconds) throws IOException {
        for (int round = 0; round < 5; round++) {
            System.out.println("without           " + load(seconds, false, RebuildSettings.DEFAULTS));
            System.out.println("with back-off     " + load(seconds, true, RebuildSettings.DEFAULTS));
            System.out.println("200 MiB/s at most " + load(seconds, true, RebuildSettings.DEFAULTS.withRate(200L * MIB)));
            System.out.println("neither           " + load(seconds, true, RebuildSettings.DEFAULTS.withBackOff(false)));
        }
    }

    private record Load(double iops, double p50Us, double p99Us, double rebuiltMibPerSecond, double others) {
        @Override
        public String toString() {
            return String.format("%8.0f IOPS  p50 %7.1f  p99 %7.1f us  rebuild %6.0f MiB/s, others %.2f CPUs", iops, p50Us, p99Us,
                    rebuiltMibPerSecond, others);
        }
    }

    private Load load(int seconds, boolean rebuilds, RebuildSettings settings) throws IOException {
        double othersBefore = othersSeconds();
        long startNs = System.nanoTime();
        Load load = measure(seconds, rebuilds, settings);
        double others = (othersSeconds() - othersBefore) / ((System.nanoTime() - startNs) / NS);
        return new Load(load.iops(), load.p50Us(), load.p99Us(), load.rebuiltMibPerSecond(), others);
    }

    private Load measure(int seconds, boolean rebuilds, RebuildSettings settings) {
        CompletableFuture<long[]> latencies = new CompletableFuture<>();
        Host load = real.call(0, () -> new Host(host.openChannel(real.reactor(0).mthread()), blocks, latencies));
        real.run(0, load::start);
        RebuildProgress progress = null;
        if (rebuilds) {
            java.util.concurrent.atomic.AtomicReference<RebuildJob> job = new java.util.concurrent.atomic.AtomicReference<>();
            CompletableFuture<RebuildJob> ended = new CompletableFuture<>();
            RebuildSpec spec = new RebuildSpec(RebuildKind.FULL, mirror, new RebuildLeg(legs.get(0), 0),
                    List.of(new RebuildLeg(legs.get(1), 0)), new Endless(blocks), settings);
            real.run(0, () -> {
                job.set(new RebuildJob(spec, real.reactor(0).mthread(),
                        WorkerChooser.fixed(real.reactor(real.reactors().all().size() - 1).mthread()),
                        System::currentTimeMillis, ended::complete));
                job.get().start();
            });
            pass(1);
            real.run(0, load::clear);
            long before = job.get().progress().copiedBlocks();
            pass(seconds);
            progress = job.get().progress();
            real.run(0, load::stop);
            long copied = progress.copiedBlocks() - before;
            real.run(0, job.get()::stop);
            real.await(ended);
            return result(real.await(latencies), seconds, (double) copied * BLOCK / MIB / seconds);
        }
        pass(1);
        real.run(0, load::clear);
        pass(seconds);
        real.run(0, load::stop);
        return result(real.await(latencies), seconds, 0);
    }

    private static void pass(int seconds) {
        long endNs = System.nanoTime() + seconds * 1_000_000_000L;
        while (System.nanoTime() < endNs) {
            java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
        }
    }

    private static Load result(long[] sorted, int seconds, double rebuilt) {
        return new Load((double) sorted.length / seconds, sorted[sorted.length / 2] / 1e3,
                sorted[(int) (sorted.length * 0.99)] / 1e3, rebuilt, 0);
    }

    /** Hands out the whole volume again and again. */
    private static final class Endless implements RebuildPlan {
        private final long volumeBlocks;
        private long next;

        Endless(long volumeBlocks) {
            this.volumeBlocks = volumeBlocks;
        }

        @Override
        public boolean next(Segment window, long maxBlocks) {
            window.offsetBlocks = next;
            window.blockCount = Math.min(maxBlocks, volumeBlocks - next);
            next = (next + window.blockCount) % volumeBlocks;
            return true;
        }

        @Override
        public void onCopied(long offsetBlocks, long blockCount) {
            // Again later.
        }

        @Override
        public long totalBlocks() {
            return Long.MAX_VALUE >> 16;
        }
    }

    /** Random reads and writes of 4 KiB, 8 in flight. */
    private static final class Host {
        private static final int DEPTH = 8;
        private final IoChannel channel;
        private final long slots;
        private final CompletableFuture<long[]> latencies;
        private final Random random = new Random(1);
        private long[] ns = new long[1 << 22];
        private int count;
        private boolean stopped;
        private int inFlight;

        Host(IoChannel channel, long blocks, CompletableFuture<long[]> latencies) {
            this.channel = channel;
            this.slots = blocks / 8;
            this.latencies = latencies;
        }

        void start() {
            for (int i = 0; i < DEPTH; i++) {
                DmaBuffer buffer = channel.context().small().tryAcquire();
                inFlight++;
                submit(buffer);
            }
        }

        private void submit(DmaBuffer buffer) {
            BdevIo io = channel.tryAcquire();
            io.context = buffer;
            io.tag = System.nanoTime();
            io.prepare(random.nextBoolean() ? IoType.READ : IoType.WRITE, random.nextLong(slots) * 8, 8, buffer.address(),
                    buffer.regionIndex(), this::onDone);
            channel.submit(io);
        }

        private void onDone(BdevIo io) {
            DmaBuffer buffer = (DmaBuffer) io.context;
            if (count == ns.length) {
                ns = Arrays.copyOf(ns, 2 * count);
            }
            ns[count++] = System.nanoTime() - io.tag;
            RebuildRig.require(io.status() == Status.SUCCESS, "an I/O failed");
            io.release();
            if (!stopped) {
                submit(buffer);
                return;
            }
            buffer.close();
            if (--inFlight == 0) {
                channel.close();
                long[] sorted = Arrays.copyOf(ns, count);
                Arrays.sort(sorted);
                latencies.complete(sorted);
            }
        }

        void clear() {
            count = 0;
        }

        void stop() {
            stopped = true;
        }
    }
}
