package io.mizzen.pci;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.memory.IovaMap;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A function without an IOMMU, through uio_pci_generic: registers by sysfs, memory by physical addresses. Its interrupts come
 * by wire, one for all queues: the device file is readable after one, and the kernel has switched them off. That file is held
 * open besides, for then the kernel ends bus mastering when the process dies. It does so whenever anybody closes the file:
 * locks keep other engines away, the first of them on the configuration space, before the device file is touched.
 */
final class UioDevice extends MappedDevice {
    private final PathProbe presence;
    private int configFd = -1;
    private int fd = -1;
    private int barFd = -1;
    private boolean hasWire;

    /**
     * Opens the device.
     *
     * @param physical the physical addresses of the engine's memory
     * @param onClosed run after everything is closed
     * @throws OperationException why it cannot be used; nothing stays open
     */
    static UioDevice open(PciSysfs sysfs, PciFunction function, IovaMap physical, Runnable onClosed) {
        UioDevice device = new UioDevice(sysfs, function, physical, onClosed);
        try {
            device.setUp();
            return device;
        } catch (OperationException failure) {
            device.close();
            throw failure;
        }
    }

    private UioDevice(PciSysfs sysfs, PciFunction function, IovaMap physical, Runnable onClosed) {
        super(sysfs, function, physical, onClosed);
        presence = new PathProbe(sysfs.ofDriver(PciDriver.UIO_PCI_GENERIC, function.address()));
    }

    private void setUp() {
        Path directory = sysfs.device(function.address());
        Path uio = sysfs.uioFile(function.address());
        if (uio == null) {
            throw refused(directory.resolve("uio"), "not there");
        }
        configFd = lock(directory.resolve("config"));
        fd = lock(uio);
        config = new ConfigSpace(function.address(), configFd, 0);
        hasWire = config.hasWire() && sysfs.interruptNumber(function.address()) > 0;
        Path bar = directory.resolve("resource0");
        barFd = openFile(bar);
        long barSizeBytes;
        try {
            barSizeBytes = Files.size(bar);
        } catch (IOException e) {
            throw refused(bar, e.getMessage());
        }
        config.disable();       // An earlier life that was killed may have left the controller running.
        config.enableRegisters();
        Registers mapped = Registers.map(barFd, 0, barSizeBytes);
        if (mapped.failure() != 0) {
            throw refused(bar, Errno.describe(mapped.failure()) + (mapped.failure() == Errno.EPERM
                    ? " (a locked-down kernel, as with secure boot, forbids it; use vfio-pci)" : ""));
        }
        registers = mapped;
    }

    /** Opens a file that nobody else has locked, and locks it. */
    private int lock(Path path) {
        int opened = openFile(path);
        int locked = FileLocks.lock(opened);
        if (locked < 0) {
            Libc.close(opened);
        }
        if (locked == -Errno.EAGAIN || locked == -Errno.EACCES) {
            throw OperationException.precondition("device-in-use", "device " + function.address() + " is driven already ("
                    + path + " is locked); stop the engine that has it first");
        }
        if (locked < 0) {
            throw refused(path, Errno.describe(-locked));
        }
        return opened;
    }

    private OperationException refused(Path path, String why) {
        return OperationException.precondition("device-not-opened", "cannot use " + path + " of device " + function.address()
                + ": " + why);
    }

    private int openFile(Path path) {
        try (Arena arena = Arena.ofConfined()) {
            int opened = Libc.open(Libc.cString(arena, path.toString()).address(), O_RDWR_CLOEXEC | O_NONBLOCK, 0);
            if (opened == -Errno.EACCES || opened == -Errno.EPERM) {
                throw OperationException.precondition("missing-rights", "cannot open " + path + ": " + Errno.describe(-opened)
                        + "; run the engine as root, in a container with /sys writable");
            }
            if (opened < 0) {
                throw refused(path, Errno.describe(-opened));
            }
            return opened;
        }
    }

    @Override
    public int interruptVectors() {
        return 0;
    }

    @Override
    public int interruptFd(int vector) {
        throw new IllegalArgumentException("uio_pci_generic has no interrupt vectors");
    }

    @Override
    public int wireFd() {
        return hasWire ? fd : -1;
    }

    @Override
    public int removalFd() {
        return -1;
    }

    @Override
    public boolean isPresent() {
        return presence.exists();
    }

    /** Another driver that was given the function meanwhile needs its bus mastering; what the device does there, nobody knows. */
    @Override
    boolean disable() {
        String driver = sysfs.driver(function.address());
        return driver == null || PciDriver.UIO_PCI_GENERIC.driverName().equals(driver) ? super.disable() : false;
    }

    @Override
    void letGo() {
        if (barFd >= 0) {
            Libc.close(barFd);
        }
        if (fd >= 0) {
            Libc.close(fd);
        }
        if (configFd >= 0) {
            Libc.close(configFd);       // Last: until the device file is closed, nobody else may open it.
        }
        onClosed.run();
    }
}
