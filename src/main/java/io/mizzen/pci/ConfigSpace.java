package io.mizzen.pci;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.util.OperationException;
import java.lang.foreign.Arena;

/** The configuration space of a function, behind a descriptor at an offset. PCI Local Bus 3.0, 6.1 and 6.2. Any thread. */
record ConfigSpace(PciAddress address, int fd, long offset) {
    private static final int COMMAND = 0x04;
    private static final int COMMAND_BYTES = 2;
    private static final int MEMORY_SPACE = 1 << 1;
    private static final int BUS_MASTER = 1 << 2;
    private static final int INTX_DISABLE = 1 << 10;

    /** Four bytes; all ones when the device does not answer. */
    int readInt(int at) {
        try (Arena arena = Arena.ofConfined()) {
            long buffer = arena.allocate(4, 4).address();
            return Libc.pread(fd, buffer, 4, offset + at) == 4 ? RawMemory.getInt(buffer) : -1;
        }
    }

    /** Lets the device answer at its BARs; interrupts by wire stay off, and so does access to memory where it was. */
    void enableRegisters() {
        writeCommand((readCommand() | MEMORY_SPACE | INTX_DISABLE) & 0xFFFF);
    }

    /** Lets the device reach memory. */
    void enableDma() {
        writeCommand((readCommand() | BUS_MASTER) & 0xFFFF);
        int now = readCommand();
        if ((now & BUS_MASTER) == 0 || now == 0xFFFF) {
            throw OperationException.precondition("bus-mastering-refused", "device " + address + " does not become bus master "
                    + "(command register " + Integer.toHexString(now) + "); it may be switched off or broken");
        }
    }

    /** Ends all access of the device to memory; nothing happens when it is gone. */
    void disable() {
        int command = readCommand();
        if (command != 0xFFFF) {
            write(command & ~BUS_MASTER & 0xFFFF);
        }
    }

    private int readCommand() {
        return readInt(COMMAND) & 0xFFFF;
    }

    private void writeCommand(int value) {
        long written = write(value);
        if (written != COMMAND_BYTES) {
            throw OperationException.precondition("bus-mastering-refused", "cannot write the command register of " + address
                    + ": " + (written < 0 ? Errno.describe((int) -written) : "short write"));
        }
    }

    private long write(int command) {
        try (Arena arena = Arena.ofConfined()) {
            long buffer = arena.allocate(COMMAND_BYTES, 2).address();
            RawMemory.putShort(buffer, (short) command);
            return Libc.pwrite(fd, buffer, COMMAND_BYTES, offset + COMMAND);
        }
    }
}
