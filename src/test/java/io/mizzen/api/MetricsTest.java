package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.control.FakeEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The Prometheus scrape: values, units, series that go with their object, and everything that a dashboard asks for. */
class MetricsTest extends RestTestBase {
    private static final Pattern METRIC = Pattern.compile("\\b(mizzen|jvm|process|http|system)_[a-z0-9_]+\\b");
    private static final Pattern TYPE = Pattern.compile("^# TYPE (mizzen_[a-z0-9_]+) ", Pattern.MULTILINE);
    private static final String NEXUS = "/v1/nexuses/" + Examples.OWN_NEXUS;
    private static final String SERIES = "kind=\"nexus\",name=\"example-nexus\",operation=";

    @Test
    void countersOfCoresAndVolumesHaveBaseUnits() {
        put(NEXUS, Examples.NEXUS_BODY).expect(201);
        String scrape = scrape();
        assertThat(scrape).contains("mizzen_reactor_busy_seconds_total{core=\"0\"} 2.0\n",
            "mizzen_reactor_sleep_seconds_total{core=\"0\"} 9.0\n", "mizzen_ring_submissions_total{core=\"0\"} 40.0\n",
            "mizzen_io_bytes_total{" + SERIES + "\"read\",uuid=\"" + Examples.OWN_NEXUS + "\"} 12288.0\n",
            "mizzen_io_errors_total{" + SERIES + "\"read\",uuid=\"" + Examples.OWN_NEXUS + "\"} 1.0\n",
            "mizzen_nexus_healthy_children{name=\"example-nexus\"",
            "mizzen_events_total{kind=\"child-faulted\",severity=\"warning\"} 3.0\n");
        delete(NEXUS).expect(204);
    }

    @Test
    void theLatencyHistogramIsCumulativeOverPowersOfTwo() {
        put(NEXUS, Examples.NEXUS_BODY).expect(201);
        List<String> buckets = scrape().lines().filter(line -> line.startsWith("mizzen_io_latency_seconds_bucket{kind=\"nexus\"")
            && line.contains("operation=\"read\"")).toList();
        assertThat(buckets).hasSize(23);
        assertThat(buckets.get(0)).contains("le=\"4.096E-6\"").endsWith(" 2");
        assertThat(buckets.get(2)).contains("le=\"1.6384E-5\"").endsWith(" 2");
        assertThat(buckets.get(3)).endsWith(" 3");
        assertThat(buckets.getLast()).contains("le=\"+Inf\"").endsWith(" 3");
        assertThat(scrape()).contains("mizzen_io_latency_seconds_sum{" + SERIES + "\"read\",uuid=\"" + Examples.OWN_NEXUS
            + "\"} 1.5E-5");
        delete(NEXUS).expect(204);
    }

    @Test
    void drivesThatTheEngineDrivesTellOfTheirHealthAndGoWithIt() {
        assertThat(scrape()).as("the kernel's").contains("mizzen_nvme_temperature_celsius").doesNotContain("mizzen_nvme_state");
        post("/v1/devices/" + FakeEngine.DEVICE + "/bind", "{\"driver\": \"vfio-pci\"}").expect(200);
        String labels = "{address=\"" + FakeEngine.DEVICE + "\",model=\"drive\",serial=\"S1\"}";
        assertThat(scrape()).contains("mizzen_nvme_state{address=\"" + FakeEngine.DEVICE
            + "\",model=\"drive\",serial=\"S1\",state=\"ready\"} 1.0\n", "mizzen_nvme_resets_total" + labels + " 2.0\n",
            "mizzen_nvme_temperature_celsius" + labels + " 81.0\n", "mizzen_nvme_used_ratio" + labels + " 0.03\n",
            "mizzen_nvme_host_written_bytes_total" + labels + " 1024000.0\n",
            "mizzen_nvme_doorbells_total{address=\"" + FakeEngine.DEVICE + "\",kind=\"submission\"");
        post("/v1/devices/" + FakeEngine.DEVICE + "/unbind", "").expect(204);
        assertThat(scrape()).as("the kernel's again").doesNotContain("mizzen_nvme_state").doesNotContain("mizzen_nvme_resets_total");
    }

    @Test
    void seriesGoWithTheirObject() {
        put(NEXUS, Examples.NEXUS_BODY).expect(201);
        assertThat(scrape()).contains(SERIES);
        delete(NEXUS).expect(204);
        assertThat(scrape()).doesNotContain(SERIES).doesNotContain("example-nexus");
    }

    @Test
    void aScrapeAnswersWhileTheControlReactorDoesNot() {
        engine.hold();
        assertThat(scrape()).contains("mizzen_reactor_turns_total").doesNotContain("mizzen_pool_online", "mizzen_pool_volumes");
        engine.release();
    }

    @Test
    void everyMetricOfADashboardExists() throws IOException {
        String scrape = scrapeOfEverything();
        Set<String> missing = new TreeSet<>();
        for (Path dashboard : dashboards()) {
            JSON.readTree(Files.readString(dashboard)).findValuesAsString("expr").forEach(expression -> {
                Matcher matcher = METRIC.matcher(expression.replaceAll("\"[^\"]*\"", ""));
                boolean found = expression.contains("ALERTS");  // Prometheus's own.
                while (matcher.find()) {
                    found = true;
                    if (!Pattern.compile("^" + matcher.group() + "[{ ]", Pattern.MULTILINE).matcher(scrape).find()) {
                        missing.add(dashboard.getFileName() + ": " + matcher.group());
                    }
                }
                assertThat(found).as(expression).isTrue();
            });
        }
        assertThat(missing).isEmpty();
    }

    @Test
    void everyMetricOfOursIsShownOrWatched() throws IOException {
        Set<String> unseen = new TreeSet<>();
        TYPE.matcher(scrapeOfEverything()).results().forEach(family -> unseen.add(family.group(1)));
        assertThat(unseen).contains("mizzen_replica_allocated_bytes", "mizzen_pool_volumes", "mizzen_io_latency_seconds");
        for (Path dashboard : dashboards()) {
            String expressions = String.join("\n", JSON.readTree(Files.readString(dashboard)).findValuesAsString("expr"));
            unseen.removeIf(metric -> isUsed(metric, expressions));
        }
        String rules = Files.readString(Path.of("prometheus", "rules", "mizzen.yml"));
        unseen.removeIf(metric -> isUsed(metric, rules));
        assertThat(unseen).isEmpty();
    }

    private static boolean isUsed(String metric, String expressions) {
        return Pattern.compile("\\b" + metric + "(_bucket|_sum|_count)?\\b").matcher(expressions).find();
    }

    private static List<Path> dashboards() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("grafana", "dashboards"))) {
            return files.filter(file -> file.toString().endsWith(".json")).toList();
        }
    }

    /** While there is one object of each kind. */
    private String scrapeOfEverything() {
        put(NEXUS, Examples.NEXUS_BODY).expect(201);
        put(NEXUS + "/limits", Examples.LIMITS_BODY).expect(200);
        post(NEXUS + "/children", Examples.CHILD_BODY).expect(202);      // Something is copied now.
        put("/v1/pools/" + Examples.OWN_POOL_UUID, Examples.POOL_BODY).expect(201);
        put("/v1/pools/" + Examples.OWN_POOL_UUID + "/commit-limit", Examples.COMMIT_LIMIT_BODY).expect(200);
        put("/v1/replicas/" + Examples.OWN_REPLICA, Examples.REPLICA_BODY).expect(201);
        post("/v1/replicas/" + Examples.OWN_REPLICA + "/snapshots", Examples.SNAPSHOT_BODY).expect(201);
        post("/v1/devices/" + FakeEngine.DEVICE + "/bind", "{\"driver\": \"vfio-pci\"}").expect(200);
        String scrape = scrape();
        delete(NEXUS).expect(204);
        delete("/v1/snapshots/" + Examples.SNAPSHOT).expect(204);
        delete("/v1/replicas/" + Examples.OWN_REPLICA).expect(204);
        delete("/v1/pools/" + Examples.OWN_POOL_UUID).expect(204);
        post("/v1/devices/" + FakeEngine.DEVICE + "/unbind", "").expect(204);
        return scrape;
    }

    private String scrape() {
        return get("/actuator/prometheus").expect(200).response().body();
    }
}
