package io.mizzen.control.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.control.DemoObjects;
import io.mizzen.testsupport.ChildProcess;
import io.mizzen.testsupport.EngineHttp;
import io.mizzen.testsupport.EngineProcess;
import io.mizzen.testsupport.NvmeTcpClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A real Prometheus scrapes the packaged engine under I/O; every panel of every dashboard shows something. */
class PrometheusIT {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final String HOST = "nqn.2014-08.org.nvmexpress:uuid:0a0a0a0a-0000-4000-8000-0000000000f1";
    private static final String NQN = "nqn.2026-11.io.mizzen:" + DemoObjects.NEXUS_UUID;
    private static final int BLOCK_BYTES = 512;
    private static final int SCRAPES_MIN = 6;

    @TempDir
    Path directory;
    private final int prometheusPort = EngineProcess.freePort();

    @Test
    void everyPanelOfEveryDashboardShowsData() throws IOException {
        try (EngineProcess engine = demo(); ChildProcess prometheus = prometheus(engine.restPort())) {
            EngineHttp http = new EngineHttp("http://127.0.0.1:" + prometheusPort, prometheus::output);
            prometheus.await("Prometheus", SOON, () -> isReady(http));
            try (Host host = new Host(engine.nvmfPort())) {
                prometheus.await(SCRAPES_MIN + " scrapes under I/O", SOON, () -> {
                    host.writeAndRead();
                    return value(http, "count_over_time(mizzen_connections[5m])") >= SCRAPES_MIN;
                });
                assertThat(value(http, "mizzen_connections")).isGreaterThanOrEqualTo(2);
                assertThat(value(http, "rate(mizzen_io_operations_total{kind=\"nexus\",name=\"demo\",operation=\"write\"}[10s])"))
                    .isPositive();
                assertThat(value(http, "rate(mizzen_io_bytes_total{kind=\"replica\",name=~\"demo-a/.+\",operation=\"write\"}[10s])"))
                    .isPositive();
                checkDashboards(http);
            }
            checkForm(engine.http().get("/actuator/prometheus").expect(200).text());
            assertThat(engine.terminate()).isZero();
        }
    }

    /** The form must be right for all; advice on names (status 3) is followed for ours, libraries name theirs. */
    private void checkForm(String scrape) throws IOException {
        Path file = directory.resolve("scrape.txt");
        Files.writeString(file, scrape);
        String advice = ChildProcess.run(0, SOON, "bash", "-c", "promtool check metrics < \"$1\" || [ $? = 3 ]", "promtool",
            file.toString());
        assertThat(advice.lines()).allMatch(line -> line.matches("(http|jvm|process|system)_.*"));
    }

    private static void checkDashboards(EngineHttp prometheus) throws IOException {
        Map<String, String> wrong = new TreeMap<>();
        int count = 0;
        try (Stream<Path> files = Files.list(Path.of("grafana", "dashboards"))) {
            for (Path file : files.filter(path -> path.toString().endsWith(".json")).toList()) {
                for (String expression : JsonMapper.shared().readTree(Files.readString(file)).findValuesAsString("expr")) {
                    count++;
                    JsonNode answer = query(prometheus, expression);
                    boolean mayBeEmpty = expression.contains("mizzen_io_errors_total") && expression.endsWith("> 0");
                    if (!"success".equals(answer.path("status").asString())) {
                        wrong.put(file.getFileName() + ": " + expression, answer.path("error").asString());
                    } else if (!mayBeEmpty && answer.path("data").path("result").isEmpty()) {
                        wrong.put(file.getFileName() + ": " + expression, "no data");
                    }
                }
            }
        }
        assertThat(count).isGreaterThan(40);
        assertThat(wrong).isEmpty();
    }

    /** With the variables at "All" and an interval that fits scrapes of a second. */
    private static JsonNode query(EngineHttp prometheus, String expression) {
        String plain = expression.replace("$__rate_interval", "10s").replaceAll("\\$[a-z_]+", ".*");
        return prometheus.get("/api/v1/query?query=" + URLEncoder.encode(plain, StandardCharsets.UTF_8)).json();
    }

    /** The first value, 0 if there is none. */
    private static double value(EngineHttp prometheus, String expression) {
        JsonNode result = query(prometheus, expression).path("data").path("result");
        return result.isEmpty() ? 0 : Double.parseDouble(result.path(0).path("value").path(1).asString());
    }

    private EngineProcess demo() {
        EngineProcess engine = EngineProcess.in(directory).property("spring.profiles.active", "demo")
            .property("mizzen.demo.dir", directory.resolve("disks").toString()).start();
        engine.await("the demo's volume", SOON, () -> engine.http().get("/v1/shares").text().contains(NQN));
        return engine;
    }

    private ChildProcess prometheus(int enginePort) throws IOException {
        Path configuration = directory.resolve("prometheus.yml");
        Files.writeString(configuration, """
            global:
              scrape_interval: 1s
            scrape_configs:
              - job_name: mizzen
                metrics_path: /actuator/prometheus
                static_configs:
                  - targets: ["127.0.0.1:%d"]
            """.formatted(enginePort));
        return ChildProcess.start("prometheus", List.of("prometheus", "--config.file=" + configuration,
            "--storage.tsdb.path=" + directory.resolve("series"), "--web.listen-address=127.0.0.1:" + prometheusPort),
            Map.of(), directory.resolve("prometheus.log"));
    }

    private static boolean isReady(EngineHttp prometheus) {
        try {
            return prometheus.get("/-/ready").status() == 200;
        } catch (UncheckedIOException notListeningYet) {
            return false;
        }
    }

    /** A host that writes and reads. */
    private static final class Host implements AutoCloseable {
        private final NvmeTcpClient admin;
        private final NvmeTcpClient io;
        private long lba;

        Host(int port) {
            InetSocketAddress address = new InetSocketAddress("127.0.0.1", port);
            admin = NvmeTcpClient.open(address).initialize(0, 0, 1);
            NvmeTcpClient.Reply reply = connect(admin, 0, 0xffff);
            admin.enable();
            io = NvmeTcpClient.open(address).initialize(0, 0, 1);
            connect(io, 1, (int) reply.result() & 0xffff);
        }

        private static NvmeTcpClient.Reply connect(NvmeTcpClient client, int queueId, int controllerId) {
            NvmeTcpClient.Reply reply = client.connect(queueId, 32, controllerId, NQN, HOST,
                UUID.fromString("0a0a0a0a-0000-4000-8000-0000000000f1"), 0, 0);
            assertThat(reply.status()).isZero();
            return reply;
        }

        void writeAndRead() {
            lba += 8;
            assertThat(io.write(1, lba, new byte[8 * BLOCK_BYTES], BLOCK_BYTES, true).status()).isZero();
            assertThat(io.read(1, lba, 8, BLOCK_BYTES).status()).isZero();
        }

        @Override
        public void close() {
            io.close();
            admin.close();
        }
    }
}
