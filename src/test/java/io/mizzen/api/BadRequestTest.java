package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests wrong in every way: each gets a problem document with a stable code, and nothing reaches the engine. */
class BadRequestTest extends RestTestBase {
    private static final String POOL = "/v1/pools/" + Examples.OWN_POOL_UUID;
    private static final String REPLICA = "/v1/replicas/" + Examples.OWN_REPLICA;

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{\"name\": }", "nonsense", "{\"name\":\"a\",\"name\":\"b\"}"})
    void malformedJsonIsNamed(String body) {
        put(POOL, body).problem(400, "malformed-json");
        nothingReachedTheEngine();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"name\": 7, \"disks\": [\"malloc:///d\"]}                     | wrong-type    | name",
        "{\"name\": \"p\", \"disks\": \"malloc:///d\"}                   | wrong-type    | disks",
        "{\"name\": \"p\", \"disks\": [{\"a\": 1}]}                      | wrong-type    | disks[0]",
        "{\"name\": \"p\", \"disks\": [\"d\"], \"allowTest\": \"yes\"}   | wrong-type    | allowTest",
        "{\"name\": \"p\", \"disks\": [\"d\"], \"allowTest\": \"\"}      | wrong-type    | allowTest",
        "{\"name\": \"p\", \"disks\": [\"d\"], \"allowTest\": \" \"}     | wrong-type    | allowTest",
        "{\"name\": \"p\", \"disks\": [\"d\"], \"clusterSizeBytes\": -1} | wrong-type    | clusterSizeBytes",
        "{\"name\": \"p\", \"disks\": [\"d\"], \"clusterSizeBytes\": 1.5}| wrong-type    | clusterSizeBytes",
        "{\"name\": \"p\", \"disks\": [\"d\"], \"clusterSizeBytes\": true}| wrong-type   | clusterSizeBytes",
        "{\"name\": \"p\", \"disks\": [\"d\"], \"clusterSizeBytes\": 99999999999999999999}| wrong-type | clusterSizeBytes",
        "{\"name\": \"p\", \"disks\": [\"d\"], \"clusterSizeBytes\": \"9EiB\"} | wrong-type | clusterSizeBytes",
        "{\"name\": \"p\", \"disks\": [\"d\"], \"disk\": 1}              | unknown-field | disk",
        "{\"disks\": [\"d\"]}                                            | invalid-field | name",
        "{\"name\": \" \", \"disks\": [\"d\"]}                           | invalid-field | name",
        "{\"name\": \"p\", \"disks\": []}                                | invalid-field | disks",
        "{\"name\": \"p\", \"disks\": [\"\"]}                            | invalid-field | disks[0]",
        "{\"name\": \"p\"}                                               | invalid-field | disks",
        "[1,2                                                            | wrong-type    | body",
        "{\"name\": \"p\", \"disks\": [\"d\"]} {}                         | wrong-type    | body",
        "[]                                                              | wrong-type    | body",
        "\"text\"                                                        | wrong-type    | body"})
    void aWrongFieldIsNamed(String body, String code, String field) {
        Answer answer = put(POOL, body);
        answer.problem(400, code);
        assertThat(answer.json().path("errors").path(0).path("field").asString()).isEqualTo(field);
        assertThat(answer.response().body()).doesNotContain("io.mizzen").doesNotContain("java.");
        nothingReachedTheEngine();
    }

    @Test
    void whatIsWrongIsSaidInWordsOfTheRequest() {
        assertThat(put(POOL, "{\"name\": \"p\"").problem(400, "malformed-json")).contains("(line 1, column 13)")
            .doesNotContain("Source", "start marker", "REDACTED");
        assertThat(put(POOL, "{\"name\": \"p\", \"disks\": [\"d\"").problem(400, "malformed-json")).doesNotContain("Source", "start marker");
        assertThat(post(REPLICA + "/rollback", "").problem(400, "malformed-json")).contains("it must have 'snapshot'");
        assertThat(put(POOL + "/commit-limit", "{\"commitLimitPercent\": 3000000000}").problem(400, "wrong-type")).contains("below 2^31");
        assertThat(put(REPLICA, "{\"sizeBytes\": 99999999999999999999}").problem(400, "wrong-type")).contains("below 2^63");
        nothingReachedTheEngine();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/events?since=%F0%9F", "/v1/snapshots?replica=%FF", "/v1/statistics?kind=%C0%80",
        "/v1/replicas/" + Examples.OWN_REPLICA + "/ranges?limit=%80"})
    void aQueryThatIsNoTextIsRefused(String path) {
        assertThat(get(path).problem(400, "malformed-query")).contains("UTF-8");
        nothingReachedTheEngine();
    }

    @Test
    void whatIsNoObjectOrNoMediaTypeIsSaidSo() {
        assertThat(post("/v1/nexuses/" + Examples.OWN_NEXUS + "/snapshots", "{\"uuids\": []}").problem(400, "wrong-type"))
            .contains("an object is needed").doesNotContain("java");
        assertThat(put("/v1/nexuses/" + Examples.OWN_NEXUS + "/limits", "{\"totalOperations\": {\"perSecond\": \" \"}}")
            .problem(400, "wrong-type")).contains("totalOperations.perSecond", "a whole number is needed");
        assertThat(send(request(POOL).header("Content-Type", "nonsense").PUT(HttpRequest.BodyPublishers.ofString(Examples.POOL_BODY)))
            .problem(415, "unsupported-media-type")).contains("'nonsense'");
        assertThat(get("/v1/pools/%00").problem(400, "bad-request")).contains("malformed");
        nothingReachedTheEngine();
    }

    @Test
    void aNullBodyIsRefused() {
        put(POOL, "null").problem(400, "malformed-json");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"action\": \"EXPLODE\"}", "{\"action\": 1}", "{\"action\": \"ERROR\", \"operation\": \"\"}"})
    void anUnknownWordOfAnEnumerationIsRefused(String body) {
        put("/v1/bdevs/b/faults/f", body).problem(400, "wrong-type");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/pools/not-a-uuid", "/v1/pools/D0000000-0000-4000-8000-0000000000A0",
        "/v1/pools/d0000000-0000-4000-8000-0000000000a", "/v1/pools/1-1-1-1-1", "/v1/pools/%00"})
    void aMalformedUuidIsRefused(String path) {
        assertThat(put(path, Examples.POOL_BODY).status()).isEqualTo(400);
        nothingReachedTheEngine();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/reactors/one", "/v1/reactors/-1", "/v1/reactors/99999999999", "/v1/events?limit=0",
        "/v1/events?limit=x", "/v1/events?since=-5", "/v1/events?kind=A%20B", "/v1/events?objectType=CAT", "/v1/statistics?kind=CAT", "/v1/nexuses/x", "/v1/replicas/x",
        "/v1/snapshots/x", "/v1/snapshots?replica=x", "/v1/replicas/" + Examples.OWN_REPLICA + "/ranges?limit=0",
        "/v1/replicas/" + Examples.OWN_REPLICA + "/ranges?limit=10001", "/v1/replicas/" + Examples.OWN_REPLICA + "/ranges?offsetBytes=-1",
        "/v1/snapshots/" + Examples.SNAPSHOT + "/ranges?from=x"})
    void aParameterOutOfRangeIsRefused(String path) {
        assertThat(get(path).problem(400, get(path).json().path("code").asString())).isNotEmpty();
        nothingReachedTheEngine();
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"uuid\": \"E0000000-0000-4000-8000-0000000000B1\"}", "{\"uuid\": 7}", "{\"nmae\": \"x\"}", "[]"})
    void aMalformedSnapshotOrCloneIsRefused(String body) {
        for (String path : new String[] {REPLICA + "/snapshots", "/v1/snapshots/" + Examples.SNAPSHOT + "/clones"}) {
            assertThat(post(path, body).status()).isEqualTo(400);
        }
        assertThat(post(REPLICA + "/rollback", "{}").status()).isEqualTo(400);
        for (String nothing : List.of("", "{}", "{\"snapshot\": \"\"}", "{\"snapshot\": [1]}", "{\"snapshot\": \"" + "s".repeat(256) + "\"}")) {
            assertThat(post("/v1/nexuses/" + Examples.NEXUS + "/rollback", nothing).status()).isEqualTo(400);
        }
        nothingReachedTheEngine();
    }

    @Test
    void anUnknownPathIsAProblem() {
        get("/v1/nothing").problem(404, "path-not-found");
        get("/").problem(404, "path-not-found");
        get("/actuator/env").problem(404, "path-not-found");
        send(request("/nowhere").header("Accept", "text/html").GET()).problem(404, "path-not-found");
    }

    @Test
    void anUnknownObjectIsAProblem() {
        get(POOL).problem(404, "pool-not-found");
        get(REPLICA).problem(404, "replica-not-found");
        get("/v1/nexuses/" + Examples.OWN_NEXUS).problem(404, "nexus-not-found");
        get("/v1/snapshots/" + Examples.SNAPSHOT).problem(404, "snapshot-not-found");
        get("/v1/snapshots/" + Examples.SNAPSHOT + "/ranges").problem(404, "snapshot-not-found");
        delete("/v1/snapshots/" + Examples.SNAPSHOT).problem(404, "snapshot-not-found");
        post(REPLICA + "/snapshots", Examples.SNAPSHOT_BODY).problem(404, "replica-not-found");
        post("/v1/snapshots/" + Examples.SNAPSHOT + "/clones", Examples.CLONE_BODY).problem(404, "snapshot-not-found");
        post(REPLICA + "/rollback", Examples.ROLLBACK_BODY).problem(404, "snapshot-not-found");
        get("/v1/bdevs/none").problem(404, "bdev-not-found");
        get("/v1/reactors/7").problem(404, "reactor-not-found");
        get("/v1/shares/nqn.2026-11.io.mizzen:x").problem(404, "share-not-found");
        delete(POOL).problem(404, "pool-not-found");
    }

    @Test
    void anotherMethodIsRefusedAndTheAllowedOnesAreNamed() {
        Answer answer = delete("/v1/pools");
        assertThat(answer.problem(405, "method-not-allowed")).contains("GET").contains("POST");
        assertThat(answer.response().headers().firstValue("Allow")).isPresent();
        send(request("/v1/pools").method("BREW", HttpRequest.BodyPublishers.noBody())).problem(400, "request-rejected");
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data"})
    void anotherContentTypeIsRefused(String contentType) {
        send(request(POOL).header("Content-Type", contentType)
            .PUT(HttpRequest.BodyPublishers.ofString(Examples.POOL_BODY))).problem(415, "unsupported-media-type");
        nothingReachedTheEngine();
    }

    @Test
    void aBodyAboveTheLimitIsRefusedWithAndWithoutItsLength() {
        String large = "{\"name\": \"" + "x".repeat(1 << 20) + "\"}";
        put(POOL, large).problem(413, "body-too-large");
        InputStream stream = new ByteArrayInputStream(large.getBytes(StandardCharsets.UTF_8));
        send(request(POOL).header("Content-Type", "application/json")
            .PUT(HttpRequest.BodyPublishers.ofInputStream(() -> stream))).problem(413, "body-too-large");
        nothingReachedTheEngine();
    }

    @Test
    void deepNestingIsRefusedWithoutHarm() {
        String deep = "{\"name\": " + "[".repeat(100_000) + "]".repeat(100_000) + "}";
        assertThat(put(POOL, deep).status()).isEqualTo(400);
        get("/v1/engine").expect(200);
    }

    @Test
    void whatTheWebServerItselfRefusesIsAProblemToo() throws IOException {
        for (String head : new String[] {"GET /v1/pools?x=<> HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            "GET /v1/pools?%zz=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            "GET /v1/../../etc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            "GET /v1/pools;a=b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"}) {
            try (Socket socket = new Socket("127.0.0.1", port)) {
                socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
                String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                assertThat(answer).startsWith("HTTP/1.1 400").contains("application/problem+json").contains("\"code\"")
                    .doesNotContain("<html");
            }
        }
    }

    /** Only what is understood counts: another word may have been meant for anything. */
    @ParameterizedTest
    @ValueSource(strings = {"=yes", "=1", "=on", "=TRUE", "=", "", "=true%20", "=true&withReplicas=false"})
    void aWordThatIsNeitherTrueNorFalseIsRefused(String value) {
        assertThat(delete(POOL + "?withReplicas" + value).problem(400, "wrong-type")).contains("withReplicas", "neither true nor false");
        assertThat(engine.calls()).noneMatch(call -> call.startsWith("destroy"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "GET    | /v1/pools | ?limit=10 | limit | none", "GET | /v1/pools | ?a&limit=10 | a | none",
        "GET    | /v1/events | ?since=0&max=5 | max | since, limit, objectType, object, kind",
        "GET    | /v1/events | ?%73ince=0&since%3d=1 | since= | since, limit, objectType, object, kind",
        "GET    | /v1/snapshots | ?pool=a | pool | replica", "GET | /v1/engine | ?=1 | '' | none",
        "GET    | " + REPLICA + "/ranges | ?offset=5 | offset | from, offsetBytes, limit",
        "DELETE | " + POOL + " | ?withreplicas=true | withreplicas | withReplicas",
        "DELETE | " + REPLICA + " | ?dryRun=true | dryRun | none", "POST | " + POOL + "/export | ?force=true | force | none",
        "POST   | /v1/nexuses/" + Examples.OWN_NEXUS + "/children/x/offline | ?wait=1 | wait | none"})
    void aParameterThatIsNotKnownIsNamedWithThoseThatAre(String method, String path, String query, String name, String known) {
        assertThat(send(request(path + query).method(method, HttpRequest.BodyPublishers.noBody())).problem(400, "unknown-parameter"))
            .contains("'" + name + "'", method + " " + path, known);
        assertThat(engine.calls()).noneMatch(call -> call.matches("(destroy|export|offline).*"));
    }

    @Test
    void aStreamOfEventsTakesNoLimitAndOtherPathsKeepTheirParameters() {
        assertThat(send(request("/v1/events?limit=5").header("Accept", "text/event-stream").GET()).problem(400, "unknown-parameter"))
            .contains("'limit'", "since, objectType, object, kind");
        get("/v1/events?&since=0&").expect(200);
        get("/actuator/health?now").expect(200);
        get("/v3/api-docs?now").expect(200);
        get("/swagger-ui/index.html?now=1").expect(200);
        get("/v1/nothing?now").problem(404, "path-not-found");
    }

    @ParameterizedTest
    @ValueSource(strings = {REPLICA + "/inflate", REPLICA + "/decouple", POOL + "/export", POOL + "/grow", POOL + "/health/clear",
        "/v1/nexuses/" + Examples.OWN_NEXUS + "/shutdown", "/v1/nexuses/" + Examples.OWN_NEXUS + "/publication/resume",
        "/v1/nexuses/" + Examples.OWN_NEXUS + "/children/x/offline", "/v1/devices/0000:01:00.0/unbind"})
    void aBodyWhereNoneIsKnownIsRefused(String path) {
        for (String body : new String[] {"{\"dryRun\": true}", "[]", "null", "{", "x", " ".repeat(100) + "{\"a\": 1}"}) {
            assertThat(post(path, body).problem(400, "unexpected-body")).contains(path);
        }
        assertThat(send(request(path).POST(HttpRequest.BodyPublishers.ofInputStream(() ->
            new ByteArrayInputStream("limit=1".getBytes(StandardCharsets.US_ASCII))))).problem(400, "unexpected-body")).contains(path);
        assertThat(engine.calls()).noneMatch(call -> call.matches("(inflate|export|grow|shutdown|resume|offline|unbind|clear).*"));
        for (String body : new String[] {"", "{}", " {}\n"}) {
            assertThat(post(path, body).status()).isNotEqualTo(400);
        }
    }

    @Test
    void aBodyOfADeletionIsRefusedToo() {
        send(request(POOL).method("DELETE", HttpRequest.BodyPublishers.ofString("{\"withReplicas\": true}")))
            .problem(400, "unexpected-body");
        assertThat(engine.calls()).noneMatch(call -> call.startsWith("destroy"));
    }

    private void nothingReachedTheEngine() {
        assertThat(engine.calls()).noneMatch(call -> call.startsWith("create") || call.startsWith("put"));
    }
}
