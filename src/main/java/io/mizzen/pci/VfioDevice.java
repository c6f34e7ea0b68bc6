package io.mizzen.pci;

import static io.mizzen.ffi.VfioAbi.*;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.IovaMap;
import io.mizzen.util.OperationException;
import java.lang.foreign.Arena;
import java.util.function.IntUnaryOperator;

/** A function behind an IOMMU, through vfio-pci. When the process dies, the kernel resets the device and ends its access. */
final class VfioDevice extends MappedDevice {
    private static final int EFD_CLOEXEC_NONBLOCK = 0x80800;

    private final int fd;
    private final PathProbe presence;
    private int[] interruptFds = {};
    private int removalFd = -1;

    /**
     * Takes a descriptor of the device over.
     *
     * @param vectorsMax interrupt vectors wanted at most
     * @param onClosed run after the descriptor is closed
     * @throws OperationException why it cannot be used; everything, the descriptor too, is then closed
     */
    static VfioDevice open(PciSysfs sysfs, PciFunction function, int fd, IovaMap iovas, int vectorsMax, Runnable onClosed) {
        VfioDevice device = new VfioDevice(sysfs, function, fd, iovas, onClosed);
        try {
            device.setUp(vectorsMax);
            return device;
        } catch (OperationException failure) {
            device.close();
            throw failure;
        }
    }

    private VfioDevice(PciSysfs sysfs, PciFunction function, int fd, IovaMap iovas, Runnable onClosed) {
        super(sysfs, function, iovas, onClosed);
        this.fd = fd;
        this.presence = new PathProbe(sysfs.device(function.address()));
    }

    private void setUp(int vectorsMax) {
        try (Arena arena = Arena.ofConfined()) {
            long region = region(arena, VFIO_PCI_CONFIG_REGION_INDEX);
            config = new ConfigSpace(function.address(), fd, RawMemory.getLong(region + REGION_INFO_OFFSET));
            mapBar(region(arena, VFIO_PCI_BAR0_REGION_INDEX));
            int vectors = Math.min(vectorsMax, interruptCount(arena, VFIO_PCI_MSIX_IRQ_INDEX));
            int[] fds = new int[vectors];
            for (int i = 0; i < vectors; i++) {
                fds[i] = eventfd();
                interruptFds = java.util.Arrays.copyOf(fds, i + 1);
            }
            keepInterrupts(vectorsThatWork(vectors, count -> requestInterrupts(arena, VFIO_PCI_MSIX_IRQ_INDEX,
                    VFIO_IRQ_SET_DATA_EVENTFD, java.util.Arrays.copyOf(interruptFds, count))));
            if (interruptCount(arena, VFIO_PCI_REQ_IRQ_INDEX) > 0) {
                removalFd = eventfd();
                require("removal request", requestInterrupts(arena, VFIO_PCI_REQ_IRQ_INDEX, VFIO_IRQ_SET_DATA_EVENTFD, removalFd));
            }
        }
        config.enableRegisters();
    }

    private long region(Arena arena, int index) {
        long info = arena.allocate(REGION_INFO_SIZE_BYTES, 8).address();
        RawMemory.putInt(info + REGION_INFO_ARGSZ, REGION_INFO_SIZE_BYTES);
        RawMemory.putInt(info + REGION_INFO_INDEX, index);
        require("region " + index, Libc.ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info));
        return info;
    }

    private void mapBar(long info) {
        long barSizeBytes = RawMemory.getLong(info + REGION_INFO_SIZE);
        if (barSizeBytes == 0 || (RawMemory.getInt(info + REGION_INFO_FLAGS) & VFIO_REGION_INFO_FLAG_MMAP) == 0) {
            throw OperationException.precondition("device-not-opened", "BAR 0 of device " + function.address() + " ("
                    + barSizeBytes + " bytes) cannot be mapped");
        }
        Registers mapped = Registers.map(fd, RawMemory.getLong(info + REGION_INFO_OFFSET), barSizeBytes);
        require("mapping of BAR 0", -mapped.failure());
        registers = mapped;
    }

    /** Interrupts of a kind that can have eventfds. */
    private int interruptCount(Arena arena, int index) {
        long info = arena.allocate(IRQ_INFO_SIZE_BYTES, 8).address();
        RawMemory.putInt(info + IRQ_INFO_ARGSZ, IRQ_INFO_SIZE_BYTES);
        RawMemory.putInt(info + IRQ_INFO_INDEX, index);
        int result = Libc.ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, info);
        boolean usable = result == 0 && (RawMemory.getInt(info + IRQ_INFO_FLAGS) & VFIO_IRQ_INFO_EVENTFD) != 0;
        return usable ? RawMemory.getInt(info + IRQ_INFO_COUNT) : 0;
    }

    private int eventfd() {
        int event = Libc.eventfd(0, EFD_CLOEXEC_NONBLOCK);
        require("eventfd", event);
        return event;
    }

    /**
     * Asks for vectors until the kernel has as many: a positive answer is how many there are, none of which it then enabled.
     *
     * @param request asks for so many; 0, a number of vectors, or a negative errno
     * @return how many are enabled, or the negative errno
     */
    static int vectorsThatWork(int wanted, IntUnaryOperator request) {
        int count = wanted;
        while (count > 0) {
            int result = request.applyAsInt(count);
            if (result <= 0) {
                return result < 0 ? result : count;
            }
            count = Math.min(result, count - 1);
        }
        return 0;
    }

    private void keepInterrupts(int count) {
        require("interrupts", count);
        for (int i = count; i < interruptFds.length; i++) {
            Libc.close(interruptFds[i]);
        }
        interruptFds = java.util.Arrays.copyOf(interruptFds, count);
    }

    private int requestInterrupts(Arena arena, int index, int dataFlag, int... fds) {
        int lengthBytes = IRQ_SET_SIZE_BYTES + 4 * fds.length;
        long set = arena.allocate(lengthBytes, 8).address();
        RawMemory.putInt(set + IRQ_SET_ARGSZ, lengthBytes);
        RawMemory.putInt(set + IRQ_SET_FLAGS, dataFlag | VFIO_IRQ_SET_ACTION_TRIGGER);
        RawMemory.putInt(set + IRQ_SET_INDEX, index);
        RawMemory.putInt(set + IRQ_SET_START, 0);
        RawMemory.putInt(set + IRQ_SET_COUNT, fds.length);
        for (int i = 0; i < fds.length; i++) {
            RawMemory.putInt(set + IRQ_SET_DATA + 4L * i, fds[i]);
        }
        return Libc.ioctl(fd, VFIO_DEVICE_SET_IRQS, set);
    }

    private void require(String what, int result) {
        if (result < 0) {
            throw OperationException.precondition("device-not-opened", what + " of device " + function.address() + ": "
                    + Errno.describe(-result) + "; the kernel's log (dmesg) may say why");
        }
    }

    @Override
    public int interruptVectors() {
        return interruptFds.length;
    }

    @Override
    public int interruptFd(int vector) {
        return interruptFds[vector];
    }

    @Override
    public int removalFd() {
        return removalFd;
    }

    @Override
    public boolean isPresent() {
        return presence.exists();
    }

    @Override
    void closeEvents() {
        for (int event : interruptFds) {
            Libc.close(event);
        }
        if (removalFd >= 0) {
            Libc.close(removalFd);
        }
    }

    @Override
    void letGo() {
        try (Arena arena = Arena.ofConfined()) {
            if (interruptFds.length > 0) {
                requestInterrupts(arena, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE);
            }
            if (removalFd >= 0) {
                requestInterrupts(arena, VFIO_PCI_REQ_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE);
            }
        }
        Libc.close(fd);
        onClosed.run();
    }
}
