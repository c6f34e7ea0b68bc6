package io.mizzen.pci;

import io.mizzen.memory.IovaMap;

/** What every opened device has: registers, configuration space, and an end that comes once, or twice if it is given up first. */
abstract class MappedDevice implements PciDevice {
    static final int O_RDWR_CLOEXEC = 2 | 0x80000;
    static final int O_NONBLOCK = 0x800;

    final PciSysfs sysfs;
    final PciFunction function;
    final Runnable onClosed;
    private final IovaMap iovas;
    ConfigSpace config;
    Registers registers;
    private boolean abandoned;
    private boolean closed;
    /** What the last look at bus mastering said. */
    private boolean stopped;

    /**
     * A device of which nothing is open yet.
     *
     * @param onClosed run after the kernel has everything back
     */
    MappedDevice(PciSysfs sysfs, PciFunction function, IovaMap iovas, Runnable onClosed) {
        this.sysfs = sysfs;
        this.function = function;
        this.iovas = iovas;
        this.onClosed = onClosed;
    }

    @Override
    public final String address() {
        return function.address().text();
    }

    @Override
    public final int numaNode() {
        return function.numaNode();
    }

    @Override
    public final long barAddress() {
        return registers.address();
    }

    @Override
    public final long barSizeBytes() {
        return registers.sizeBytes();
    }

    @Override
    public final IovaMap iovas() {
        return iovas;
    }

    @Override
    public final synchronized int configInt(int offset) {
        return isOurs() ? config.readInt(offset) : -1;
    }

    @Override
    public final synchronized void startDma() {
        if (isOurs()) {
            config.enableDma();
        }
    }

    @Override
    public final synchronized boolean stopDma() {
        return isOurs() ? disable() : stopped;
    }

    @Override
    public final synchronized void enableWire() {
        if (isOurs() && wireFd() >= 0) {
            config.enableWire();
        }
    }

    @Override
    public final synchronized void abandon() {
        if (isOurs()) {
            abandoned = true;
            try {
                registers.abandon();
            } finally {
                giveBack();
            }
        }
    }

    @Override
    public final synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (registers != null) {
            registers.unmap();          // First: a mapping keeps the device from the kernel, as its descriptor does.
        }
        if (!abandoned) {
            giveBack();
        }
        closeEvents();
    }

    private void giveBack() {
        stopped = config == null || disable();
        letGo();
    }

    private boolean isOurs() {
        return !abandoned && !closed;
    }

    /** Ends bus mastering; whether it has ended. */
    boolean disable() {
        return config.disable();
    }

    /** Gives the kernel everything back, as far as it was opened. Bus mastering has ended. Once. */
    abstract void letGo();

    /** Closes descriptors that the kernel does not wait for. Once, last. */
    void closeEvents() {
    }
}
