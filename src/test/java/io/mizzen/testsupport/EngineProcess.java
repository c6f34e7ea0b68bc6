package io.mizzen.testsupport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The packaged engine, started by the launcher as a user does, on ports and in a directory of its own.
 *
 * <pre>{@code
 * try (EngineProcess engine = EngineProcess.in(directory).property("mizzen.cores", "0").start()) {
 *     engine.http().put("/v1/...", "{...}").expect(201);
 *     engine.killHard();
 *     engine.start();                       // same ports, same state
 * }
 * }</pre>
 *
 * <p>REST and NVMe/TCP listen on 127.0.0.1. The state is in {@code directory/state}, the log of all runs in
 * {@code directory/engine.log}; failures show its end. Needs {@code target/mizzen.jar}, so it is for tests of the
 * integration-test phase.
 */
public final class EngineProcess implements AutoCloseable {
    private static final Duration READY_DEADLINE = Duration.ofMinutes(10);
    private static final Duration STOP_DEADLINE = Duration.ofMinutes(3);
    /** Below the range that the kernel gives to outgoing connections, which could take a port before the engine. */
    private static final int PORT_MIN = 20_000;
    private static final int PORT_MAX = 32_000;
    private static final int PORT_TRIES = 100;
    /** Handed out by this JVM, and perhaps not listened on yet. */
    private static final Set<Integer> PORTS_GIVEN = ConcurrentHashMap.newKeySet();

    private final Path directory;
    private final Map<String, String> properties = new LinkedHashMap<>();
    private final Map<String, String> environment = new LinkedHashMap<>();
    private final int restPort = freePort();
    private final int nvmfPort = freePort();
    private final EngineHttp http = new EngineHttp("http://127.0.0.1:" + restPort, this::logTail);
    private volatile ChildProcess process;

    private EngineProcess(Path directory) {
        this.directory = directory;
        property("mizzen.rest.port", Integer.toString(restPort));
        property("mizzen.nvmf.port", Integer.toString(nvmfPort));
        property("mizzen.state.dir", directory.resolve("state").toString());
    }

    /** An engine, not started yet, with its state and log below {@code directory} (usually a test's temporary one). */
    public static EngineProcess in(Path directory) {
        return new EngineProcess(directory);
    }

    /** Sets a property for the next start; {@code null} leaves it to the engine's default. */
    public EngineProcess property(String name, String value) {
        if (value == null) {
            properties.remove(name);
        } else {
            properties.put(name, value);
        }
        return this;
    }

    /** Sets a variable of the environment for the next start, such as MIZZEN_JAVA_OPTS. */
    public EngineProcess environment(String name, String value) {
        environment.put(name, value);
        return this;
    }

    /** Starts the engine and waits until its health is UP. */
    public EngineProcess start() {
        launch();
        process.await("health UP on port " + restPort, READY_DEADLINE, http::isUp);
        return this;
    }

    /** Starts the engine, which is expected to refuse; returns its exit status, the reason is in {@link #log()}. */
    public int startExpectingRefusal() {
        launch();
        return process.awaitExit(READY_DEADLINE);
    }

    private void launch() {
        if (isAlive()) {
            throw new IllegalStateException("the engine runs already");
        }
        Path jar = ChildProcess.projectDirectory().resolve("target/mizzen.jar");
        if (!Files.exists(jar)) {
            throw new IllegalStateException("no " + jar + ": this test runs in Maven's integration-test phase");
        }
        List<String> command = new ArrayList<>();
        command.add(ChildProcess.projectDirectory().resolve("mizzen").toString());
        command.add("start");
        properties.forEach((name, value) -> command.add("--" + name + "=" + value));
        environment.put("MIZZEN_JAR", jar.toString());          // Never builds within a build.
        process = ChildProcess.start("engine", command, environment, directory.resolve("engine.log"));
    }

    /** SIGKILL: as a crash or a power cut of the process. Returns when it is gone. */
    public void killHard() {
        signal("KILL");
        process.awaitExit(STOP_DEADLINE);
    }

    /** SIGTERM: the ordered shutdown. Returns the exit status: 0 if everything was left clean. */
    int terminate() {
        signal("TERM");
        return process.awaitExit(STOP_DEADLINE);
    }

    /** SIGTERM: the ordered shutdown, which has to leave everything clean. */
    public void stopCleanly() {
        int status = terminate();
        if (status != 0) {
            throw new AssertionError("the engine ended with status " + status + ":\n" + logTail());
        }
    }

    /** Sends a signal by name (INT, TERM, STOP, CONT, KILL) and returns at once. */
    public void signal(String name) {
        requireStarted().signal(name);
    }

    /** Waits for the engine's end and returns its exit status. */
    public int awaitExit(Duration deadline) {
        return requireStarted().awaitExit(deadline);
    }

    /** Waits for {@code condition} while the engine runs; fails with the log's end at the deadline. */
    public void await(String what, Duration deadline, ChildProcess.Condition condition) {
        requireStarted().await(what, deadline, condition);
    }

    public boolean isAlive() {
        return process != null && process.isAlive();
    }

    public long pid() {
        return requireStarted().pid();
    }

    /** Proportional set size of the engine's process: what it costs this machine, the engine's own memory included. */
    public long proportionalSetBytes() throws IOException {
        try (var lines = Files.lines(Path.of("/proc/" + pid() + "/smaps_rollup"))) {
            String line = lines.filter(text -> text.startsWith("Pss:")).findFirst().orElseThrow();
            return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
    }

    public int restPort() {
        return restPort;
    }

    /** The NVMe/TCP port, for I/O and discovery. */
    public int nvmfPort() {
        return nvmfPort;
    }

    public EngineHttp http() {
        return http;
    }

    /** What the engine has logged since its first start. */
    public String log() {
        return requireStarted().output();
    }

    private String logTail() {
        return process == null ? "" : process.tail();
    }

    /** Ends the engine if it runs: SIGTERM, and after three minutes SIGKILL. */
    @Override
    public void close() {
        if (process != null) {
            process.close();
        }
    }

    private ChildProcess requireStarted() {
        if (process == null) {
            throw new IllegalStateException("the engine was not started");
        }
        return process;
    }

    /** A TCP port of 127.0.0.1 that nobody listens on, each time another one. */
    public static int freePort() {
        for (int i = 0; i < PORT_TRIES; i++) {
            int port = ThreadLocalRandom.current().nextInt(PORT_MIN, PORT_MAX);
            if (!PORTS_GIVEN.add(port)) {
                continue;
            }
            try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            } catch (IOException taken) {
                continue;       // Somebody listens there: try another.
            }
        }
        throw new IllegalStateException("no free port after " + PORT_TRIES + " tries");
    }
}
