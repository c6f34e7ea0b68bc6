package io.mizzen.vm;

import io.mizzen.testsupport.EngineProcess;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/**
 * A published nexus over a replica of pool a and one of pool b of an engine, made over REST. The first replica is thick,
 * the second thin. The pools lie in the files a.img and b.img, which {@link #firstDifference} reads without the engine.
 */
final class MirroredVolume {
    private static final Duration DEADLINE = Duration.ofMinutes(10);
    private static final long LABEL_BYTES = 8L << 20;

    private final EngineProcess engine;
    private final String name;
    private final long sizeBytes;
    private final String nqn;

    private MirroredVolume(EngineProcess engine, String name, long sizeBytes, String nqn) {
        this.engine = engine;
        this.name = name;
        this.sizeBytes = sizeBytes;
        this.nqn = nqn;
    }

    static String uuidOf(String what) {
        return UUID.nameUUIDFromBytes(what.getBytes(StandardCharsets.UTF_8)).toString();
    }

    /** Makes the pools a and b on sparse files below {@code directory}. */
    static void createPools(EngineProcess engine, Path directory, int sizeMb) {
        for (String pool : List.of("a", "b")) {
            String disk = "uring://" + file(directory, pool) + "?create=true&size_mb=" + sizeMb;
            engine.http().put("/v1/pools/" + uuidOf("pool-" + pool), Map.of("name", pool, "disks", List.of(disk)))
                    .expect(201);
        }
    }

    /** Makes a replica of pool {@code pool} and returns its UUID. */
    static String createReplica(EngineProcess engine, String pool, String name, long sizeBytes, boolean thin) {
        String uuid = uuidOf(pool + "/" + name);
        engine.http().put("/v1/replicas/" + uuid,
                Map.of("name", name, "pool", pool, "sizeBytes", sizeBytes, "thin", thin)).expect(201);
        return uuid;
    }

    /** Makes a volume of {@code sizeBytes} (whole MiB) and publishes it to any host. */
    static MirroredVolume create(EngineProcess engine, String name, long sizeBytes) {
        return create(engine, name, sizeBytes, "lvol:///b/" + name);
    }

    /** Like {@link #create}, with a fault bdev named {@link #faultBdev} between nexus and second replica. */
    static MirroredVolume createWithFaultyLeg(EngineProcess engine, String name, long sizeBytes) {
        return create(engine, name, sizeBytes, "fault:///" + name + "-leg?base=lvol:///b/" + name);
    }

    private static MirroredVolume create(EngineProcess engine, String name, long sizeBytes, String secondLeg) {
        createReplica(engine, "a", name, sizeBytes + LABEL_BYTES, false);
        createReplica(engine, "b", name, sizeBytes + LABEL_BYTES, true);
        String path = "/v1/nexuses/" + uuidOf(name);
        engine.http().put(path, Map.of("name", name, "children", List.of("lvol:///a/" + name, secondLeg),
                "sizeBytes", sizeBytes)).expect(201);
        JsonNode published = engine.http().put(path + "/publication", Map.of("allowedHosts", List.of("any")))
                .expect(200).json();
        return new MirroredVolume(engine, name, sizeBytes, published.path("share").path("nqn").asString());
    }

    String uuid() {
        return uuidOf(name);
    }

    String nqn() {
        return nqn;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    String faultBdev() {
        return name + "-leg";
    }

    /** What REST says of the nexus. */
    JsonNode view() {
        return engine.http().get("/v1/nexuses/" + uuid()).expect(200).json();
    }

    String state() {
        return view().path("state").asString();
    }

    void unpublish() {
        engine.http().delete("/v1/nexuses/" + uuid() + "/publication").expect(204);
    }

    /** Waits until REST says of the nexus what {@code condition} wants. */
    void await(String what, Predicate<JsonNode> condition) {
        engine.await("nexus " + name + " " + what, DEADLINE, () -> condition.test(view()));
    }

    /** Waits until hosts have written {@code count} times more than now. */
    void awaitWrites(int count) {
        long target = writes() + count;
        engine.await(count + " writes on " + name, DEADLINE, () -> writes() >= target);
    }

    private long writes() {
        return engine.http().get("/v1/bdevs/" + name).expect(200).json().path("stats").path("writeOps").asLong();
    }

    /**
     * Compares the data areas of both replicas in the pools' files, read by a decoder of our tests; for an engine that
     * has stopped. Returns the first offset in bytes at which they differ, or -1.
     */
    long firstDifference(Path directory) {
        return ReplicaFiles.firstDifference(file(directory, "a"), file(directory, "b"), name, sizeBytes);
    }

    private static Path file(Path directory, String pool) {
        return directory.resolve(pool + ".img");
    }
}
