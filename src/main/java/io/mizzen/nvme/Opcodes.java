package io.mizzen.nvme;

/**
 * Opcodes: admin (base specification 2.0, figure 138), fabrics (figure 528) and NVM command set 1.0 (figure 15). Bits 1:0
 * tell the direction of the data: 00 none, 01 host to controller, 10 controller to host.
 */
public final class Opcodes {
    public static final int ADMIN_DELETE_SQ = 0x00;
    public static final int ADMIN_CREATE_SQ = 0x01;
    public static final int ADMIN_GET_LOG_PAGE = 0x02;
    public static final int ADMIN_DELETE_CQ = 0x04;
    public static final int ADMIN_CREATE_CQ = 0x05;
    public static final int ADMIN_IDENTIFY = 0x06;
    public static final int ADMIN_ABORT = 0x08;
    public static final int ADMIN_SET_FEATURES = 0x09;
    public static final int ADMIN_GET_FEATURES = 0x0A;
    public static final int ADMIN_ASYNC_EVENT = 0x0C;
    public static final int ADMIN_KEEP_ALIVE = 0x18;
    public static final int ADMIN_DOORBELL_BUFFERS = 0x7C;
    public static final int FABRICS = 0x7F;

    public static final int NVM_FLUSH = 0x00;
    public static final int NVM_WRITE = 0x01;
    public static final int NVM_READ = 0x02;
    public static final int NVM_WRITE_UNCORRECTABLE = 0x04;
    public static final int NVM_COMPARE = 0x05;
    public static final int NVM_WRITE_ZEROES = 0x08;
    public static final int NVM_DATASET_MANAGEMENT = 0x09;
    public static final int NVM_VERIFY = 0x0C;
    public static final int NVM_RESERVATION_REGISTER = 0x0D;
    public static final int NVM_RESERVATION_REPORT = 0x0E;
    public static final int NVM_RESERVATION_ACQUIRE = 0x11;
    public static final int NVM_RESERVATION_RELEASE = 0x15;
    public static final int NVM_COPY = 0x19;

    /** CDW12 of read and write: limited retry. */
    public static final int CDW12_LIMITED_RETRY = 1 << 31;
    /** CDW12: force unit access. */
    public static final int CDW12_FUA = 1 << 30;
    /** CDW12 29:26: protection information. */
    public static final int CDW12_PRINFO_MASK = 0xF << 26;
    /** CDW12 of write zeroes: deallocate. */
    public static final int CDW12_DEALLOCATE = 1 << 25;
    /** CDW11 of dataset management: deallocate. */
    public static final int CDW11_DSM_DEALLOCATE = 1 << 2;
    /** One range of dataset management: context 4, blocks 4, LBA 8 bytes (NVM command set 1.0, figure 40). */
    public static final int DSM_RANGE_BYTES = 16;
    public static final int DSM_RANGES_MAX = 256;

    /** Direction bits of an opcode. */
    public static final int DATA_NONE = 0;
    public static final int DATA_TO_CONTROLLER = 1;
    public static final int DATA_TO_HOST = 2;

    private Opcodes() {
    }
}
