package io.mizzen.vm;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.EngineProcess;
import io.mizzen.testsupport.VmRig;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A distribution kernel's own initiator uses what the engine serves: a mirrored volume, shares that come, change and go. */
class VolumeVmIT {
    private static final Duration LIMIT = Duration.ofMinutes(25);
    private static final Duration DEADLINE = Duration.ofMinutes(5);
    private static final long MIB = 1 << 20;
    /** XFS wants 300 MiB. */
    private static final long VOLUME_BYTES = 304 * MIB;
    private static final String HOST_NQN =
            "nqn.2014-08.org.nvmexpress:uuid:5a1b6e6c-3f0e-4c1d-9d57-0f3f6b8f0a11";

    private static final String SNAPSHOT = MirroredVolume.uuidOf("snapshot");

    @TempDir
    private Path directory;

    @Test
    void hostUsesAMirroredVolumeInEveryWayAndBothLegsAreEqual() throws IOException {
        try (EngineProcess engine = EngineProcess.in(directory).property("mizzen.cores", "0,1").start()) {
            MirroredVolume.createPools(engine, directory, 1024);
            MirroredVolume volume = MirroredVolume.create(engine, "volume", VOLUME_BYTES);
            String script = String.join(" ", "volume-use", VmRig.HOST_ADDRESS, "" + engine.nvmfPort(), volume.nqn(),
                    volume.uuid(), "" + volume.sizeBytes());
            HostRun.run(engine, HostRun.directory(directory, "shared"), LIMIT, script, guest -> {
                guest.awaitOutput("fio: mixed sizes");
                assertDigests(engine, volume);
                guest.succeed();
            });
            awaitNoConnections(engine);
            assertThat(volume.state()).isEqualTo("ONLINE");
            engine.stopCleanly();
            assertThat(volume.firstDifference(directory)).isEqualTo(-1);
        }
    }

    /** The ends of connections may still be on their way when the guest is off. */
    private static void awaitNoConnections(EngineProcess engine) {
        engine.await("end of all connections", DEADLINE,
                () -> engine.http().get("/v1/connections").expect(200).json().isEmpty());
    }

    private static void assertDigests(EngineProcess engine, MirroredVolume volume) {
        int queues = 0;
        for (JsonNode connection : engine.http().get("/v1/connections").expect(200).json()) {
            assertThat(connection.path("subsystemNqn").asString()).isEqualTo(volume.nqn());
            assertThat(connection.path("headerDigest").asBoolean()).isTrue();
            assertThat(connection.path("dataDigest").asBoolean()).isTrue();
            queues++;
        }
        assertThat(queues).as("admin queue, queue for reads, queue for writes").isEqualTo(3);
    }

    private static String nqn(String uuid) {
        return "nqn.2026-11.io.mizzen:" + uuid;
    }

    @Test
    void hostIsToldOfSharesThatAppearGrowAndGoAndOthersAreRefused() throws IOException {
        try (EngineProcess engine = EngineProcess.in(directory).property("mizzen.cores", "0,1").start()) {
            MirroredVolume.createPools(engine, directory, 256);
            String replica = MirroredVolume.createReplica(engine, "a", "small", 16 * MIB, true);
            String share = "/v1/replicas/" + replica + "/share";
            JsonNode shared = engine.http().put(share, Map.of("allowedHosts", List.of(HOST_NQN))).expect(200).json();
            String snapshotShare = "/v1/replicas/" + SNAPSHOT + "/share";
            Path sharedDirectory = HostRun.directory(directory, "shared");
            String script = String.join(" ", "volume-shares", VmRig.HOST_ADDRESS, "" + engine.nvmfPort(),
                    shared.path("share").path("nqn").asString(), HOST_NQN, "" + 32 * MIB, nqn(SNAPSHOT));
            HostRun.run(engine, sharedDirectory, LIMIT, script, guest -> {
                guest.awaitOutput("ready for more");
                MirroredVolume more = MirroredVolume.create(engine, "more", 16 * MIB);
                guest.awaitOutput("ready for growth");
                engine.http().put("/v1/replicas/" + replica + "/size", Map.of("sizeBytes", 32 * MIB)).expect(200);
                guest.awaitOutput("ready for a snapshot");
                engine.http().post("/v1/replicas/" + replica + "/snapshots", Map.of("uuid", SNAPSHOT)).expect(201);
                JsonNode snapshot = engine.http().put(snapshotShare, Map.of("allowedHosts", List.of(HOST_NQN))).expect(200).json();
                assertThat(snapshot.path("share").path("nqn").asString()).isEqualTo(nqn(SNAPSHOT));
                assertThat(snapshot.path("share").path("readOnly").asBoolean()).isTrue();
                guest.awaitOutput("ready for end");
                engine.http().delete(share).expect(204);
                engine.http().delete(snapshotShare).expect(204);
                more.unpublish();
                guest.succeed();
            });
            awaitNoConnections(engine);
            engine.stopCleanly();
        }
    }
}
