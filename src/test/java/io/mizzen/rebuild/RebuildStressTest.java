package io.mizzen.rebuild;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.MallocBdev;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Mthread;
import io.mizzen.testsupport.RealReactors;
import io.mizzen.testsupport.TestIo;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Jobs on real threads, one after the other, while both cores write to the mirror. */
class RebuildStressTest {
    private static final int BLOCK = RigDisk.BLOCK;
    private static final long BLOCKS = (4 << 20) / BLOCK;
    private static final int ROUNDS = Integer.getInteger("stress.rounds", 25);

    @ParameterizedTest
    @ValueSource(longs = {-1, 20_000})
    void legsAreEqualAfterEachOfManyJobs(long spinNs) {
        try (RealReactors real = new RealReactors(2, spinNs)) {
            Volume volume = new Volume(real);
            for (int round = 0; round < ROUNDS; round++) {
                List<Writer> writers = new ArrayList<>();
                for (int core = 0; core < real.reactors().all().size() && round % 3 != 0; core++) {
                    writers.add(volume.writer(core, round));
                }
                volume.scramble(round);
                RebuildJob job = volume.rebuild(round);
                writers.forEach(Writer::stop);
                writers.forEach(writer -> real.await(writer.ended));
                assertEquals(RebuildState.COMPLETED, job.state());
                assertEquals(0, volume.differentBytes(), "round " + round);
            }
            assertEquals(real.pools().large().count(), real.pools().large().freeCount());
            volume.close();
        }
    }

    private static final class Volume {
        final RealReactors real;
        final List<MallocBdev> disks = new ArrayList<>();
        final List<Descriptor> legs = new ArrayList<>();
        RigMirror mirror;
        Descriptor host;

        Volume(RealReactors real) {
            this.real = real;
            real.run(0, () -> {
                BdevRegistry registry = new BdevRegistry();
                for (int i = 0; i < 2; i++) {
                    MallocBdev disk = new MallocBdev("m" + i, new UUID(1, i), BLOCK, BLOCKS);
                    disks.add(disk);
                    registry.register(disk);
                    legs.add(registry.open(disk, "mirror", true, TestIo.ignoring()));
                }
                mirror = new RigMirror(legs, 0, BLOCKS);
                registry.register(mirror);
                host = registry.open(mirror, "host", true, TestIo.ignoring());
            });
        }

        /** The destination holds something else; nobody writes yet to what it says. */
        void scramble(int round) {
            MallocBdev destination = disks.get(1);
            Random random = new Random(round);
            for (int i = 0; i < 500; i++) {
                RawMemory.putByte(destination.baseAddress() + random.nextLong(destination.sizeBytes()), (byte) i);
            }
        }

        RebuildJob rebuild(int round) {
            SegmentMap map = new SegmentMap(BLOCKS, 256);
            map.markAll();
            RebuildSettings settings = RebuildSettings.DEFAULTS.withBackOff(round % 2 == 0)
                    .withSegments(1 + round % 9, (1 + round % 4) << 18);
            RebuildKind kind = round % 5 == 0 ? RebuildKind.RESYNC : RebuildKind.FULL;
            List<Mthread> mthreads = real.reactors().all().stream().map(reactor -> reactor.mthread()).toList();
            WorkerChooser chooser = round % 4 == 0 ? new LeastBusyChooser(mthreads.getFirst(), mthreads)
                    : WorkerChooser.fixed(mthreads.subList(round % 3 / 2, mthreads.size()).toArray(Mthread[]::new));
            CompletableFuture<RebuildJob> ended = new CompletableFuture<>();
            RebuildJob job = real.call(0, () -> new RebuildJob(new RebuildSpec(kind, mirror, new RebuildLeg(legs.get(0), 0),
                    List.of(new RebuildLeg(legs.get(1), 0)), map, settings), mthreads.getFirst(), chooser,
                    System::currentTimeMillis, ended::complete));
            real.run(0, job::start);
            return real.await(ended);
        }

        long differentBytes() {
            long different = 0;
            for (long at = 0; at < disks.get(0).sizeBytes(); at += BLOCK) {
                different += RawMemory.equal(disks.get(0).baseAddress() + at, disks.get(1).baseAddress() + at, BLOCK) ? 0
                        : BLOCK;
            }
            return different;
        }

        Writer writer(int core, int round) {
            Writer writer = real.call(core, () -> new Writer(host.openChannel(real.reactor(core).mthread()), core, round));
            real.run(core, writer::write);
            return writer;
        }

        void close() {
            real.run(0, () -> {
                host.close();
                legs.forEach(Descriptor::close);
            });
            disks.forEach(disk -> assertTrue(disk.channels().isEmpty()));
        }
    }

    /** One write at a time, to the blocks of its own half. */
    private static final class Writer {
        final CompletableFuture<Void> ended = new CompletableFuture<>();
        private final IoChannel channel;
        private final Random random;
        private final int half;
        private final DmaBuffer buffer;
        private volatile boolean stopped;
        private byte stamp;

        Writer(IoChannel channel, int half, int seed) {
            this.channel = channel;
            this.random = new Random(seed);
            this.half = half;
            this.buffer = channel.context().small().tryAcquire();
        }

        void write() {
            BdevIo io = channel.tryAcquire();
            RawMemory.putByte(buffer.address() + random.nextInt(4096), ++stamp);
            long block = random.nextLong(BLOCKS / 2 - 8) + half * BLOCKS / 2;
            io.prepare(IoType.WRITE, block, 8, buffer.address(), buffer.regionIndex(), this::onDone);
            channel.submit(io);
        }

        private void onDone(BdevIo io) {
            boolean failed = io.status() != Status.SUCCESS;
            io.release();
            if (stopped || failed) {
                buffer.close();
                channel.close();
                if (failed) {
                    ended.completeExceptionally(new AssertionError("a write failed"));
                } else {
                    ended.complete(null);
                }
            } else {
                write();
            }
        }

        void stop() {
            stopped = true;
        }
    }
}
