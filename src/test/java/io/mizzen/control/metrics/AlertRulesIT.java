package io.mizzen.control.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.ChildProcess;
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
import org.yaml.snakeyaml.Yaml;

/** Prometheus's own tool accepts the alert rules, and each fires for invented series when it should and not before. */
class AlertRulesIT {
    private static final Duration DEADLINE = Duration.ofMinutes(5);
    private static final Path RULES = Path.of("prometheus/rules/mizzen.yml");
    private static final Path TESTS = Path.of("src/test/resources/prometheus/mizzen-rules.yml");

    @Test
    void toolAcceptsTheRules() {
        assertThat(ChildProcess.run(0, DEADLINE, "promtool", "check", "rules", RULES.toString())).contains("SUCCESS");
    }

    @Test
    void rulesFireForInventedSeries() {
        assertThat(ChildProcess.run(0, DEADLINE, "promtool", "test", "rules", TESTS.toString())).contains("SUCCESS");
    }

    @Test
    void everyRuleIsTestedAndSaysWhatToDo() throws IOException {
        List<Map<String, Object>> rules = list(load(RULES), "groups").stream()
            .flatMap(group -> list(group, "rules").stream()).toList();
        Set<String> names = new TreeSet<>();
        for (Map<String, Object> rule : rules) {
            String name = (String) rule.get("alert");
            assertThat(names.add(name)).as("%s occurs once", name).isTrue();
            assertThat(rule.get("labels").toString()).containsPattern("severity=(critical|warning)");
            Map<?, ?> annotations = (Map<?, ?>) rule.get("annotations");
            assertThat(annotations.get("summary").toString()).as("summary of %s", name).hasSizeBetween(20, 110);
            assertThat(annotations.get("description").toString()).as("description of %s", name).hasSizeGreaterThan(120);
        }
        Set<String> fired = list(load(TESTS), "tests").stream().flatMap(test -> list(test, "promql_expr_test").stream())
            .flatMap(question -> list(question, "exp_samples").stream())
            .map(sample -> sample.get("labels").toString().replaceAll(".*alertname=\"(\\w+)\".*", "$1"))
            .collect(Collectors.toCollection(TreeSet::new));
        assertThat(fired).isEqualTo(names);
    }

    @Test
    void requestsThatDescriptionsNameExist() throws IOException {
        String document = Files.readString(Path.of("openapi/mizzen.yaml"));
        String rules = Files.readString(RULES).replaceAll("\\{\\{\\s*\\$labels\\.uuid\\s*}}", "{uuid}");
        Set<String> paths = Pattern.compile("/v1/[a-z/{}-]*[a-z}]").matcher(rules).results().map(match -> match.group())
            .collect(Collectors.toCollection(TreeSet::new));
        assertThat(paths).hasSizeGreaterThan(4).allMatch(path -> document.contains("\n  " + path + ":\n"));
    }

    private static Map<String, Object> load(Path file) throws IOException {
        return new Yaml().load(Files.readString(file));
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> list(Map<String, Object> map, String key) {
        return (List<Map<String, Object>>) map.getOrDefault(key, List.of());
    }
}
