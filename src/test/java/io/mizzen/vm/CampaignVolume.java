package io.mizzen.vm;

import io.mizzen.testsupport.EngineProcess;
import java.net.URLEncoder;
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
    private static final Duration DEADLINE = Duration.ofSeconds(120);
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

    /** Takes a child out. */
    void fault(String leg) {
        engine.http().post(PATH + "/children/" + URLEncoder.encode(uri(leg), StandardCharsets.UTF_8) + "/fault", Map.of())
                .expect(200);
    }

    /** The leg's next {@code count} operations of this kind fail. */
    void fail(String leg, String operation, int count) {
        putFault(leg, Map.of("operation", operation, "action", "ERROR", "count", count));
    }

    /** The leg's next {@code count} operations take {@code delayMs} longer. */
    void slow(String leg, int delayMs, int count) {
        putFault(leg, Map.of("operation", "ANY", "action", "DELAY", "delayNs", delayMs * 1_000_000L,
                "count", count));
    }

    private void putFault(String leg, Map<String, Object> rule) {
        faulty = leg;
        engine.http().put("/v1/bdevs/leg-" + leg + "/faults/campaign", rule).expect(200, 201);
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
