package io.mizzen.engine;

import io.mizzen.bdev.Status;
import io.mizzen.engine.model.NvmeControllerView.HealthView;
import io.mizzen.ffi.Errno;
import io.mizzen.nvme.LogPages;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.SmartLog;
import io.mizzen.nvme.pcie.NvmeHealth;
import java.lang.foreign.Arena;
import java.nio.file.Path;

/**
 * What a drive that the kernel's driver has says of its health: the SMART / health information log page (NVMe base specification
 * 2.0, section 5.16.1.3).
 *
 * @param health null when it could not be read
 * @param unavailable why not; null when it was
 */
record SmartReading(HealthView health, String unavailable) {
    private static final int ALL_NAMESPACES = -1;

    static SmartReading unavailable(String why) {
        return new SmartReading(null, why);
    }

    /** Asks an NVMe drive. Blocking: never on a reactor. @param file of its controller, a namespace or a partition */
    static SmartReading ofNvme(Path file) {
        try (Arena arena = Arena.ofConfined()) {
            long data = arena.allocate(SmartLog.SIZE_BYTES, SmartLog.SIZE_BYTES).address();
            int result = NvmePassthrough.read(file, Opcodes.ADMIN_GET_LOG_PAGE, ALL_NAMESPACES,
                    LogPages.cdw10(LogPages.SMART, SmartLog.SIZE_BYTES, false), data, SmartLog.SIZE_BYTES);
            return result == 0 ? new SmartReading(NvmeViews.health(NvmeHealth.parse(data)), null)
                    : unavailable(result > 0 ? "the drive refuses to tell its SMART data: " + Status.describe(result)
                    : result == -Errno.EACCES || result == -Errno.EPERM ? "only root may ask " + file + " for its SMART data"
                    : "asking " + file + " for its SMART data failed: " + Errno.describe(-result));
        }
    }
}
