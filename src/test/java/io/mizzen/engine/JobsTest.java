package io.mizzen.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.BdevContext;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.WipeMethod;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.testsupport.Patience;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Work that goes on after its request was answered: wipes of replicas, creations of pools. */
class JobsTest {
    private static final int MIB = 1 << 20;
    private static final String R1 = "11111111-1111-4111-8111-111111111111";
    private static final String R2 = "22222222-2222-4222-8222-222222222222";

    private static void createPool(EngineHarness h) {
        h.get(h.engine.createPool(new PoolSpec("p0", null, List.of("fault:///f0?base=malloc:///d0%3Fsize_mb=64"), MIB, List.of(), true)));
    }

    private static JobView ended(EngineHarness h, String id) {
        Patience.await(() -> !h.get(h.engine.job(id)).state().equals("RUNNING"), () -> "job does not end: " + h.get(h.engine.job(id)));
        return h.get(h.engine.job(id));
    }

    private static String crcOf(int sizeBytes, int value) {
        CRC32C sum = new CRC32C();
        byte[] block = new byte[MIB];
        java.util.Arrays.fill(block, (byte) value);
        for (int done = 0; done < sizeBytes; done += MIB) {
            sum.update(block);
        }
        return String.format("crc32c:%08x", (int) sum.getValue());
    }

    @Test
    void aReplicaIsZeroedUnmappedAndSummed() {
        try (EngineHarness h = new EngineHarness(2)) {
            createPool(h);
            assertThat(h.get(h.engine.job("1"))).extracting(JobView::kind, JobView::object, JobView::state, JobView::percent)
                    .containsExactly("pool-create", "p0", "DONE", 100);
            ReplicaView thick = h.get(h.engine.createReplica(new ReplicaSpec(R1, "thick", "p0", 20 * MIB, false)));
            h.get(h.engine.createReplica(new ReplicaSpec(R2, "thin", "p0", 3 * MIB, true)));
            for (WipeMethod method : List.of(WipeMethod.ZEROES, WipeMethod.UNMAP)) {
                JobView begun = h.get(h.engine.wipeReplica(R1, method));
                assertThat(begun.objectUuid()).isEqualTo(R1);
                JobView done = ended(h, begun.id());
                assertThat(done).extracting(JobView::state, JobView::doneBytes, JobView::totalBytes, JobView::percent, JobView::error)
                        .containsExactly("DONE", thick.sizeBytes(), thick.sizeBytes(), 100, null);
                assertThat(done.endedAt()).isNotNull();
            }
            assertThat(ended(h, h.get(h.engine.wipeReplica(R1, WipeMethod.CHECKSUM)).id()).result()).isEqualTo(crcOf(20 * MIB, 0));
            assertThat(ended(h, h.get(h.engine.wipeReplica("p0/thin", WipeMethod.CHECKSUM)).id()).result()).isEqualTo(crcOf(3 * MIB, 0));
            h.get(h.engine.destroyReplica(R1));
            h.refused(ErrorKind.NOT_FOUND, "replica-not-found", h.engine.wipeReplica(R1, WipeMethod.ZEROES));
            h.refused(ErrorKind.NOT_FOUND, "job-not-found", h.engine.job("99"));
        }
    }

    /** Behind the engine's back, all of the pool is written to. */
    @ParameterizedTest
    @EnumSource(names = {"ZEROES", "UNMAP"})
    void aWipeLeavesNothingOfTheDataAndTouchesNothingElse(WipeMethod method, @TempDir Path directory) throws Exception {
        Path file = directory.resolve("disk.img");
        try (RunningEngine r = new RunningEngine()) {
            EngineHarness h = r.ask;
            PoolView pool = h.get(r.engine.createPool(new PoolSpec("p0", null, List.of("uring://" + file + "?create=true&size_mb=64"), MIB,
                    List.of(), false)));
            h.get(r.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 20 * MIB, false)));
            int from = (int) (pool.storage().sizeBytes() - pool.capacityBytes());
            byte[] data = new byte[64 * MIB - from];
            java.util.Arrays.fill(data, (byte) 0x5a);
            try (FileChannel raw = FileChannel.open(file, StandardOpenOption.WRITE)) {
                raw.write(ByteBuffer.wrap(data), from);
                raw.force(true);
            }
            assertThat(ended(h, h.get(r.engine.wipeReplica(R1, WipeMethod.CHECKSUM)).id()).result()).isEqualTo(crcOf(20 * MIB, 0x5a));
            assertThat(ended(h, h.get(r.engine.wipeReplica(R1, method)).id()).state()).isEqualTo("DONE");
            assertThat(ended(h, h.get(r.engine.wipeReplica(R1, WipeMethod.CHECKSUM)).id()).result()).isEqualTo(crcOf(20 * MIB, 0));
            byte[] after = Files.readAllBytes(file);
            int zeroes = 0;
            int kept = 0;
            for (int i = from; i < after.length; i++) {
                zeroes += after[i] == 0 ? 1 : 0;
                kept += after[i] == 0x5a ? 1 : 0;
            }
            assertThat(zeroes).as("of the replica, and no other").isEqualTo(20 * MIB);
            assertThat(kept).isEqualTo(data.length - zeroes);
        }
    }

    @Test
    void aReplicaInUseIsOnlySummedAndAFailureIsTold() {
        try (EngineHarness h = new EngineHarness(1)) {
            createPool(h);
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 4 * MIB, false)));
            h.get(h.engine.createBdev(new BdevSpec("fault:///user?base=lvol%3A%2F%2F%2Fp0%2Fr1")));
            h.refused(ErrorKind.FAILED_PRECONDITION, "replica-in-use", h.engine.wipeReplica(R1, WipeMethod.ZEROES), "fault bdev user");
            assertThat(ended(h, h.get(h.engine.wipeReplica(R1, WipeMethod.CHECKSUM)).id()).state()).isEqualTo("DONE");
            h.get(h.engine.putFault("f0", new FaultSpec("bad", FaultSpec.Operation.READ, FaultSpec.Stage.SUBMISSION,
                    FaultSpec.Action.ERROR, 0, 0, 0, 0, 0x281)));
            JobView failed = ended(h, h.get(h.engine.wipeReplica(R1, WipeMethod.CHECKSUM)).id());
            assertThat(failed.state()).isEqualTo("FAILED");
            assertThat(failed.error()).contains("byte 0", "unrecovered read error");
            h.get(h.engine.destroyBdev("user"));
        }
    }

    @Test
    void aJobIsCancelledByRequestAndByTheStop() {
        try (EngineHarness h = new EngineHarness(1)) {
            createPool(h);
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 32 * MIB, false)));
            h.get(h.engine.putFault("f0", new FaultSpec("slow", FaultSpec.Operation.READ, FaultSpec.Stage.SUBMISSION,
                    FaultSpec.Action.DELAY, 0, 0, 0, 500_000_000, 0)));
            JobView running = h.get(h.engine.wipeReplica(R1, WipeMethod.CHECKSUM));
            assertThat(running.state()).isEqualTo("RUNNING");
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-in-use", h.engine.exportPool("p0"), "wipe (job " + running.id() + ")",
                    "DELETE /v1/jobs/");
            h.get(h.engine.cancelJob(running.id()));
            assertThat(ended(h, running.id())).extracting(JobView::state, JobView::result).containsExactly("CANCELLED", null);
            assertThat(h.get(h.engine.cancelJob(running.id())).state()).isEqualTo("CANCELLED");
            h.get(h.engine.wipeReplica(R1, WipeMethod.CHECKSUM));       // The stop is clean all the same.
        }
    }

    /** A job that is told is one that has begun. */
    @Test
    void aRefusedPoolIsNoJob() {
        try (EngineHarness h = new EngineHarness(1)) {
            h.refused(ErrorKind.INVALID_ARGUMENT, "invalid-overwrite", h.engine.createPool(new PoolSpec("p0", null, List.of(
                    "malloc:///d0?size_mb=64"), MIB, List.of("everything"), true)));
            h.refused(ErrorKind.FAILED_PRECONDITION, "test-bdev", h.engine.createPool(new PoolSpec("p0", null, List.of(
                    "malloc:///d0?size_mb=64"), MIB, List.of(), false)));
            assertThat(h.get(h.engine.jobs())).isEmpty();
        }
    }

    @Test
    void aJobThatGetsNoBufferIsCancelledAllTheSame() {
        try (EngineHarness h = new EngineHarness(1)) {
            createPool(h);
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 32 * MIB, false)));
            Plane plane = ((DataPlane) h.engine).plane();
            List<DmaBuffer> all = PlaneCall.on(plane.control(), "take all", 60_000_000_000L, done -> {
                List<DmaBuffer> taken = new ArrayList<>();
                for (DmaBuffer next; (next = BdevContext.of(plane.control().reactor()).large().tryAcquire()) != null; ) {
                    taken.add(next);
                }
                done.ok(taken);
            });
            String id = h.get(h.engine.wipeReplica(R1, WipeMethod.CHECKSUM)).id();
            h.get(h.engine.cancelJob(id));
            assertThat(ended(h, id).state()).isEqualTo("CANCELLED");
            PlaneCall.<Void>on(plane.control(), "give back", 60_000_000_000L, done -> {
                all.forEach(DmaBuffer::close);
                done.ok(null);
            });
        }
    }

    @Test
    void manyJobsAreKeptAndTheOldestForgotten() {
        Jobs jobs = new Jobs();
        for (int i = 0; i < 200; i++) {
            jobs.start("test", "object", null, true).end("", null);
        }
        assertThat(jobs.list()).hasSize(128);
        assertThat(jobs.list().getLast().id()).isEqualTo("200");
        for (int i = 0; i < 32; i++) {
            jobs.start("test", "object", null, false);
        }
        assertThat(org.assertj.core.api.Assertions.catchThrowableOfType(OperationException.class,
                () -> jobs.start("test", "object", null, true)).code()).isEqualTo("too-many-jobs");
        assertThat(org.assertj.core.api.Assertions.catchThrowableOfType(OperationException.class, () -> jobs.cancel("232")).code())
                .isEqualTo("job-not-cancellable");
        boolean[] stopped = new boolean[1];
        jobs.stop((Completion<Void>) (nothing, failure) -> stopped[0] = true);
        assertThat(stopped[0]).as("what cannot be cancelled is not waited for").isTrue();
    }
}
