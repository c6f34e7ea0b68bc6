package io.mizzen.testsupport;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * A process that a test started, its output in a file, ended at the latest with the test's JVM.
 *
 * <p>Every wait has a deadline and fails with the end of the output. SIGINT has its default action in the child,
 * whatever the shell that started the build made of it.
 */
public final class ChildProcess implements AutoCloseable {
    private static final int TAIL_LINES = 60;
    private static final int STEP_LINES = 5;
    private static final Duration POLL_INTERVAL = Duration.ofMillis(50);
    private static final Duration END_DEADLINE = Duration.ofMinutes(3);
    private static final Set<Process> ALIVE = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> ALIVE.forEach(Process::destroy), "end-children"));
    }

    private final String name;
    private final Process process;
    private final Path output;

    private ChildProcess(String name, Process process, Path output) {
        this.name = name;
        this.process = process;
        this.output = output;
    }

    /** Starts {@code command} in the project's directory; standard output and error are appended to {@code output}. */
    public static ChildProcess start(String name, List<String> command, Map<String, String> environment, Path output) {
        ProcessBuilder builder = new ProcessBuilder("env", "--default-signal=INT,QUIT");
        builder.command().addAll(command);
        builder.directory(projectDirectory().toFile());
        builder.environment().putAll(environment);
        builder.redirectInput(Path.of("/dev/null").toFile());
        builder.redirectErrorStream(true);
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()));
        try {
            Process process = builder.start();
            ALIVE.add(process);
            process.onExit().thenRun(() -> ALIVE.remove(process));
            return new ChildProcess(name, process, output);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start " + name, e);
        }
    }

    /** Runs {@code command} to its end and returns its output; fails if its exit status is not {@code status}. */
    public static String run(int status, Duration deadline, String... command) {
        Path output = null;
        try {
            output = Files.createTempFile("child", ".out");
            try (ChildProcess child = start(command[0], List.of(command), Map.of(), output)) {
                int actual = child.awaitExit(deadline);
                if (actual != status) {
                    throw child.failure("exit status " + actual + " instead of " + status);
                }
                return child.output();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            if (output != null) {
                output.toFile().delete();
            }
        }
    }

    /** The project's top directory: where Maven runs the tests. */
    public static Path projectDirectory() {
        return Path.of("").toAbsolutePath();
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** Sends a signal by name, such as {@code INT}; a process that has ended is left alone. */
    public void signal(String signalName) {
        if (!process.isAlive()) {
            return;
        }
        try {
            new ProcessBuilder("kill", "-s", signalName, Long.toString(process.pid())).inheritIO().start().waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    /** Waits for the end and returns the exit status (128 + n after signal n); at the deadline ends it and fails. */
    public int awaitExit(Duration deadline) {
        try {
            if (process.waitFor(deadline.toMillis(), TimeUnit.MILLISECONDS)) {
                return process.exitValue();
            }
        } catch (InterruptedException e) {
            throw interrupted();
        }
        close();
        throw failure("not finished after " + deadline.toSeconds() + " s");
    }

    /** Waits until the output contains {@code text}. */
    public void awaitOutput(String text, Duration deadline) {
        await("output \"" + text + "\"", deadline, () -> output().contains(text));
    }

    /** Waits until {@code condition} holds; fails at the deadline, and at once when the process has ended. */
    public void await(String what, Duration deadline, Condition condition) {
        long endNs = System.nanoTime() + deadline.toNanos();
        while (true) {
            boolean alive = process.isAlive();      // Asked first: the last output counts.
            if (condition.holds()) {
                return;
            }
            if (!alive) {
                throw failure("ended with status " + process.exitValue() + " while waiting for " + what);
            }
            if (System.nanoTime() >= endNs) {
                throw failure("no " + what + " after " + deadline.toSeconds() + " s");
            }
            pause();
        }
    }

    /** All that was written so far, and by earlier processes with the same file. */
    public String output() {
        try {
            return Files.exists(output) ? new String(Files.readAllBytes(output), StandardCharsets.UTF_8) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The last lines of the output. */
    public String tail() {
        List<String> lines = output().lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
    }

    /** A test failure that shows what happened, what a script said of it, and the end of the output. */
    public AssertionError failure(String what) {
        List<String> said = output().lines().filter(line -> line.startsWith("== ") || line.startsWith("FAILED")).toList();
        return new AssertionError(name + ": " + what + "\n"
                + String.join("\n", said.subList(Math.max(0, said.size() - STEP_LINES), said.size()))
                + "\n--- end of its output ---\n" + tail());
    }

    /** Ends the process if it still runs: SIGTERM, and after three minutes SIGKILL. */
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(END_DEADLINE.toMillis(), TimeUnit.MILLISECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(POLL_INTERVAL);
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    private static IllegalStateException interrupted() {
        Thread.currentThread().interrupt();
        return new IllegalStateException("interrupted while waiting for a child process");
    }

    /** What {@link #await} waits for. */
    @FunctionalInterface
    public interface Condition {
        boolean holds();
    }
}
