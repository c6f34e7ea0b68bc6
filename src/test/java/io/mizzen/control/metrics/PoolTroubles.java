package io.mizzen.control.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.bdev.Status;
import io.mizzen.testsupport.EngineHttp;
import io.mizzen.testsupport.EngineProcess;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/**
 * Pools that go wrong: "ill" has a disk that can be made to fail, "wide" has two disks, "crowded" has next to no room for
 * metadata.
 */
final class PoolTroubles {
    /** What counts as a stall there: long for a busy machine, short for a test. */
    static final Duration STALL = Duration.ofSeconds(3);
    private static final Duration SOON = Duration.ofMinutes(2);
    private static final long MIB = 1 << 20;
    private static final long DISK_BYTES = 32 * MIB;
    private static final double NEARLY_FULL = 0.9;
    private static final String FAULTS = "/v1/bdevs/ill-disk/faults/reads";
    private final EngineProcess engine;
    private final EngineHttp http;
    private final Path directory;

    PoolTroubles(EngineProcess engine, Path directory) {
        this.engine = engine;
        this.http = engine.http();
        this.directory = directory;
    }

    void createPools() {
        http.post("/v1/bdevs", Map.of("uri", "fault:///ill-disk?base=" + disk("ill").replace("?", "%3F").replace("&", "%26"))).expect(201);
        create("ill", Map.of("name", "ill", "disks", List.of("bdev:///ill-disk"), "allowTest", true, "clusterSizeBytes", MIB));
        http.put("/v1/replicas/" + uuid("ill/volume"), Map.of("name", "volume", "pool", "ill", "sizeBytes", MIB)).expect(201);
        create("wide", Map.of("name", "wide", "disks", List.of(disk("wide-0"), disk("wide-1")), "clusterSizeBytes", MIB));
        create("crowded", Map.of("name", "crowded", "disks", List.of(disk("crowded")), "clusterSizeBytes", MIB,
            "metadataPagesPerHundredClusters", 25));
    }

    private void create(String name, Map<String, ?> pool) {
        http.put("/v1/pools/" + uuid(name), pool).expect(201);
    }

    private String disk(String name) {
        return "uring://" + file(name) + "?create=true&size_mb=" + (DISK_BYTES >> 20);
    }

    private Path file(String name) {
        return directory.resolve(name + ".img");
    }

    /** Small replicas are made until nearly every metadata page of "crowded" is in use. */
    void crowdMetadata() {
        for (int i = 0; metadataUsed() <= NEARLY_FULL; i++) {
            http.put("/v1/replicas/" + uuid("crowded/" + i), Map.of("name", "r" + i, "pool", "crowded", "sizeBytes", MIB, "thin", true))
                .expect(201);
        }
    }

    /** "full" has nothing left for a write to its thin replica. */
    void refuseAWrite() {
        create("full", Map.of("name", "full", "disks", List.of(disk("full")), "clusterSizeBytes", MIB));
        http.put("/v1/replicas/" + uuid("full/starved"), Map.of("name", "starved", "pool", "full", "sizeBytes", MIB, "thin", true))
            .expect(201);
        http.put("/v1/replicas/" + uuid("full/rest"), Map.of("name", "rest", "pool", "full", "sizeBytes",
            pool("full").path("freeBytes").asLong())).expect(201);
        String nqn = http.put("/v1/replicas/" + uuid("full/starved") + "/share", Map.of("allowedHosts", List.of("any"))).expect(200).json()
            .path("share").path("nqn").asString();
        try (LoadHost host = new LoadHost(engine.nvmfPort(), nqn)) {
            assertThat(Status.code(host.write())).isEqualTo(Status.CAPACITY_EXCEEDED);
        }
    }

    private double metadataUsed() {
        JsonNode storage = pool("crowded").path("storage");
        return storage.path("metadataUsedBytes").asDouble() / storage.path("metadataBytes").asDouble();
    }

    private JsonNode pool(String name) {
        return http.get("/v1/pools/" + name).expect(200).json();
    }

    /** That many reads of the disk of "ill" fail. */
    void failReads(int count) {
        http.put(FAULTS, Map.of("operation", "READ", "action", "ERROR", "count", count));
        for (int i = 0; i < count; i++) {
            assertThat(read()).isEqualTo("FAILED");
        }
        http.delete(FAULTS).expect(204);
    }

    /** A read of the disk of "ill" takes longer than it may. */
    void stall() {
        http.put(FAULTS, Map.of("operation", "READ", "action", "DELAY", "delayNs", STALL.multipliedBy(3).toNanos(), "count", 1));
        assertThat(read()).isEqualTo("DONE");
        http.delete(FAULTS).expect(204);
    }

    /** Returns how the job ended. */
    private String read() {
        String job = "/v1/jobs/" + http.post("/v1/replicas/" + uuid("ill/volume") + "/wipe", Map.of("method", "CHECKSUM")).expect(202)
            .json().path("id").asString();
        engine.await("the job ends", SOON, () -> !"RUNNING".equals(http.get(job).json().path("state").asString()));
        return http.get(job).json().path("state").asString();
    }

    /** It gets no new replicas now. */
    void checkSuspected() {
        assertThat(pool("ill").path("health").path("state").asString()).isEqualTo("SUSPECTED");
        assertThat(http.put("/v1/replicas/" + uuid("ill/other"), Map.of("name", "other", "pool", "ill", "sizeBytes", MIB)).expect(409)
            .json().path("code").asString()).isEqualTo("pool-suspected");
    }

    /** The first disk of "wide" becomes larger, which is of no use. */
    void growTheWrongDisk() throws IOException {
        resize("wide-0", 2 * DISK_BYTES);
        JsonNode answer = http.send("POST", "/v1/pools/wide/grow", null).expect(200).json();
        assertThat(answer.path("health").path("notes").path(0).asString()).contains("cannot use");
    }

    /** The last disk of "wide" becomes smaller than what the pool has on it. */
    void shrinkADisk() throws IOException {
        resize("wide-1", DISK_BYTES / 2);
    }

    private void resize(String name, long sizeBytes) throws IOException {
        try (RandomAccessFile raw = new RandomAccessFile(file(name).toFile(), "rw")) {
            raw.setLength(sizeBytes);
        }
    }

    private static String uuid(String what) {
        return UUID.nameUUIDFromBytes(what.getBytes(StandardCharsets.UTF_8)).toString();
    }
}
