package io.mizzen.vm;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.GuestEngine;
import io.mizzen.testsupport.VmRig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The engine inside a guest: pools on whole disks, hosts over IPv6, a disk that vanishes under load and comes back under another
 * name of the kernel's, and is unplugged for good. The guest's own kernel is the host.
 */
class DrivesVmIT {
    private static final String NEXUS = UUID.nameUUIDFromBytes(new byte[] {6}).toString();

    @TempDir
    private Path directory;

    @Test
    void hostOverIpv6UsesAMirrorOfTwoDisksAndOutlivesTheLossOfOne() {
        String engine = GuestEngine.startScript(directory,
                Map.of("mizzen.nvmf.addresses", "::1", "mizzen.cores", "0", "mizzen.memory.size", "96MiB"));
        String output = VmRig.guest().cpus(2).nvme("size=128M").nvme("size=128M").timeout(Duration.ofMinutes(25))
                .run(engine + "volume-drives 4420 " + NEXUS + " $engine || { tail -n 60 $engine_log; exit 1; }\n"
                        + "status=0; wait $engine || status=$?; tail -n 30 $engine_log; echo engine status $status");
        assertThat(output).contains("engine status 0");
    }
}
