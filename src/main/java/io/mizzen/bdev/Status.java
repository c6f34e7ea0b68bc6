package io.mizzen.bdev;

import io.mizzen.util.HotPath;

/**
 * Outcomes of I/O in NVMe coding, from the backend's edge to the host: the status field of a completion queue entry
 * without the phase bit. Bits 0-7 status code, 8-10 status code type, 11-12 retry delay, 13 more, 14 do not retry.
 * NVM Express base specification 2.0, section 3.3.3.2.1; NVM command set 1.0, section 4.1.3.
 */
public final class Status {
    public static final int SUCCESS = 0;

    public static final int INVALID_OPCODE = 0x001;
    public static final int INVALID_FIELD = 0x002;
    public static final int COMMAND_ID_CONFLICT = 0x003;
    public static final int DATA_TRANSFER_ERROR = 0x004;
    public static final int INTERNAL_ERROR = 0x006;
    public static final int ABORTED_BY_REQUEST = 0x007;
    public static final int ABORTED_SQ_DELETION = 0x008;
    public static final int INVALID_NAMESPACE = 0x00B;
    public static final int COMMAND_SEQUENCE_ERROR = 0x00C;
    public static final int NAMESPACE_WRITE_PROTECTED = 0x020;
    public static final int COMMAND_INTERRUPTED = 0x021;
    public static final int TRANSIENT_TRANSPORT_ERROR = 0x022;
    public static final int LBA_OUT_OF_RANGE = 0x080;
    public static final int CAPACITY_EXCEEDED = 0x081;
    public static final int NAMESPACE_NOT_READY = 0x082;
    public static final int RESERVATION_CONFLICT = 0x083;

    public static final int WRITE_FAULT = 0x280;
    public static final int UNRECOVERED_READ_ERROR = 0x281;
    public static final int COMPARE_FAILURE = 0x285;
    public static final int ACCESS_DENIED = 0x286;

    /** Vendor specific and never sent to a host: out of slots or memory now; the I/O waits and is submitted again. */
    public static final int NO_RESOURCES = 0x7C0;

    /** Do not retry. */
    public static final int DNR = 1 << 14;

    private static final int CODE_MASK = 0x7FF;

    private static final int EPERM = 1;
    private static final int EIO = 5;
    private static final int ENXIO = 6;
    private static final int EAGAIN = 11;
    private static final int ENOMEM = 12;
    private static final int EACCES = 13;
    private static final int ENODEV = 19;
    private static final int EINVAL = 22;
    private static final int ENOSPC = 28;
    private static final int EROFS = 30;
    private static final int EILSEQ = 84;
    private static final int EOPNOTSUPP = 95;
    private static final int ENOBUFS = 105;
    private static final int ECANCELED = 125;

    private Status() {
    }

    /** Type and code without retry delay, more and do-not-retry. */
    @HotPath
    public static int code(int status) {
        return status & CODE_MASK;
    }

    /** Status code type, 0 to 7. */
    public static int type(int status) {
        return status >>> 8 & 7;
    }

    /**
     * Whether the status blames the request itself rather than the device: a mirror must not fault a child for it.
     */
    @HotPath
    public static boolean isCallerError(int status) {
        int code = code(status);
        return code == INVALID_OPCODE || code == INVALID_FIELD || code == LBA_OUT_OF_RANGE
                || code == COMPARE_FAILURE || code == INVALID_NAMESPACE;
    }

    /** Translates a kernel error once, at the backend's edge. {@code errno} is positive. */
    @HotPath
    public static int fromErrno(int errno, int ioType) {
        switch (errno) {
            case 0:
                return SUCCESS;
            case EAGAIN:
            case ENOMEM:
            case ENOBUFS:
                return NO_RESOURCES;
            case EINVAL:
                return INVALID_FIELD | DNR;
            case EOPNOTSUPP:
                return INVALID_OPCODE | DNR;
            case ENOSPC:
                return CAPACITY_EXCEEDED | DNR;
            case EPERM:
            case EACCES:
            case EROFS:
                return NAMESPACE_WRITE_PROTECTED | DNR;
            case ECANCELED:
                return ABORTED_BY_REQUEST;
            case EIO:
            case EILSEQ:
                return ioType == IoType.READ || ioType == IoType.COMPARE || ioType == IoType.VERIFY ? UNRECOVERED_READ_ERROR : WRITE_FAULT;
            case ENODEV:
            case ENXIO:
            default:
                return INTERNAL_ERROR;
        }
    }

    /** For logs and errors: {@code sct 0x0 sc 0x81 (capacity exceeded)}. */
    public static String describe(int status) {
        return "sct 0x" + Integer.toHexString(type(status)) + " sc 0x" + Integer.toHexString(status & 0xFF) + " ("
                + word(code(status)) + ((status & DNR) != 0 ? ", do not retry" : "") + ")";
    }

    private static String word(int code) {
        return switch (code) {
            case SUCCESS -> "success";
            case INVALID_OPCODE -> "invalid opcode";
            case INVALID_FIELD -> "invalid field";
            case DATA_TRANSFER_ERROR -> "data transfer error";
            case INTERNAL_ERROR -> "internal device error";
            case ABORTED_BY_REQUEST -> "aborted by request";
            case ABORTED_SQ_DELETION -> "aborted, queue deleted";
            case INVALID_NAMESPACE -> "invalid namespace";
            case NAMESPACE_WRITE_PROTECTED -> "namespace write protected";
            case COMMAND_INTERRUPTED -> "command interrupted";
            case TRANSIENT_TRANSPORT_ERROR -> "transient transport error";
            case LBA_OUT_OF_RANGE -> "lba out of range";
            case CAPACITY_EXCEEDED -> "capacity exceeded";
            case NAMESPACE_NOT_READY -> "namespace not ready";
            case RESERVATION_CONFLICT -> "reservation conflict";
            case WRITE_FAULT -> "write fault";
            case UNRECOVERED_READ_ERROR -> "unrecovered read error";
            case COMPARE_FAILURE -> "compare failure";
            case NO_RESOURCES -> "out of resources";
            default -> "status";
        };
    }
}
