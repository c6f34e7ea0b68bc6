package io.mizzen.vm;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.EngineProcess;
import io.mizzen.testsupport.VmRig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * A host writes and verifies without a pause of its own while a leg fails and while the engine is killed and started
 * again: no wrong byte, no failed I/O, and in the end both legs are equal where both are healthy.
 */
class FailuresVmIT {
    private static final Duration LIMIT = Duration.ofMinutes(25);
    private static final long VOLUME_BYTES = 64L << 20;
    private static final int KILLS = 2;
    private static final int WRITES_BEFORE_EVENT = 60;
    /** Of a leg: where what hosts write begins, behind what the mirror notes. */
    private static final long DATA_BLOCK = (4L << 20) / 512;

    @TempDir
    private Path directory;

    @Test
    void neitherAFailedLegNorAKilledEngineCostsTheHostAByte() throws IOException {
        try (EngineProcess engine = EngineProcess.in(directory).property("mizzen.cores", "0,1").start()) {
            MirroredVolume.createPools(engine, directory, 512);
            MirroredVolume failing = MirroredVolume.createWithFaultyLeg(engine, "failing", VOLUME_BYTES);
            MirroredVolume killed = MirroredVolume.create(engine, "killed", VOLUME_BYTES);
            Path shared = HostRun.directory(directory, "shared");
            String script = String.join(" ", "volume-failures", VmRig.HOST_ADDRESS, "" + engine.nvmfPort(),
                    failing.nqn(), killed.nqn(), shared.toString());
            HostRun.run(engine, shared, LIMIT, script, guest -> {
                guest.awaitOutput("writing on failing");
                failReadsThenAWrite(engine, failing);
                Files.createFile(shared.resolve("stop-failing"));
                guest.awaitOutput("writing on killed");
                for (int i = 0; i < KILLS; i++) {
                    killAndStart(engine, killed);
                }
                killed.await("equal again", view -> view.path("state").asString().equals("ONLINE")
                        && !view.path("resyncing").asBoolean());
                assertSecondLegIsOut(failing);
                Files.createFile(shared.resolve("stop-killed"));
                guest.succeed();
            });
            engine.stopCleanly();
            assertThat(killed.firstDifference(directory)).isEqualTo(-1);
            assertThat(failing.firstDifference(directory)).as("what was written after the failure")
                    .isGreaterThanOrEqualTo(0);
        }
    }

    private static void failReadsThenAWrite(EngineProcess engine, MirroredVolume volume) {
        volume.awaitWrites(WRITES_BEFORE_EVENT);
        String faults = "/v1/bdevs/" + volume.faultBdev() + "/faults";
        engine.http().put(faults + "/reads", Map.of("operation", "READ", "action", "ERROR", "count", 1)).expect(201);
        engine.await("failed read", Duration.ofMinutes(5),
                () -> engine.http().get(faults).expect(200).json().path(0).path("hits").asLong() > 0);
        assertThat(volume.state()).as("after a read error that the other leg made good").isEqualTo("ONLINE");
        engine.http().delete(faults + "/reads").expect(204);
        volume.awaitWrites(WRITES_BEFORE_EVENT);
        engine.http().put(faults + "/writes", Map.of("operation", "WRITE", "action", "ERROR", "count", 1, "startBlock", DATA_BLOCK)).expect(201);
        volume.await("DEGRADED", view -> view.path("state").asString().equals("DEGRADED"));
        assertSecondLegIsOut(volume);
        volume.awaitWrites(WRITES_BEFORE_EVENT);
    }

    private static void assertSecondLegIsOut(MirroredVolume volume) {
        JsonNode view = volume.view();
        assertThat(view.path("state").asString()).isEqualTo("DEGRADED");
        assertThat(view.path("children").path(0).path("healthy").asBoolean()).isTrue();
        JsonNode leg = view.path("children").path(1);
        assertThat(leg.path("healthy").asBoolean()).isFalse();
        assertThat(leg.path("state").asString()).isEqualTo("FAULTED");
        assertThat(leg.path("faultReason").asString()).isEqualTo("io-error");
    }

    private static void killAndStart(EngineProcess engine, MirroredVolume volume) {
        volume.awaitWrites(WRITES_BEFORE_EVENT);
        engine.killHard();
        engine.start();
        volume.await("published again", view -> !view.path("share").isNull());
    }
}
