package io.mizzen.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.FaultBdev;
import io.mizzen.bdev.FaultRule;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.MallocBdev;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.TestIo;
import io.mizzen.testsupport.TestMemory;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The jobs on a memory disk, on a reactor driven by hand. */
class JobTest {
    private static final FaultRule WRITES_FAIL = new FaultRule("bad", FaultRule.ANY_TYPE, FaultRule.Stage.COMPLETION,
            FaultRule.Kind.ERROR, Status.WRITE_FAULT, 0, 64, 1, Long.MAX_VALUE);
    private static final long TURNS = 50;

    private final HandReactors reactors = new HandReactors(1, 1);
    private final BdevRegistry registry = new BdevRegistry();
    private TestMemory memory;
    private MallocBdev disk;

    @BeforeEach
    void setUp() {
        memory = TestMemory.install(reactors.reactors());
        disk = new MallocBdev("m", UUID.randomUUID(), 512, 4096);
        reactors.on(0, () -> registry.register(disk));
    }

    private static BenchOptions options(String... more) {
        String[] arguments = new String[more.length + 4];
        arguments[0] = "--bdev";
        arguments[1] = "malloc:///m?size_mb=2";
        arguments[2] = "--depth";
        arguments[3] = "8";
        System.arraycopy(more, 0, arguments, 4, more.length);
        return BenchOptions.parse(arguments).shapes().getFirst();
    }

    private Job job(Bdev bdev, BenchOptions options) {
        IoChannel channel = new TestIo(reactors).channel(new TestIo(reactors).open(registry, bdev, true), 0);
        long buffers = memory.memory().allocate((long) options.depth * options.blockBytes, -1).address();
        if (options.fill) {
            return new FillJob(channel, buffers, 0, options, 0, 1, 1);
        }
        return options.verify ? new VerifyJob(channel, buffers, 0, options, 0, 1, 1)
                : new LoadJob(channel, buffers, 0, options, 0, 1, 1);
    }

    private FaultBdev failing(FaultRule rule) {
        FaultBdev fault = reactors.call(0, () -> FaultBdev.open("f", UUID.randomUUID(), disk, registry));
        reactors.on(0, () -> registry.register(fault));
        fault.putRule(rule);
        return fault;
    }

    private void run(Job job) {
        reactors.on(0, job::start);
        for (int i = 0; i < TURNS; i++) {
            reactors.tick(0);
        }
        boolean[] drained = new boolean[1];
        reactors.on(0, () -> job.stop(() -> drained[0] = true));
        reactors.runUntil(() -> drained[0]);
        assertThat(job.inFlight).isZero();
    }

    @Test
    void theMixIsWhatWasAskedFor() {
        Job job = job(disk, options("--rw", "randrw", "--mix", "75"));
        run(job);
        assertThat(job.reads + job.writes).isGreaterThan(8 * (TURNS - 2));
        assertThat((double) job.reads / (job.reads + job.writes)).isBetween(0.65, 0.85);
        assertThat(job.errors).isZero();
    }

    @Test
    void sequentialWritesCoverEveryBlockOnce() {
        Job job = job(disk, options("--rw", "write"));
        RawMemory.zero(disk.baseAddress(), disk.sizeBytes());
        for (long at = 0; at < 8 * 4096; at += 8) {
            RawMemory.putLong(job.buffers + at, 1);
        }
        run(job);
        long written = Math.min(job.writes * 4096, disk.sizeBytes());
        for (long at = 0; at < disk.sizeBytes(); at += 8) {
            assertThat(RawMemory.getLong(disk.baseAddress() + at)).as("at %d of %d", at, written).isEqualTo(at < written ? 1 : 0);
        }
    }

    private void runToEnd(FillJob job) {
        boolean[] ended = new boolean[1];
        reactors.on(0, () -> job.start(() -> ended[0] = true));
        reactors.runUntil(() -> ended[0]);
        assertThat(job.inFlight).isZero();
    }

    private void fill(FillJob job) {
        runToEnd(job);
        assertThat(job.failure()).isNull();
    }

    private void mark(Job job) {
        RawMemory.zero(disk.baseAddress(), disk.sizeBytes());
        for (long at = 0; at < 8L * job.ioBytes; at += 8) {
            RawMemory.putLong(job.buffers + at, 1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"write", "randwrite"})
    void aFillWritesEveryBlockOnce(String order) {
        FillJob job = (FillJob) job(disk, options("--rw", order, "--fill"));
        mark(job);
        fill(job);
        assertThat(job.writes).isEqualTo(disk.sizeBytes() / 4096);
        for (long at = 0; at < disk.sizeBytes(); at += 8) {
            assertThat(RawMemory.getLong(disk.baseAddress() + at)).as("at %d", at).isEqualTo(1);
        }
    }

    @Test
    void aFillInStridesWritesTheHeadOfEach() {
        FillJob job = (FillJob) job(disk, options("--rw", "randwrite", "--fill", "--stride", "64k"));
        mark(job);
        fill(job);
        assertThat(job.writes).isEqualTo(disk.sizeBytes() >> 16);
        for (long at = 0; at < disk.sizeBytes(); at += 8) {
            assertThat(RawMemory.getLong(disk.baseAddress() + at)).as("at %d", at).isEqualTo(at % 65536 < 4096 ? 1 : 0);
        }
    }

    @Test
    void theCoresOfAFillShareTheDiskWithoutGapsAndOverlaps() {
        IoChannel channel = new TestIo(reactors).channel(new TestIo(reactors).open(registry, disk, true), 0);
        long buffers = memory.memory().allocate(8 * 12288, -1).address();
        long written = 0;
        RawMemory.zero(disk.baseAddress(), disk.sizeBytes());
        for (int index = 0; index < 3; index++) {
            FillJob job = new FillJob(channel, buffers, 0, options("--rw", "randwrite", "--fill", "--block-size", "12k"), index, 3, 1);
            for (long at = 0; at < 8 * 12288; at += 8) {
                RawMemory.putLong(buffers + at, index + 1);
            }
            fill(job);
            written += job.writes;
        }
        assertThat(written).isEqualTo(disk.sizeBytes() / 12288);
        long last = 1;
        for (long at = 0; at < written * 12288; at += 8) {
            long now = RawMemory.getLong(disk.baseAddress() + at);
            assertThat(now).isBetween(last, last + 1);
            last = now;
        }
        assertThat(last).isEqualTo(3);
    }

    @Test
    void anErrorEndsAFill() {
        FillJob job = (FillJob) job(failing(WRITES_FAIL), options("--rw", "write", "--fill"));
        runToEnd(job);
        assertThat(job.writes).isLessThan(32);
        assertThat(job.failure()).contains("failed");
    }

    @Test
    void everySlotVerifiesWhatItWrote() {
        VerifyJob job = (VerifyJob) job(disk, options("--verify"));
        run(job);
        assertThat(job.mismatches).isZero();
        assertThat(job.reads).isGreaterThan(100);
        assertThat(job.writes).isBetween(job.reads, job.reads + 8);
    }

    @Test
    void aFlippedBitIsFound() {
        VerifyJob job = (VerifyJob) job(failing(new FaultRule("flip", IoType.READ, FaultRule.Stage.COMPLETION,
                FaultRule.Kind.CORRUPT, 0, 0, 0, Long.MAX_VALUE, 1)), options("--verify"));
        run(job);
        assertThat(job.mismatches).isEqualTo(1);
        assertThat(job.running).isFalse();
    }

    @Test
    void anErrorEndsTheMeasurement() {
        Job job = job(failing(WRITES_FAIL), options("--rw", "write"));
        run(job);
        assertThat(job.firstError).isEqualTo(Status.WRITE_FAULT);
        assertThat(job.reads + job.writes).isLessThan(32);
    }
}
