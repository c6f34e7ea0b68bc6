package io.mizzen.nvmf.target;

/**
 * Native memory of one request: its command and the headers that it sends.
 *
 * <pre>
 *   0 SQE (64)
 *  64 C2HData header, digest, padding (128)
 * 192 data digest (4)    contiguous with what follows: both go out as one piece
 * 196 response capsule and digest (28)
 * 224 R2T PDUs with digests, 32 each
 * </pre>
 */
final class Slot {
    static final int R2T_MAX = 4;
    static final int SQE = 0;
    static final int DATA_HEADER = 64;
    static final int DATA_HEADER_BYTES = 128;
    static final int DATA_DIGEST = 192;
    static final int RESPONSE = 196;
    static final int R2T = 224;
    static final int R2T_STRIDE = 32;
    static final int STRIDE_BYTES = 384;

    static {
        assert DATA_HEADER + DATA_HEADER_BYTES == DATA_DIGEST;
        assert DATA_DIGEST + 4 == RESPONSE;
        assert R2T + R2T_MAX * R2T_STRIDE <= STRIDE_BYTES;
    }

    private Slot() {
    }
}
