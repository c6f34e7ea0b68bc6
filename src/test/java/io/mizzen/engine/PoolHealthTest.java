package io.mizzen.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.FaultBdev;
import io.mizzen.bdev.FaultRule;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.MallocBdev;
import io.mizzen.bdev.Status;
import io.mizzen.engine.model.CloneSpec;
import io.mizzen.engine.model.FaultSpec;
import io.mizzen.engine.model.HealthState;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.SnapshotSpec;
import io.mizzen.testsupport.HandReactors;
import io.mizzen.testsupport.Patience;
import io.mizzen.testsupport.TestIo;
import io.mizzen.testsupport.TestMemory;
import io.mizzen.util.ErrorKind;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What a disk is thought to be after errors, stalls and warnings, and what a pool does then. */
class PoolHealthTest {
    private static final long SECOND_NS = 1_000_000_000L;
    private static final EngineConfig.Health CONFIG = new EngineConfig.Health(100 * SECOND_NS, 2, 5, 3 * SECOND_NS, 2);
    private static final String R1 = "11111111-1111-4111-8111-111111111111";
    private static final String R2 = "22222222-2222-4222-8222-222222222222";
    private static final String R3 = "33333333-3333-4333-8333-333333333333";
    private static final String S1 = "44444444-4444-4444-8444-444444444444";

    private final HandReactors hand = new HandReactors(1, 2);
    private final TestMemory memory = TestMemory.install(hand.reactors());
    private final TestIo io = new TestIo(hand);
    private final BdevRegistry registry = new BdevRegistry();

    private FaultBdev disk() {
        MallocBdev base = new MallocBdev("base", UUID.randomUUID(), 512, 2048);
        return hand.call(0, () -> {
            registry.register(base);
            FaultBdev fault = FaultBdev.open("disk", UUID.randomUUID(), base, registry);
            registry.register(fault);
            return fault;
        });
    }

    private void fail(IoChannel channel, FaultBdev disk, int count) {
        disk.putRule(new FaultRule("bad", IoType.READ, FaultRule.Stage.SUBMIT, FaultRule.Kind.ERROR,
                Status.UNRECOVERED_READ_ERROR, 0, 0, Long.MAX_VALUE, count));
        long address = memory.zeroes().address();
        for (int i = 0; i < count; i++) {
            assertThat(io.run(channel, IoType.READ, 0, 1, address)).isNotZero();
        }
        disk.removeRule("bad");
    }

    @Test
    void errorsCountForAWhileAndThenAreForgotten() {
        FaultBdev disk = disk();
        Descriptor descriptor = io.open(registry, disk, true);
        IoChannel channel = io.channel(descriptor, 0);
        fail(channel, disk, 20);
        DiskWatch watch = new DiskWatch(disk, CONFIG, 0);
        watch.look(SECOND_NS, null);
        assertThat(watch.state()).as("from before").isEqualTo(HealthState.ONLINE);
        fail(channel, disk, 1);
        watch.look(2 * SECOND_NS, null);
        assertThat(watch.state()).isEqualTo(HealthState.ONLINE);
        fail(channel, disk, 1);
        watch.look(30 * SECOND_NS, null);
        assertThat(watch.state()).isEqualTo(HealthState.DEGRADED);
        assertThat(watch.reason()).contains("2 I/O errors");
        fail(channel, disk, 3);
        watch.look(60 * SECOND_NS, null);
        assertThat(watch.state()).isEqualTo(HealthState.SUSPECTED);
        watch.look(115 * SECOND_NS, null);
        assertThat(watch.state()).as("the oldest is out of the window").isEqualTo(HealthState.DEGRADED);
        watch.look(300 * SECOND_NS, null);
        assertThat(watch.state()).isEqualTo(HealthState.ONLINE);
        assertThat(watch.errors()).as("of all").isEqualTo(5);
        hand.on(0, channel::close);
        hand.on(0, descriptor::close);
    }

    @Test
    void aDiskThatDoesNotAnswerIsStalledAndSoonSuspected() {
        FaultBdev disk = disk();
        Descriptor descriptor = io.open(registry, disk, true);
        IoChannel channel = io.channel(descriptor, 0);
        DiskWatch watch = new DiskWatch(disk, CONFIG, 0);
        for (int stall = 1; stall <= 2; stall++) {
            long at = stall * 10 * SECOND_NS;
            watch.look(at - SECOND_NS / 2, null);
            disk.putRule(new FaultRule("slow", IoType.READ, FaultRule.Stage.SUBMIT, FaultRule.Kind.DELAY, 0, 50 * SECOND_NS, 0,
                    Long.MAX_VALUE, 1));
            TestIo.Outcome slow = io.submit(channel, IoType.READ, 0, 1, memory.zeroes().address());
            hand.tickAll(3);
            watch.look(at, null);
            watch.look(at + 2 * SECOND_NS, null);
            assertThat(watch.stalled()).isFalse();
            watch.look(at + 4 * SECOND_NS, null);
            assertThat(watch.stalled()).isTrue();
            assertThat(watch.stalls()).isEqualTo(stall);
            assertThat(watch.state()).isEqualTo(stall == 1 ? HealthState.DEGRADED : HealthState.SUSPECTED);
            hand.runUntil(slow::isDone);
            watch.look(at + 5 * SECOND_NS, null);
            assertThat(watch.stalled()).isFalse();
        }
        watch.clear();
        assertThat(watch.state()).isEqualTo(HealthState.ONLINE);
        hand.on(0, channel::close);
        hand.on(0, descriptor::close);
    }

    @Test
    void whatTheDriveWarnsOfCounts() {
        Bdev disk = disk();
        DiskWatch watch = new DiskWatch(disk, CONFIG, 0);
        watch.look(1, List.of());
        assertThat(watch.state()).isEqualTo(HealthState.ONLINE);
        watch.look(2, List.of("temperature"));
        assertThat(watch.state()).isEqualTo(HealthState.DEGRADED);
        watch.look(3, List.of("temperature", "spare-low"));
        assertThat(watch.state()).isEqualTo(HealthState.SUSPECTED);
        assertThat(watch.reason()).contains("spare-low");
        hand.on(0, disk::notifyRemoved);
        watch.look(4, List.of());
        assertThat(watch.state()).isEqualTo(HealthState.FAULTED);
    }

    private static void awaitEvent(EngineHarness h, String kind) {
        Patience.await(() -> h.engine.events(0, 1000).events().stream().anyMatch(event -> event.kind().equals(kind)),
                () -> "no event " + kind);
    }

    @Test
    void aSuspectedPoolGetsNoNewReplicasWithoutTheWord() {
        EngineConfig config = EngineHarness.config().withHealth(new EngineConfig.Health(3600 * SECOND_NS, 1, 2, 10 * SECOND_NS, 3));
        try (EngineHarness h = new EngineHarness(1, config)) {
            h.get(h.engine.createPool(new PoolSpec("p0", null, List.of("fault:///f0?base=malloc:///d0%3Fsize_mb=64"), 1 << 20,
                    List.of(), true)));
            h.get(h.engine.createReplica(new ReplicaSpec(R1, "r1", "p0", 4 << 20, false)));
            assertThat(h.get(h.engine.pool("p0")).health()).isEqualTo(new PoolView.Health(HealthState.ONLINE, null, List.of()));
            h.get(h.engine.putFault("f0", new FaultSpec("bad", FaultSpec.Operation.READ, FaultSpec.Stage.SUBMISSION,
                    FaultSpec.Action.ERROR, 0, 0, 0, 0, 0)));
            for (int read = 0; read < 2; read++) {      // Whoever makes a pool on the replica reads it first.
                h.refused(ErrorKind.INTERNAL, "disk-read-failed", h.engine.createPool(new PoolSpec("p1", null, List.of("lvol:///p0/r1"),
                        1 << 20, List.of(), true)));
            }
            awaitEvent(h, "pool-suspected");
            PoolView suspected = h.get(h.engine.pool("p0"));
            assertThat(suspected.health().state()).isEqualTo(HealthState.SUSPECTED);
            assertThat(suspected.health().reason()).contains("disk f0", "2 I/O errors");
            assertThat(suspected.storage().disks().getFirst().errors()).isEqualTo(2);
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-suspected", h.engine.createReplica(new ReplicaSpec(R2, null, "p0", 1 << 20, true)),
                    "disk f0", "allowSuspected", "health/clear");
            h.get(h.engine.createReplica(new ReplicaSpec(R2, null, "p0", 1 << 20, true, true)));
            h.get(h.engine.createSnapshot(new SnapshotSpec(S1, "s", R2, null, null)));
            h.refused(ErrorKind.FAILED_PRECONDITION, "pool-suspected", h.engine.cloneSnapshot(new CloneSpec(R3, null, S1)), "allowSuspected");
            h.get(h.engine.cloneSnapshot(new CloneSpec(R3, null, S1, true)));
            assertThat(h.get(h.engine.clearPoolHealth("p0")).health().state()).isEqualTo(HealthState.ONLINE);
            awaitEvent(h, "pool-healthy");
            h.get(h.engine.destroyReplica(R2));
            h.get(h.engine.createReplica(new ReplicaSpec(R2, null, "p0", 1 << 20, true)));
            h.refused(ErrorKind.NOT_FOUND, "pool-not-found", h.engine.clearPoolHealth("p1"));
        }
    }
}
