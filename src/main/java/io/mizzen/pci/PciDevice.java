package io.mizzen.pci;

import io.mizzen.memory.IovaMap;

/**
 * A PCI function that this process owns: BAR 0 is mapped, the engine's memory is mapped for it. It reaches none of that
 * before {@link #startDma}: what its last owner left it doing would land in pages that are something else now.
 * Everything may be called on any thread and does not block, but for {@link #close}.
 *
 * <p>Registers are read and written directly at {@link #barAddress()}. A device that is pulled out reads as all ones.
 */
public interface PciDevice extends AutoCloseable {
    /** Domain, bus, device, function: {@code 0000:01:00.0}. */
    String address();

    /** The NUMA node that it hangs on, or -1. */
    int numaNode();

    /** Where BAR 0 is mapped. Valid until {@link #close}. */
    long barAddress();

    long barSizeBytes();

    /** Where the device finds the engine's memory. */
    IovaMap iovas();

    /** Interrupt vectors that have a descriptor each, from 0; 0: none, the driver polls. */
    int interruptVectors();

    /** The eventfd of a vector, non-blocking: readable after an interrupt. It belongs to the device. */
    int interruptFd(int vector);

    /**
     * A descriptor, non-blocking, that is readable (four bytes) after an interrupt by wire, which all queues of the device
     * share; -1: there is none. It belongs to the device and is closed by {@link #abandon}.
     */
    default int wireFd() {
        return -1;
    }

    /**
     * Lets the next interrupt by wire through, which switches them off again. One that is pending comes at once. A short call
     * into the kernel; nothing happens without a wire.
     */
    default void enableWire() {
    }

    /** Readable when the system wants the device back (unplugged, unbound); -1 where it cannot tell. */
    int removalFd();

    /** Whether the system still lists the device and leaves it to this process. A call into the kernel: not on the I/O path. */
    boolean isPresent();

    /** Four bytes of configuration space at an offset that is a multiple of four; all ones when the device is gone. */
    int configInt(int offset);

    /**
     * Begins bus mastering, once the driver has seen the device idle. A short call into the kernel; nothing happens when the
     * device is given up.
     *
     * @throws io.mizzen.util.OperationException FAILED_PRECONDITION {@code bus-mastering-refused}
     */
    void startDma();

    /**
     * Ends bus mastering and reads back that it has ended: whatever the device still does, it reaches no memory from here on,
     * and what it wrote before has arrived. A short call into the kernel.
     *
     * @return false when nobody knows that: the register did not take it, or another driver has the function
     */
    boolean stopDma();

    /**
     * Lets go of a device that is given up, so that the kernel can remove it or give it to another driver, while the driver's
     * objects still exist: bus mastering ends, registers read as all ones from here on and swallow writes. Descriptors of
     * interrupts stay until {@link #close}. Blocks: not on a reactor. A device that holds nothing of the kernel's has nothing to
     * let go.
     */
    default void abandon() {
    }

    /**
     * Ends bus mastering, unmaps registers and memory, closes every descriptor. The driver has shut the device down before
     * and touches no register afterwards. Not on a reactor. A second call does nothing.
     */
    @Override
    void close();
}
