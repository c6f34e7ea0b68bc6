package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.HealthState;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What well-formed requests lead to: idempotence, outcomes of the engine, deadlines, foreign web pages. */
class RestTest extends RestTestBase {
    private static final String POOL = "/v1/pools/" + Examples.OWN_POOL_UUID;

    @Test
    void puttingTwiceIsCreatedThenOkAndAnotherSpecificationConflicts() {
        Answer created = put(POOL, Examples.POOL_BODY).expect(201);
        assertThat(created.response().headers().firstValue("Location")).hasValue(POOL);
        assertThat(put(POOL, Examples.POOL_BODY).expect(200).json()).isEqualTo(created.json());
        put(POOL, Examples.POOL_BODY.replace("256", "512")).problem(409, "pool-exists");
        delete(POOL).expect(204);
        delete(POOL).problem(404, "pool-not-found");
    }

    @ParameterizedTest
    @CsvSource({"67108864,67108864", "\"64MiB\",67108864", "\"10GiB\",10737418240", "\"1.5 KiB\",1536", "\"2TB\",2000000000000",
        "\"512\",512"})
    void sizesAreBytesOrText(String given, long sizeBytes) {
        Answer answer = put("/v1/replicas/" + Examples.OWN_REPLICA, "{\"name\":\"r\",\"pool\":\"p\",\"sizeBytes\":" + given
            + "}").expect(201);
        assertThat(answer.json().path("sizeBytes").asLong()).isEqualTo(sizeBytes);
    }

    @ParameterizedTest
    @CsvSource({"INVALID_ARGUMENT,400", "NOT_FOUND,404", "ALREADY_EXISTS,409", "FAILED_PRECONDITION,409",
        "RESOURCE_EXHAUSTED,507", "UNAVAILABLE,503", "TIMEOUT,504", "DATA_LOSS,422", "INTERNAL,500"})
    void everyKindOfFailureHasItsStatus(ErrorKind kind, int status) {
        engine.failing("pools", new OperationException(kind, "some-code", "What to do."));
        assertThat(get("/v1/pools").problem(status, "some-code")).isEqualTo("What to do.");
    }

    @Test
    void aCallWithoutAnAnswerEndsAtItsDeadlineAsUnknownOutcome() {
        engine.hold();
        assertThat(get("/v1/nexuses").problem(504, "deadline-exceeded")).contains("outcome is unknown");
        engine.release();
        get("/v1/nexuses").expect(200);
    }

    @Test
    void timesAreInternetTimes() {
        assertThat(get("/v1/engine").expect(200).json().path("startedAt").asString()).isEqualTo("1970-01-01T00:00:00Z");
    }

    @Test
    void aNameWithSlashesIsOneSegment() {
        post("/v1/bdevs", "{\"uri\": \"uring:////dev/disk/by-id/x\"}").expect(201);
        assertThat(get("/v1/bdevs/%2Fdev%2Fdisk%2Fby-id%2Fx").expect(200).json().path("name").asString())
            .isEqualTo("/dev/disk/by-id/x");
        get("/v1/bdevs/%2Fdev%2Fdisk%2Fby-id%2Fx/channels").expect(200);
        delete("/v1/bdevs/%2Fdev%2Fdisk%2Fby-id%2Fx").expect(204);
    }

    @Test
    void anExportedPoolIsImportedByItsNameAlone() {
        put(POOL, Examples.POOL_BODY).expect(201);
        post(POOL + "/export", "").expect(204);
        get(POOL).problem(404, "pool-not-found");
        post("/v1/pools/" + Examples.OWN_POOL + "/import", "{}").expect(200);
        assertThat(get(POOL).expect(200).json().path("name").asString()).isEqualTo(Examples.OWN_POOL);
        post("/v1/pools/never-seen/import", "{}").problem(400, "disks-needed");
        delete(POOL).expect(204);
    }

    @Test
    void poolsTakeDisksGrowAndAreImportedReadOnly() {
        put(POOL, Examples.POOL_BODY).expect(201);
        assertThat(post(POOL + "/disks", Examples.POOL_DISK_BODY).expect(200).json().path("disks").size()).isEqualTo(2);
        post(POOL + "/disks", "{}").problem(400, "invalid-field");
        post(POOL + "/disks", "{\"disk\": \"  \"}").problem(400, "invalid-field");
        post("/v1/pools/never-seen/disks", Examples.POOL_DISK_BODY).problem(404, "pool-not-found");
        assertThat(post(POOL + "/grow", "").expect(200).json().path("storage").path("joined").asBoolean()).isTrue();
        post("/v1/pools/never-seen/grow", "").problem(404, "pool-not-found");
        post(POOL + "/export", "").expect(204);
        assertThat(post(POOL + "/import", "{\"readOnly\": true}").expect(200).json().path("readOnly").asBoolean()).isTrue();
        post(POOL + "/import", "{\"readOnly\": 1}").problem(400, "wrong-type");
        delete(POOL).expect(204);
        put(POOL, "{\"name\": \"bare\", \"disks\": [\"malloc:///x?size_mb=8\"], \"allowTest\": true}").expect(201);
        post(POOL + "/disks", Examples.POOL_DISK_BODY).problem(409, "pool-not-expandable");
        delete(POOL).expect(204);
        for (String field : List.of("\"metadataPagesPerHundredClusters\": 0", "\"metadataPagesPerHundredClusters\": 10001",
            "\"growableToBytes\": \"much\"", "\"expandable\": \"yes\"")) {
            assertThat(put(POOL, "{\"name\": \"a\", \"disks\": [\"malloc:///x?size_mb=8\"], " + field + "}").status()).as(field).isEqualTo(400);
        }
    }

    @Test
    void replicasAreWipedAndLargePoolsMadeAsJobs() {
        put(POOL, Examples.POOL_BODY).expect(201);
        String replica = "/v1/replicas/" + Examples.OWN_REPLICA;
        put(replica, Examples.REPLICA_BODY).expect(201);
        String id = post(replica + "/wipe", Examples.WIPE_BODY).accepted(this).json().path("id").asString();
        assertThat(get("/v1/jobs/" + id).expect(200).json().path("percent").asInt()).isEqualTo(25);
        delete("/v1/jobs/" + id).expect(200);
        assertThat(get("/v1/jobs").expect(200).json().size()).isPositive();
        get("/v1/jobs/99").problem(404, "job-not-found");
        assertThat(get("/v1/jobs/x").status()).isEqualTo(400);
        assertThat(post(replica + "/wipe", "{\"method\": \"SHRED\"}").status()).isEqualTo(400);
        post(replica + "/wipe", "{}").problem(400, "invalid-field");
        delete(replica).expect(204);
        delete(POOL).expect(204);
        engine.holding("createPool");
        engine.beginPool("pool-create", "huge", Examples.OWN_POOL_UUID);
        put(POOL, "{\"name\": \"huge\", \"disks\": [\"uring:///dev/huge\"]}").accepted(this);
        engine.release();
        delete(POOL).expect(204);
        put(POOL, "{\"name\": \"vast\", \"disks\": [\"uring:///dev/vast\"]}").expect(201);
        post(POOL + "/export", "").expect(204);
        engine.holding("importPool");
        engine.beginPool("pool-import", "vast", Examples.OWN_POOL_UUID);
        var begun = post("/v1/pools/vast/import", "{}").accepted(this);
        String job = begun.response().headers().firstValue("Location").orElseThrow();
        assertThat(get(job).expect(200).json().path("kind").asString()).isEqualTo("pool-import");
        engine.release();
        delete(POOL).expect(204);
    }

    @Test
    void childrenComeAndGoByUriBdevOrUuid() {
        String nexus = "/v1/nexuses/" + Examples.OWN_NEXUS;
        post(nexus + "/children", Examples.CHILD_BODY).problem(404, "nexus-not-found");
        put(nexus, Examples.NEXUS_BODY).expect(201);
        var added = post(nexus + "/children", Examples.CHILD_BODY).accepted(this).json().path("children").get(2);
        String uri = added.path("uri").asString();
        assertThat(added.path("state").asString()).isEqualTo("REBUILDING");
        assertThat(added.path("rebuild").path("percent").asInt()).isEqualTo(60);
        for (String name : List.of(URLEncoder.encode(uri, StandardCharsets.UTF_8), Examples.CHILD,
            added.path("memberUuid").asString(), added.path("replicaUuid").asString())) {
            assertThat(get(nexus + "/children/" + name).expect(200).json().path("uri").asString()).isEqualTo(uri);
        }
        String child = nexus + "/children/" + Examples.CHILD;
        get(child + "/rebuild").expect(200);
        post(child + "/rebuild/start", "").accepted(this);
        post(child + "/rebuild/pause", "").expect(200);
        post(child + "/rebuild/resume", "").expect(200);
        post(child + "/rebuild/stop", "").expect(200);
        assertThat(get(nexus + "/rebuilds").expect(200).json().path("running").size()).isEqualTo(1);
        post(nexus + "/verify", "{}").accepted(this);
        post(child + "/offline", "").expect(200);
        get(child + "/rebuild").problem(404, "rebuild-not-found");
        post(child + "/online", "").accepted(this);
        post(child + "/fault", "").expect(200);
        delete(child).expect(204);
        assertThat(delete(child).problem(404, "child-not-found")).contains("its children are malloc:///example-leg");
        get(child).problem(404, "child-not-found");
        for (String bad : List.of("{}", "{\"uri\": \"\"}", "{\"uri\": 5}", "{\"url\": \"x\"}", "[]", "")) {
            assertThat(post(nexus + "/children", bad).status()).as(bad).isEqualTo(400);
        }
        post("/v1/nexuses/x/children/y/online", "").expect(400);
        post(child + "/rebuild/faster", "").problem(404, "path-not-found");
        put(child, "{}").problem(405, "method-not-allowed");
    }

    @Test
    void aNexusGrowsAndIsShutDown() {
        String nexus = "/v1/nexuses/" + Examples.OWN_NEXUS;
        post(nexus + "/shutdown", "").problem(404, "nexus-not-found");
        put(nexus, Examples.NEXUS_BODY).expect(201);
        assertThat(put(nexus + "/size", Examples.NEXUS_SIZE_BODY).expect(200).json().path("sizeBytes").asLong()).isEqualTo(48 << 20);
        for (String bad : List.of("{}", "{\"sizeBytes\": -1}", "{\"sizeBytes\": \"big\"}", "")) {
            assertThat(put(nexus + "/size", bad).status()).as(bad).isEqualTo(400);
        }
        assertThat(post(nexus + "/shutdown", "").expect(200).json().path("state").asString()).isEqualTo("SHUTDOWN");
        assertThat(post(nexus + "/assembly", "{}").expect(200).json().path("state").asString()).isEqualTo("ONLINE");
    }

    @Test
    void anOpenNexusIsNotAssembledOverOtherChildren() {
        String nexus = "/v1/nexuses/" + Examples.OWN_NEXUS;
        String leg = "\"malloc:///example-leg?size_mb=64\"";
        put(nexus, Examples.NEXUS_BODY).expect(201);
        for (String same : List.of("\"lvol:///example-pool/example-replica\", " + leg, leg + ", \"example-pool/example-replica\"")) {
            assertThat(post(nexus + "/assembly", "{\"children\": [" + same + "]}").expect(200).json().path("children").size()).isEqualTo(2);
        }
        for (String other : List.of(leg, leg + ", \"lvol:///example-pool/example-replica\", \"lvol:///p/more\"", "\"lvol:///p/else\", " + leg)) {
            assertThat(post(nexus + "/assembly", "{\"children\": [" + other + "]}").problem(409, "nexus-exists"))
                .contains("malloc:///example-leg?size_mb=64", "lvol:///example-pool/example-replica", "POST " + nexus + "/children",
                    "POST " + nexus + "/shutdown");
        }
        post(nexus + "/shutdown", "").expect(200);
        post(nexus + "/assembly", "{\"children\": [" + leg + "]}").expect(200);
    }

    /** It is told, but it is shut down: a start that brought it back would take it from whoever has its children by then. */
    @Test
    void aNexusThatIsClosedUncleanIsShutDownToo() {
        String nexus = "/v1/nexuses/" + Examples.OWN_NEXUS;
        put(nexus, Examples.NEXUS_BODY).expect(201);
        engine.failing("closeClean", new OperationException(ErrorKind.UNAVAILABLE, "nexus-closed-unclean", "Made equal later."));
        post(nexus + "/shutdown", "").problem(503, "nexus-closed-unclean");
        engine.clear();
        assertThat(get(nexus).expect(200).json().path("state").asString()).isEqualTo("SHUTDOWN");
        delete(nexus).expect(204);
    }

    /** No body, an empty one, and one that says nothing are the same where a body has nothing that is needed. */
    @ParameterizedTest
    @ValueSource(strings = {"/v1/nexuses/NEXUS/verify", "/v1/nexuses/NEXUS/publication/pause", "/v1/nexuses/NEXUS/assembly",
        "/v1/pools/POOL/import"})
    void aBodyOfWhichNothingIsNeededMayBeLeftOut(String action) {
        String nexus = "/v1/nexuses/" + Examples.OWN_NEXUS;
        put(POOL, Examples.POOL_BODY).expect(201);
        put(nexus, Examples.NEXUS_BODY).expect(201);
        put(nexus + "/publication", Examples.PUBLICATION_BODY).expect(200);
        String path = action.replace("NEXUS", Examples.OWN_NEXUS).replace("POOL", Examples.OWN_POOL);
        JsonNode wanted = JSON.readTree(withoutTimes(post(path, "{}")));
        assertThat(JSON.readTree(withoutTimes(send(request(path).POST(HttpRequest.BodyPublishers.noBody()))))).isEqualTo(wanted);
        assertThat(JSON.readTree(withoutTimes(post(path, "")))).isEqualTo(wanted);
        String operation = action.replace("/NEXUS/", "/{uuid}/").replace("/POOL/", "/{id}/");
        JsonNode body = get("/v3/api-docs").expect(200).json().path("paths").path(operation).path("post").path("requestBody");
        assertThat(body.path("content").isEmpty()).isFalse();
        assertThat(body.path("required").asBoolean(true)).isFalse();
        post(path, "[]").problem(400, "wrong-type");
        delete(nexus + "/publication").expect(204);
        delete(nexus).expect(204);
        delete(POOL).expect(204);
    }

    private static String withoutTimes(Answer answer) {
        assertThat(answer.status()).as(answer.response().body()).isIn(200, 202);
        return answer.response().body().replaceAll("\"20[0-9-]+T[^\"]+Z\"", "null");
    }

    /** A start does not bring it back, but it is not forgotten. */
    @Test
    void aNexusThatWasShutDownBeforeTheStartIsShownAndLeftAlone() {
        String nexus = "/v1/nexuses/" + Examples.OWN_NEXUS;
        put(nexus, Examples.NEXUS_BODY).expect(201);
        put(nexus + "/publication", Examples.PUBLICATION_BODY).expect(200);
        post(nexus + "/shutdown", "").expect(200);
        engine.clear();
        for (Answer answer : List.of(get(nexus), post(nexus + "/shutdown", ""), put(nexus, Examples.NEXUS_BODY))) {
            assertThat(answer.expect(200).json().path("state").asString()).isEqualTo("SHUTDOWN");
            assertThat(answer.json().path("children").path(0).path("state").asString()).isEqualTo("CLOSED");
        }
        assertThat(get("/v1/nexuses").expect(200).json().size()).isEqualTo(1);
        assertThat(put(nexus, Examples.NEXUS_BODY.replace("example", "other")).problem(409, "nexus-exists"))
            .contains("other name (example-nexus)", "POST " + nexus + "/assembly", "another UUID");
        for (Answer answer : List.of(put(nexus + "/size", Examples.NEXUS_SIZE_BODY), put(nexus + "/publication", Examples.PUBLICATION_BODY),
            post(nexus + "/publication/pause", ""), patch(nexus + "/settings", Examples.SETTINGS_BODY), post(nexus + "/verify", ""),
            post(nexus + "/children", Examples.CHILD_BODY), post(nexus + "/children/x/offline", ""))) {
            answer.problem(409, "nexus-shut-down");
        }
        assertThat(engine.calls()).doesNotContain("createNexus", "assembleNexus");
        delete(nexus).problem(409, "nexus-published");
        assertThat(post(nexus + "/assembly", "").expect(200).json().path("share").path("paused").asBoolean(true)).isFalse();
        post(nexus + "/shutdown", "").expect(200);
        engine.clear();
        delete(nexus + "/publication").expect(204);
        delete(nexus + "/publication").expect(204);
        delete(nexus).expect(204);
        get(nexus).problem(404, "nexus-not-found");
    }

    @Test
    void settingsAreChangedOneByOne() {
        String nexus = "/v1/nexuses/" + Examples.OWN_NEXUS;
        put(nexus, Examples.NEXUS_BODY).expect(201);
        var changed = patch(nexus + "/settings", "{\"rebuildBytesPerSecond\": \"1MiB\"}").expect(200).json().path("settings");
        assertThat(changed.path("rebuildBytesPerSecond").asLong()).isEqualTo(1 << 20);
        assertThat(changed.path("freezeTimeoutMs").asLong()).isEqualTo(25_000);
        patch(nexus + "/settings", "{\"rebuildBytesPerSecond\": 0}").expect(200);
        assertThat(patch(nexus + "/settings", "{\"rebuildBytesPerSecond\": 1}").problem(400, "rebuild-rate-too-low"))
            .contains("it must be 1048576 (1 MiB) or more; 0 is no limit");
        for (String bad : List.of("{\"freezeTimeoutMs\": 0}", "{\"freezeTimeoutMs\": 3600001}", "{\"rebuildLatencyFactor\": 0.5}",
            "{\"rebuildBackOff\": \"yes\"}", "{\"rebuildBytesPerSecond\": -1}", "{\"rate\": 1}", "{\"rebuildLatencyFactor\": \"NaN\"}",
            "{\"rebuildBytesPerSecond\": 1}", "{\"rebuildBytesPerSecond\": \"1023KiB\"}", "{\"rebuildFloorBytesPerSecond\": 0}")) {
            assertThat(patch(nexus + "/settings", bad).status()).as(bad).isEqualTo(400);
        }
    }

    @Test
    void limitsAreReplacedAsAWhole() {
        String nexus = "/v1/nexuses/" + Examples.OWN_NEXUS;
        get(nexus + "/limits").problem(404, "nexus-not-found");
        put(nexus, Examples.NEXUS_BODY).expect(201);
        assertThat(get(nexus + "/limits").expect(200).json().path("limits").path("totalOperations").isNull()).isTrue();
        assertThat(put(nexus + "/limits", Examples.LIMITS_BODY).expect(200).json().path("limits").path("writeBytes")
            .path("perSecond").asLong()).isEqualTo(200L << 20);
        assertThat(put(nexus + "/limits", "{\"readOperations\": {\"perSecond\": 5}}").expect(200).json().path("limits")
            .path("writeBytes").isNull()).isTrue();
        assertThat(put(nexus + "/limits", "{\"totalBytes\": {\"perSecond\": \"63KiB\"}}").problem(400, "limit-too-low"))
            .contains("totalBytes: perSecond is 64512; it must be 65536 (64 KiB) or more");
        put(nexus + "/limits", "{\"totalBytes\": {\"perSecond\": \"64KiB\"}}").expect(200);
        for (String bad : List.of("{\"readOperations\": {}}", "{\"readOperations\": 5}", "{\"readBytes\": {\"perSecond\": \"fast\"}}",
            "{\"readOperations\": {\"perSecond\": 0}}", "{\"readOperations\": {\"perSecond\": -1}}", "{\"iops\": 1}", "[]", "",
            "{\"readOperations\": {\"perSecond\": 5, \"burst\": 0}}", "{\"readOperations\": {\"perSecond\": \"10MiB\"}}")) {
            assertThat(put(nexus + "/limits", bad).status()).as(bad).isEqualTo(400);
        }
        delete(nexus + "/limits").expect(204);
        delete(nexus + "/limits").expect(204);
        assertThat(get(nexus + "/limits").expect(200).json().path("limits").path("readOperations").isNull()).isTrue();
        get("/v1/replicas/" + Examples.OWN_REPLICA + "/limits").problem(404, "replica-not-found");
        put("/v1/replicas/" + Examples.OWN_REPLICA + "/limits", Examples.LIMITS_BODY).problem(404, "replica-not-found");
    }

    @Test
    void aPauseIsOfWhatIsPublishedAndHasALimit() {
        String nexus = "/v1/nexuses/" + Examples.OWN_NEXUS;
        put(nexus, Examples.NEXUS_BODY).expect(201);
        post(nexus + "/publication/pause", "{}").problem(409, "not-published");
        post(nexus + "/publication/resume", "").expect(200);
        put(nexus + "/publication", Examples.PUBLICATION_BODY).expect(200);
        var share = post(nexus + "/publication/pause", "{\"atMostSeconds\": 3600}").expect(200).json().path("share");
        assertThat(share.path("paused").asBoolean()).isTrue();
        assertThat(share.path("pausedUntil").asString()).matches("20.*Z");
        for (String bad : List.of("{\"atMostSeconds\": 0}", "{\"atMostSeconds\": 3601}", "{\"atMostSeconds\": \"long\"}", "{\"for\": 1}")) {
            assertThat(post(nexus + "/publication/pause", bad).status()).as(bad).isEqualTo(400);
        }
        assertThat(post(nexus + "/publication/resume", "").expect(200).json().path("share").path("paused").asBoolean()).isFalse();
        post("/v1/nexuses/x/publication/resume", "").expect(400);
    }

    @Test
    void aPoolWithDamagedMasksIsImportedInWordsOnly() {
        put(POOL, Examples.POOL_BODY).expect(201);
        engine.clear();
        engine.failing("importWithMasks", new OperationException(ErrorKind.DATA_LOSS, "pool-mask-mismatch", "Masks."));
        post(POOL + "/import", "{}").problem(422, "pool-mask-mismatch");
        post(POOL + "/import", "{\"rebuildMasks\": \"yes\"}").expect(400);
        post(POOL + "/import", "{\"rebuildMasks\": true}").expect(200);
        delete(POOL).expect(204);
    }

    @Test
    void aNexusWithoutItsNewestMemberIsAssembledInWordsOnly() {
        String nexus = "/v1/nexuses/" + Examples.OWN_NEXUS;
        post(nexus + "/assembly", "{\"allowMissing\": true}").problem(404, "nexus-not-found");
        put(nexus, Examples.NEXUS_BODY).expect(201);
        engine.clear();
        engine.failing("assembleWithAll", new OperationException(ErrorKind.FAILED_PRECONDITION,
            "nexus-newest-generation-missing", "Bring it back, or allow its absence"));
        assertThat(post(nexus + "/assembly", "{}").problem(409, "nexus-newest-generation-missing"))
            .contains("POST " + nexus + "/assembly with {\"allowMissing\": true}");
        post(nexus + "/assembly", "{\"allowMissing\": 1}").expect(400);
        post(nexus + "/assembly", Examples.ASSEMBLY_BODY).expect(200);
        post(nexus + "/assembly", "{}").expect(200);
        delete(nexus).expect(204);
    }

    /** The engine has closed it: a start must not bring it back, whatever is left on its children. */
    @ParameterizedTest
    @CsvSource({"nexus-not-erased,404", "nexus-closed-unclean,404", "nexus-in-use,200"})
    void aNexusThatIsGoneIsForgottenThoughSomethingOfItIsLeft(String code, int status) {
        String nexus = "/v1/nexuses/" + Examples.OWN_NEXUS;
        put(nexus, Examples.NEXUS_BODY).expect(201);
        engine.failing("destroyNexus", new OperationException(ErrorKind.UNAVAILABLE, code, "What is left."));
        delete(nexus).problem(503, code);
        engine.clear();
        post(nexus + "/assembly", "{}").expect(status);
        if (status == 200) {
            delete(nexus).expect(204);
        }
    }

    @Test
    void anotherListOfHostsReplacesTheOldOne() {
        String nexus = "/v1/nexuses/" + Examples.OWN_NEXUS;
        put(nexus, Examples.NEXUS_BODY).expect(201);
        put(nexus + "/publication", Examples.PUBLICATION_BODY).expect(200);
        assertThat(put(nexus + "/publication", Examples.SHARE_BODY).expect(200).json().path("share").path("allowedHosts"))
            .isEqualTo(JSON.readTree(Examples.SHARE_BODY).path("allowedHosts"));
        delete(nexus + "/publication").expect(204);
        delete(nexus).expect(204);
    }

    @Test
    void webPagesOfOtherOriginsCannotCommandTheEngine() {
        send(request(POOL + "/export").header("Origin", "http://evil.example").POST(HttpRequest.BodyPublishers.noBody()))
            .problem(403, "foreign-origin");
        assertThat(engine.calls()).doesNotContain("exportPool");
        send(request("/v1/engine").header("Origin", "http://127.0.0.1:" + port).GET()).expect(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/swagger-ui.html", "/v3/api-docs", "/actuator/health", "/actuator/info",
        "/actuator/prometheus"})
    void documentationAndActuatorAnswer(String path) {
        assertThat(get(path).status()).isIn(200, 302);
    }

    /** A start opens them in any order: what a script compares is the same all the same. */
    @Test
    void listsAreInTheOrderOfNames() {
        for (String name : List.of("b", "a")) {
            post("/v1/pools", "{\"name\": \"" + name + "\", \"disks\": [\"uring:///dev/" + name + "\"]}").expect(201);
            for (String volume : List.of("z", "y")) {
                String made = post("/v1/replicas", "{\"name\": \"" + volume + "\", \"pool\": \"" + name + "\", \"sizeBytes\": \"1MiB\"}").expect(201)
                    .json().path("uuid").asString();
                post("/v1/replicas/" + made + "/snapshots", "{\"name\": \"of-" + volume + "\"}").expect(201);
            }
            post("/v1/nexuses", "{\"name\": \"n-" + name + "\", \"children\": [\"lvol:///" + name + "/z\"]}").expect(201);
        }
        assertThat(get("/v1/pools").expect(200).json().findValuesAsString("name")).containsExactly("a", "b");
        assertThat(get("/v1/nexuses").expect(200).json().valueStream().map(nexus -> nexus.path("name").asString())).containsExactly("n-a", "n-b");
        assertThat(get("/v1/snapshots").expect(200).json().valueStream().map(RestTest::path)).containsExactly("a/of-y", "a/of-z", "b/of-y", "b/of-z");
        assertThat(get("/v1/replicas").expect(200).json().valueStream().map(RestTest::path)).containsExactly("a/y", "a/z", "b/y", "b/z");
    }

    private static String path(JsonNode volume) {
        return volume.path("pool").asString() + '/' + volume.path("name").asString();
    }

    @Test
    void healthSaysWhatItLooksAt() {
        put(POOL, Examples.POOL_BODY).expect(201);
        var details = get("/actuator/health").expect(200).json().path("components").path("engineHealth").path("details");
        assertThat(details.path("memoryKind").asString()).isEqualTo("HUGETLB_2M");
        assertThat(details.path("pools").path(Examples.OWN_POOL).asString()).isEqualTo("ONLINE");
        assertThat(details.path("poolReasons")).isEmpty();
        engine.poolHealth(Examples.OWN_POOL_UUID, HealthState.SUSPECTED, "its disk fails");
        var suspected = get("/actuator/health").expect(200).json();
        details = suspected.path("components").path("engineHealth").path("details");
        assertThat(suspected.path("status").asString()).as("serving, but somebody has to look").isEqualTo("DEGRADED");
        assertThat(details.path("pools").path(Examples.OWN_POOL).asString()).isEqualTo("SUSPECTED");
        assertThat(details.path("poolReasons").path(Examples.OWN_POOL).asString()).isEqualTo("its disk fails");
        engine.poolHealth(Examples.OWN_POOL_UUID, HealthState.ONLINE, null);
        delete(POOL).expect(204);
    }

    @Test
    void whatDestroysMoreThanItNamesSaysSo() {
        put(POOL, Examples.POOL_BODY).expect(201);
        String replica = "/v1/replicas/" + Examples.OWN_REPLICA;
        put(replica, Examples.REPLICA_BODY).expect(201);
        put(replica + "/size", Examples.SIZE_BODY).expect(200);
        put(replica + "/size", "{\"sizeBytes\": \"32MiB\"}").problem(409, "replica-would-shrink");
        put(replica + "/size", "{\"sizeBytes\": \"32MiB\", \"shrink\": false}").problem(409, "replica-would-shrink");
        put(replica + "/size", "{\"sizeBytes\": \"32MiB\", \"shrink\": \"yes\"}").problem(400, "wrong-type");
        assertThat(put(replica + "/size", "{\"sizeBytes\": \"32MiB\", \"shrink\": true}").expect(200).json().path("sizeBytes").asLong())
            .isEqualTo(32 << 20);
        engine.failing("destroyPool", OperationException.precondition("pool-not-empty", "It has a replica."));
        delete(POOL).problem(409, "pool-not-empty");
        delete(POOL + "?withReplicas=false").problem(409, "pool-not-empty");
        delete(POOL + "?withReplicas=maybe").problem(400, "wrong-type");
        delete(POOL + "?withReplicas=true").expect(204);
        delete(POOL + "?withReplicas=true").problem(404, "pool-not-found");
    }

    @Test
    void aReplicaIsMadeIndependentAsAJob() {
        String replica = "/v1/replicas/" + Examples.OWN_REPLICA;
        post(replica + "/inflate", "").problem(404, "replica-not-found");
        put(replica, Examples.REPLICA_BODY).expect(201);
        for (String verb : List.of("inflate", "decouple")) {
            JsonNode job = post(replica + "/" + verb, "").accepted(this).json();
            assertThat(job.path("kind").asString()).isEqualTo("replica-" + verb);
            assertThat(get("/v1/jobs/" + job.path("id").asString()).expect(200).json().path("objectUuid").asString())
                .isEqualTo(Examples.OWN_REPLICA);
        }
    }

    @Test
    void snapshotsAreTakenListedClonedAndDeleted() {
        String replica = "/v1/replicas/" + Examples.OWN_REPLICA;
        put(replica, "{\"name\": \"r\", \"pool\": \"p\", \"sizeBytes\": \"64MiB\"}").expect(201);
        Answer taken = post(replica + "/snapshots", Examples.SNAPSHOT_BODY).expect(201);
        assertThat(taken.response().headers().firstValue("Location")).hasValue("/v1/snapshots/" + Examples.SNAPSHOT);
        post(replica + "/snapshots", Examples.SNAPSHOT_BODY).expect(200);
        assertThat(get("/v1/snapshots").expect(200).json()).hasSize(1);
        assertThat(get("/v1/snapshots?replica=" + Examples.OWN_REPLICA).expect(200).json()).hasSize(1);
        assertThat(get("/v1/snapshots?replica=" + Examples.OWN_CLONE).expect(200).json()).isEmpty();
        assertThat(get("/v1/snapshots/" + Examples.SNAPSHOT).expect(200).json().path("pauseNs").asLong()).isEqualTo(250_000);
        put("/v1/nexuses/" + Examples.NEXUS, "{\"name\": \"n\", \"children\": [\"lvol:///p/r\"]}").expect(201);
        String words = "{\"name\": \"all\", \"transactionId\": \"tx\"}";
        Answer all = post("/v1/nexuses/" + Examples.NEXUS + "/snapshots", words).expect(201);
        assertThat(all.response().headers().firstValue("Location")).hasValue("/v1/snapshots/"
            + all.json().path("snapshots").get(0).path("uuid").asString());
        post("/v1/nexuses/" + Examples.NEXUS + "/snapshots", words).expect(200);
        post("/v1/nexuses/" + Examples.NEXUS + "/rollback", "{\"snapshot\": \"tx\"}").expect(200);
        post("/v1/nexuses/" + Examples.NEXUS + "/rollback", "{\"snapshot\": \"none\"}").problem(404, "snapshot-not-found");
        delete("/v1/nexuses/" + Examples.NEXUS).expect(204);
        Answer clone = post("/v1/snapshots/" + Examples.SNAPSHOT + "/clones", Examples.CLONE_BODY).expect(201);
        assertThat(clone.response().headers().firstValue("Location")).hasValue("/v1/replicas/" + Examples.OWN_CLONE);
        post("/v1/snapshots/" + Examples.SNAPSHOT + "/clones", Examples.CLONE_BODY).expect(200);
        for (String path : List.of(replica + "/snapshots", "/v1/snapshots/" + Examples.SNAPSHOT + "/clones")) {
            String uuid = post(path, "").expect(201).json().path("uuid").asString();
            assertThat(post(path, "{}").expect(201).json().path("uuid").asString()).as("no two are the same").hasSize(36).isNotEqualTo(uuid);
        }
        assertThat(get(replica + "/ranges?from=" + Examples.SNAPSHOT + "&offsetBytes=1048576").expect(200).json().path("ranges").get(0)
            .path("offsetBytes").asLong()).isEqualTo(1 << 20);
        get("/v1/snapshots/" + Examples.SNAPSHOT + "/ranges").expect(200);
        post(replica + "/rollback", Examples.ROLLBACK_BODY).expect(200);
        post(replica + "/inflate", "").accepted(this);
        post(replica + "/decouple", "").accepted(this);
        delete("/v1/snapshots/" + Examples.SNAPSHOT).expect(204);
        delete("/v1/snapshots/" + Examples.OWN_REPLICA).problem(404, "snapshot-not-found");
        get(replica).expect(200);
    }
}
