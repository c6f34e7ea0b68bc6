package io.mizzen.vm;

import io.mizzen.testsupport.EngineHttp;
import io.mizzen.testsupport.EngineProcess;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;

/**
 * A published nexus with children out of four legs. A leg is a replica on a pool of its own (a to d; that of "a" is
 * thick, the others thin) below a fault bdev. The first three are the children at first.
 */
final class CampaignVolume {
    static final List<String> LEGS = List.of("a", "b", "c", "d");
    static final int CHILDREN = 3;
    private static final Duration DEADLINE = Duration.ofMinutes(10);
    private static final String NAME = "campaign";
    private static final int POOL_MIB = 192;
    private static final long LABEL_BYTES = 8L << 20;
    private static final String PATH = "/v1/nexuses/" + uuidOf(NAME);

    private final EngineProcess engine;
    private final Path directory;
    private final long sizeBytes;
    private final String nqn;
    /** The leg with a rule, or null. */
    private String faulty;

    /** Creates it; {@code sizeBytes} is a whole number of MiB. */
    CampaignVolume(EngineProcess engine, Path directory, long sizeBytes) {
        this.engine = engine;
        this.directory = directory;
        this.sizeBytes = sizeBytes;
        for (String leg : LEGS) {
            engine.http().put("/v1/pools/" + uuidOf("pool-" + leg), Map.of("name", leg, "disks",
                    List.of("uring://" + file(leg) + "?create=true&size_mb=" + POOL_MIB))).expect(201);
            engine.http().put("/v1/replicas/" + uuidOf(leg), Map.of("name", NAME, "pool", leg, "sizeBytes",
                    sizeBytes + LABEL_BYTES, "thin", !leg.equals("a"))).expect(201);
        }
        engine.http().put(PATH, Map.of("name", NAME, "children", LEGS.stream().limit(CHILDREN).map(CampaignVolume::uri)
                .toList(), "sizeBytes", sizeBytes)).expect(201);
        nqn = engine.http().put(PATH + "/publication", Map.of("allowedHosts", List.of("any"))).expect(200).json()
                .path("share").path("nqn").asString();
    }

    private static String uuidOf(String what) {
        return UUID.nameUUIDFromBytes(what.getBytes(StandardCharsets.UTF_8)).toString();
    }

    private static String uri(String leg) {
        return "fault:///leg-" + leg + "?base=lvol:///" + leg + "/" + NAME;
    }

    String nqn() {
        return nqn;
    }

    /** What REST says of the nexus. */
    JsonNode view() {
        return engine.http().get(PATH).expect(200).json();
    }

    /** Waits until REST says of the nexus what {@code condition} wants. */
    void await(String what, Predicate<JsonNode> condition) {
        engine.await(what, DEADLINE, () -> condition.test(view()));
    }

    /** Waits until hosts have written {@code count} times more than now. */
    void awaitWrites(int count) {
        long target = writes() + count;
        engine.await(count + " writes", DEADLINE, () -> writes() >= target);
    }

    private long writes() {
        return engine.http().get("/v1/bdevs/" + NAME).expect(200).json().path("stats").path("writeOps").asLong();
    }

    static Stream<JsonNode> children(JsonNode view) {
        return StreamSupport.stream(view.path("children").spliterator(), false);
    }

    /** The legs of the children for which {@code condition} holds. */
    static List<String> legs(JsonNode view, Predicate<JsonNode> condition) {
        return children(view).filter(condition).map(child -> legOf(child)).toList();
    }

    private static String legOf(JsonNode child) {
        String uri = child.path("uri").asString();
        return LEGS.stream().filter(leg -> uri(leg).equals(uri)).findFirst()
                .orElseThrow(() -> new AssertionError("unknown child " + child));
    }

    static boolean isHealthy(JsonNode child) {
        return child.path("healthy").asBoolean();
    }

    /** Whether the child gets writes and is not read yet. */
    static boolean isComing(JsonNode child) {
        return child.path("state").asString().equals("REBUILDING");
    }

    int fault(String leg) {
        return order(leg, "/fault");
    }

    int offline(String leg) {
        return order(leg, "/offline");
    }

    int online(String leg) {
        return order(leg, "/online");
    }

    int add(String leg) {
        return done(engine.http().post(PATH + "/children", Map.of("uri", uri(leg))));
    }

    int remove(String leg) {
        return done(engine.http().delete(PATH + "/children/" + member(leg)));
    }

    /** PAUSE, RESUME, START and STOP, in small letters. */
    int rebuild(String leg, String order) {
        return order(leg, "/rebuild/" + order);
    }

    /** Compares the child with another one. */
    int verify(String leg) {
        return done(engine.http().post(PATH + "/verify", Map.of("child", member(leg))));
    }

    /** What rebuilds may copy a second; 0: no limit. */
    int limitRebuilds(int mibPerSecond) {
        return done(engine.http().patch(PATH + "/settings", Map.of("rebuildBytesPerSecond", (long) mibPerSecond << 20)));
    }

    private int order(String leg, String order) {
        return done(engine.http().send("POST", PATH + "/children/" + member(leg) + order, null));
    }

    /** The UUID that names the leg among the children. */
    private String member(String leg) {
        return children(view()).filter(child -> legOf(child).equals(leg)).findFirst().orElseThrow()
                .path("memberUuid").asString();
    }

    /** Done, or refused because of what has happened meanwhile: a child that failed by itself, a rebuild that has ended. */
    private static int done(EngineHttp.Response response) {
        return response.expect(200, 202, 204, 404, 409).status();
    }

    /** Bytes in which verifications have found children to differ, since the engine's start. */
    long differentBytes() {
        return StreamSupport.stream(engine.http().get(PATH + "/rebuilds").expect(200).json().path("history").spliterator(), false)
                .filter(record -> record.path("kind").asString().equals("VERIFY"))
                .mapToLong(record -> record.path("differentBytes").asLong()).sum();
    }

    /** The leg's next {@code count} operations of this kind fail. */
    int fail(String leg, String operation, int count) {
        return putFault(leg, Map.of("operation", operation, "action", "ERROR", "count", count));
    }

    /** The leg's next {@code count} operations take {@code delayMs} longer. */
    int slow(String leg, int delayMs, int count) {
        return putFault(leg, Map.of("operation", "ANY", "action", "DELAY", "delayNs", delayMs * 1_000_000L,
                "count", count));
    }

    private int putFault(String leg, Map<String, Object> rule) {
        faulty = leg;
        return engine.http().put("/v1/bdevs/leg-" + leg + "/faults/campaign", rule).expect(200, 201, 404).status();
    }

    /** Nothing fails or is slow any more. */
    void clearFaults() {
        if (faulty != null) {
            engine.http().delete("/v1/bdevs/leg-" + faulty + "/faults/campaign").expect(204, 404);
            faulty = null;
        }
    }

    /** Compares the data of the legs; for an engine that has stopped. Returns a sentence on the first difference, or null. */
    String difference(List<String> legs) {
        for (String other : legs.subList(1, legs.size())) {
            long at = ReplicaFiles.firstDifference(file(legs.getFirst()), file(other), NAME, sizeBytes);
            if (at >= 0) {
                return "legs " + legs.getFirst() + " and " + other + " differ at byte " + at;
            }
        }
        return null;
    }

    private Path file(String leg) {
        return directory.resolve(leg + ".img");
    }
}
