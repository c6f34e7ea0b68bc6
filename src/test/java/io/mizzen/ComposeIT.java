package io.mizzen;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.ChildProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The deployment files are what the tools that read them accept, and say what the engine needs. */
class ComposeIT {
    private static final Duration DEADLINE = Duration.ofMinutes(5);
    private static final Path SYSTEM_CALLS = Path.of("/usr/include/x86_64-linux-gnu/asm/unistd_64.h");

    @Test
    void composeFileIsAcceptedAndGivesTheEngineWhatItNeeds() {
        String config = ChildProcess.run(0, DEADLINE, "docker-compose", "config");
        assertThat(config)
                .contains("network_mode: host")
                .contains("IPC_LOCK")
                .contains("SYS_NICE")
                .containsPattern("memlock: -1")
                .contains("docker/seccomp.json")
                .contains("prom/prometheus")
                .contains("grafana/grafana")
                .containsPattern("prometheus:/etc/prometheus:ro")
                .containsPattern("grafana:/var/lib/grafana/dashboards:ro");
    }

    @Test
    void prometheusAcceptsItsConfiguration() {
        String output = ChildProcess.run(0, DEADLINE, "promtool", "check", "config", "prometheus/prometheus.yml");
        assertThat(output).contains("SUCCESS").contains("rules found");
    }

    @Test
    void seccompProfileAllowsIoUringAndNamesOnlySystemCallsThatExist() throws IOException {
        JsonNode profile = JsonMapper.builder().build().readTree(Files.readString(Path.of("docker/seccomp.json")));
        assertThat(profile.path("defaultAction").asString()).isEqualTo("SCMP_ACT_ERRNO");
        Set<String> named = new TreeSet<>();
        Set<String> allowed = new TreeSet<>();
        for (JsonNode rule : profile.path("syscalls")) {
            for (JsonNode name : rule.path("names")) {
                assertThat(named.add(name.asString())).as("%s occurs once", name).isTrue();
                if (rule.path("action").asString().equals("SCMP_ACT_ALLOW")) {
                    allowed.add(name.asString());
                }
            }
        }
        assertThat(systemCalls()).containsAll(named);
        assertThat(allowed)
                .contains("io_uring_setup", "io_uring_enter", "io_uring_register", "mmap", "mlock", "sched_setaffinity")
                .doesNotContain("mount", "init_module", "ptrace", "bpf", "setns", "unshare", "reboot");
    }

    private static Set<String> systemCalls() throws IOException {
        Set<String> names = new TreeSet<>();
        Matcher matcher = Pattern.compile("#define __NR_(\\w+) \\d+").matcher(Files.readString(SYSTEM_CALLS));
        while (matcher.find()) {
            names.add(matcher.group(1));
        }
        return names;
    }
}
