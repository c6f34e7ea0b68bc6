package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.engine.model.ObjectKind;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Events over a real web server: the list and the stream. */
@Timeout(300)
class EventsRestTest extends RestTestBase {
    private static final HttpClient STREAMS = HttpClient.newHttpClient();

    private long report(String name) {
        engine.report(ObjectKind.POOL, null, name, "pool-created", "made", "pool", name);
        return engine.events(0, Integer.MAX_VALUE).newest();
    }

    private HttpResponse<java.io.InputStream> stream(String query, String lastEventId) throws Exception {
        HttpRequest.Builder request = request("/v1/events" + query).header("Accept", "text/event-stream");
        if (lastEventId != null) {
            request.header("Last-Event-ID", lastEventId);
        }
        return STREAMS.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    }

    private static String until(BufferedReader reader, String end) throws IOException {
        StringBuilder text = new StringBuilder();
        String line;
        do {
            line = reader.readLine();
            text.append(line).append('\n');
        } while (line != null && !line.contains(end));
        return text.toString();
    }

    private static BufferedReader reader(HttpResponse<java.io.InputStream> response) {
        return new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
    }

    @Test
    void theListIsJsonWithStructuredFields() {
        long first = report("list-a");
        report("list-b");
        var json = get("/v1/events?since=" + (first - 1) + "&limit=1").expect(200).json();
        assertThat(json.size()).isEqualTo(1);
        assertThat(json.get(0).path("kind").asString()).isEqualTo("pool-created");
        assertThat(json.get(0).path("objectType").asString()).isEqualTo("POOL");
        assertThat(json.get(0).path("details").path("pool").asString()).isEqualTo("list-a");
        assertThat(json.get(0).path("time").asString()).isEqualTo("1970-01-01T00:00:00Z");
        assertThat(get("/v1/events?object=list-b").expect(200).json().size()).isEqualTo(1);
        assertThat(get("/v1/events?kind=none-such").expect(200).json().size()).isZero();
        send(request("/v1/events").header("Accept", "*/*").GET()).expect(200);
        assertThat(get("/v1/events?limit=5").response().headers().firstValue("Content-Type")).hasValue("application/json");
    }

    @Test
    void theListIsOfTheNewestWithoutAPlaceToGoOnFrom() {
        report("newest-a");
        report("newest-b");
        long last = report("newest-c");
        var json = get("/v1/events?limit=2").expect(200).json();
        assertThat(json.size()).isEqualTo(2);
        assertThat(json.get(0).path("name").asString()).as("oldest first").isEqualTo("newest-b");
        assertThat(json.get(1).path("sequence").asLong()).isEqualTo(last);
        assertThat(get("/v1/events?limit=1&object=newest-a").expect(200).json().get(0).path("name").asString()).isEqualTo("newest-a");
        assertThat(get("/v1/events?since=0&limit=1").expect(200).json().get(0).path("sequence").asLong()).isLessThan(last - 1);
    }

    @Test
    void theStreamFollowsAndResumes() throws Exception {
        report("before");
        HttpResponse<java.io.InputStream> response = stream("", null);
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type").orElseThrow()).startsWith("text/event-stream");
        long second;
        try (BufferedReader reader = reader(response)) {
            until(reader, "id: ");
            long first = report("live-1");
            second = report("live-2");
            String text = until(reader, "live-2");
            assertThat(text).contains("event: pool-created\nid: " + first + "\ndata: {").doesNotContain("before");
        }
        report("live-3");
        try (BufferedReader reader = reader(stream("", Long.toString(second)))) {
            assertThat(until(reader, "live-3")).doesNotContain("live-2");
        }
        try (BufferedReader reader = reader(stream("?since=0&object=live-1", null))) {
            assertThat(until(reader, "live-1")).doesNotContain("before");
        }
    }

    @Test
    void badStreamsAreRefusedAsProblems() throws Exception {
        for (String id : List.of("x", "-1", "99999999999999999999")) {
            assertThat(new String(stream("", id).body().readAllBytes(), StandardCharsets.UTF_8)).contains("invalid-last-event-id");
        }
        HttpResponse<java.io.InputStream> refused = stream("?since=-1", null);
        assertThat(refused.statusCode()).isEqualTo(400);
        assertThat(refused.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        assertThat(send(request("/v1/events").header("Accept", "text/event-stream").method("HEAD",
            HttpRequest.BodyPublishers.noBody())).status()).isEqualTo(200);
    }

    @Test
    void thereAreOnlySoManyStreamsAndTheirPlacesComeBack() throws Exception {
        List<HttpResponse<java.io.InputStream>> open = new ArrayList<>();
        HttpResponse<java.io.InputStream> last;
        while ((last = stream("", null)).statusCode() == 200) {
            open.add(last);
        }
        assertThat(open.size()).isBetween(EventStreams.STREAMS_MAX - 5, EventStreams.STREAMS_MAX);
        assertThat(new String(last.body().readAllBytes(), StandardCharsets.UTF_8)).contains("too-many-streams");
        for (HttpResponse<java.io.InputStream> response : open) {
            response.body().close();
        }
        int status;
        do {
            report("wake");     // A write shows that the reader has gone.
            HttpResponse<java.io.InputStream> again = stream("", null);
            status = again.statusCode();
            again.body().close();
        } while (status != 200);
    }
}
