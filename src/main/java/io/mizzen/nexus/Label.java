package io.mizzen.nexus;

import io.mizzen.util.OperationException;

/**
 * How a child's blocks are divided. Both labels leave the first MiB alone (a partition table may live there) and keep
 * our metadata between 1 and 4 MiB.
 *
 * <pre>
 *      0      1 MiB           4 MiB  5 MiB                               end
 *      ├──────┼───────────────┼──────┼─────────────────────────┬─────────┤
 * V2   │ free │ metadata      │ user data, whole MiB           │ 4 MiB   │
 * V1   │ free │ metadata      │ free │ user data               │ 34 blks │
 * </pre>
 */
public enum Label {
    /** Data from 5 MiB, 33 + 1 blocks unused at the end; read and made on request. */
    V1(1, 5L << 20),
    /** Data from 4 MiB, the last 4 MiB unused, sizes in whole MiB. */
    V2(2, 4L << 20);

    /** Where the metadata of either label begins, in bytes. */
    static final long METADATA_OFFSET_BYTES = 1L << 20;
    /** Where it must have ended. */
    static final long METADATA_END_BYTES = 4L << 20;

    private static final long MIB = 1L << 20;
    private static final long V2_TAIL_BYTES = 4 * MIB;
    private static final long V1_TAIL_BLOCKS = 33 + 1;

    private final int code;
    private final long dataOffsetBytes;

    Label(int code, long dataOffsetBytes) {
        this.code = code;
        this.dataOffsetBytes = dataOffsetBytes;
    }

    /** The number stored on disk. */
    public int code() {
        return code;
    }

    /** Where user data begins on the child. */
    public long dataOffsetBytes() {
        return dataOffsetBytes;
    }

    /** The label of a stored number, or null. */
    static Label ofCode(int code) {
        return switch (code) {
            case 1 -> V1;
            case 2 -> V2;
            default -> null;
        };
    }

    /** The largest nexus that a child of this size can carry; 0 when none. */
    public long usableBytes(long childSizeBytes, int blockSizeBytes) {
        if (this == V2) {
            return Math.max(0, (childSizeBytes - dataOffsetBytes - V2_TAIL_BYTES) / MIB * MIB);
        }
        long blocks = childSizeBytes / blockSizeBytes - V1_TAIL_BLOCKS;
        return Math.max(0, blocks * blockSizeBytes - dataOffsetBytes);
    }

    /** The smallest child that can carry a nexus of this size. */
    public long childBytesNeeded(long sizeBytes, int blockSizeBytes) {
        if (this == V2) {
            return (sizeBytes + MIB - 1) / MIB * MIB + dataOffsetBytes + V2_TAIL_BYTES;
        }
        return sizeBytes + dataOffsetBytes + V1_TAIL_BLOCKS * blockSizeBytes;
    }

    /** Refuses a size that the label cannot express, and says which it can. */
    void checkSize(long sizeBytes, int blockSizeBytes) {
        long unit = this == V2 ? MIB : blockSizeBytes;
        if (sizeBytes <= 0 || sizeBytes % unit != 0) {
            long next = Math.max(1, Math.ceilDiv(Math.min(sizeBytes, Long.MAX_VALUE / unit * unit), unit)) * unit;
            throw OperationException.invalid("nexus-size-invalid", "size " + sizeBytes + " is not a positive multiple of "
                    + unit + " bytes; one near it that is: " + next);
        }
    }
}
