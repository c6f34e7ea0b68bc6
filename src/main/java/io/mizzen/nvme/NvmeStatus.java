package io.mizzen.nvme;

import io.mizzen.util.HotPath;

/**
 * Status values that only the protocol knows, in the coding of {@code io.mizzen.bdev.Status}: SC in bits 7:0, SCT in
 * bits 10:8, retry delay in bits 12:11, more in bit 13, do not retry in bit 14 (base specification 2.0, section 3.3.3.2.1).
 * Outcomes of I/O itself are in {@code Status}.
 */
public final class NvmeStatus {
    public static final int DNR = 1 << 14;
    public static final int MORE = 1 << 13;

    // Generic command status (figure 93).
    public static final int SUCCESS = 0x000;
    public static final int INVALID_OPCODE = 0x001;
    public static final int INVALID_FIELD = 0x002;
    public static final int COMMAND_ID_CONFLICT = 0x003;
    public static final int DATA_TRANSFER_ERROR = 0x004;
    public static final int INTERNAL_ERROR = 0x006;
    public static final int ABORTED_BY_REQUEST = 0x007;
    public static final int ABORTED_SQ_DELETION = 0x008;
    public static final int ABORTED_FAILED_FUSED = 0x009;
    public static final int ABORTED_MISSING_FUSED = 0x00A;
    public static final int INVALID_NAMESPACE = 0x00B;
    public static final int COMMAND_SEQUENCE_ERROR = 0x00C;
    public static final int INVALID_SGL_SEGMENT_DESCRIPTOR = 0x00D;
    public static final int INVALID_SGL_DESCRIPTOR_COUNT = 0x00E;
    public static final int DATA_SGL_LENGTH_INVALID = 0x00F;
    public static final int SGL_DESCRIPTOR_TYPE_INVALID = 0x011;
    public static final int SGL_OFFSET_INVALID = 0x016;
    public static final int HOST_ID_INCONSISTENT = 0x018;
    public static final int KEEP_ALIVE_EXPIRED = 0x019;
    public static final int KEEP_ALIVE_INVALID = 0x01A;
    public static final int NAMESPACE_WRITE_PROTECTED = 0x020;
    public static final int TRANSIENT_TRANSPORT_ERROR = 0x022;
    public static final int LBA_OUT_OF_RANGE = 0x080;
    public static final int CAPACITY_EXCEEDED = 0x081;
    public static final int NAMESPACE_NOT_READY = 0x082;

    // Command specific status (figure 95).
    public static final int INVALID_QUEUE_IDENTIFIER = 0x101;
    public static final int INVALID_QUEUE_SIZE = 0x102;
    public static final int ABORT_LIMIT_EXCEEDED = 0x103;
    public static final int ASYNC_EVENT_LIMIT_EXCEEDED = 0x105;
    public static final int INVALID_LOG_PAGE = 0x109;
    public static final int FEATURE_NOT_SAVEABLE = 0x10D;
    public static final int FEATURE_NOT_CHANGEABLE = 0x10E;
    public static final int FEATURE_NOT_NAMESPACE_SPECIFIC = 0x10F;
    public static final int INVALID_CONTROLLER_ID = 0x11F;
    public static final int IO_COMMAND_SET_COMBINATION_REJECTED = 0x12B;

    // Command specific status of fabrics commands (figure 533).
    public static final int CONNECT_INCOMPATIBLE_FORMAT = 0x180;
    public static final int CONNECT_CONTROLLER_BUSY = 0x181;
    public static final int CONNECT_INVALID_PARAMETERS = 0x182;
    public static final int CONNECT_RESTART_DISCOVERY = 0x183;
    public static final int CONNECT_INVALID_HOST = 0x184;
    public static final int DISCOVER_RESTART = 0x190;
    public static final int AUTHENTICATION_REQUIRED = 0x191;

    // Command specific status of NVM commands (NVM command set 1.0, figure 19).
    public static final int CONFLICTING_ATTRIBUTES = 0x180;
    public static final int INVALID_PROTECTION_INFORMATION = 0x181;
    public static final int COMMAND_SIZE_LIMIT_EXCEEDED = 0x183;

    private NvmeStatus() {
    }

    /** Bits 12:11: which of the controller's times a retry is to wait for, from 1; 0: none. */
    @HotPath
    public static int retryDelay(int status) {
        return status >>> 11 & 3;
    }

    /** The status with the do-not-retry bit. */
    public static int noRetry(int status) {
        return status | DNR;
    }
}
