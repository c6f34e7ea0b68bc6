package io.mizzen.control.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.mizzen.engine.Engine;
import io.mizzen.engine.SimulatedMachine;
import io.mizzen.engine.model.BdevSpec;
import io.mizzen.engine.model.NexusSpec;
import io.mizzen.engine.model.ShareSpec;
import io.mizzen.nvme.pcie.SimulatedDrive;
import io.mizzen.testsupport.EngineHttp;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real Prometheus scrapes an engine that drives an NVMe drive itself, which is simulated down to its registers. A host writes
 * to a mirror with a leg on it. While all is well no rule on drives raises its alert; each does when its trouble comes. Every panel
 * of the dashboard shows something.
 */
class NvmeDrivesIT {
    static final String RULES = "MizzenNvme";
    static final String DASHBOARD = "drives.json";
    private static final Duration SOON = Duration.ofMinutes(2);
    /** A command that takes longer is aborted. */
    private static final Duration COMMAND_TIMEOUT = Duration.ofSeconds(30);
    private static final long TOO_LONG_NS = 300_000_000_000L;
    private static final int SCRAPES_MIN = 6;
    private static final int WRITES = 24;
    private static final String PATH = "/actuator/prometheus";
    private static final String NEXUS = "0a0a0a0a-0000-4000-8000-0000000000e1";
    private static final String DRIVE = "pcie:///" + SimulatedDrive.ADDRESS;
    private static final Map<String, String> LABELS = Map.of("address", SimulatedDrive.ADDRESS, "serial", "SIM0001");

    @TempDir
    Path directory;

    @Test
    void everyPanelOnDrivesShowsDataAndEveryRuleRaisesItsAlertWhenItShouldAndOnlyThen() throws Exception {
        SimulatedDrive drive = new SimulatedDrive();
        try (drive) {
            Engine engine = SimulatedMachine.engine(drive);
            engine.start();
            HttpServer metrics = serveMetrics(engine);
            String base = "http://127.0.0.1:" + metrics.getAddress().getPort();
            try (PrometheusServer prometheus = PrometheusServer.start(directory, metrics.getAddress().getPort());
                    LoadHost host = new LoadHost(get(engine.info()).listeners().getFirst().port(), createMirror(engine))) {
                runFrom(prometheus, host, drive);
                PrometheusIT.checkForm(directory, new EngineHttp(base, () -> "").get(PATH).expect(200).text());
            } finally {
                metrics.stop(0);
                assertThat(engine.stop(SOON.toNanos()).clean()).isTrue();
            }
        }
        assertThat(drive.violations()).isEmpty();
    }

    private void runFrom(PrometheusServer prometheus, LoadHost host, SimulatedDrive drive) throws IOException {
        AlertWatch watch = new AlertWatch(prometheus, rule -> rule.startsWith(RULES));
        String scrapes = "count_over_time(mizzen_nvme_completions_total[10m])";
        prometheus.await("scrapes under I/O", () -> {
            host.writeAndRead();
            return prometheus.value(scrapes) >= SCRAPES_MIN;
        });
        prometheus.await("scrapes in time", () -> prometheus.value("min_over_time(up{job=\"mizzen\"}[3s])") == 1);
        assertThat(watch.checkWhileWell(9)).as("metrics that rules name and the engine does not have").isEmpty();
        assertThat(watch.emptyQuestions(DASHBOARD::equals, 30)).as("panels without data").isEmpty();
        prometheus.await("a rate of commands", () -> {
            host.writeAndRead();
            return prometheus.value("rate(mizzen_nvme_completions_total[10s])") > 0;
        });
        drive.failOneWrite();
        watch.await("MizzenNvmeErrors", SOON, LABELS, host::writeAndRead);
        prometheus.await("the retry", () -> prometheus.value("mizzen_nvme_retries_total") > 0);
        assertThat(prometheus.value("mizzen_nvme_retries_total")).isEqualTo(1);
        drive.failFatally();
        watch.await("MizzenNvmeResets", SOON, LABELS);
        drive.ageAndTell();
        watch.await("MizzenNvmeCriticalWarning", SOON, Map.of("address", SimulatedDrive.ADDRESS, "warning", "temperature"));
        for (String rule : List.of("MizzenNvmeWorn", "MizzenNvmeMediaErrors", "MizzenNvmeUnsafeShutdown")) {
            watch.await(rule, SOON, LABELS);
        }
        answerNoMore(prometheus, watch, host, drive);
        watch.checkAllRaised(Set.of());
    }

    /** More writes than the queue holds, none of which ends; then the drive is pulled, and they end on the other leg. */
    private static void answerNoMore(PrometheusServer prometheus, AlertWatch watch, LoadHost host, SimulatedDrive drive) {
        host.writeAndRead();        // What these writes need noted has been.
        drive.delayWrites(TOO_LONG_NS);
        int[] writes = IntStream.range(0, WRITES).map(i -> host.beginWrite()).toArray();
        watch.await("MizzenNvmeQueuesFull", SOON, LABELS);
        watch.await("MizzenNvmeTimeouts", COMMAND_TIMEOUT.plus(SOON), LABELS);
        prometheus.await("aborts", () -> prometheus.value("mizzen_nvme_aborts_total") > 0);
        drive.pull();
        watch.await("MizzenNvmeDead", SOON, LABELS);
        for (int write : writes) {
            host.endWrite(write);
        }
    }

    /** Returns the NQN. */
    private static String createMirror(Engine engine) {
        get(engine.createBdev(new BdevSpec(DRIVE)));    // Ours, so that the controller outlives the nexus's use of it.
        get(engine.createNexus(new NexusSpec(NEXUS, "mirror", List.of(DRIVE,
            "malloc:///other?size_mb=" + (SimulatedDrive.SIZE_BYTES >> 20)), 0, null)));
        return get(engine.publishNexus(NEXUS, new ShareSpec(List.of(ShareSpec.ANY_HOST)))).share().nqn();
    }

    private static <T> T get(CompletableFuture<T> answer) {
        return answer.orTimeout(SOON.toSeconds(), TimeUnit.SECONDS).join();
    }

    /** What the application serves under the same path. */
    private static HttpServer serveMetrics(Engine engine) throws IOException {
        EngineCollector collector = new EngineCollector(engine, Map::of, () -> 0);
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(PATH, exchange -> {
            MetricSnapshots snapshots = collector.collect();
            exchange.getResponseHeaders().set("Content-Type", PrometheusTextFormatWriter.CONTENT_TYPE);
            exchange.sendResponseHeaders(200, 0);
            try (OutputStream body = exchange.getResponseBody()) {
                PrometheusTextFormatWriter.create().write(body, snapshots, EscapingScheme.DEFAULT);
            }
        });
        server.start();
        return server;
    }
}
