package io.mizzen.nvme;

/**
 * Controller properties (base specification 2.0, section 3.1.3): offsets, and the fields of CAP, VS, CC, CSTS, CRTO as
 * values. The same offsets are the registers of a PCIe controller.
 */
public final class Properties {
    public static final int CAP = 0x00;
    public static final int VS = 0x08;
    public static final int INTMS = 0x0C;
    public static final int INTMC = 0x10;
    public static final int CC = 0x14;
    public static final int CSTS = 0x1C;
    public static final int NSSR = 0x20;
    public static final int AQA = 0x24;
    public static final int ASQ = 0x28;
    public static final int ACQ = 0x30;
    /** Controller memory buffer memory space control: where the controller takes addresses for its own memory, if anywhere. */
    public static final int CMBMSC = 0x50;
    public static final int CRTO = 0x68;

    /** Where the doorbells begin (PCIe transport 1.0, section 3.1.2). */
    public static final int DOORBELLS = 0x1000;

    /** VS of specification 2.0.0. */
    public static final int VERSION_2_0 = 0x0002_0000;

    public static final int CC_EN = 1;
    public static final int CC_SHN_NORMAL = 1;
    public static final int CC_SHN_ABRUPT = 2;
    /** CC.CSS: the NVM command set. */
    public static final int CC_CSS_NVM = 0;
    /** CC.CSS: every command set that the controller has. */
    public static final int CC_CSS_ALL = 6;
    /** CC.CSS: the admin command set only. */
    public static final int CC_CSS_ADMIN_ONLY = 7;

    public static final int CSTS_RDY = 1;
    public static final int CSTS_CFS = 1 << 1;
    public static final int CSTS_SHST_MASK = 3 << 2;
    public static final int CSTS_SHST_OCCURRING = 1 << 2;
    public static final int CSTS_SHST_COMPLETE = 2 << 2;

    private Properties() {
    }

    /**
     * CAP of a controller without doorbells: contiguous queues required, round robin, 4 KiB pages, NVM command set.
     *
     * @param entriesMax largest queue, counted from one
     * @param timeout500Ms worst time to become ready, in units of 500 ms
     */
    public static long cap(int entriesMax, int timeout500Ms) {
        assert entriesMax >= 2;
        assert entriesMax <= 65536;
        return (entriesMax - 1) | 1L << 16 | (timeout500Ms & 0xFFL) << 24 | 1L << 37;
    }

    /** CAP.MQES, counted from one. */
    public static int capEntriesMax(long cap) {
        return (int) (cap & 0xFFFF) + 1;
    }

    /** CAP.TO in nanoseconds. */
    public static long capTimeoutNs(long cap) {
        return (cap >>> 24 & 0xFF) * 500_000_000L;
    }

    /** CAP.DSTRD: distance of doorbells in bytes. */
    public static int capDoorbellStrideBytes(long cap) {
        return 4 << (int) (cap >>> 32 & 0xF);
    }

    /**
     * Offset of a doorbell from {@link #DOORBELLS}: the submission queue's tail, the completion queue's head. Shadow
     * doorbells lie at the same offsets of their page.
     */
    public static long doorbell(int queueId, boolean completion, int strideBytes) {
        return (2L * queueId + (completion ? 1 : 0)) * strideBytes;
    }

    /** CAP.CMBS: there is a controller memory buffer, which CMBMSC switches. */
    public static boolean capHasMemoryBuffer(long cap) {
        return (cap >>> 57 & 1) != 0;
    }

    /** CAP.MPSMIN in bytes. */
    public static long capPageSizeMinBytes(long cap) {
        return 1L << (12 + (int) (cap >>> 48 & 0xF));
    }

    /** CAP.CSS: supported command sets, bit 0 of it the NVM command set. */
    public static int capCommandSets(long cap) {
        return (int) (cap >>> 37 & 0xFF);
    }

    /** CC with the usual entry sizes (64 and 16 bytes) and 4 KiB pages, enabled. */
    public static int ccEnable(int commandSet) {
        return CC_EN | commandSet << 4 | 6 << 16 | 4 << 20;
    }

    public static boolean ccEnabled(int cc) {
        return (cc & CC_EN) != 0;
    }

    public static int ccCommandSet(int cc) {
        return cc >>> 4 & 0x7;
    }

    /** CC.MPS in bytes. */
    public static int ccPageSizeBytes(int cc) {
        return 1 << (12 + (cc >>> 7 & 0xF));
    }

    public static int ccArbitration(int cc) {
        return cc >>> 11 & 0x7;
    }

    public static int ccShutdown(int cc) {
        return cc >>> 14 & 0x3;
    }

    /** CC.IOSQES in bytes; 1 when the field is 0. */
    public static int ccSqeBytes(int cc) {
        return 1 << (cc >>> 16 & 0xF);
    }

    /** CC.IOCQES in bytes; 1 when the field is 0. */
    public static int ccCqeBytes(int cc) {
        return 1 << (cc >>> 20 & 0xF);
    }
}
