package io.mizzen.testsupport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The packaged engine starts by the launcher, ends in order, and comes back on the same ports after a kill. */
class EngineProcessIT {
    @TempDir
    private Path directory;

    @Test
    void engineComesBackAfterAKillAndEndsInOrderOnSigterm() {
        try (EngineProcess engine = EngineProcess.in(directory).start()) {
            long firstPid = engine.pid();
            assertThat(engine.http().get("/actuator/health").expect(200).json().path("status").asString())
                    .isEqualTo("UP");
            engine.killHard();
            assertThat(engine.isAlive()).isFalse();
            assertThat(engine.http().isUp()).isFalse();
            engine.start();
            assertThat(engine.pid()).isNotEqualTo(firstPid);
            engine.stopCleanly();
        }
    }

    @Test
    void aStopThatLeavesAPoolUncleanSaysSoByItsStatus() {
        try (EngineProcess engine = EngineProcess.in(directory).start()) {
            engine.http().post("/v1/bdevs", Map.of("uri", "malloc:///memory?size_mb=32")).expect(201);
            engine.http().post("/v1/bdevs", Map.of("uri", "fault:///disk?base=memory")).expect(201);
            engine.http().put("/v1/pools/11111111-1111-4111-8111-111111111111", Map.of("name", "p", "disks", List.of("bdev:///disk"),
                "allowTest", true)).expect(201);
            engine.http().put("/v1/bdevs/disk/faults/writes", Map.of("operation", "WRITE", "action", "ERROR")).expect(201);
            assertThat(engine.terminate()).as(engine::log).isEqualTo(1);
            assertThat(engine.log()).contains("event=stop-unclean");
        }
    }

    @Test
    void startThatFailsShowsTheLog() {
        try (EngineProcess engine = EngineProcess.in(directory).property("mizzen.rest.port", "not-a-port")) {
            assertThatThrownBy(engine::start)
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("ended with status")
                    .hasMessageContaining("mizzen.rest.port");
        }
    }
}
