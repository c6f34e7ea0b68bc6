package io.mizzen.ffi;

/**
 * Of {@code linux/nvme_ioctl.h}: admin commands through the kernel's driver, on {@code /dev/nvmeN}. A test compares numbers
 * and offsets with the installed header.
 */
public final class NvmeIoctl {
    public static final long NVME_IOCTL_ADMIN_CMD = 0xC0484E41L;

    public static final int PASSTHRU_SIZE_BYTES = 72;
    public static final int PASSTHRU_OPCODE = 0;
    public static final int PASSTHRU_NSID = 4;
    public static final int PASSTHRU_ADDR = 24;
    public static final int PASSTHRU_DATA_LEN = 36;
    public static final int PASSTHRU_CDW10 = 40;
    public static final int PASSTHRU_TIMEOUT_MS = 64;

    private NvmeIoctl() {
    }
}
