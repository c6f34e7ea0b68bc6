package io.mizzen.pci;

import io.mizzen.memory.DmaRegion;
import io.mizzen.memory.IovaMap;
import io.mizzen.util.OperationException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Opens functions that a driver leaves to us. The engine's memory is mapped once per container, or its physical addresses
 * read once, with the first device. Any thread, but never a reactor: opening and closing block.
 */
public final class PciDevices implements PciOpener {
    private static final Path PAGEMAP = Path.of("/proc/self/pagemap");

    private final PciSysfs sysfs;
    private final List<DmaRegion> regions;
    private final List<VfioContainer> containers = new ArrayList<>();
    private final Set<PciAddress> opened = new HashSet<>();
    private IovaMap physical;

    /** @param regions the engine's memory, which outlives every device */
    public PciDevices(PciSysfs sysfs, List<DmaRegion> regions) {
        this.sysfs = sysfs;
        this.regions = List.copyOf(regions);
    }

    @Override
    public synchronized PciDevice open(PciAddress address, int vectorsMax) {
        PciFunction function = sysfs.get(address);
        if (opened.contains(address)) {
            throw OperationException.precondition("device-in-use", "device " + address + " is open already in this engine");
        }
        PciDevice device = openBound(function, vectorsMax);
        opened.add(address);
        return device;
    }

    private PciDevice openBound(PciFunction function, int vectorsMax) {
        PciAddress address = function.address();
        if (PciDriver.VFIO_PCI.driverName().equals(function.driver())) {
            return openVfio(function, vectorsMax);
        }
        if (PciDriver.UIO_PCI_GENERIC.driverName().equals(function.driver())) {
            if (physical == null) {
                physical = PhysicalMemory.map(regions, PAGEMAP);
            }
            return UioDevice.open(sysfs, function, physical, () -> uioClosed(address));
        }
        throw OperationException.precondition("device-not-bound", "device " + address + " is "
                + (function.driver() == null ? "without a driver" : "with the kernel's driver " + function.driver())
                + "; give it to the engine first: POST /v1/devices/" + address + "/bind");
    }

    private PciDevice openVfio(PciFunction function, int vectorsMax) {
        if (function.iommuGroup() < 0) {
            throw PciBinding.noIommu(function.address());
        }
        for (VfioContainer container : containers) {
            int fd = container.openDevice(function, regions);
            if (fd >= 0) {
                return device(container, function, fd, vectorsMax);
            }
        }
        VfioContainer container = VfioContainer.open(sysfs);
        containers.add(container);
        int fd;
        try {
            fd = container.openDevice(function, regions);
        } catch (OperationException failure) {
            closeIfEmpty(container);
            throw failure;
        }
        return device(container, function, fd, vectorsMax);
    }

    private PciDevice device(VfioContainer container, PciFunction function, int fd, int vectorsMax) {
        return VfioDevice.open(sysfs, function, fd, container.iovas(), vectorsMax, () -> closed(container, function));
    }

    private synchronized void uioClosed(PciAddress address) {
        opened.remove(address);
    }

    private synchronized void closed(VfioContainer container, PciFunction function) {
        opened.remove(function.address());
        container.deviceClosed(function.iommuGroup());
        closeIfEmpty(container);
    }

    private void closeIfEmpty(VfioContainer container) {
        if (container.isEmpty() && containers.remove(container)) {
            container.close();
        }
    }
}
