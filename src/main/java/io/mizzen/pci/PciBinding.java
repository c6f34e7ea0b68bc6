package io.mizzen.pci;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.util.OperationException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;

/**
 * Takes NVMe functions from the kernel's driver and gives them back. Each step leaves a state that the next call, of this
 * process or another, goes on from: the driver that a function is kept for is written first, and stays until it is given
 * back. Blocking, for as long as the kernel's driver takes to let go: never on a reactor.
 */
public final class PciBinding {
    private static final String KERNEL_DRIVER = "nvme";

    private static final int O_RDWR_CLOEXEC = 2 | 0x80000;

    private final PciSysfs sysfs;
    private final ToIntFunction<Path> opener;

    public PciBinding(PciSysfs sysfs) {
        this(sysfs, PciBinding::open);
    }

    /** @param opener opens a file for reading and writing; a descriptor or a negative errno */
    PciBinding(PciSysfs sysfs, ToIntFunction<Path> opener) {
        this.sysfs = sysfs;
        this.opener = opener;
    }

    /**
     * Gives the function to a driver that leaves it to us; nothing happens when it has it already.
     *
     * @throws OperationException NOT_FOUND; INVALID_ARGUMENT (not NVMe); FAILED_PRECONDITION with what to do: no IOMMU (names
     *         UIO), the group is shared, the driver is not loaded, missing rights, a process drives it
     *         ({@code device-in-use}). The function is then where it was
     */
    public PciFunction bind(PciAddress address, PciDriver driver) {
        PciFunction before = requireNvme(address);
        check(before, driver);
        if (!driver.driverName().equals(before.driver())) {
            requireNotDriven(before);
            sysfs.setDriverOverride(address, driver.driverName());
            if (before.driver() != null) {
                move(before, address);
            }
            probe(before, address, driver);
        } else if (!driver.driverName().equals(before.driverOverride())) {
            sysfs.setDriverOverride(address, driver.driverName());
        }
        return sysfs.get(address);
    }

    private void move(PciFunction before, PciAddress address) {
        try {
            sysfs.release(address);
        } catch (OperationException refused) {
            sysfs.setDriverOverride(address, before.driverOverride());
            throw refused;
        }
    }

    private void probe(PciFunction before, PciAddress address, PciDriver driver) {
        OperationException refusal = null;
        try {
            sysfs.probe(address);
        } catch (OperationException refused) {
            refusal = refused;
        }
        PciFunction now = sysfs.get(address);
        if (driver.driverName().equals(now.driver())) {
            return;
        }
        String refused = "driver " + driver.driverName() + " did not take " + address + (refusal == null ? "" : " (" + refusal.getMessage()
                + ")");
        if (now.driver() == null) {
            giveBack(before, address, refused);
        }
        throw OperationException.precondition("driver-refused", refused + "; it is with " + driverOf(sysfs.get(address))
                + " again; the kernel's log (dmesg) may say why");
    }

    /** @param refused why it was not taken, which counts more than that it was not given back */
    private void giveBack(PciFunction before, PciAddress address, String refused) {
        try {
            sysfs.setDriverOverride(address, before.driverOverride());
            sysfs.probe(address);
        } catch (OperationException alsoFailed) {
            throw OperationException.precondition("driver-refused", refused + ", and it was not given back to "
                    + driverOf(before) + " (" + alsoFailed.getMessage() + "): no driver has it now; the kernel's log (dmesg) may say why;"
                    + " then unbind it (POST /v1/devices/" + address + "/unbind), which gives it to the kernel");
        }
    }

    /**
     * Gives the function back to the kernel's NVMe driver; nothing happens when that has it.
     *
     * @throws OperationException NOT_FOUND; INVALID_ARGUMENT (not NVMe); FAILED_PRECONDITION (missing rights, no driver took it,
     *         a process drives it)
     */
    public PciFunction unbind(PciAddress address) {
        PciFunction before = requireNvme(address);
        requireNotDriven(before);
        if (before.driverOverride() != null) {
            sysfs.setDriverOverride(address, null);
        }
        if (before.driver() != null && !PciDriver.isOurs(before.driver())) {
            return sysfs.get(address);
        }
        if (before.driver() != null) {
            sysfs.release(address);
        }
        sysfs.probe(address);
        PciFunction now = sysfs.get(address);
        if (now.driver() == null) {
            throw OperationException.precondition("driver-not-loaded", "no driver took " + address
                    + "; load the kernel's (modprobe " + KERNEL_DRIVER + "): it takes the device by itself");
        }
        return now;
    }

    /**
     * Taken away, the function would leave a process's commands in flight; vfio-pci would wait for that process besides. What
     * cannot be known is not assumed.
     */
    private void requireNotDriven(PciFunction function) {
        if (PciDriver.VFIO_PCI.driverName().equals(function.driver())) {
            requireGroupFree(function);
        } else if (PciDriver.UIO_PCI_GENERIC.driverName().equals(function.driver())) {
            requireConfigFree(function);
        }
    }

    /** The kernel opens a group's file once at a time, and not while a device of it is open in another way. */
    private void requireGroupFree(PciFunction function) {
        Path group = sysfs.vfioDirectory().resolve(Integer.toString(function.iommuGroup()));
        int fd = function.iommuGroup() < 0 ? -Errno.ENOENT : opener.applyAsInt(group);
        if (fd == -Errno.ENOENT && function.iommuGroup() >= 0) {
            group = sysfs.vfioDirectory().resolve("noiommu-" + function.iommuGroup());
            fd = opener.applyAsInt(group);
        }
        if (fd == -Errno.EBUSY) {
            throw driven(function, group + " is open");
        }
        if (fd < 0) {
            throw unknown(function, group + ": " + Errno.describe(-fd)
                    + "; in a container, give the engine --device /dev/vfio");
        }
        Libc.close(fd);
    }

    /** Engines lock it. Other programs do not, but none drives the device without its being bus master, which ends with them. */
    private void requireConfigFree(PciFunction function) {
        Path config = sysfs.device(function.address()).resolve("config");
        int fd = opener.applyAsInt(config);
        if (fd < 0) {
            throw unknown(function, config + ": " + Errno.describe(-fd) + "; run the engine as root, in a container with /sys writable");
        }
        try {
            int locked = FileLocks.lock(fd);
            if (locked == -Errno.EAGAIN || locked == -Errno.EACCES) {
                throw driven(function, config + " is locked");
            }
            if (locked < 0) {
                throw unknown(function, config + " takes no lock: " + Errno.describe(-locked));
            }
            if (new ConfigSpace(function.address(), fd, 0).isBusMaster()) {
                throw driven(function, "it is bus master");
            }
        } finally {
            Libc.close(fd);
        }
    }

    private static OperationException driven(PciFunction function, String sign) {
        return OperationException.precondition("device-in-use", "a process drives device " + function.address()
                + " or another one of its IOMMU group (" + sign + "); stop it first");
    }

    private static OperationException unknown(PciFunction function, String why) {
        return OperationException.precondition("device-use-unknown", "whether a process drives device " + function.address()
                + " cannot be told: " + why);
    }

    private static int open(Path path) {
        try (Arena arena = Arena.ofConfined()) {
            return Libc.open(Libc.cString(arena, path.toString()).address(), O_RDWR_CLOEXEC, 0);
        }
    }

    private PciFunction requireNvme(PciAddress address) {
        PciFunction function = sysfs.get(address);
        if (!function.isNvme()) {
            throw OperationException.invalid("not-nvme", "PCI device " + address + " (class "
                    + String.format("%06x", function.classCode()) + ") is not an NVMe controller");
        }
        return function;
    }

    private void check(PciFunction function, PciDriver driver) {
        if (driver == PciDriver.VFIO_PCI) {
            checkVfio(function);
        } else if (function.isTranslated()) {
            throw OperationException.precondition("iommu-translates", "device " + function.address()
                    + " is behind an IOMMU, through which uio_pci_generic cannot reach memory; use vfio-pci, or start the kernel "
                    + "with iommu=pt");
        }
        if (!sysfs.hasDriver(driver.driverName())) {
            throw OperationException.precondition("driver-not-loaded", "the kernel's driver " + driver.driverName()
                    + " is not loaded; run: modprobe " + driver.module());
        }
    }

    private void checkVfio(PciFunction function) {
        if (function.iommuGroup() < 0) {
            throw noIommu(function.address());
        }
        // Drives that share a group are bound one after the other.
        List<PciFunction> hinderers = sysfs.hinderersOf(function).stream().filter(other -> !other.isNvme()).toList();
        if (!hinderers.isEmpty()) {
            throw OperationException.precondition("iommu-group-shared", "device " + function.address() + " shares IOMMU group "
                    + function.iommuGroup() + " with " + hinderers.stream().map(other -> other.address() + " (driver "
                    + other.driver() + ")").collect(Collectors.joining(", "))
                    + "; give those to vfio-pci too, or move the drive to another slot");
        }
    }

    static OperationException noIommu(PciAddress address) {
        return OperationException.precondition("no-iommu", "device " + address + " has no IOMMU group, which vfio-pci needs: "
                + "enable the IOMMU (firmware, and intel_iommu=on or amd_iommu=on for the kernel), or use uio_pci_generic, "
                + "which works without one on hugetlb pages");
    }

    private static String driverOf(PciFunction function) {
        return function.driver() == null ? "no driver" : "driver " + function.driver();
    }
}
