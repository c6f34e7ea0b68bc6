package io.mizzen.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.EventSeverity;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.PoolImport;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.util.ErrorKind;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Pools with so much metadata to read that their import is a job. */
class ImportJobTest {
    private static final long MIB = 1 << 20;
    private static final int SLOW_NS = 200_000_000;
    private static final int VERY_SLOW_NS = 400_000_000;
    private static final String DISK = "f0";
    private static final String R1 = "11111111-1111-4111-8111-111111111111";
    private static final PoolImport ALL = new PoolImport(true, false);
    private static final PoolSpec LARGE = spec(100 * 100);
    private static final PoolSpec SMALL = spec(100);

    /** @param pages for each hundred clusters, of which there are 64 */
    private static PoolSpec spec(int pages) {
        return new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true, new PoolSpec.Room(false, 0, pages));
    }

    /** Returns its UUID. */
    private static String makePool(EngineHarness h, PoolSpec spec) {
        h.get(h.engine.createBdev(new BdevSpec("fault:///f0?base=malloc:///d0%3Fsize_mb=64")));
        String uuid = h.get(h.engine.createPool(spec)).uuid();
        h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 4 * MIB, false)));
        h.get(h.engine.exportPool("p0"));
        return uuid;
    }

    private static List<JobView> imports(EngineHarness h) {
        return h.get(h.engine.jobs()).stream().filter(job -> job.kind().equals("pool-import")).toList();
    }

    private static CompletableFuture<PoolView> beginSlowImport(EngineHarness h) {
        return beginSlowImport(h, LARGE);
    }

    private static CompletableFuture<PoolView> beginSlowImport(EngineHarness h, PoolSpec spec) {
        return beginSlowImport(h, spec, SLOW_NS);
    }

    private static CompletableFuture<PoolView> beginSlowImport(EngineHarness h, PoolSpec spec, int delayNs) {
        h.get(h.engine.putFault(DISK, new FaultSpec("slow", FaultSpec.Operation.READ, FaultSpec.Stage.SUBMISSION,
                FaultSpec.Action.DELAY, 0, 0, 0, delayNs, 0)));
        CompletableFuture<PoolView> answer = h.engine.importPool(spec, ALL);
        while (imports(h).isEmpty() || imports(h).getLast().doneBytes() == 0) {
            assertThat(answer).isNotDone();
        }
        return answer;
    }

    @Test
    void whatIsReadInAnInstantIsNoJob() {
        try (EngineHarness h = new EngineHarness(1)) {
            makePool(h, SMALL);
            assertThat(h.get(h.engine.importPool(SMALL, ALL)).replayPages()).isBetween(2, 100);
            assertThat(imports(h)).isEmpty();
        }
    }

    @Test
    void theImportOfAPoolThatWasNotClosedCleanTellsHowFarItIs() {
        try (EngineHarness h = new EngineHarness(1)) {
            makePool(h, LARGE);
            assertThat(h.get(h.engine.importPool(LARGE)).replayPages()).as("of a clean one, little is read").isLessThan(10);
            h.get(h.engine.exportPool("p0"));
            assertThat(imports(h)).isEmpty();
            CompletableFuture<PoolView> answer = beginSlowImport(h);
            JobView running = imports(h).getFirst();
            assertThat(running.state()).isEqualTo("RUNNING");
            assertThat(running.object()).isEqualTo("p0");
            assertThat(running.totalBytes()).isGreaterThan(16 * MIB);
            h.get(h.engine.deleteFault(DISK, "slow"));
            PoolView pool = h.get(answer);
            assertThat(pool.replayPages() * 4096L).isEqualTo(running.totalBytes());
            assertThat(pool.replicas()).isEqualTo(1);
            assertThat(imports(h)).singleElement().satisfies(job -> {
                assertThat(job.state()).isEqualTo("DONE");
                assertThat(job.percent()).isEqualTo(100);
            });
        }
    }

    @Test
    void aCancelledImportHasWrittenNothingAndLetsGoOfTheDisk() {
        try (EngineHarness h = new EngineHarness(1)) {
            makePool(h, LARGE);
            CompletableFuture<PoolView> answer = beginSlowImport(h);
            String id = imports(h).getFirst().id();
            h.get(h.engine.cancelJob(id));
            h.refused(ErrorKind.UNAVAILABLE, "pool-import-cancelled", answer, "nothing was written");
            assertThat(h.get(h.engine.job(id)).state()).isEqualTo("CANCELLED");
            assertThat(h.get(h.engine.job(id)).error()).isNull();
            h.get(h.engine.deleteFault(DISK, "slow"));
            PoolView pool = h.get(h.engine.importPool(LARGE));
            assertThat(pool.recovered()).as("it was clean and is still").isFalse();
            assertThat(pool.replicas()).isEqualTo(1);
        }
    }

    /** Neither for the one that reads, which has most before it, nor for the one that waits for the same disk. */
    @Test
    void anOrderedStopWaitsForNoImport() {
        CompletableFuture<PoolView> reading;
        CompletableFuture<PoolView> waiting;
        try (EngineHarness h = new EngineHarness(1)) {
            makePool(h, LARGE);
            reading = beginSlowImport(h, LARGE, VERY_SLOW_NS);
            waiting = h.engine.importPool(LARGE, ALL);
        }
        for (CompletableFuture<PoolView> answer : List.of(reading, waiting)) {
            assertThat(answer).isCompletedExceptionally();
            assertThat(answer.exceptionNow()).hasMessageContaining("nothing was written");
        }
    }

    @Test
    void aFailedImportSaysSoInItsJobAndAnEvent() {
        try (EngineHarness h = new EngineHarness(1)) {
            makePool(h, LARGE);
            failImport(h, LARGE, "p0");
        }
    }

    @Test
    void aPoolThatIsImportedByItsUuidAloneIsCalledByThat() {
        try (EngineHarness h = new EngineHarness(1)) {
            String uuid = makePool(h, LARGE);
            failImport(h, new PoolSpec(null, uuid, List.of(DISK), 0, List.of(), true), uuid);
        }
    }

    private static void failImport(EngineHarness h, PoolSpec spec, String called) {
        CompletableFuture<PoolView> answer = beginSlowImport(h, spec);
        h.get(h.engine.putFault(DISK, new FaultSpec("bad", FaultSpec.Operation.READ, FaultSpec.Stage.SUBMISSION,
                FaultSpec.Action.ERROR, 0, 0, 0, 0, 0)));
        h.get(h.engine.deleteFault(DISK, "slow"));
        h.refused(ErrorKind.INTERNAL, "pool-io-error", answer, "reading the pool");
        assertThat(imports(h)).singleElement().satisfies(job -> {
            assertThat(job.state()).isEqualTo("FAILED");
            assertThat(job.object()).isEqualTo(called);
            assertThat(job.error()).contains("reading the pool");
        });
        assertThat(h.engine.events(0, 1000).events()).filteredOn(event -> event.kind().equals("pool-import-failed"))
                .singleElement().satisfies(event -> {
                    assertThat(event.severity()).isEqualTo(EventSeverity.WARNING);
                    assertThat(event.name()).isEqualTo(called);
                    assertThat(event.message()).contains("(pool-import " + called + ") has failed");
                });
    }
}
