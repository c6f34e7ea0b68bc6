package io.mizzen.control.metrics;

import io.mizzen.testsupport.ChildProcess;
import io.mizzen.testsupport.EngineHttp;
import io.mizzen.testsupport.EngineProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;

/** A real Prometheus with the alert rules, which scrapes one engine every second. */
final class PrometheusServer implements AutoCloseable {
    private static final Duration SOON = Duration.ofMinutes(2);
    private static final Path RULES = Path.of("prometheus", "rules", "*.yml").toAbsolutePath();
    private final ChildProcess process;
    private final EngineHttp http;

    private PrometheusServer(ChildProcess process, EngineHttp http) {
        this.process = process;
        this.http = http;
    }

    static PrometheusServer start(Path directory, int enginePort) throws IOException {
        int port = EngineProcess.freePort();
        Path configuration = directory.resolve("prometheus.yml");
        Files.writeString(configuration, """
            global:
              scrape_interval: 1s
              evaluation_interval: 1s
            rule_files: ["%s"]
            scrape_configs:
              - job_name: mizzen
                metrics_path: /actuator/prometheus
                static_configs:
                  - targets: ["127.0.0.1:%d"]
            """.formatted(RULES, enginePort));
        ChildProcess process = ChildProcess.start("prometheus", List.of("prometheus", "--config.file=" + configuration,
            "--storage.tsdb.path=" + directory.resolve("series"), "--web.listen-address=127.0.0.1:" + port), Map.of(),
            directory.resolve("prometheus.log"));
        PrometheusServer server = new PrometheusServer(process, new EngineHttp("http://127.0.0.1:" + port, process::output));
        server.await("Prometheus", server::isReady);
        return server;
    }

    private boolean isReady() {
        try {
            return http.get("/-/ready").status() == 200;
        } catch (UncheckedIOException notListeningYet) {
            return false;
        }
    }

    void await(String what, ChildProcess.Condition condition) {
        await(what, SOON, condition);
    }

    void await(String what, Duration longest, ChildProcess.Condition condition) {
        process.await(what, longest, condition);
    }

    /** The series of an expression; an expression that Prometheus refuses fails the test. */
    List<JsonNode> query(String expression) {
        JsonNode answer = http.get("/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8)).json();
        if (!"success".equals(answer.path("status").asString())) {
            throw new AssertionError(expression + ": " + answer.path("error").asString());
        }
        return elements(answer.path("data").path("result"));
    }

    /** Whether a series of the expression has a number. */
    boolean hasData(String expression) {
        return query(expression).stream().anyMatch(series -> !"NaN".equals(series.path("value").path(1).asString()));
    }

    /** The first value, 0 if there is none. */
    double value(String expression) {
        List<JsonNode> result = query(expression);
        return result.isEmpty() ? 0 : Double.parseDouble(result.getFirst().path("value").path(1).asString());
    }

    /** Every alert rule, as Prometheus sees it now. */
    List<JsonNode> rules() {
        return elements(http.get("/api/v1/rules?type=alert").expect(200).json().path("data").path("groups")).stream()
            .flatMap(group -> elements(group.path("rules")).stream()).toList();
    }

    /** The alerts of a rule, pending ones too. */
    List<JsonNode> alerts(String rule) {
        return rules().stream().filter(each -> rule.equals(each.path("name").asString()))
            .flatMap(each -> elements(each.path("alerts")).stream()).toList();
    }

    private static List<JsonNode> elements(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).toList();
    }

    @Override
    public void close() {
        process.close();
    }
}
