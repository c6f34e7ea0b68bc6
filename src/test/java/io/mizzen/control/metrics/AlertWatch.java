package io.mizzen.control.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** Some of the alert rules in a Prometheus that has all of them: which were raised, and what panels and rules find. */
final class AlertWatch {
    private static final Pattern METRIC = Pattern.compile("\\b(up|mizzen_[a-z0-9_]+)\\b");
    private final PrometheusServer prometheus;
    private final Predicate<String> mine;
    private final Set<String> raised = new TreeSet<>();

    /** @param mine whether a rule, by its name, is watched */
    AlertWatch(PrometheusServer prometheus, Predicate<String> mine) {
        this.prometheus = prometheus;
        this.mine = mine;
    }

    private List<JsonNode> rules() {
        return prometheus.rules().stream().filter(rule -> mine.test(name(rule))).toList();
    }

    private static String name(JsonNode rule) {
        return rule.path("name").asString();
    }

    /** No alert is there; returns the metrics of rules that have no data now, such as those of rebuilds. */
    Set<String> checkWhileWell(int rulesMin) {
        Set<String> unknown = new TreeSet<>();
        List<JsonNode> rules = rules();
        assertThat(rules).hasSizeGreaterThanOrEqualTo(rulesMin);
        for (JsonNode rule : rules) {
            assertThat(rule.path("health").asString()).as("%s: %s", name(rule), rule.path("lastError")).isEqualTo("ok");
            assertThat(rule.path("alerts")).as("alerts of %s while all is well", name(rule)).isEmpty();
            String expression = rule.path("query").asString().replaceAll("\"[^\"]*\"", "");
            METRIC.matcher(expression).results().map(match -> match.group())
                .filter(metric -> !prometheus.hasData(metric)).forEach(unknown::add);
        }
        return unknown;
    }

    /** What panels and variables of those dashboards, by their file's name, ask and have no answer to. */
    Set<String> emptyQuestions(Predicate<String> dashboards, int questionsMin) throws IOException {
        List<Dashboards.Question> questions = Dashboards.questions(dashboards);
        assertThat(questions).hasSizeGreaterThanOrEqualTo(questionsMin);
        return questions.stream().filter(question -> !prometheus.hasData(question.expression()))
            .map(question -> question.place() + ": " + question.expression()).collect(Collectors.toCollection(TreeSet::new));
    }

    /** Waits until the rule has an alert, pending or not, with those labels. */
    void await(String rule, Duration longest, Map<String, String> labels) {
        prometheus.await(rule, longest, () -> hasAlert(rule, labels));
    }

    /** Does something again and again until the rule has such an alert. */
    void await(String rule, Duration longest, Map<String, String> labels, Runnable meanwhile) {
        prometheus.await(rule, longest, () -> {
            meanwhile.run();
            return hasAlert(rule, labels);
        });
    }

    private boolean hasAlert(String rule, Map<String, String> labels) {
        for (JsonNode alert : prometheus.alerts(rule)) {
            if (labels.entrySet().stream().allMatch(label -> label.getValue().equals(alert.path("labels")
                    .path(label.getKey()).asString("")))) {
                assertThat(alert.path("annotations").toString()).doesNotContain("<no value>", "{{", "<error");
                raised.add(rule);
                return true;
            }
        }
        return false;
    }

    /** Each rule but the ones named, and none of these, has raised its alert. */
    void checkAllRaised(Collection<String> but) {
        Set<String> expected = rules().stream().map(AlertWatch::name).collect(Collectors.toCollection(TreeSet::new));
        assertThat(expected).containsAll(but);
        expected.removeAll(but);
        assertThat(raised).isEqualTo(expected);
    }
}
