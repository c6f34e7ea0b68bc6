package io.mizzen.control.metrics;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the dashboards ask Prometheus for, with their variables at "All" and an interval that fits scrapes of a second. */
final class Dashboards {
    private static final Pattern LABEL_VALUES = Pattern.compile("label_values\\((.+), (\\w+)\\)");

    /** An expression and where it stands. */
    record Question(String place, String expression) { }

    private Dashboards() {
    }

    /** Those of all panels and of all variables of the dashboards that are wanted, by their file's name. */
    static List<Question> questions(Predicate<String> wanted) throws IOException {
        List<Question> questions = new ArrayList<>();
        try (Stream<Path> files = Files.list(Path.of("grafana", "dashboards"))) {
            for (Path file : files.filter(path -> path.toString().endsWith(".json") && wanted.test(path.getFileName().toString())).sorted().toList()) {
                JsonNode dashboard = JsonMapper.shared().readTree(Files.readString(file));
                for (JsonNode panel : dashboard.path("panels")) {
                    for (JsonNode target : panel.path("targets")) {
                        questions.add(new Question(file.getFileName() + ", " + panel.path("title").asString() + " "
                            + target.path("refId").asString(), substitute(target.path("expr").asString())));
                    }
                }
                for (JsonNode variable : dashboard.path("templating").path("list")) {
                    Matcher matcher = LABEL_VALUES.matcher(variable.path("query").asString());
                    if (matcher.matches()) {
                        questions.add(new Question(file.getFileName() + ", variable " + variable.path("name").asString(),
                            "count by (" + matcher.group(2) + ") (" + substitute(matcher.group(1)) + ")"));
                    }
                }
            }
        }
        return questions;
    }

    private static String substitute(String expression) {
        return expression.replace("$__rate_interval", "10s").replaceAll("\\$[a-z_]+", ".*");
    }
}
