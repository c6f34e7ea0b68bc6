package io.mizzen.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.ChildProcess;
import io.mizzen.testsupport.EngineProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real browser shows the documentation page: every operation, no error. */
class SwaggerPageIT {
    private static final Duration BROWSER_DEADLINE = Duration.ofMinutes(10);
    private static final Pattern OPERATION_ID = Pattern.compile("^\\s+operationId: (\\w+)$", Pattern.MULTILINE);
    private static final Pattern SHOWN = Pattern.compile("<div class=\"opblock opblock-\\w+\" id=\"operations-[^\"]*-(\\w+)\"");

    @TempDir
    Path directory;

    @Test
    void everyOperationIsShownAndNoError() throws IOException {
        List<String> documented = find(OPERATION_ID, Files.readString(Path.of("openapi", "mizzen.yaml")));
        assertThat(documented).hasSizeGreaterThan(40);
        try (EngineProcess engine = EngineProcess.in(directory).start()) {
            String page = ChildProcess.run(0, BROWSER_DEADLINE, "chromium", "--headless", "--no-sandbox", "--disable-gpu",
                "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--user-data-dir=" + directory.resolve("browser"), "--virtual-time-budget=20000",
                "--dump-dom", engine.http().base() + "/swagger-ui.html");
            assertThat(find(SHOWN, page)).containsExactlyInAnyOrderElementsOf(documented);
            assertThat(page).doesNotContain("errors-wrapper").doesNotContain("loading-error")
                .doesNotContain("Failed to load");
            engine.stopCleanly();
        }
    }

    private static List<String> find(Pattern pattern, String text) {
        return pattern.matcher(text).results().map(result -> result.group(1)).toList();
    }
}
