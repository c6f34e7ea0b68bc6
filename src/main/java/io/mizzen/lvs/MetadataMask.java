package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;

/**
 * A mask of used pages, clusters or blob ids: type (u8), length in bits (u32), then the bits, lowest first.
 * Bits behind the length are zero. The masks have no checksum: they are compared with the metadata pages at import.
 */
final class MetadataMask {
    static final int TYPE_USED_PAGES = 0;
    static final int TYPE_USED_CLUSTERS = 1;
    static final int TYPE_USED_BLOBIDS = 2;
    static final int HEADER_BYTES = 5;

    private MetadataMask() {
    }

    /** 4 KiB pages that a mask of so many bits takes. */
    static long pagesFor(long bits) {
        return (HEADER_BYTES + (bits + 7) / 8 + MetadataPage.SIZE_BYTES - 1) / MetadataPage.SIZE_BYTES;
    }

    static void write(MemorySegment s, long offset, long sizeBytes, int type, int bits, BitSet used) {
        s.asSlice(offset, sizeBytes).fill((byte) 0);
        s.set(ValueLayout.JAVA_BYTE, offset, (byte) type);
        s.set(LittleEndian.U32, offset + 1, bits);
        byte[] raw = used.toByteArray();
        assert used.length() <= bits;
        assert HEADER_BYTES + (bits + 7L) / 8 <= sizeBytes;
        MemorySegment.copy(raw, 0, s, ValueLayout.JAVA_BYTE, offset + HEADER_BYTES, raw.length);
    }

    /**
     * Reads a mask.
     *
     * @throws FormatException if type or length are not what the geometry says
     */
    static BitSet read(MemorySegment s, long offset, long sizeBytes, int type, long bits, String what) throws FormatException {
        int foundType = s.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
        long foundBits = Integer.toUnsignedLong(s.get(LittleEndian.U32, offset + 1));
        if (foundType != type) {
            throw new FormatException("pool-mask-corrupt", "the mask of used " + what + " has type " + foundType
                    + " instead of " + type + "; import the pool with \"rebuildMasks\": true");
        }
        if (foundBits < bits || HEADER_BYTES + (foundBits + 7) / 8 > sizeBytes) {
            throw new FormatException("pool-mask-corrupt", "the mask of used " + what + " counts " + foundBits
                    + " bits where the super block implies " + bits + "; import the pool with \"rebuildMasks\": true");
        }
        BitSet used = BitSet.valueOf(s.asSlice(offset + HEADER_BYTES, (bits + 7) / 8).toArray(ValueLayout.JAVA_BYTE));
        if (used.length() > bits) {
            used.clear((int) bits, used.length());
        }
        return used;
    }
}
