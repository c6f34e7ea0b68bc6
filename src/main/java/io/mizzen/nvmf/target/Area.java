package io.mizzen.nvmf.target;

/**
 * Native memory that a connection has from its accept on: a slice of its group's slab.
 *
 * <pre>
 *    0 header being received (256)
 *  256 ICResp (128)
 *  384 C2HTermReq (192)
 *  576 slot of the connect command
 * 1024 I/O vector of the send in flight
 * 4096 data of the connect command (8192)
 * </pre>
 */
final class Area {
    static final int RX_HEADER = 0;
    static final int TX_IC = 256;
    static final int TX_TERM = 384;
    static final int CONNECT_SLOT = 576;
    static final int IOVEC = 1024;
    static final int IOVEC_MAX = 180;
    static final int CAPSULE = 4096;
    /** In-capsule data of admin and fabrics commands: fixed by the transport specification, section 3.3.1. */
    static final int ADMIN_CAPSULE_BYTES = 8192;
    static final int STRIDE_BYTES = CAPSULE + ADMIN_CAPSULE_BYTES;

    static {
        assert CONNECT_SLOT + Slot.STRIDE_BYTES <= IOVEC;
        assert IOVEC + IOVEC_MAX * 16 <= CAPSULE;
    }

    private Area() {
    }
}
