package io.mizzen;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.mizzen.testsupport.ChildProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher's choices and its handling of signals, seen with a script in the place of Java. */
class LauncherIT {
    private static final Duration DEADLINE = Duration.ofMinutes(3);

    /**
     * Unpacks a jar and makes a class cache if files beside it say so: from an engine that runs, when it is told of a port that
     * answers for it. Else prints its arguments, then counts SIGINTs: the second one ends it with status 7; SIGTERM ends it
     * with 143.
     */
    private static final String JAVA = """
            #!/bin/bash
            directory=$(dirname "$0")
            for argument; do
                case $argument in
                    -Djarmode=tools)
                        [ -e "$directory/unpacks" ] || exit 1
                        mkdir -p "${!#}/lib" && echo unpacked > "${!#}/engine.jar"
                        exit ;;
                    -XX:AOTCacheOutput=*)
                        kind=beans cache=${argument#*=}
                        case " $* " in *' --spring.profiles.active=demo '*) kind=engine ;; esac
                        echo $kind >> "$directory/trainings"
                        [ -e "$directory/unpacks" ] && [ ! -e "$directory/fails" ] || exit 1
                        if [ $kind = engine ]; then
                            [ -e "$directory/port" ] || exit 1
                            trap 'echo cache > "$cache"; exit 0' TERM
                            echo "  Swagger UI   http://127.0.0.1:$(cat "$directory/port")/swagger-ui.html"
                            for ((i = 0; i < 6000; i++)); do sleep 0.05; done
                            exit 9
                        fi
                        echo cache > "$cache"
                        exit ;;
                esac
            done
            interrupts=0
            trap 'interrupts=$((interrupts + 1)); echo "interrupt $interrupts"; [ $interrupts -lt 2 ] || exit 7' INT
            trap 'echo terminated; exit 143' TERM
            printf 'argument %s\\n' "$@"
            for argument; do
                case $argument in --mizzen.demo.dir=*) [ -d "${argument#*=}" ] && echo 'directory is there' ;; esac
            done
            echo running
            for ((i = 0; i < 6000; i++)); do sleep 0.05; done
            exit 9
            """;

    @TempDir
    private Path directory;

    private Path jdk;
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void makeJdk() throws IOException {
        jdk = directory.resolve("jdk");
        Files.createDirectories(jdk.resolve("bin"));
        Files.createDirectories(directory.resolve("tmp"));
        Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"25.0.1\"\n");
        Path java = Files.writeString(jdk.resolve("bin/java"), JAVA);
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path jar = Files.createFile(directory.resolve("engine.jar"));
        environment.put("JAVA_HOME", jdk.toString());
        environment.put("MIZZEN_JAR", jar.toString());
        environment.put("TMPDIR", directory.resolve("tmp").toString());
    }

    @Test
    void startPassesPropertiesAndKeepsAssertionsOn() {
        try (ChildProcess launcher = launch("start", "--mizzen.cores=0,1", "--name=two words")) {
            launcher.awaitOutput("running", DEADLINE);
            assertThat(launcher.output().lines())
                    .contains("argument -ea:io.mizzen...", "argument --enable-native-access=ALL-UNNAMED")
                    .contains("argument -XX:+UseShenandoahGC", "argument -Xms160m", "argument -Xmx160m")
                    .contains("argument --mizzen.cores=0,1", "argument --name=two words");
            launcher.signal("TERM");
            assertThat(launcher.awaitExit(DEADLINE)).isEqualTo(143);
        }
    }

    @Test
    void javaOptionsOfTheUserWinAndMayChooseAnotherCollector() {
        environment.put("MIZZEN_JAVA_OPTS", "-Xmx1g -XX:+UseZGC");
        try (ChildProcess launcher = launch("start")) {
            launcher.awaitOutput("running", DEADLINE);
            assertThat(launcher.output()).containsSubsequence("-Xmx1g", "-jar")
                    .doesNotContain("UseShenandoahGC", "160m");
        }
    }

    @Test
    void classCacheOfTheUserIsTheOnlyOne() throws IOException {
        Files.createFile(jdk.resolve("bin/unpacks"));
        environment.put("MIZZEN_JAVA_OPTS", "-XX:AOTCache=/own.aot");
        assertThat(startOnce()).contains("argument -XX:AOTCache=/own.aot").doesNotContain("preparing");
        assertThat(jdk.resolve("bin/trainings")).doesNotExist();
    }

    @Test
    void classCacheIsMadeOnceAndAgainForOtherOptions() throws IOException {
        Files.createFile(jdk.resolve("bin/unpacks"));
        String first = startOnce();
        assertThat(first).contains("preparing a class cache").containsPattern("argument -XX:AOTCache=\\S+\\.aot\n");
        assertThat(first).containsPattern("argument \\S+/run/mizzen-\\S+/engine\\.jar\n").contains("argument -jar");
        String second = startOnce();
        assertThat(second).doesNotContain("preparing").contains("argument -XX:AOTCache=");
        assertThat(trainings("beans")).isEqualTo(1);
        environment.put("MIZZEN_JAVA_OPTS", "-Xmx1g");
        assertThat(startOnce()).contains("preparing a class cache", "argument -XX:AOTCache=");
        assertThat(trainings("beans")).isEqualTo(2);
        Files.writeString(directory.resolve("engine.jar"), "another build");
        assertThat(startOnce()).contains("preparing a class cache", "argument -XX:AOTCache=");
        assertThat(trainings("beans")).isEqualTo(3);
        try (var layouts = Files.list(directory.resolve("run"))) {
            assertThat(layouts).as("what the earlier build left is gone").hasSize(1);
        }
        environment.put("MIZZEN_AOT", "off");
        assertThat(startOnce()).doesNotContain("preparing", "AOTCache");
    }

    @Test
    void classCacheComesFromAnEngineThatIsAskedAndStopped() throws IOException {
        Files.createFile(jdk.resolve("bin/unpacks"));
        Set<String> asked = ConcurrentHashMap.newKeySet();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            asked.add(exchange.getRequestURI().getPath());
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
        try {
            Files.writeString(jdk.resolve("bin/port"), Integer.toString(server.getAddress().getPort()));
            assertThat(startOnce()).contains("preparing a class cache", "argument -XX:AOTCache=");
        } finally {
            server.stop(0);
        }
        assertThat(asked).contains("/v1/pools", "/v1/nexuses", "/actuator/prometheus");
        assertThat(trainings("engine")).isEqualTo(1);
        assertThat(trainings("beans")).isZero();
        assertThat(startOnce()).doesNotContain("preparing").contains("argument -XX:AOTCache=");
    }

    @Test
    void startThatCanMakeNoClassCacheSaysSoOnceAndDoesWithout() throws IOException {
        Files.createFile(jdk.resolve("bin/unpacks"));
        Files.createFile(jdk.resolve("bin/fails"));
        assertThat(startOnce()).contains("no class cache could be made", "running").doesNotContain("-XX:AOTCache=");
        assertThat(startOnce()).contains("running").doesNotContain("class cache", "-XX:AOTCache=");
        assertThat(trainings("beans")).isEqualTo(1);
        try (var left = Files.list(directory.resolve("tmp"))) {
            assertThat(left).isEmpty();
        }
    }

    private String startOnce() {
        try (ChildProcess launcher = launch("start")) {
            launcher.awaitOutput("running", DEADLINE);
            String output = launcher.output();
            launcher.signal("TERM");
            launcher.awaitExit(DEADLINE);
            return output;
        } finally {
            directory.resolve("output").toFile().delete();
        }
    }

    private long trainings(String kind) throws IOException {
        try (var lines = Files.lines(jdk.resolve("bin/trainings"))) {
            return lines.filter(kind::equals).count();
        }
    }

    /** As a script does it that starts the engine with {@code &}: SIGINT is ignored at the launcher's start. */
    @Test
    void sigintReachesAnEngineThatAScriptStartedInTheBackground() {
        for (String command : List.of("start", "demo")) {
            try (ChildProcess script = ignoringInterrupts("exec \"$0\" " + command + " --name='two words'")) {
                script.awaitOutput("running", DEADLINE);
                assertThat(script.output()).contains("argument --name=two words\n");
                script.signal("INT");
                script.awaitOutput("interrupt 1", DEADLINE);
                script.signal("INT");
                assertThat(script.awaitExit(DEADLINE)).isEqualTo(7);
            } finally {
                directory.resolve("output").toFile().delete();
            }
        }
    }

    /** Where the system's env is too old to change that, a line says which signal works. */
    @Test
    void startSaysThatSigintIsIgnoredWhereItCannotBeHelped() throws IOException {
        Path env = Files.writeString(Files.createDirectories(directory.resolve("bin")).resolve("env"), "#!/bin/bash\nexit 125\n");
        Files.setPosixFilePermissions(env, PosixFilePermissions.fromString("rwxr-xr-x"));
        try (ChildProcess script = ignoringInterrupts("PATH='" + env.getParent() + "':$PATH exec bash \"$0\" start")) {
            script.awaitOutput("running", DEADLINE);
            assertThat(script.output()).contains("SIGINT is ignored here");
            script.signal("TERM");
            assertThat(script.awaitExit(DEADLINE)).isEqualTo(143);
        }
    }

    private ChildProcess ignoringInterrupts(String script) {
        return ChildProcess.start("script", List.of("bash", "-c", "trap '' INT QUIT; " + script,
                ChildProcess.projectDirectory().resolve("mizzen").toString()), environment, directory.resolve("output"));
    }

    @Test
    void everySigintOfADemoReachesTheEngineOnceAndTheDirectoryGoes() throws IOException {
        try (ChildProcess launcher = launch("demo")) {
            launcher.awaitOutput("running", DEADLINE);
            assertThat(launcher.output())
                    .contains("argument --spring.profiles.active=demo")
                    .containsPattern("argument --mizzen\\.state\\.dir=\\S+/state\n")
                    .contains("directory is there");
            launcher.signal("INT");
            launcher.awaitOutput("interrupt 1", DEADLINE);
            assertThat(launcher.isAlive()).isTrue();
            launcher.signal("INT");
            assertThat(launcher.awaitExit(DEADLINE)).isEqualTo(7);
            assertThat(launcher.output()).contains("interrupt 2").doesNotContain("interrupt 3").contains("are removed");
        }
        assertThat(directory.resolve("tmp")).isEmptyDirectory();
    }

    /** An option that is given twice is one option with two values. */
    @Test
    void demoLeavesDirectoriesThatTheUserNamedToTheUser() throws IOException {
        Path own = Files.createDirectory(directory.resolve("own"));
        assertThat(demoOnce("--mizzen.demo.dir=" + own)).containsOnlyOnce("argument --mizzen.demo.dir=" + own + "\n")
                .containsOnlyOnce("argument --mizzen.state.dir=" + own + "/state\n").doesNotContain("are removed");
        assertThat(demoOnce("--mizzen.state.dir=" + own)).containsOnlyOnce("argument --mizzen.state.dir=" + own + "\n")
                .doesNotContain("--mizzen.demo.dir", "are removed");
        assertThat(demoOnce("--mizzen.state.dir=" + own + "/s", "--mizzen.demo.dir=" + own + "/d"))
                .containsOnlyOnce("--mizzen.state.dir=").containsOnlyOnce("--mizzen.demo.dir=").doesNotContain("are removed");
        assertThat(own).isDirectory();
        assertThat(directory.resolve("tmp")).isEmptyDirectory();
    }

    private String demoOnce(String... arguments) {
        try (ChildProcess launcher = launch(Stream.concat(Stream.of("demo"), Stream.of(arguments)).toArray(String[]::new))) {
            launcher.awaitOutput("running", DEADLINE);
            launcher.signal("TERM");
            assertThat(launcher.awaitExit(DEADLINE)).isEqualTo(143);
            return launcher.output();
        } finally {
            directory.resolve("output").toFile().delete();
        }
    }

    @Test
    void demoLeavesNothingBehindWhenTerminated() {
        try (ChildProcess launcher = launch("demo")) {
            launcher.awaitOutput("running", DEADLINE);
            launcher.signal("TERM");
            assertThat(launcher.awaitExit(DEADLINE)).isEqualTo(143);
        }
        assertThat(directory.resolve("tmp")).isEmptyDirectory();
    }

    @Test
    void olderJavaIsPassedOver() throws IOException {
        Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"21.0.4\"\n");
        try (ChildProcess launcher = launch("check")) {
            launcher.awaitExit(DEADLINE);
            assertThat(launcher.output()).contains("Java").doesNotContain(jdk.toString());
        }
    }

    @Test
    void checkNamesEverythingAndFailsOnlyForWhatIsRequired() {
        try (ChildProcess launcher = launch("check")) {
            int status = launcher.awaitExit(DEADLINE);
            assertThat(launcher.output())
                    .contains("io_uring", "CPUs", "isolcpus", "NUMA", "hugepages 2 MiB", "hugepages 1 GiB", "THP")
                    .contains("memlock", "IOMMU", "vfio-pci", "uio_pci_generic", "nvme-tcp", "nvme-cli", "Java", "Maven");
            assertThat(status).as(launcher.output()).isEqualTo(launcher.output().contains("\nfail ") ? 1 : 0);
            assertThat(launcher.output()).containsPattern("(?m)^ok +Java +25 in " + jdk);
        }
    }

    /** A secret on a command line could be read by every user of the machine. */
    @Test
    void healthAsksWithCredentialsThatNoCommandLineShows() throws IOException {
        Path curl = Files.writeString(Files.createDirectories(directory.resolve("bin")).resolve("curl"),
                "#!/bin/bash\nprintf 'argument %s\\n' \"$@\"\nsed 's/^/input /'\nexit 22\n");
        Files.setPosixFilePermissions(curl, PosixFilePermissions.fromString("rwxr-xr-x"));
        environment.put("PATH", curl.getParent() + ":" + System.getenv("PATH"));
        environment.put("MIZZEN_REST_TOKEN", "a\"b\\c");
        environment.put("MIZZEN_REST_ADDRESS", "::1");
        environment.put("MIZZEN_REST_PORT", "8099");
        try (ChildProcess launcher = launch("health")) {
            assertThat(launcher.awaitExit(DEADLINE)).isEqualTo(22);
            assertThat(launcher.output()).contains("argument http://[::1]:8099/actuator/health",
                    "input header = \"Authorization: Bearer a\\\"b\\\\c\"").doesNotContain("argument header");
        }
    }

    @Test
    void unknownCommandIsAnErrorThatShowsTheUsage() {
        try (ChildProcess launcher = launch("strat")) {
            assertThat(launcher.awaitExit(DEADLINE)).isEqualTo(2);
            assertThat(launcher.output()).contains("unknown command strat", "./mizzen start");
        }
    }

    private ChildProcess launch(String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(ChildProcess.projectDirectory().resolve("mizzen").toString());
        command.addAll(List.of(arguments));
        return ChildProcess.start("launcher", command, environment, directory.resolve("output"));
    }
}
