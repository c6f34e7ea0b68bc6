package io.mizzen.vm;

import io.mizzen.testsupport.EngineProcess;
import io.mizzen.testsupport.VmRig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A guest that uses an engine on the host, and what the test does to the engine meanwhile. Whatever fails shows the
 * end of the engine's log and of the guest's output.
 */
final class HostRun {
    private static final int TAIL_LINES = 100;

    /** What the test does while the guest runs. */
    @FunctionalInterface
    interface Steps {
        void run(VmRig.Guest guest) throws IOException;
    }

    private HostRun() {}

    /** Runs a script in a guest; {@code directory} is shared with it. Fails if the script or the steps fail. */
    static void run(EngineProcess engine, Path directory, Duration limit, String script, Steps steps) {
        try (VmRig.Guest guest = VmRig.guest().net().share(directory).timeout(limit).start(script)) {
            try {
                steps.run(guest);
                guest.succeed();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError(e.getMessage() + "\n--- end of the guest's output ---\n" + tail(guest.output())
                        + "\n--- end of the engine's log ---\n" + tail(engine.log()), e);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static String tail(String text) {
        List<String> lines = text.lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
    }

    /** Makes a directory for a run of a test. */
    static Path directory(Path parent, String name) throws IOException {
        return Files.createDirectory(parent.resolve(name));
    }
}
