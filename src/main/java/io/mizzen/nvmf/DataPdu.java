package io.mizzen.nvmf;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static io.mizzen.ffi.RawMemory.LE_LONG;
import static io.mizzen.ffi.RawMemory.LE_SHORT;

import io.mizzen.util.HotPath;
import java.lang.foreign.MemorySegment;

/**
 * H2CData, C2HData and R2T share their 24 bytes (TCP transport specification 1.0, sections 3.6.2.7 to 3.6.2.9).
 *
 * <pre>
 *  0 common header  8 CID  10 transfer tag  12 offset  16 length  20 reserved
 * </pre>
 */
public final class DataPdu {
    private DataPdu() {
    }

    @HotPath
    public static int cid(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + 8) & 0xFFFF;
    }

    /** The tag that the controller chose in its R2T; reserved in C2HData. */
    @HotPath
    public static int transferTag(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + 10) & 0xFFFF;
    }

    /** Offset within the command's data in bytes, unsigned. */
    @HotPath
    public static long offsetBytes(MemorySegment s, long at) {
        return s.get(LE_INT, at + 12) & 0xFFFF_FFFFL;
    }

    /** Length of this piece in bytes, unsigned. */
    @HotPath
    public static long lengthBytes(MemorySegment s, long at) {
        return s.get(LE_INT, at + 16) & 0xFFFF_FFFFL;
    }

    /** Writes what follows the common header. */
    @HotPath
    public static void set(MemorySegment s, long at, int cid, int transferTag, int offsetBytes, int lengthBytes) {
        s.set(LE_SHORT, at + 8, (short) cid);
        s.set(LE_SHORT, at + 10, (short) transferTag);
        s.set(LE_LONG, at + 12, (offsetBytes & 0xFFFF_FFFFL) | (long) lengthBytes << 32);
        s.set(LE_INT, at + 20, 0);
    }
}
