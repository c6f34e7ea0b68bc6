package io.mizzen.nexus;

/**
 * How a nexus is cut into dirty regions and how their bits lie on a child: pages of one block each, from 2 MiB on, so
 * that setting a bit writes one block, which no device tears. At most 64 Ki regions.
 *
 * @param regionShift log2 of a region's bytes
 */
record DirtyGeometry(long sizeBytes, int blockSizeBytes, int regionShift) {
    /** Bits that a map may have. */
    static final int REGION_MAX = 64 << 10;
    /** Smallest region that is chosen by itself: 4 MiB, copied in a moment and seldom crossed by random writes. */
    static final int DEFAULT_SHIFT_MIN = 22;
    /** Smallest region that may be asked for. */
    static final int SHIFT_MIN = 16;
    static final int SHIFT_MAX = 48;

    static final long MAP_OFFSET_BYTES = 2L << 20;

    DirtyGeometry {
        if (!isPossible(sizeBytes, regionShift)) {
            throw new IllegalArgumentException("region shift " + regionShift + " for " + sizeBytes + " bytes");
        }
        assert blockSizeBytes >= 512 && blockSizeBytes <= MetadataCodec.SLOT_BYTES;
    }

    static boolean isPossible(long sizeBytes, int regionShift) {
        return regionShift >= SHIFT_MIN && regionShift <= SHIFT_MAX && regions(sizeBytes, regionShift) <= REGION_MAX;
    }

    private static long regions(long sizeBytes, int regionShift) {
        return (sizeBytes + (1L << regionShift) - 1) >>> regionShift;
    }

    /** The smallest shift, from {@code shiftMin}, that keeps the map within its limit. */
    static int chooseShift(long sizeBytes, int shiftMin) {
        int shift = shiftMin;
        while (regions(sizeBytes, shift) > REGION_MAX) {
            shift++;
        }
        return shift;
    }

    int regionCount() {
        return (int) regions(sizeBytes, regionShift);
    }

    /** Longs that hold a bit per region. */
    int wordCount() {
        return (regionCount() + 63) >>> 6;
    }

    int wordsPerPage() {
        return (blockSizeBytes - DirtyPageCodec.HEADER_BYTES) / 8;
    }

    int pageCount() {
        return (wordCount() + wordsPerPage() - 1) / wordsPerPage();
    }

    int pageBytes() {
        return blockSizeBytes;
    }

    /** The first word of a page. */
    int firstWord(int page) {
        return page * wordsPerPage();
    }

    /** One past the last word of a page. */
    int endWord(int page) {
        return Math.min(wordCount(), (page + 1) * wordsPerPage());
    }

    /** Where a page lies on the child. */
    long pageOffsetBytes(int page) {
        return MAP_OFFSET_BYTES + (long) page * blockSizeBytes;
    }

    /** The bits of a word that stand for regions. */
    long validBits(int word) {
        int left = regionCount() - (word << 6);
        return left >= 64 ? -1L : (1L << left) - 1;
    }

    int regionOf(long offsetBytes) {
        return (int) (offsetBytes >>> regionShift);
    }
}
