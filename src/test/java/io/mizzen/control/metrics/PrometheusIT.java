package io.mizzen.control.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.ChildProcess;
import io.mizzen.testsupport.EngineProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * A real Prometheus scrapes the packaged engine. While all is well no alert is raised. Then one thing after the other
 * goes wrong, and the rule that is there for it raises its alert. Every panel shows something in the one phase or in the other, and
 * every metric that a rule names has data.
 */
class PrometheusIT {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final long FOOTPRINT_MAX_BYTES = 400L << 20;
    private static final int SCRAPES_MIN = 6;
    private static final Pattern METRIC = Pattern.compile("\\b(up|mizzen_[a-z0-9_]+)\\b");
    /** What no engine can be brought to within a test; {@link AlertRulesIT} shows with invented series that they fire. */
    private static final Set<String> INVENTED_ONLY = Set.of("MizzenControlReactorBusy", "MizzenLongPauses", "MizzenReactorStopped",
        "MizzenReactorOverBusy", "MizzenBufferPoolExhausted");

    @TempDir
    Path directory;
    private final Set<String> raised = new TreeSet<>();

    @Test
    void everyPanelShowsDataAndEveryRuleRaisesItsAlertWhenItShouldAndOnlyThen() throws IOException {
        try (EngineProcess engine = EngineProcess.in(directory).property("mizzen.reactor.stall-threshold", "1m").start();
                PrometheusServer prometheus = PrometheusServer.start(directory, engine.restPort())) {
            Troubles troubles = new Troubles(engine, directory);
            troubles.createObjects();
            Set<String> empty;
            try (LoadHost host = new LoadHost(engine.nvmfPort(), troubles.nqn())) {
                loadFor(SCRAPES_MIN, host, prometheus);
                checkRates(prometheus);
                checkFootprint(engine);
                Set<String> unknown = checkRulesWhileWell(prometheus);
                empty = emptyQuestions(prometheus);
                checkForm(engine.http().get("/actuator/prometheus").expect(200).text());
                goWrong(troubles, host, prometheus);
                unknown.removeIf(prometheus::hasData);
                assertThat(unknown).as("metrics that rules name and the engine does not have").isEmpty();
                loadFor(2, host, prometheus);
                empty.retainAll(emptyQuestions(prometheus));
            }
            assertThat(empty).as("panels that never showed data").isEmpty();
            goWrongAcrossARestart(troubles, engine, prometheus);
            checkAllRaised(prometheus);
        }
    }

    /** Writes and reads until that many more scrapes have been stored. */
    private static void loadFor(int scrapes, LoadHost host, PrometheusServer prometheus) {
        double enough = prometheus.value("count_over_time(mizzen_connections[10m])") + scrapes;
        prometheus.await(scrapes + " scrapes under I/O", () -> {
            host.writeAndRead();
            return prometheus.value("count_over_time(mizzen_connections[10m])") >= enough;
        });
    }

    private static void checkRates(PrometheusServer prometheus) {
        assertThat(prometheus.value("mizzen_connections")).isEqualTo(2);
        String labels = ",operation=\"write\"}[10s])";
        assertThat(prometheus.value("rate(mizzen_io_operations_total{kind=\"nexus\",name=\"mirror\"" + labels)).isPositive();
        assertThat(prometheus.value("rate(mizzen_io_bytes_total{kind=\"replica\",name=\"a/mirror\"" + labels)).isPositive();
    }

    /** Heap, classes, code, stacks, rings: all but the memory that the engine was told to take. */
    private static void checkFootprint(EngineProcess engine) throws IOException {
        long own = 0;
        for (JsonNode region : engine.http().get("/v1/memory").expect(200).json().path("regions")) {
            own += region.path("sizeBytes").asLong();
        }
        assertThat(own).isPositive();
        assertThat(engine.proportionalSetBytes() - own).isBetween(0L, FOOTPRINT_MAX_BYTES);
    }

    /** Returns the metrics of rules that have no data now, such as those of rebuilds. */
    private static Set<String> checkRulesWhileWell(PrometheusServer prometheus) {
        Set<String> unknown = new TreeSet<>();
        List<JsonNode> rules = prometheus.rules();
        assertThat(rules).hasSizeGreaterThan(12);
        for (JsonNode rule : rules) {
            String name = rule.path("name").asString();
            assertThat(rule.path("health").asString()).as("%s: %s", name, rule.path("lastError")).isEqualTo("ok");
            assertThat(rule.path("alerts")).as("alerts of %s while all is well", name).isEmpty();
            String expression = rule.path("query").asString().replaceAll("\"[^\"]*\"", "");
            METRIC.matcher(expression).results().map(match -> match.group())
                .filter(metric -> !prometheus.hasData(metric)).forEach(unknown::add);
        }
        return unknown;
    }

    private static Set<String> emptyQuestions(PrometheusServer prometheus) throws IOException {
        List<Dashboards.Question> questions = Dashboards.questions();
        assertThat(questions).hasSizeGreaterThan(80);
        return questions.stream().filter(question -> !prometheus.hasData(question.expression()))
            .map(question -> question.place() + ": " + question.expression()).collect(Collectors.toCollection(TreeSet::new));
    }

    /** The form must be right for all; advice on names (status 3) is followed for ours, libraries name theirs. */
    private void checkForm(String scrape) throws IOException {
        Path file = directory.resolve("scrape.txt");
        Files.writeString(file, scrape);
        String advice = ChildProcess.run(0, SOON, "bash", "-c", "promtool check metrics < \"$1\" || [ $? = 3 ]", "promtool",
            file.toString());
        assertThat(advice.lines()).allMatch(line -> line.matches("(http|jvm|process|system)_.*"));
    }

    private void goWrong(Troubles troubles, LoadHost host, PrometheusServer prometheus) throws IOException {
        troubles.fillPools();
        troubles.failAWrite(host);
        troubles.comeAndGo();
        troubles.askForWhatIsNotThere();
        assertThat(host.writeDamaged()).isNotZero();
        troubles.failToStore();
        awaitAlert(prometheus, "MizzenPoolNearlyFull", Map.of("name", "tight"));
        awaitAlert(prometheus, "MizzenPoolOvercommitted", Map.of("name", "tight"));
        awaitAlert(prometheus, "MizzenIoErrors", Map.of("name", "leg", "operation", "write"));
        awaitAlert(prometheus, "MizzenChildErrors", Map.of("name", "mirror", "operation", "write"));
        awaitAlert(prometheus, "MizzenNexusDegraded", Map.of("name", "mirror"));
        awaitAlert(prometheus, "MizzenChildFaulted", Map.of("name", "mirror", "state", "faulted"));
        awaitAlert(prometheus, "MizzenConnectionChurn", Map.of());
        awaitAlert(prometheus, "MizzenHostsRefused", Map.of());
        awaitAlert(prometheus, "MizzenDigestErrors", Map.of());
        awaitAlert(prometheus, "MizzenStateNotStored", Map.of());
        troubles.refuseMetadata(() -> {
            awaitAlert(prometheus, "MizzenMetadataNotStored", Map.of("name", "stubborn"));
            awaitAlert(prometheus, "MizzenNexusFrozen", Map.of("name", "stubborn"));
        });
        troubles.loseTheLastChild(() -> {
            awaitAlert(prometheus, "MizzenNexusWithoutHealthyChild", Map.of("name", "single"));
            awaitAlert(prometheus, "MizzenNexusFrozen", Map.of("name", "single"));
        });
        troubles.readInVain(read -> prometheus.await("MizzenReadsNotRepaired", () -> {
            read.run();
            return hasAlert(prometheus, "MizzenReadsNotRepaired", Map.of("name", "scratched"));
        }));
        raised.add("MizzenReadsNotRepaired");
        troubles.replaceAndPause();
        awaitAlert(prometheus, "MizzenRebuildStalled", Map.of("name", "mirror", "kind", "full"));
    }

    private void goWrongAcrossARestart(Troubles troubles, EngineProcess engine, PrometheusServer prometheus)
            throws IOException {
        engine.killHard();
        awaitAlert(prometheus, "MizzenEngineDown", Map.of());
        troubles.takeDiskAway();
        engine.property("mizzen.reactor.stall-threshold", "10ms").property("mizzen.cores", "0")
            .property("mizzen.reactor.mode", "busy").start();
        awaitAlert(prometheus, "MizzenPoolNotImported", Map.of("kind", "pool"));
        awaitAlert(prometheus, "MizzenRestoreFailed", Map.of("kind", "nexus"));
        prometheus.await("stalls", () -> {
            engine.signal("STOP");
            engine.signal("CONT");
            return hasAlert(prometheus, "MizzenReactorStalled", Map.of("core", "0"));
        });
        raised.add("MizzenReactorStalled");
        assertThat(engine.terminate()).isZero();
    }

    private void awaitAlert(PrometheusServer prometheus, String rule, Map<String, String> labels) {
        prometheus.await(rule, () -> hasAlert(prometheus, rule, labels));
        raised.add(rule);
    }

    private static boolean hasAlert(PrometheusServer prometheus, String rule, Map<String, String> labels) {
        for (JsonNode alert : prometheus.alerts(rule)) {
            if (labels.entrySet().stream().allMatch(label -> label.getValue().equals(alert.path("labels")
                    .path(label.getKey()).asString("")))) {
                assertThat(alert.path("annotations").toString()).doesNotContain("<no value>", "{{", "<error");
                return true;
            }
        }
        return false;
    }

    private void checkAllRaised(PrometheusServer prometheus) {
        Set<String> names = prometheus.rules().stream().map(rule -> rule.path("name").asString())
            .collect(Collectors.toCollection(TreeSet::new));
        raised.addAll(INVENTED_ONLY);
        assertThat(raised).isEqualTo(names);
    }
}
