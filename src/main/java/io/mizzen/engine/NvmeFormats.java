package io.mizzen.engine;

import io.mizzen.engine.model.DeviceView;
import io.mizzen.ffi.Libc;
import io.mizzen.ffi.NvmeIoctl;
import io.mizzen.ffi.RawMemory;
import io.mizzen.nvme.IdentifyNamespace;
import io.mizzen.nvme.Opcodes;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The formats of a namespace that the kernel's driver has: Identify Namespace through {@code NVME_IOCTL_ADMIN_CMD} (NVM
 * command set 1.0, figure 97). Blocking: never on a reactor.
 */
final class NvmeFormats {
    private static final int O_RDONLY_CLOEXEC = 0x80000;
    private static final int TIMEOUT_MS = 5000;

    private NvmeFormats() { }

    /** Empty where the drive or the rights do not allow to ask. */
    static List<DeviceView.LbaFormatView> read(Path disk, int namespaceId) {
        try (Arena arena = Arena.ofConfined()) {
            int fd = Libc.open(Libc.cString(arena, disk.toString()).address(), O_RDONLY_CLOEXEC, 0);
            if (fd < 0) {
                return List.of();
            }
            long data = arena.allocate(IdentifyNamespace.SIZE_BYTES, IdentifyNamespace.SIZE_BYTES).address();
            long command = arena.allocate(NvmeIoctl.PASSTHRU_SIZE_BYTES, 8).address();
            RawMemory.putByte(command + NvmeIoctl.PASSTHRU_OPCODE, (byte) Opcodes.ADMIN_IDENTIFY);
            RawMemory.putInt(command + NvmeIoctl.PASSTHRU_NSID, namespaceId);
            RawMemory.putLong(command + NvmeIoctl.PASSTHRU_ADDR, data);
            RawMemory.putInt(command + NvmeIoctl.PASSTHRU_DATA_LEN, IdentifyNamespace.SIZE_BYTES);
            RawMemory.putInt(command + NvmeIoctl.PASSTHRU_TIMEOUT_MS, TIMEOUT_MS);
            int result = Libc.ioctl(fd, NvmeIoctl.NVME_IOCTL_ADMIN_CMD, command);
            Libc.close(fd);
            return result == 0 ? decode(data) : List.of();
        }
    }

    private static List<DeviceView.LbaFormatView> decode(long data) {
        int used = IdentifyNamespace.formatInUse(RawMemory.ALL, data);
        int count = Math.min(IdentifyNamespace.formatCount(RawMemory.ALL, data), IdentifyNamespace.FORMATS_MAX - 1);
        List<DeviceView.LbaFormatView> formats = new ArrayList<>();
        for (int i = 0; i <= count; i++) {
            int shift = IdentifyNamespace.formatBlockShift(RawMemory.ALL, data, i);
            if (shift >= 9 && shift < 31) {
                formats.add(new DeviceView.LbaFormatView(i, 1 << shift,
                        IdentifyNamespace.formatMetadataBytes(RawMemory.ALL, data, i), i == used));
            }
        }
        return formats;
    }
}
