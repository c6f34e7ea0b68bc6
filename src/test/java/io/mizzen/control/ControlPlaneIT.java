package io.mizzen.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.mizzen.nvme.Opcodes;
import io.mizzen.testsupport.EngineHttp;
import io.mizzen.testsupport.EngineProcess;
import io.mizzen.testsupport.NvmeTcpClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The packaged engine: what comes back after a crash, what is refused at the start, how it stops. */
class ControlPlaneIT {
    private static final Duration SOON = Duration.ofMinutes(5);
    private static final String POOL_A = "/v1/pools/11111111-1111-4111-8111-11111111111a";
    private static final String POOL_B = "/v1/pools/11111111-1111-4111-8111-11111111111b";
    private static final String REPLICA_A = "/v1/replicas/22222222-2222-4222-8222-22222222222a";
    private static final String REPLICA_B = "/v1/replicas/22222222-2222-4222-8222-22222222222b";
    private static final String NEXUS = "/v1/nexuses/33333333-3333-4333-8333-333333333333";

    private static final int BLOCK_BYTES = 512;

    @TempDir
    Path directory;

    private EngineProcess engine() {
        return EngineProcess.in(directory).property("mizzen.state.retry", "500ms");
    }

    private void createVolume(EngineHttp http) {
        for (int repetition = 0; repetition < 2; repetition++) {
            int status = repetition == 0 ? 201 : 200;
            http.put(POOL_A, pool("a")).expect(status);
            http.put(POOL_B, pool("b")).expect(status);
            http.put(REPLICA_A, "{\"name\": \"v\", \"pool\": \"a\", \"sizeBytes\": \"32MiB\"}").expect(status);
            http.put(REPLICA_B, "{\"name\": \"v\", \"pool\": \"b\", \"sizeBytes\": \"32MiB\"}").expect(status);
            http.put(NEXUS, "{\"name\": \"v\", \"children\": [\"lvol:///a/v\", \"lvol:///b/v\"]}").expect(status);
            http.put(NEXUS + "/publication", "{\"allowedHosts\": [\"any\"]}").expect(200);
        }
    }

    private String pool(String name) {
        return "{\"name\": \"" + name + "\", \"disks\": [\"uring://" + directory.resolve(name + ".img")
            + "?create=true&size_mb=128\"]}";
    }

    @Test
    void everythingIsBackUnderTheSameIdentityAfterAKill() {
        try (EngineProcess engine = engine().start()) {
            createVolume(engine.http());
            String share = engine.http().get(NEXUS).expect(200).json().path("share").toString();
            assertThat(share).contains("nqn.2026-11.io.mizzen:33333333");
            engine.killHard();
            engine.start();
            assertThat(engine.http().get(NEXUS).expect(200).json().path("share").toString()).isEqualTo(share);
            assertThat(engine.http().get(POOL_A).expect(200).json().path("state").asString()).isEqualTo("ONLINE");
            createVolumeAgain(engine.http());
            engine.stopCleanly();
            engine.start();
            assertThat(engine.http().get(NEXUS).expect(200).json().path("share").toString()).isEqualTo(share);
        }
    }

    /** What was changed while hosts used the volume, too. */
    @Test
    void childrenLimitsSettingsAndPausesAreThereAgainAfterAKill() {
        String poolC = "/v1/pools/11111111-1111-4111-8111-11111111111c";
        try (EngineProcess engine = engine().start()) {
            createVolume(engine.http());
            engine.http().put(poolC, pool("c")).expect(201);
            engine.http().put("/v1/replicas/22222222-2222-4222-8222-22222222222c",
                "{\"name\": \"v\", \"pool\": \"c\", \"sizeBytes\": \"32MiB\"}").expect(201);
            engine.http().post(NEXUS + "/children", "{\"uri\": \"lvol:///c/v\"}").expect(202);
            engine.await("the new child", SOON, () -> "ONLINE".equals(state(engine)));
            engine.http().delete(NEXUS + "/children/lvol:%2F%2F%2Fa%2Fv").expect(204);
            engine.http().send("PATCH", NEXUS + "/settings", "{\"freezeTimeoutMs\": 7000}").expect(200);
            engine.http().put(NEXUS + "/limits", "{\"totalOperations\": {\"perSecond\": 5000}}").expect(200);
            engine.http().post(NEXUS + "/publication/pause", "{\"atMostSeconds\": 3600}").expect(200);
            engine.http().post(NEXUS + "/children/22222222-2222-4222-8222-22222222222c/offline", "").expect(200);
            engine.killHard();
            engine.start();
            JsonNode nexus = engine.http().get(NEXUS).expect(200).json();
            assertThat(nexus.path("children").findValuesAsString("uri")).containsExactlyInAnyOrder("lvol:///b/v", "lvol:///c/v");
            assertThat(nexus.path("settings").path("freezeTimeoutMs").asLong()).isEqualTo(7000);
            assertThat(nexus.path("limits").path("totalOperations").path("perSecond").asLong()).isEqualTo(5000);
            assertThat(nexus.path("share").path("paused").asBoolean()).isTrue();
            assertThat(nexus.path("state").asString()).isEqualTo("DEGRADED");
            engine.http().post(NEXUS + "/publication/resume", "").expect(200);
            engine.http().post(NEXUS + "/children/lvol:%2F%2F%2Fc%2Fv/online", "").expect(202);
            engine.await("the child that is back", SOON, () -> "ONLINE".equals(state(engine)));
            assertThat(engine.http().get("/v1/events?object=lvol:///c/v").expect(200).text()).contains("child-healthy");

            engine.http().post(NEXUS + "/shutdown", "").expect(200);
            engine.stopCleanly();
            engine.start();
            assertThat(state(engine)).isEqualTo("SHUTDOWN");
            assertThat(engine.http().isUp()).isTrue();
            engine.http().put(NEXUS + "/size", "{\"sizeBytes\": \"1GiB\"}").expect(409);
            assertThat(engine.http().post(NEXUS + "/assembly", "{\"allowMissing\": false}").expect(200).json().path("share")
                .path("paused").asBoolean()).isFalse();
        }
    }

    /** Its replicas grow meanwhile, which are nobody's then. */
    @Test
    void aHostWaitsThroughAShutdownAndSeesTheVolumeGrow() {
        try (EngineProcess engine = engine().start()) {
            EngineHttp http = engine.http();
            createVolume(http);
            byte[] data = new byte[4096];
            Arrays.fill(data, (byte) 0x5a);
            try (NvmeTcpClient admin = client(engine); NvmeTcpClient io = client(engine)) {
                int controller = (int) connect(admin, 0, 0xffff).result() & 0xffff;
                admin.enable();
                connect(io, 1, controller);
                assertThat(io.write(1, 8, data, BLOCK_BYTES, true).status()).isZero();
                http.post(NEXUS + "/shutdown", "").expect(200);
                int read = io.submit(NvmeTcpClient.io(Opcodes.NVM_READ, 1, 8, 8, 0), null, false, data.length);
                long before = namespaceBlocks(admin);
                http.put(REPLICA_A + "/size", "{\"sizeBytes\": \"64MiB\"}").expect(200);
                http.put(REPLICA_B + "/size", "{\"sizeBytes\": \"64MiB\"}").expect(200);
                assertThat(io.isAnswered(read)).isFalse();
                http.post(NEXUS + "/assembly", "").expect(200);
                assertThat(io.await(read).data()).isEqualTo(data);
                assertThat(namespaceBlocks(admin)).isEqualTo(before);
                http.put(NEXUS + "/size", "{\"sizeBytes\": \"56MiB\"}").expect(200);
                assertThat(namespaceBlocks(admin) * BLOCK_BYTES).isEqualTo(56 << 20);
                assertThat(io.write(1, (56 << 20) / BLOCK_BYTES - 8, data, BLOCK_BYTES, true).status()).isZero();
                assertThat(io.read(1, 8, 8, BLOCK_BYTES).data()).isEqualTo(data);
            }
        }
    }

    private static NvmeTcpClient client(EngineProcess engine) {
        return NvmeTcpClient.open(new InetSocketAddress("127.0.0.1", engine.nvmfPort())).initialize(0, 0, 1);
    }

    private static NvmeTcpClient.Reply connect(NvmeTcpClient client, int queue, int controller) {
        NvmeTcpClient.Reply reply = client.connect(queue, 32, controller, "nqn.2026-11.io.mizzen:" + NEXUS.substring(12),
            "nqn.2014-08.org.nvmexpress:uuid:0a0a0a0a-0000-4000-8000-0000000000f2", new UUID(1, 2), 0, 0);
        assertThat(reply.status()).isZero();
        return reply;
    }

    private static long namespaceBlocks(NvmeTcpClient admin) {
        return ByteBuffer.wrap(admin.identify(0, 1).data()).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    private static String state(EngineProcess engine) {
        return engine.http().get(NEXUS).expect(200).json().path("state").asString();
    }

    /** Whoever repeats their requests after a restart finds everything as they left it. */
    private void createVolumeAgain(EngineHttp http) {
        http.put(POOL_A, pool("a")).expect(200);
        http.put(REPLICA_A, "{\"name\": \"v\", \"pool\": \"a\", \"sizeBytes\": \"32MiB\"}").expect(200);
        http.put(NEXUS, "{\"name\": \"v\", \"children\": [\"lvol:///a/v\", \"lvol:///b/v\"]}").expect(200);
    }

    @Test
    void aMissingDiskIsReportedAndRetriedAndStopsNobodyElse() throws IOException {
        try (EngineProcess engine = engine().start()) {
            engine.http().put(POOL_A, pool("a")).expect(201);
            engine.http().put(POOL_B, pool("b")).expect(201);
            engine.stopCleanly();
            Files.move(directory.resolve("a.img"), directory.resolve("elsewhere"));
            Thread starter = Thread.ofPlatform().start(engine::start);
            await("degraded health").atMost(SOON).until(() -> reachable(engine)
                && engine.http().get("/actuator/health").text().contains("disk-not-found"));
            engine.http().get(POOL_B).expect(200);
            engine.http().get(POOL_A).expect(404);
            assertThat(engine.http().get("/v1/events").text()).contains("restore-failed");
            assertThat(directory.resolve("a.img")).as("not made anew").doesNotExist();
            Files.move(directory.resolve("elsewhere"), directory.resolve("a.img"));
            engine.await("the pool", SOON, () -> engine.http().get(POOL_A).status() == 200);
            join(starter);
            assertThat(engine.http().isUp()).isTrue();
        }
    }

    @Test
    void anOpenListenerWithoutCredentialsIsRefused() {
        try (EngineProcess engine = engine().property("mizzen.rest.address", "0.0.0.0")) {
            assertThat(engine.startExpectingRefusal()).isNotZero();
            assertThat(engine.log()).contains("without authentication").contains("mizzen.rest.user")
                .doesNotContain("\tat ");
        }
    }

    @Test
    void unknownAndImpossiblePropertiesAreRefusedByName() {
        try (EngineProcess engine = engine().property("mizzen.coers", "0")) {
            assertThat(engine.startExpectingRefusal()).isNotZero();
            assertThat(engine.log()).contains("mizzen.coers").doesNotContain("\tat ");
            engine.property("mizzen.coers", null).property("mizzen.cores", "900");
            assertThat(engine.startExpectingRefusal()).isNotZero();
            assertThat(engine.log()).contains("900").doesNotContain("\tat ");
        }
    }

    @Test
    void twoEnginesNeverUseOneStateDirectory() {
        try (EngineProcess first = engine().start(); EngineProcess second = engine()) {
            assertThat(second.startExpectingRefusal()).isNotZero();
            assertThat(second.log()).contains("Another engine uses the state directory");
            assertThat(first.http().isUp()).isTrue();
        }
    }

    @Test
    void aSecondInterruptEndsAtOnceAndPoolsComeBack() {
        try (EngineProcess engine = engine().start()) {
            createVolume(engine.http());
            engine.signal("INT");
            engine.signal("INT");
            assertThat(engine.awaitExit(SOON)).isIn(0, 130);
            engine.start();
            engine.http().get(NEXUS).expect(200);
        }
    }

    @Test
    void infoNamesTheVersionAndInACheckoutTheCommit() {
        try (EngineProcess engine = engine().start()) {
            JsonNode info = engine.http().get("/actuator/info").expect(200).json();
            assertThat(info.path("build").path("version").asString()).isNotEmpty();
            if (Files.exists(Path.of(".git"))) {
                assertThat(info.path("git").path("commit").path("id").asString()).matches("[0-9a-f]{7,40}");
            }
        }
    }

    @Test
    void aNexusWhoseNewestMemberIsGoneComesBackInWordsOnly() throws IOException {
        try (EngineProcess engine = engine().start()) {
            createVolume(engine.http());
            engine.stopCleanly();
            Files.delete(directory.resolve("a.img"));
            Thread starter = Thread.ofPlatform().start(engine::start);
            await("degraded health").atMost(SOON).until(() -> reachable(engine)
                && engine.http().get("/actuator/health").text().contains("nexus-newest-generation-missing"));
            assertThat(engine.http().post(NEXUS + "/assembly", "{}").expect(409).text()).contains("allowMissing");
            JsonNode nexus = engine.http().post(NEXUS + "/assembly", "{\"allowMissing\": true}").expect(200).json();
            assertThat(nexus.path("state").asString()).isEqualTo("DEGRADED");
            assertThat(nexus.path("share").path("nqn").asString()).endsWith("33333333-3333-4333-8333-333333333333");
            engine.http().delete(POOL_A).expect(204);
            join(starter);
            assertThat(engine.http().isUp()).isTrue();
        }
    }

    private static boolean reachable(EngineProcess engine) {
        try {
            engine.http().get("/actuator/health");
            return true;
        } catch (UncheckedIOException e) {
            return false;
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join(SOON);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        assertThat(thread.isAlive()).isFalse();
    }
}
