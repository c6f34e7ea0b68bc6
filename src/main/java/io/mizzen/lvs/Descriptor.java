package io.mizzen.lvs;

/** Types and sizes of the descriptors in a metadata page. */
final class Descriptor {
    static final int PADDING = 0;
    static final int EXTENT_RLE = 1;
    static final int XATTR = 2;
    static final int FLAGS = 3;
    static final int XATTR_INTERNAL = 4;
    static final int EXTENT_TABLE = 5;
    static final int EXTENT_PAGE = 6;

    /** Type (u8) and payload length (u32). */
    static final int HEADER_BYTES = 5;
    /** Three u64: invalid, data read-only, metadata read-only. */
    static final int FLAGS_BYTES = 24;
    /** First cluster and count, or page and count: two u32. */
    static final int PAIR_BYTES = 8;
    /** u64 cluster count in front of an extent table. */
    static final int TABLE_COUNT_BYTES = 8;
    /** u32 first cluster index in front of an extent page. */
    static final int PAGE_START_BYTES = 4;

    private Descriptor() {
    }
}
