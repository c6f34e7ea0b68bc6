package io.mizzen.nvme;

/** Log page ids and the fields of get log page (base specification 2.0, section 5.16). */
public final class LogPages {
    public static final int SUPPORTED = 0x00;
    public static final int ERROR = 0x01;
    public static final int SMART = 0x02;
    public static final int FIRMWARE_SLOT = 0x03;
    public static final int CHANGED_NAMESPACES = 0x04;
    public static final int COMMAND_EFFECTS = 0x05;
    public static final int ANA = 0x0C;
    public static final int DISCOVERY = 0x70;
    public static final int RESERVATION = 0x80;

    private LogPages() {
    }

    /** Length asked for, from CDW10 31:16 and CDW11 15:0; up to 16 GiB. */
    public static long lengthBytes(int cdw10, int cdw11) {
        return (((cdw11 & 0xFFFFL) << 16 | cdw10 >>> 16) + 1) * 4;
    }

    public static int logId(int cdw10) {
        return cdw10 & 0xFF;
    }

    /** Whether an asynchronous event of this page stays masked, CDW10 15. */
    public static boolean retainEvent(int cdw10) {
        return (cdw10 & 1 << 15) != 0;
    }

    /** CDW10 for a page of at most 256 KiB. */
    public static int cdw10(int logId, int lengthBytes, boolean retainEvent) {
        return (lengthBytes / 4 - 1) << 16 | (retainEvent ? 1 << 15 : 0) | logId;
    }
}
