package io.mizzen.testsupport;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A guest machine with a distribution kernel, described step by step and then run once (or several times).
 *
 * <p>The guest sees the host's files under the same paths and in the same working directory (the project's); what it
 * writes is gone afterwards, except below a shared directory. In a guest with a network card the host's 127.0.0.1 is
 * {@link #HOST_ADDRESS}. The machine is usually emulated: it starts in 4 to 10 seconds and is slow, so waits in
 * scripts need generous limits. There is no udev: {@code nvme-attach -a 10.0.2.2 -s PORT -n NQN} connects, waits for
 * the block devices and prints them. See {@code src/test/vm/vm-run --help}.
 *
 * <pre>{@code
 * String output = VmRig.guest().net().run("modprobe nvme_tcp; nvme discover -t tcp -a 10.0.2.2 -s " + port);
 *
 * try (VmRig.Guest guest = VmRig.guest().net().share(directory).start(script)) {
 *     guest.awaitOutput("fio runs");        // a line that the script echoes
 *     engine.killHard();
 *     ...
 *     guest.succeed();
 * }
 * }</pre>
 *
 * <p>A script that has to wait for the host looks for a file in a shared directory:
 * {@code until [ -e $dir/go ]; do sleep 0.2; done}.
 */
public final class VmRig {
    /** The host's loopback address as a guest with a network card sees it. */
    public static final String HOST_ADDRESS = "10.0.2.2";

    private static final Duration TIMEOUT_DEFAULT = Duration.ofMinutes(10);
    /** What vm-run itself may take beyond the guest's limit: preparing the kernel, starting, cleaning up. */
    private static final Duration TIMEOUT_MARGIN = Duration.ofMinutes(2);
    private static final int STATUS_TIMEOUT = 124;
    private static final int STATUS_MACHINE_DIED = 125;

    private final List<String> options = new ArrayList<>();
    private Duration timeout = TIMEOUT_DEFAULT;

    private VmRig() {}

    public static VmRig guest() {
        return new VmRig();
    }

    /** Adds a network card through which the guest reaches the host's loopback at {@link #HOST_ADDRESS}. */
    public VmRig net() {
        return option("--net");
    }

    /** Connections to 127.0.0.1:{@code hostPort} reach {@code guestPort} of the guest. */
    public VmRig forward(int hostPort, int guestPort) {
        return option("--forward", hostPort + ":" + guestPort);
    }

    /** What the guest writes below {@code directory} reaches the host. */
    public VmRig share(Path directory) {
        return option("--share", directory.toString());
    }

    /** Reserves {@code pageCount} hugepages of 2 MiB in the guest, which gets that much memory more. */
    public VmRig hugepages(int pageCount) {
        return option("--hugepages", Integer.toString(pageCount));
    }

    /** Adds an emulated NVMe drive; the settings are those of vm-run, such as {@code size=64M,lba=4096}. */
    public VmRig nvme(String settings) {
        return option("--nvme", settings);
    }

    /** The number of processors; one unless set, which is the fastest when emulated. */
    public VmRig cpus(int count) {
        return option("--cpus", Integer.toString(count));
    }

    /** Any other option of vm-run. */
    public VmRig option(String... words) {
        options.addAll(List.of(words));
        return this;
    }

    /** The time the guest may take from its start to the end of the script; ten minutes unless set. */
    public VmRig timeout(Duration limit) {
        timeout = limit;
        return this;
    }

    /** Runs a bash script (with errexit, nounset, pipefail) and returns its output; fails if it fails. */
    public String run(String script) {
        try (Guest guest = start(script)) {
            return guest.succeed();
        }
    }

    /** Starts a guest on a bash script (with errexit, nounset, pipefail) and returns while it runs. */
    public Guest start(String script) {
        List<String> command = new ArrayList<>();
        command.add(ChildProcess.projectDirectory().resolve("src/test/vm/vm-run").toString());
        command.addAll(options);
        command.addAll(List.of("--timeout", Long.toString(timeout.toSeconds()), "--"));
        command.addAll(List.of("bash", "-euo", "pipefail", "-c", script));
        try {
            Path output = Files.createTempFile("guest", ".out");
            return new Guest(ChildProcess.start("guest", command, Map.of(), output), output, timeout);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A running guest; closing it switches the machine off. */
    public static final class Guest implements AutoCloseable {
        private final ChildProcess process;
        private final Path outputFile;
        private final Duration timeout;

        private Guest(ChildProcess process, Path outputFile, Duration timeout) {
            this.process = process;
            this.outputFile = outputFile;
            this.timeout = timeout;
        }

        /** Waits until the script's output contains {@code text}; fails when the guest ends without it. */
        public void awaitOutput(String text) {
            process.awaitOutput(text, timeout.plus(TIMEOUT_MARGIN));
        }

        /** What script and kernel tools have printed so far. */
        public String output() {
            return process.output();
        }

        /** Waits for the script's end and returns its exit status; fails if the machine died or ran out of time. */
        public int awaitExit() {
            int status = process.awaitExit(timeout.plus(TIMEOUT_MARGIN));
            if (status == STATUS_TIMEOUT) {
                throw process.failure("out of time after " + timeout.toSeconds() + " s");
            }
            if (status == STATUS_MACHINE_DIED) {
                throw process.failure("the machine did not start or died");
            }
            return status;
        }

        /** Waits for the script's end, fails unless its exit status is 0, and returns its output. */
        public String succeed() {
            int status = awaitExit();
            if (status != 0) {
                throw process.failure("the script failed with status " + status);
            }
            return process.output();
        }

        @Override
        public void close() {
            process.close();
            outputFile.toFile().delete();
        }
    }
}
