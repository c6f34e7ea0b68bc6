package io.mizzen.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.ChildProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The load generator as a user starts it, from the packaged jar. */
class BenchIT {
    private static final Duration DEADLINE = Duration.ofMinutes(10);

    @TempDir
    private Path directory;

    private static String bench(int status, String... arguments) {
        List<String> command = new ArrayList<>(List.of("env", "MIZZEN_JAR=target/mizzen.jar", "./mizzen", "bench"));
        command.addAll(List.of(arguments));
        return ChildProcess.run(status, DEADLINE, command.toArray(String[]::new));
    }

    @Test
    void aFileIsVerifiedAndTheFiguresArePrinted() {
        String output = bench(0, "--bdev", "uring://" + directory.resolve("f.img") + "?create=true&size_mb=16", "--verify",
                "--depth", "8", "--time", "2", "--warmup", "0.2");
        assertThat(output).contains("every I/O read back what was written", "p99.99", "CPU per I/O", "bytes allocated per I/O",
                "dTLB misses per I/O");
    }

    @Test
    void aNexusOverReplicasIsDrivenAndTakenApart() {
        String output = bench(0, "--bdev", "malloc:///a?size_mb=32", "--bdev", "malloc:///b?size_mb=32", "--replica", "thin",
                "--nexus", "--rw", "randrw", "--verify", "--time", "2", "--warmup", "0.2", "--memory", "4k", "--json");
        assertThat(output).contains("\"failure\": null", "(nexus, ", "\"dtlbMissesPerIo\"").contains("pages of 4 KiB");
    }

    @Test
    void fillsFollowEachOtherInNewReplicas() {
        String output = bench(0, "--bdev", "malloc:///a?size_mb=32", "--replica", "thin", "--cluster-size", "1m", "--imported",
                "--rw", "write,randwrite", "--fill", "--time", "0.2", "--warmup", "0.1", "--memory", "4k");
        assertThat(output).contains("fill, write", "fill, randwrite", "fills, one I/O in every 4 KiB");
        assertThat(bench(0, "--bdev", "malloc:///a?size_mb=32", "--replica", "thin", "--prefill", "--time", "0.2", "--warmup", "0.1"))
                .contains("randread");
    }

    @Test
    void snapshotsAreTakenUnderLoadAndTheirPausesReported() {
        String output = bench(0, "--bdev", "malloc:///a?size_mb=64", "--replica", "thick", "--cluster-size", "1m", "--snapshots",
                "8", "--chain", "2", "--rw", "randrw", "--time", "2", "--warmup", "0.2", "--memory", "4k");
        assertThat(output).contains("8 snapshots, chain of 2, clusters of 1024 KiB", "writes held back (engine)",
                "longest write, around a snapshot", "longest read, between");
    }

    @Test
    void aDiskThatIsSomebodysIsNotWrittenTo() throws IOException {
        byte[] disk = new byte[4 << 20];
        disk[510] = 0x55;
        disk[511] = (byte) 0xAA;
        disk[446 + 4] = (byte) 0x83;
        disk[446 + 8] = 1;
        disk[446 + 12] = 100;
        Path file = Files.write(directory.resolve("mbr.img"), disk);
        String output = bench(1, "--bdev", "uring://" + file, "--rw", "randwrite", "--time", "0.2");
        assertThat(output).contains("--overwrite");
        assertThat(Files.readAllBytes(file)).isEqualTo(disk);
        assertThat(bench(0, "--bdev", "uring://" + file, "--rw", "randread", "--time", "0.2")).contains("IOPS");
    }

    @Test
    void mistakesAreNamed() {
        assertThat(bench(2, "--rw", "randread")).contains("--bdev is missing");
        assertThat(bench(1, "--bdev", "floppy:///a")).contains("unknown-uri-scheme");
        assertThat(bench(0, "--help")).contains("--replica thick|thin");
    }
}
