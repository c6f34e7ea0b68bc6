package io.mizzen.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.EventSeverity;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.JobView;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.util.ErrorKind;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Replicas are made independent of snapshots as jobs. */
@Timeout(300)
class InflationJobTest {
    private static final String R = "11111111-1111-4111-8111-111111111111";
    private static final String S = "22222222-2222-4222-8222-222222222222";
    private static final String S2 = "44444444-4444-4444-8444-444444444444";
    private static final String DISK = "fault:///slow?base=d0";
    private static final long MIB = 1 << 20;
    private static final long SIZE_BYTES = 40 * MIB;
    /** So that the whole takes longer than what is done meanwhile, on a busy machine too. */
    private static final long SLOW_NS = 250_000_000;

    /** A thin replica of 40 clusters with a snapshot that holds none. */
    private static void prepare(EngineHarness h) {
        h.get(h.engine.createBdev(new BdevSpec("malloc:///d0?size_mb=64")));
        h.get(h.engine.createBdev(new BdevSpec(DISK)));
        h.get(h.engine.createPool(new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true)));
        h.get(h.engine.createReplica(new ReplicaSpec(R, "r", "p0", SIZE_BYTES, true)));
        h.get(h.engine.createSnapshot(new SnapshotSpec(S, "s", R, null, null)));
    }

    private static void slow(EngineHarness h, long ns) {
        h.get(h.engine.putFault("slow", new FaultSpec("held", FaultSpec.Operation.ANY, FaultSpec.Stage.SUBMISSION,
                FaultSpec.Action.DELAY, 0, 0, 0, ns, 0)));
    }

    private static JobView awaitJob(EngineHarness h, String id, java.util.function.Predicate<JobView> wanted) {
        while (true) {
            JobView job = h.get(h.engine.job(id));
            if (wanted.test(job)) {
                return job;
            }
            assertThat(job.state()).isEqualTo("RUNNING");
        }
    }

    private static JobView ended(EngineHarness h, String id) {
        return awaitJob(h, id, job -> job.endedAt() != null);
    }

    private static List<String> events(EngineHarness h) {
        return h.engine.events(0, 1000).events().stream().map(event -> event.kind()).filter(kind -> kind.startsWith("replica-in")).toList();
    }

    @Test
    void itTellsHowFarItIsAndEverythingElseThatWouldChangeTheReplicaIsRefused() {
        try (EngineHarness h = new EngineHarness(2)) {
            prepare(h);
            slow(h, SLOW_NS);
            JobView begun = h.get(h.engine.inflateReplica(R, false));
            assertThat(begun).extracting(JobView::kind, JobView::object, JobView::objectUuid, JobView::state, JobView::totalBytes)
                    .containsExactly("replica-inflate", "p0/r", R, "RUNNING", SIZE_BYTES);
            assertThat(JobView.KINDS).contains(begun.kind());
            for (CompletableFuture<?> asked : List.of(h.engine.inflateReplica(R, false), h.engine.inflateReplica(R, true),
                    h.engine.resizeReplica(R, 48 * MIB, false), h.engine.destroyReplica(R), h.engine.rollbackReplica(R, S),
                    h.engine.createSnapshot(new SnapshotSpec(S2, "t", R, null, null)))) {
                h.refused(ErrorKind.FAILED_PRECONDITION, "replica-busy", asked, "job " + begun.id() + " (replica-inflate",
                        "GET /v1/jobs/" + begun.id());
            }
            h.refused(ErrorKind.FAILED_PRECONDITION, "replica-busy", h.engine.destroyReplica(S), "clone of snapshot");
            JobView some = awaitJob(h, begun.id(), job -> job.doneBytes() > 0);
            assertThat(some.percent()).isBetween(1, 99);
            assertThat(h.get(h.engine.replica(R)).work().what()).isEqualTo("inflate");
            h.get(h.engine.deleteFault("slow", "held"));
            assertThat(ended(h, begun.id())).extracting(JobView::state, JobView::doneBytes, JobView::percent, JobView::error)
                    .containsExactly("DONE", SIZE_BYTES, 100, null);
            assertThat(h.get(h.engine.replica(R))).satisfies(replica -> {
                assertThat(replica.allocatedBytes()).isEqualTo(SIZE_BYTES);
                assertThat(replica.parent()).isNull();
                assertThat(replica.work()).isNull();
                assertThat(replica.thin()).isFalse();
            });
            assertThat(events(h)).containsExactly("replica-inflated");
            assertThat(h.get(h.engine.jobs()).stream().filter(job -> job.kind().startsWith("replica"))).as("the refused are none").hasSize(1);
        }
    }

    @Test
    void cancelledItKeepsWhatItHasAndIsTheCloneThatItWas() {
        try (EngineHarness h = new EngineHarness(2)) {
            prepare(h);
            slow(h, SLOW_NS);
            String id = h.get(h.engine.inflateReplica(R, false)).id();
            awaitJob(h, id, job -> job.doneBytes() > 0);
            h.get(h.engine.cancelJob(id));
            JobView cancelled = ended(h, id);
            assertThat(cancelled).extracting(JobView::state, JobView::error).containsExactly("CANCELLED", null);
            assertThat(h.get(h.engine.replica(R))).satisfies(replica -> {
                assertThat(replica.allocatedBytes()).isEqualTo(cancelled.doneBytes()).isBetween(MIB, SIZE_BYTES - MIB);
                assertThat(replica.parent()).isEqualTo("s");
                assertThat(replica.work()).isNull();
            });
            assertThat(events(h)).containsExactly("replica-inflate-cancelled");
            h.get(h.engine.deleteFault("slow", "held"));
            JobView rest = h.get(h.engine.inflateReplica(R, false));
            assertThat(rest.totalBytes()).isEqualTo(SIZE_BYTES - cancelled.doneBytes());
            assertThat(ended(h, rest.id()).state()).isEqualTo("DONE");
            h.get(h.engine.destroyReplica(S));
        }
    }

    /** Nothing to copy is done at once. */
    @Test
    void decouplingFromASnapshotThatHoldsNothingIsAJobToo() {
        try (EngineHarness h = new EngineHarness(1)) {
            prepare(h);
            JobView begun = h.get(h.engine.inflateReplica(R, true));
            assertThat(begun.kind()).isEqualTo("replica-decouple");
            assertThat(ended(h, begun.id())).extracting(JobView::state, JobView::percent).containsExactly("DONE", 100);
            assertThat(h.get(h.engine.replica(R)).parent()).isNull();
            h.refused(ErrorKind.FAILED_PRECONDITION, "replica-no-clone", h.engine.inflateReplica(R, true), "no clone");
        }
    }

    @Test
    void whatEndsItIsTold() {
        try (EngineHarness h = new EngineHarness(1)) {
            prepare(h);
            slow(h, SLOW_NS);
            String id = h.get(h.engine.inflateReplica(R, false)).id();
            awaitJob(h, id, job -> job.doneBytes() > 0);
            h.get(h.engine.exportPool("p0"));
            JobView failed = ended(h, id);
            assertThat(failed.state()).isEqualTo("FAILED");
            assertThat(failed.error()).contains("pool p0 is being closed");
            assertThat(h.engine.events(0, 1000).events()).anyMatch(event -> event.kind().equals("replica-inflate-failed")
                    && event.severity() == EventSeverity.WARNING);
            h.get(h.engine.deleteFault("slow", "held"));
            assertThat(h.get(h.engine.importPool(new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true))).recovered()).isFalse();
            assertThat(h.get(h.engine.replica(R))).satisfies(replica -> {
                assertThat(replica.allocatedBytes()).isEqualTo(failed.doneBytes());
                assertThat(replica.parent()).isEqualTo("s");
            });
        }
    }

    @Test
    void aThinReplicaWithoutASnapshotNeedsNone() {
        try (EngineHarness h = new EngineHarness(1)) {
            prepare(h);
            h.get(h.engine.createReplica(new ReplicaSpec(S2, "t", "p0", 8 * MIB, true)));
            slow(h, 500_000_000);
            String id = h.get(h.engine.inflateReplica(S2, false)).id();
            h.get(h.engine.cancelJob(id));
            h.get(h.engine.deleteFault("slow", "held"));
            assertThat(ended(h, id).state()).isEqualTo("CANCELLED");
            assertThat(h.engine.events(0, 1000).events()).filteredOn(event -> event.kind().equals("replica-inflate-cancelled"))
                    .singleElement().satisfies(event -> assertThat(event.message()).startsWith("replica p0/t is still thin: "));
        }
    }

    /** The harness's stop is clean, and does not wait for the end of the work. */
    @Test
    void theStopOfTheEngineEndsIt() {
        EngineHarness h = new EngineHarness(1);
        try (h) {
            prepare(h);
            slow(h, 500_000_000);
            assertThat(h.get(h.engine.inflateReplica(R, false)).state()).isEqualTo("RUNNING");
        }
        assertThat(events(h)).doesNotContain("replica-inflated");
    }
}
