package io.mizzen.pci;

import io.mizzen.util.OperationException;
import java.util.Arrays;
import java.util.stream.Collectors;

/** The kernel's drivers under which this process may drive a PCI function itself. */
public enum PciDriver {
    /** Behind an IOMMU: the device reaches the engine's memory only. */
    VFIO_PCI("vfio-pci", "vfio-pci"),
    /** Without an IOMMU: physical addresses, hugetlb pages only. */
    UIO_PCI_GENERIC("uio_pci_generic", "uio_pci_generic");

    private final String driverName;
    private final String module;

    PciDriver(String driverName, String module) {
        this.driverName = driverName;
        this.module = module;
    }

    /** As in sysfs. */
    public String driverName() {
        return driverName;
    }

    /** What modprobe calls it. */
    public String module() {
        return module;
    }

    /** Whether the driver of that name, or none, leaves the function to us. */
    public static boolean isOurs(String driverName) {
        return Arrays.stream(values()).anyMatch(driver -> driver.driverName.equals(driverName));
    }

    /**
     * By the kernel's name.
     *
     * @throws OperationException INVALID_ARGUMENT {@code unknown-driver}
     */
    public static PciDriver of(String driverName) {
        return Arrays.stream(values()).filter(driver -> driver.driverName.equals(driverName)).findFirst()
                .orElseThrow(() -> OperationException.invalid("unknown-driver", "driver '" + driverName + "' is none of "
                        + Arrays.stream(values()).map(PciDriver::driverName).collect(Collectors.joining(", "))));
    }
}
