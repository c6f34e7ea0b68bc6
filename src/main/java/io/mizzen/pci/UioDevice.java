package io.mizzen.pci;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.memory.IovaMap;
import io.mizzen.util.OperationException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A function without an IOMMU, through uio_pci_generic: registers by sysfs, memory by physical addresses. It has no
 * interrupts: the wire is shared and one for all queues, so the driver polls. The device file is held open, for then the
 * kernel ends bus mastering when the process dies. It does so whenever anybody closes that file: locks keep other engines away,
 * the first of them on the configuration space, before the device file is touched.
 */
final class UioDevice implements PciDevice {
    private static final int O_RDWR_CLOEXEC = 2 | 0x80000;

    private final PciSysfs sysfs;
    private final PciFunction function;
    private final IovaMap physical;
    private final Runnable onClosed;
    private FileChannel file;
    private ConfigSpace config;
    private int configFd = -1;
    private int barFd = -1;
    private Registers registers;
    private boolean abandoned;
    private boolean closed;

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
        this.sysfs = sysfs;
        this.function = function;
        this.physical = physical;
        this.onClosed = onClosed;
    }

    private void setUp() {
        Path directory = sysfs.device(function.address());
        configFd = openFile(directory.resolve("config"));
        int locked = FileLocks.lock(configFd);
        if (locked == -Errno.EAGAIN || locked == -Errno.EACCES) {
            throw inUse(directory.resolve("config"));
        }
        if (locked < 0) {
            throw refused(directory.resolve("config"), Errno.describe(-locked));
        }
        lock();
        config = new ConfigSpace(function.address(), configFd, 0);
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

    private void lock() {
        Path path = sysfs.uioFile(function.address());
        if (path == null) {
            throw refused(sysfs.device(function.address()).resolve("uio"), "not there");
        }
        try {
            file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
            FileLock lock = file.tryLock();
            if (lock == null) {
                throw inUse(path);
            }
        } catch (OverlappingFileLockException twice) {
            throw inUse(path);
        } catch (IOException e) {
            throw refused(path, e.getMessage());
        }
    }

    private OperationException inUse(Path path) {
        return OperationException.precondition("device-in-use", "device " + function.address() + " is driven already ("
                + path + " is locked); stop the engine that has it first");
    }

    private OperationException refused(Path path, String why) {
        return OperationException.precondition("device-not-opened", "cannot use " + path + " of device " + function.address()
                + ": " + why);
    }

    private int openFile(Path path) {
        try (Arena arena = Arena.ofConfined()) {
            int fd = Libc.open(Libc.cString(arena, path.toString()).address(), O_RDWR_CLOEXEC, 0);
            if (fd == -Errno.EACCES || fd == -Errno.EPERM) {
                throw OperationException.precondition("missing-rights", "cannot open " + path + ": " + Errno.describe(-fd)
                        + "; run the engine as root, in a container with /sys writable");
            }
            if (fd < 0) {
                throw refused(path, Errno.describe(-fd));
            }
            return fd;
        }
    }

    @Override
    public String address() {
        return function.address().text();
    }

    @Override
    public int numaNode() {
        return function.numaNode();
    }

    @Override
    public long barAddress() {
        return registers.address();
    }

    @Override
    public long barSizeBytes() {
        return registers.sizeBytes();
    }

    @Override
    public IovaMap iovas() {
        return physical;
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
    public int removalFd() {
        return -1;
    }

    @Override
    public boolean isPresent() {
        return sysfs.isWith(function.address(), PciDriver.UIO_PCI_GENERIC);
    }

    @Override
    public synchronized int configInt(int offset) {
        return abandoned || closed ? -1 : config.readInt(offset);
    }

    @Override
    public synchronized void startDma() {
        if (!abandoned && !closed) {
            config.enableDma();
        }
    }

    @Override
    public synchronized void stopDma() {
        if (!abandoned && !closed) {
            disable();
        }
    }

    @Override
    public synchronized void abandon() {
        if (!abandoned && !closed) {
            abandoned = true;
            try {
                registers.abandon();
            } finally {
                letGo();
            }
        }
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (registers != null) {
            registers.unmap();
        }
        if (!abandoned) {
            letGo();
        }
    }

    /** Nothing happens when the function was given to another driver meanwhile, which needs its bus mastering. */
    private void disable() {
        if (isPresent()) {
            config.disable();
        }
    }

    /** The kernel has the device back after this. */
    private void letGo() {
        if (config != null) {
            disable();
        }
        if (barFd >= 0) {
            Libc.close(barFd);
        }
        try {
            if (file != null) {
                file.close();       // Its lock goes with it.
            }
        } catch (IOException e) {
            throw OperationException.internal("close-failed", "closing the file of device " + function.address() + ": " + e);
        } finally {
            if (configFd >= 0) {
                Libc.close(configFd);   // Last: until the device file is closed, nobody else may open it.
            }
            onClosed.run();
        }
    }
}
