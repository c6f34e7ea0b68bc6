package io.mizzen.vm;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.VmRig;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** NVMe drives of a guest without an IOMMU, driven through uio_pci_generic. */
class UioVmIT {
    @TempDir
    private Path directory;

    @Test
    void aDriveIsTakenDrivenAndGivenBackWithItsBytes() {
        String output = VmRig.guest().option("--no-iommu").nvme("size=64M,lba=4096").hugepages(8)
                .timeout(Duration.ofMinutes(20)).run(VfioVmIT.probe() + """
                        modprobe -a vfio-pci uio_pci_generic
                        . src/test/vm/guest/volume-common
                        head -c 1M /dev/urandom > /tmp/pattern
                        dd if=/tmp/pattern of="$(disk_of 0000:01:00.0)" bs=64k oflag=direct status=none
                        probe bind 0000:01:00.0 vfio-pci
                        probe drive 0000:01:00.0 uio_pci_generic 64
                        await 300 "drive of the kernel" disk_of 0000:01:00.0
                        cmp -n 1048576 /tmp/pattern "$(disk_of 0000:01:00.0)" && echo same bytes
                        /bin/bash src/test/vm/guest/pci-bind 0000:01:00.0 uio_pci_generic
                        probe pulled 0000:01:00.0 > /tmp/pulled &
                        await 300 "drive that is used" grep -q driving /tmp/pulled
                        qmp device_del '{"id": "nvme1"}' > /dev/null
                        wait $! && cat /tmp/pulled
                        qmp device_add '{"driver": "nvme", "id": "nvme1", "bus": "port1", "serial": "vm1", "drive": "disk1.1"}' > /dev/null
                        await 300 "drive that is back" disk_of 0000:01:00.0
                        echo 0 > /proc/sys/vm/nr_hugepages
                        /bin/bash src/test/vm/guest/pci-bind 0000:01:00.0 uio_pci_generic
                        probe open 0000:01:00.0
                        """);
        assertThat(output).contains("no-iommu").contains("use uio_pci_generic").contains("before bind: device-not-bound")
                .contains("second open: device-in-use").contains("bound to uio_pci_generic\nbound again to uio_pci_generic")
                .contains("model QEMU NVMe Ctrl interrupt true").contains("vectors 0 removal false class 10802 present true")
                .contains("after 64 cycles 0 descriptors and 0 pinned KiB more").contains("abandoned: CSTS ffffffff config ffffffff\ngiven back to nvme\noverride null")
                .contains("same bytes").contains("bus mastering ended true").contains("hugetlb-required").contains("sysctl vm.nr_hugepages=2");
    }

    @Test
    void eachNamespaceHoldsForTheKernelWhatTheEngineWroteAndTheOtherWayRound() {
        VfioVmIT.namespacesHoldTheirOwn(VmRig.guest().option("--no-iommu"), "uio_pci_generic");
    }

    @Test
    void aMirrorWithALegOnATakenDriveOutlivesTheEngineAndTheKernelReadsItsBytes() {
        VfioVmIT.mirrorOutlivesTheEngine(VmRig.guest().option("--no-iommu"), directory, "uio_pci_generic");
    }

    @Test
    void aTakenDriveThatIsSlowAndFailsAReadAndIsPulledOutUnderLoadCostsNoHostAByte() {
        VfioVmIT.isPulledOut(VmRig.guest().option("--no-iommu"), directory, "uio_pci_generic");
    }
}
