package io.mizzen.vm;

import static org.assertj.core.api.Assertions.assertThat;

import io.mizzen.testsupport.VmRig;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** NVMe drives of a guest without an IOMMU, driven through uio_pci_generic. */
class UioVmIT {
    @Test
    void aDriveIsTakenDrivenAndGivenBackWithItsBytes() {
        String output = VmRig.guest().option("--no-iommu").nvme("size=64M,lba=4096").hugepages(8)
                .timeout(Duration.ofMinutes(4)).run(VfioVmIT.probe() + """
                        modprobe -a vfio-pci uio_pci_generic
                        head -c 1M /dev/urandom > /tmp/pattern
                        dd if=/tmp/pattern of=/dev/nvme0n1 bs=64k oflag=direct status=none
                        probe bind 0000:01:00.0 vfio-pci
                        probe drive 0000:01:00.0 uio_pci_generic 64
                        until [ -b /dev/nvme0n1 ]; do sleep 0.2; done
                        cmp -n 1048576 /tmp/pattern /dev/nvme0n1 && echo same bytes
                        echo 0 > /proc/sys/vm/nr_hugepages
                        /bin/bash src/test/vm/guest/pci-bind 0000:01:00.0 uio_pci_generic
                        probe open 0000:01:00.0
                        """);
        assertThat(output).contains("no-iommu").contains("use uio_pci_generic").contains("before bind: device-not-bound")
                .contains("second open: device-in-use").contains("bound to uio_pci_generic\nbound again to uio_pci_generic")
                .contains("model QEMU NVMe Ctrl interrupt false").contains("vectors 0 removal false class 10802 present true")
                .contains("after 64 cycles 0 descriptors and 0 pinned KiB more").contains("abandoned: CSTS ffffffff config ffffffff\ngiven back to nvme\noverride null")
                .contains("same bytes").contains("hugetlb-required").contains("sysctl vm.nr_hugepages=2");
    }
}
