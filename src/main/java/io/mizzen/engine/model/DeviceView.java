package io.mizzen.engine.model;

import java.util.List;

/**
 * A disk of this machine, or an NVMe controller on PCI with its namespaces.
 *
 * @param address PCI address of an NVMe controller; the kernel's name of another disk
 * @param model null where it is not known
 * @param serial null where it is not known
 * @param numaNode null where it does not matter
 * @param driver the kernel's driver of a PCI function; null between drivers, and for other disks
 * @param driverOverride the driver that the function is kept for; null when it is not
 * @param iommuGroup null without an IOMMU, and for other disks
 * @param disks what the kernel serves; empty while the controller is not the kernel's
 * @param controller what the engine sees of a controller while a bdev drives it; else null
 * @param health what an NVMe drive says of itself, whoever drives it: read with the request from a drive that the kernel has, at
 *        most a minute old of one that the engine drives; null where it is not known
 * @param healthUnavailable why not; null when it is
 * @param bdevs bdevs of this engine on it
 * @param available whether Mizzen may take it now
 * @param reason why not; null when it may
 */
public record DeviceView(String address, Kind kind, String model, String serial, Integer numaNode, String driver,
                         String driverOverride, Integer iommuGroup, List<DiskView> disks, NvmeControllerView controller,
                         NvmeControllerView.HealthView health, String healthUnavailable, List<String> bdevs, boolean available, String reason) {

    /** What a device is. */
    public enum Kind { NVME, DISK }

    /**
     * A disk that the kernel serves.
     *
     * @param path the file that a {@code uring} URI names
     * @param namespaceId of an NVMe controller's namespace, else null
     * @param lbaFormats formats that the namespace can have; empty where they are not known
     * @param uses who uses it
     * @param contents signatures of what is on it, as words; null where that was not read: it is in use, or does not answer
     */
    public record DiskView(String name, String path, Integer namespaceId, long sizeBytes, int blockSizeBytes, boolean readOnly,
                           List<LbaFormatView> lbaFormats, List<UseView> uses, List<String> contents) { }

    /**
     * A format of an NVMe namespace.
     *
     * @param metadataBytes with each block
     * @param inUse whether the namespace has it now
     */
    public record LbaFormatView(int index, int blockSizeBytes, int metadataBytes, boolean inUse) { }

    /**
     * A use of a disk.
     *
     * @param detail where it is mounted, which partitions it has, who holds it
     */
    public record UseView(Use kind, String detail) { }

    /** How a disk is used; BDEV: by this engine; UNKNOWN: this process cannot find out. */
    public enum Use { MOUNTED, SWAP, PARTITIONED, LVM, MD, DEVICE_MAPPER, HELD, BDEV, UNKNOWN }
}
