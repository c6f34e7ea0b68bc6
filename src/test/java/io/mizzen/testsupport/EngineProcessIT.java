package io.mizzen.testsupport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
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
            assertThat(engine.terminate()).isZero();
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
