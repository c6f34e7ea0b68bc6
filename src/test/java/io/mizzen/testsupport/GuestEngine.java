package io.mizzen.testsupport;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * The packaged engine inside a guest, for what the guest's card does not carry (IPv6) or only the guest has (drives).
 *
 * <p>An emulated guest takes about a minute to start it; two processors ({@code cpus(2)}) and a limit of twenty minutes
 * or more are advisable. Everything that can run on the host should: see {@link EngineProcess}.
 */
public final class GuestEngine {
    private static final Duration EXTRACT_DEADLINE = Duration.ofMinutes(5);

    private GuestEngine() {}

    /**
     * Bash lines that start the engine in the guest and wait until its health is UP; they fail with the end of its
     * log. Afterwards {@code engine_start} starts one like it, {@code $engine} is its process id, {@code $engine_log} its log, and {@code api METHOD PATH [JSON]}
     * sends a request, prints the answer and fails for a status of 400 or more.
     *
     * @param directory a directory of the host outside the project; the unpacked engine is put there, which starts
     *     in half the time
     */
    public static String startScript(Path directory, Map<String, String> properties) {
        Path unpacked = directory.resolve("engine");
        if (!Files.exists(unpacked)) {
            unpack(unpacked);
        }
        StringBuilder arguments = new StringBuilder();
        properties.forEach((name, value) -> arguments.append(" '--").append(name).append('=').append(value).append('\''));
        return """
                export MIZZEN_JAR=%1$s/mizzen.jar
                export MIZZEN_JAVA_OPTS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'
                export MIZZEN_AOT=off
                export engine_log=/tmp/engine.log
                engine_start() {
                    ./mizzen start --mizzen.state.dir=/tmp/state%2$s >> $engine_log 2>&1 &
                    engine=$!
                }
                export -f engine_start
                engine_start
                until curl -fsS http://127.0.0.1:8080/actuator/health 2>/dev/null | grep -q '"status":"UP"'; do
                    kill -0 $engine || { tail -n 60 $engine_log; exit 1; }
                    sleep 1
                done
                api() {
                    curl -sS --fail-with-body -X "$1" -H 'Content-Type: application/json' \\
                        ${3:+--data "$3"} "http://127.0.0.1:8080$2"
                }
                """.formatted(unpacked, arguments);
    }

    private static void unpack(Path target) {
        String java = Path.of(System.getProperty("java.home"), "bin/java").toString();
        ChildProcess.run(
                0, EXTRACT_DEADLINE, java, "-Djarmode=tools", "-jar", "target/mizzen.jar", "extract",
                "--destination", target.toString());
    }
}
