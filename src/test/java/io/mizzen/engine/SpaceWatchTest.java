package io.mizzen.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.Status;
import io.mizzen.engine.SpaceWatch.Level;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.EventSeverity;
import io.mizzen.engine.model.PoolSpec;
import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReplicaSpec;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.testsupport.NvmeTcpClient;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A pool that fills up, is full, and has space again says so once each time. */
@Timeout(300)
class SpaceWatchTest {
    private static final String DISK = "malloc:///d0?size_mb=64";
    private static final String THIN = "11111111-1111-4111-8111-111111111111";
    private static final String REST = "22222222-2222-4222-8222-222222222222";
    private static final long MIB = 1 << 20;
    private static final long SECOND_NS = 1_000_000_000L;
    private static final int BLOCK_BYTES = 512;

    private final SpaceWatch watch = new SpaceWatch();

    private boolean look(long nowNs, long freePercent, long refused) {
        return watch.look(nowNs, 100 * MIB, freePercent * MIB, true, refused);
    }

    @Test
    void aPoolIsNearlyFullFromNinetyPercentAndNoMoreBelowEightyFive() {
        assertThat(look(1, 11, 0)).isFalse();
        assertThat(look(2, 10, 0)).isTrue();
        assertThat(watch.level()).isEqualTo(Level.LOW);
        assertThat(look(3, 0, 0)).as("nobody was refused anything").isFalse();
        assertThat(look(4, 15, 0)).isFalse();
        assertThat(look(5, 16, 0)).isTrue();
        assertThat(watch.level()).isEqualTo(Level.PLENTY);
    }

    @Test
    void whoTriesAgainAndAgainIsToldOfOnce() {
        assertThat(look(1, 0, 7)).isTrue();
        assertThat(watch.level()).isEqualTo(Level.FULL);
        for (int second = 1; second <= 20; second++) {
            assertThat(look(second * SECOND_NS, second % 2 * 50, 7 + second)).as("it goes on").isFalse();
        }
        assertThat(look(24 * SECOND_NS, 50, 27)).as("somebody may try again soon").isFalse();
        assertThat(look(25 * SECOND_NS, 50, 27)).isTrue();
        assertThat(watch.level()).isEqualTo(Level.PLENTY);
        assertThat(look(26 * SECOND_NS, 50, 28)).as("and again").isTrue();
        assertThat(watch.level()).isEqualTo(Level.FULL);
    }

    @Test
    void aFullPoolStaysFullWithoutAHundredthFreeAndAMetadataPage() {
        assertThat(look(1, 0, 1)).isTrue();
        assertThat(look(100 * SECOND_NS, 0, 1)).isFalse();
        assertThat(watch.look(101 * SECOND_NS, 100 * MIB, MIB / 2, true, 1)).isFalse();
        assertThat(watch.look(102 * SECOND_NS, 100 * MIB, 50 * MIB, false, 1)).isFalse();
        assertThat(look(103 * SECOND_NS, 1, 1)).isTrue();
        assertThat(watch.level()).isEqualTo(Level.LOW);
    }

    @Test
    void writesToAFullPoolFailAndAreToldOfOnce() {
        try (RunningEngine r = new RunningEngine()) {
            r.ask.get(r.engine.createBdev(new BdevSpec(DISK)));
            PoolView pool = r.ask.get(r.engine.createPool(new PoolSpec("p0", null, List.of(DISK), MIB, List.of(), true)));
            r.ask.get(r.engine.createReplica(new ReplicaSpec(THIN, "thin", "p0", 4 * MIB, true)));
            r.ask.get(r.engine.createReplica(new ReplicaSpec(REST, "rest", "p0", pool.freeBytes(), false)));
            String nqn = r.ask.get(r.engine.shareReplica(THIN, new ShareSpec(List.of("any")))).share().nqn();
            try (NvmeTcpClient admin = r.connect(0, 0xffff, nqn, RunningEngine.HOST, 0); NvmeTcpClient io = r.io(nqn)) {
                for (int cluster = 0; cluster < 4; cluster++) {
                    assertThat(Status.code(write(io, cluster))).isEqualTo(Status.CAPACITY_EXCEEDED);
                }
                r.awaitEvent("pool-full", 1);
                PoolView full = r.ask.get(r.engine.pool("p0"));
                assertThat(full.storage().full()).isTrue();
                assertThat(full.storage().refusedAllocations()).isEqualTo(4);
                assertThat(full.health().notes()).singleElement().asString().contains("pool p0 is full", "0 bytes", "destroy");
                r.ask.get(r.engine.destroyReplica(REST));
                assertThat(write(io, 0)).isZero();
                r.awaitEvent("pool-space-available", 1);
                assertThat(r.events("pool-full")).hasSize(1);
                assertThat(r.ask.get(r.engine.pool("p0")).storage().full()).isFalse();
                assertThat(r.engine.events(0, 1000).events()).filteredOn(event -> event.kind().equals("pool-full")).singleElement()
                        .satisfies(event -> assertThat(event.severity()).isEqualTo(EventSeverity.ERROR));
            }
        }
    }

    private static int write(NvmeTcpClient io, int cluster) {
        return io.write(1, cluster * MIB / BLOCK_BYTES, new byte[BLOCK_BYTES], BLOCK_BYTES, true).status();
    }
}
