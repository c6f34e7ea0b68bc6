package io.mizzen.pci;

import io.mizzen.ffi.Errno;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.RawMemory;
import io.mizzen.util.OperationException;

/**
 * The mapped registers of a device. Those of a device that is given up become ordinary memory of all ones at the same place:
 * whoever still reads or writes them meets a device that is gone, not a fault.
 */
final class Registers {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    private static final int MREMAP_MAYMOVE_FIXED = 3;
    private static final long ALL_ONES = -1L;

    private final long address;
    private final long sizeBytes;

    private Registers(long address, long sizeBytes) {
        this.address = address;
        this.sizeBytes = sizeBytes;
    }

    /** Maps them; the negative errno is in the result of {@link #failure} where that is not possible. */
    static Registers map(int fd, long offset, long sizeBytes) {
        return new Registers(Libc.mmap(0, sizeBytes, PROT_READ_WRITE, MAP_SHARED, fd, offset), sizeBytes);
    }

    /** Why they could not be mapped, as a positive errno; 0: they are. */
    int failure() {
        return address < 0 ? (int) -address : 0;
    }

    long address() {
        return address;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    /** Puts all ones in their place. */
    void abandon() {
        long ones = Libc.mmap(0, sizeBytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
        for (long at = 0; ones > 0 && at < sizeBytes; at += Long.BYTES) {
            RawMemory.putLong(ones + at, ALL_ONES);
        }
        long moved = ones < 0 ? ones : Libc.mremap(ones, sizeBytes, sizeBytes, MREMAP_MAYMOVE_FIXED, address);
        if (moved < 0) {
            throw OperationException.internal("mremap-failed", "replacing the registers of a device: "
                    + Errno.describe((int) -moved));
        }
    }

    void unmap() {
        if (address > 0) {
            Libc.munmap(address, sizeBytes);
        }
    }
}
