package io.mizzen.engine;

import io.mizzen.ffi.Libc;
import io.mizzen.ffi.NvmeIoctl;
import io.mizzen.ffi.RawMemory;
import java.lang.foreign.Arena;
import java.nio.file.Path;

/**
 * Admin commands that read from a drive, through the kernel's driver that has it ({@code NVME_IOCTL_ADMIN_CMD}). Blocking: never
 * on a reactor.
 */
final class NvmePassthrough {
    private static final int O_RDONLY_CLOEXEC = 0x80000;
    private static final int TIMEOUT_MS = 5000;

    private NvmePassthrough() { }

    /**
     * Sends one command and waits, 5 s at most.
     *
     * @param file of the controller, a namespace or a partition of one
     * @param dataAddress what the drive answers is put there
     * @return 0; {@code -errno}; or the status that the drive answered, which is positive
     */
    static int read(Path file, int opcode, int namespaceId, int cdw10, long dataAddress, int sizeBytes) {
        try (Arena arena = Arena.ofConfined()) {
            int fd = Libc.open(Libc.cString(arena, file.toString()).address(), O_RDONLY_CLOEXEC, 0);
            if (fd < 0) {
                return fd;
            }
            long command = arena.allocate(NvmeIoctl.PASSTHRU_SIZE_BYTES, 8).address();
            RawMemory.putByte(command + NvmeIoctl.PASSTHRU_OPCODE, (byte) opcode);
            RawMemory.putInt(command + NvmeIoctl.PASSTHRU_NSID, namespaceId);
            RawMemory.putLong(command + NvmeIoctl.PASSTHRU_ADDR, dataAddress);
            RawMemory.putInt(command + NvmeIoctl.PASSTHRU_DATA_LEN, sizeBytes);
            RawMemory.putInt(command + NvmeIoctl.PASSTHRU_CDW10, cdw10);
            RawMemory.putInt(command + NvmeIoctl.PASSTHRU_TIMEOUT_MS, TIMEOUT_MS);
            int result = Libc.ioctl(fd, NvmeIoctl.NVME_IOCTL_ADMIN_CMD, command);
            Libc.close(fd);
            return result;
        }
    }
}
