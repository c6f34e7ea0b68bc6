package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.control.DemoObjects;
import io.mizzen.testsupport.EngineHttp;
import io.mizzen.testsupport.EngineProcess;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Every example of the documentation, sent as it stands to a running demo, in an order in which they make sense. */
class ExamplesIT {
    private static final List<String> ORDER = List.of("getEngine", "listReactors", "getReactor", "getMemory", "listStatistics",
        "listEvents", "listDevices", "getDevice", "bindDevice", "unbindDevice", "createBdev", "listBdevs", "getBdev", "listBdevChannels", "rescanBdev", "putFault", "listFaults",
        "deleteFault", "destroyBdev", "putPool", "createPool", "listPools", "getPool", "setPoolCommitLimit", "addPoolDisk", "growPool", "clearPoolHealth", "importPool", "exportPool",
        "putReplica", "createReplica", "listReplicas", "getReplica", "resizeReplica", "wipeReplica", "listJobs", "getJob", "cancelJob", "shareReplica", "unshareReplica",
        "createSnapshot", "listSnapshots", "getSnapshot", "cloneSnapshot", "listReplicaRanges", "listSnapshotRanges", "rollbackReplica",
        "inflateReplica", "decoupleReplica",
        "putNexus", "createNexus", "listNexuses", "getNexus", "createNexusSnapshot",
        "changeNexusSettings", "addChild", "listChildren", "getChild", "getRebuild", "pauseRebuild", "resumeRebuild", "stopRebuild",
        "startRebuild", "listRebuilds", "verifyNexus", "offlineChild", "onlineChild", "faultChild", "removeChild", "publishNexus", "resizeNexus",
        "shutdownNexus", "assembleNexus",
        "setNexusLimits", "getNexusLimits",
        "removeNexusLimits", "pausePublication", "resumePublication", "setReplicaLimits", "getReplicaLimits", "removeReplicaLimits",
        "listShares", "getShare", "listHosts", "listConnections", "unpublishNexus", "rollbackNexus", "destroyNexus", "destroySnapshot", "destroyReplica",
        "destroyPool");

    /** They name a drive that few machines have: where it is not there they say so. */
    private static final Set<String> OF_A_DRIVE = Set.of("getDevice", "bindDevice", "unbindDevice");

    private record Example(String method, String path, JsonNode operation) {
    }

    @Test
    void everyExampleWorksAsItStands(@TempDir Path directory) {
        try (EngineProcess engine = EngineProcess.in(directory).property("spring.profiles.active", "demo")
            .property("mizzen.demo.dir", directory.resolve("disks").toString()).start()) {
            EngineHttp http = engine.http();
            engine.await("the demo's volume", Duration.ofMinutes(10),
                () -> http.get("/v1/shares").text().contains(DemoObjects.NEXUS_UUID));
            Map<String, Example> examples = new LinkedHashMap<>();
            http.get("/v3/api-docs").expect(200).json().path("paths").properties().forEach(path ->
                path.getValue().properties().forEach(method -> examples.put(
                    method.getValue().path("operationId").asString(),
                    new Example(method.getKey().toUpperCase(Locale.ROOT), path.getKey(), method.getValue()))));
            assertThat(ORDER).containsExactlyInAnyOrderElementsOf(examples.keySet());
            ORDER.forEach(name -> send(http, examples.get(name)));
            engine.stopCleanly();
        }
    }

    /** A pool of which something is to be rescued: everything in it can be read, and served for reading; nothing changes it. */
    @Test
    void whatIsOpenedToBeReadRefusesToBeChanged(@TempDir Path directory) {
        try (EngineProcess engine = EngineProcess.in(directory).start()) {
            EngineHttp http = engine.http();
            String pool = "/v1/pools/example-pool";
            String replica = "/v1/replicas/" + Examples.OWN_REPLICA;
            http.put("/v1/pools/" + Examples.OWN_POOL_UUID, Map.of("name", "example-pool", "disks",
                List.of("uring://" + directory.resolve("disk.img") + "?create=true&size_mb=256"))).expect(201);
            http.put(replica, Examples.REPLICA_BODY).expect(201);
            http.post(replica + "/snapshots", Examples.SNAPSHOT_BODY).expect(201);
            http.post(pool + "/export", null).expect(204);
            assertThat(http.post(pool + "/import", Examples.READ_ONLY_IMPORT_BODY).expect(200).json().path("readOnly").asBoolean()).isTrue();
            for (String served : List.of(Examples.OWN_REPLICA, Examples.SNAPSHOT)) {
                assertThat(http.put("/v1/replicas/" + served + "/share", Examples.SHARE_BODY).expect(200).json().path("share").path("readOnly")
                    .asBoolean()).isTrue();
            }
            assertThat(http.get(replica + "/ranges").expect(200).json().path("sizeBytes").asLong()).isEqualTo(64 << 20);
            refused(http, "POST", "/v1/replicas", Examples.REPLICA_POST_BODY);
            refused(http, "PUT", replica + "/size", Examples.SIZE_BODY);
            refused(http, "POST", replica + "/snapshots", "{\"name\": \"late\"}");
            refused(http, "POST", "/v1/snapshots/" + Examples.SNAPSHOT + "/clones", Examples.CLONE_BODY);
            refused(http, "PUT", pool + "/commit-limit", Examples.COMMIT_LIMIT_BODY);
            http.send("POST", pool + "/export", null).expect(409);      // It is served.
            for (String served : List.of(Examples.OWN_REPLICA, Examples.SNAPSHOT)) {
                http.delete("/v1/replicas/" + served + "/share").expect(204);
            }
            refused(http, "DELETE", "/v1/snapshots/" + Examples.SNAPSHOT, null);
            refused(http, "DELETE", pool + "?withReplicas=true", null);
            http.post(pool + "/export", null).expect(204);
            assertThat(http.post(pool + "/import", Examples.IMPORT_BODY).expect(200).json().path("readOnly").asBoolean()).isFalse();
            http.put(replica + "/size", Examples.SIZE_BODY).expect(200);
            engine.stopCleanly();
        }
    }

    private static void refused(EngineHttp http, String method, String path, String body) {
        assertThat(http.send(method, path, body).expect(409).json().path("code").asString()).as(method + " " + path)
            .isEqualTo("pool-read-only");
    }

    private static void send(EngineHttp http, Example example) {
        String path = example.path();
        StringBuilder query = new StringBuilder();
        for (JsonNode parameter : example.operation().path("parameters")) {
            String value = URLEncoder.encode(parameter.path("example").asString(), StandardCharsets.UTF_8);
            String name = parameter.path("name").asString();
            if ("path".equals(parameter.path("in").asString())) {
                path = path.replace("{" + name + "}", value);
            } else {
                query.append(query.isEmpty() ? "?" : "&").append(name).append('=').append(value);
            }
        }
        JsonNode body = example.operation().path("requestBody").path("content").path("application/json").path("example");
        var answer = http.send(example.method(), path + query, body.isMissingNode() ? null : body.toString());
        if (OF_A_DRIVE.contains(example.operation().path("operationId").asString())) {
            answer.expect(404);
        } else {
            answer.expect(200, 201, 202, 204);
        }
    }
}
