package io.mizzen;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.ChildProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every shell script of the project passes shellcheck without a remark. */
class ScriptsIT {
    @Test
    void shellcheckHasNothingToSay() throws IOException {
        List<String> command = new ArrayList<>(List.of("shellcheck"));
        for (Path root : List.of(Path.of("mizzen"), Path.of(".ci"), Path.of("src/test"), Path.of("docker"),
                Path.of("bench"))) {
            try (Stream<Path> files = Files.walk(root)) {
                files.filter(ScriptsIT::isShellScript).map(Path::toString).sorted().forEach(command::add);
            }
        }
        assertThat(command).contains("mizzen", ".ci/run", "bench/compare-fio", "bench/compare-pairs", "src/test/install-packages", "src/test/vm/vm-run");
        String output = ChildProcess.run(0, Duration.ofMinutes(10), command.toArray(String[]::new));
        assertThat(output).isEmpty();
    }

    private static boolean isShellScript(Path file) {
        if (!Files.isRegularFile(file) || !Files.isExecutable(file)) {
            return false;
        }
        try (Stream<String> lines = Files.lines(file)) {
            return lines.findFirst().filter(first -> first.matches("#!.*\\b(ba)?sh")).isPresent();
        } catch (IOException e) {
            throw new IllegalStateException("cannot read " + file, e);
        }
    }
}
