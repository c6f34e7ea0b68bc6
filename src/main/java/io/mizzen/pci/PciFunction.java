package io.mizzen.pci;

/**
 * What sysfs says of a PCI function at one moment.
 *
 * @param vendorId of the PCI vendor
 * @param deviceId of that vendor
 * @param classCode base class, sub-class and programming interface
 * @param driver the kernel's driver that has it, or null
 * @param driverOverride the driver that it is kept for, or null
 * @param iommuGroup number, or -1 without an IOMMU
 * @param iommuType how the kernel's own drivers use the IOMMU ({@code DMA-FQ}, {@code identity}); null when unknown
 * @param numaNode the node that it hangs on, or -1
 */
public record PciFunction(PciAddress address, int vendorId, int deviceId, int classCode, String driver,
        String driverOverride, int iommuGroup, String iommuType, int numaNode) {
    /** PCI Code and ID Assignment, 1.2: mass storage, non-volatile memory, NVM Express I/O controller. */
    private static final int CLASS_NVME = 0x010802;

    public boolean isNvme() {
        return classCode == CLASS_NVME;
    }

    /** Whether the IOMMU translates what the device addresses while a driver other than VFIO's has it. */
    public boolean isTranslated() {
        return iommuGroup >= 0 && !"identity".equals(iommuType);
    }
}
