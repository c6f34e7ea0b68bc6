package io.mizzen.memory;

import java.nio.ByteBuffer;

/**
 * One contiguous piece of the engine's memory, at most 1 GiB, registered with every ring under its index and mapped for
 * devices at its IOVA. Lives from the start of the engine to its end.
 *
 * @param index position among the regions: the registered-buffer index
 * @param address virtual address, page aligned
 * @param sizeBytes length
 * @param kind kind of pages
 * @param pageSizeBytes size of a page
 * @param numaNode node asked for, or -1
 * @param view the region as a direct buffer, for the JDK's checksums; position and limit belong to the user: duplicate
 */
public record DmaRegion(int index, long address, long sizeBytes, MemoryKind kind, long pageSizeBytes, int numaNode,
        ByteBuffer view) {
    /** A registered buffer of io_uring is at most this long. */
    public static final long SIZE_BYTES_MAX = 1L << 30;

    public DmaRegion {
        if (sizeBytes <= 0 || sizeBytes > SIZE_BYTES_MAX) {
            throw new IllegalArgumentException("region of " + sizeBytes + " bytes");
        }
    }

    /** Whether the whole range lies within. */
    public boolean contains(long start, long lengthBytes) {
        return start >= address && lengthBytes <= sizeBytes && start - address <= sizeBytes - lengthBytes;
    }
}
