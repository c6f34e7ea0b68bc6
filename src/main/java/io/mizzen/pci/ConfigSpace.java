package io.mizzen.pci;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.util.OperationException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The configuration space of a function, behind a descriptor at an offset. PCI Local Bus 3.0, 6.2.2 and 6.2.4. Any thread; the
 * command register is changed for every interrupt by wire, without making objects.
 */
final class ConfigSpace {
    private static final int COMMAND = 0x04;
    private static final int COMMAND_BYTES = 2;
    private static final int MEMORY_SPACE = 1 << 1;
    private static final int BUS_MASTER = 1 << 2;
    private static final int INTX_DISABLE = 1 << 10;
    /** What the command register of a device that is gone reads as. */
    private static final int GONE = 0xFFFF;
    /** The interrupt line, with the pin above it. */
    private static final int INTERRUPT_LINE = 0x3C;

    private final PciAddress address;
    private final int fd;
    private final long offset;
    private final MemorySegment scratch = Arena.ofAuto().allocate(8, 8);
    private final long buffer = scratch.address();

    ConfigSpace(PciAddress address, int fd, long offset) {
        this.address = address;
        this.fd = fd;
        this.offset = offset;
    }

    /** Four bytes; all ones when the device does not answer. */
    synchronized int readInt(int at) {
        return Libc.pread(fd, buffer, 4, offset + at) == 4 ? RawMemory.getInt(buffer) : -1;
    }

    /** Lets the device answer at its BARs; interrupts by wire are off, and access to memory stays as it was. */
    void enableRegisters() {
        writeCommand((readCommand() | MEMORY_SPACE | INTX_DISABLE) & GONE);
    }

    /** Lets the device reach memory. */
    void enableDma() {
        writeCommand((readCommand() | BUS_MASTER) & GONE);
        int now = readCommand();
        if ((now & BUS_MASTER) == 0 || now == GONE) {
            throw OperationException.precondition("bus-mastering-refused", "device " + address + " does not become bus master "
                    + "(command register " + Integer.toHexString(now) + "); it may be switched off or broken");
        }
    }

    /** Whether the device may reach memory. One that does not answer does not. */
    boolean isBusMaster() {
        int command = readCommand();
        return command >= 0 && command != GONE && (command & BUS_MASTER) != 0;
    }

    /** Whether interrupts by wire are wired to anything: the interrupt pin register. */
    boolean hasWire() {
        int pin = readInt(INTERRUPT_LINE) >>> 8 & 0xFF;
        return pin >= 1 && pin <= 4;
    }

    /** Lets interrupts by wire through; the kernel switches them off when one comes. Nothing happens when the device is gone. */
    void enableWire() {
        int command = readCommand();
        if (command >= 0 && command != GONE) {
            write(command & ~INTX_DISABLE);
        }
    }

    /**
     * Ends all access of the device to memory, and its interrupts by wire. Reading back brings what it wrote before.
     *
     * @return whether it has ended: the bit reads as zero, or the device is gone
     */
    boolean disable() {
        int command = readCommand();
        if (command >= 0 && command != GONE) {
            write((command & ~BUS_MASTER | INTX_DISABLE) & GONE);
            command = readCommand();
        }
        return isGone(command) || command >= 0 && (command & BUS_MASTER) == 0;
    }

    private static boolean isGone(int command) {
        return command == GONE || command == -Errno.ENODEV || command == -Errno.ENXIO;
    }

    /** The command register; all ones when the device does not answer, a negative errno when nobody can ask. */
    private synchronized int readCommand() {
        long result = Libc.pread(fd, buffer, COMMAND_BYTES, offset + COMMAND);
        return result < 0 ? (int) result : result < COMMAND_BYTES ? -Errno.EIO : RawMemory.getShort(buffer) & GONE;
    }

    private void writeCommand(int value) {
        long written = write(value);
        if (written != COMMAND_BYTES) {
            throw OperationException.precondition("bus-mastering-refused", "cannot write the command register of " + address
                    + ": " + (written < 0 ? Errno.describe((int) -written) : "short write"));
        }
    }

    private synchronized long write(int command) {
        RawMemory.putShort(buffer, (short) command);
        return Libc.pwrite(fd, buffer, COMMAND_BYTES, offset + COMMAND);
    }
}
