package io.mizzen.vm;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.GuestEngine;
import io.mizzen.testsupport.VmRig;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jctools.queues.atomic.MpscAtomicArrayQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** NVMe drives behind the guest's emulated IOMMU, driven through vfio-pci. */
class VfioVmIT {
    @TempDir
    private Path directory;

    @Test
    void aDriveIsTakenDrivenAndGivenBackWithItsBytes() {
        String output = VmRig.guest().nvme("size=64M,serial=first").nvme("size=64M,serial=second").hugepages(8)
                .timeout(Duration.ofMinutes(20)).run(probe() + """
                        . src/test/vm/guest/volume-common
                        head -c 1M /dev/urandom > /tmp/pattern
                        dd if=/tmp/pattern of="$(disk_of 0000:02:00.0)" bs=64k oflag=direct status=none
                        probe bind 0000:02:00.0 vfio-pci
                        modprobe -a vfio-pci uio_pci_generic
                        probe open 0000:05:00.0
                        setpriv --reuid 65534 --clear-groups bash -c "$(declare -f probe); probe bind 0000:02:00.0 vfio-pci"
                        probe drive 0000:02:00.0 vfio-pci 64
                        await 300 "drive of the kernel" disk_of 0000:02:00.0
                        cmp -n 1048576 /tmp/pattern "$(disk_of 0000:02:00.0)" && echo same bytes
                        /bin/bash src/test/vm/guest/pci-bind 0000:02:00.0 vfio-pci
                        setpriv --bounding-set=-ipc_lock prlimit --memlock=1048576 bash -c \\
                            "$(declare -f probe); probe open 0000:02:00.0"
                        """);
        assertThat(output.lines()).containsSubsequence(
                "failed FAILED_PRECONDITION driver-not-loaded: the kernel's driver vfio-pci is not loaded; run: modprobe vfio-pci");
        assertThat(output).contains("pci-device-not-found")
                .contains("missing-rights").contains("before bind: device-not-bound").contains("second open: device-in-use")
                .contains("bound to vfio-pci\nbound again to vfio-pci").contains("serial second model QEMU NVMe Ctrl interrupt true")
                .contains("removal true class 10802 present true")
                .contains("after 64 cycles 0 descriptors and 0 pinned KiB more").contains("abandoned: CSTS ffffffff config ffffffff\ngiven back to nvme\noverride null")
                .contains("same bytes").contains("memlock-too-low");
    }

    @Test
    void eachNamespaceHoldsForTheKernelWhatTheEngineWroteAndTheOtherWayRound() {
        namespacesHoldTheirOwn(VmRig.guest(), "vfio-pci");
    }

    @Test
    void aMirrorWithALegOnATakenDriveOutlivesTheEngineAndTheKernelReadsItsBytes() {
        mirrorOutlivesTheEngine(VmRig.guest(), directory, "vfio-pci");
    }

    @Test
    void aTakenDriveThatIsSlowAndFailsAReadAndIsPulledOutUnderLoadCostsNoHostAByte() {
        isPulledOut(VmRig.guest(), directory, "vfio-pci");
    }

    /** Drives of two namespaces each, with blocks of 4096 and of 512 bytes, small largest transfers and a memory buffer: see the probe. */
    static void namespacesHoldTheirOwn(VmRig machine, String driver) {
        String output = machine.nvme("size=16M,lba=4096,ns=2,mdts=3,queues=2,cmb=16").nvme("size=16M,ns=2,mdts=1").hugepages(64)
                .cpus(2).timeout(Duration.ofMinutes(25)).run(namespaceProbe() + """
                        . src/test/vm/guest/volume-common
                        for drive in 0000:01:00.0 0000:02:00.0; do
                            for nsid in 1 2; do probe fill "$(disk_of $drive $nsid)" $nsid; done
                            bash src/test/vm/guest/pci-bind $drive %1$s
                            probe drive $drive 1 2
                            bash src/test/vm/guest/pci-bind $drive nvme
                            for nsid in 1 2; do
                                await 300 "namespace $nsid" disk_of $drive $nsid > /dev/null
                                probe check "$(disk_of $drive $nsid)" $nsid
                            done
                        done
                        """.formatted(driver));
        for (String block : List.of("4096", "512")) {
            assertThat(output).contains("n1 of 16777216 bytes in blocks of " + block).contains("n2 of 16777216 bytes in blocks of " + block);
        }
        assertThat(output.lines().filter(line -> line.startsWith("checked 16777216 bytes of namespace "))).hasSize(4);
    }

    /** The same with either driver: see the script. */
    static void isPulledOut(VmRig machine, Path directory, String driver) {
        assertThat(run(machine.nvme("size=128M").nvme("size=128M"), directory, "volume-unplugged", driver)).contains("interrupts of 30 slow writes");
    }

    /** The same with either driver, on drives of blocks of 4096 bytes, the taken one with all that drives may have: see the script. */
    static void mirrorOutlivesTheEngine(VmRig machine, Path directory, String driver) {
        VmRig drives = machine.nvme("size=128M,lba=4096,ns=2,mdts=3,queues=2,cmb=16").nvme("size=128M,lba=4096").nvme("size=64M,ms=8");
        assertThat(run(drives, directory, "volume-owned", driver)).contains("engine status 0");
    }

    private static String run(VmRig machine, Path directory, String script, String driver) {
        String nexus = UUID.nameUUIDFromBytes(driver.getBytes(StandardCharsets.UTF_8)).toString();
        String engine = GuestEngine.startScript(directory, Map.of("mizzen.cores", "0", "mizzen.memory.size", "96MiB"));
        return machine.cpus(2).hugepages(64).timeout(Duration.ofMinutes(25))
                .run(engine + script + " 4420 " + nexus + " $engine " + driver
                        + " || { tail -n 20 $engine_log; exit 1; }\ntail -n 30 $engine_log");
    }

    /** Bash lines that define {@code probe}: one run of the probe. */
    static String probe() {
        return probe("io.mizzen.pci.PciProbe");
    }

    private static String namespaceProbe() {
        return probe(NamespaceProbe.class.getName());
    }

    private static String probe(String program) {
        String java = Path.of(System.getProperty("java.home"), "bin/java").toString();
        String queues = Path.of(URI.create(MpscAtomicArrayQueue.class.getProtectionDomain().getCodeSource().getLocation().toString())).toString();
        return "probe() { " + java + " -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -ea:io.mizzen... "
                + "--enable-native-access=ALL-UNNAMED -cp target/classes:target/test-classes:" + queues + " " + program + " \"$@\"; }\n";
    }
}
