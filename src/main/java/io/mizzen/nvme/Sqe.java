package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static io.mizzen.ffi.RawMemory.LE_LONG;
import static io.mizzen.ffi.RawMemory.LE_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.mizzen.util.HotPath;
import java.lang.foreign.MemorySegment;

/**
 * Submission queue entry, 64 bytes (base specification 2.0, section 3.3.3.1, figures 86 and 87).
 *
 * <pre>
 *  0 OPC  1 FUSE 1:0, PSDT 7:6  2 CID  4 NSID  8 CDW2  12 CDW3  16 MPTR  24 DPTR (16 bytes)  40 CDW10 .. 60 CDW15
 * </pre>
 */
public final class Sqe {
    public static final int SIZE_BYTES = 64;

    private static final long OPCODE = 0;
    private static final long FLAGS = 1;
    private static final long CID = 2;
    private static final long NSID = 4;
    private static final long CDW2 = 8;
    private static final long CDW3 = 12;
    private static final long MPTR = 16;
    private static final long DPTR = 24;
    private static final long CDW10 = 40;

    /** FUSE: a normal command. */
    public static final int FUSE_NONE = 0;
    public static final int FUSE_FIRST = 1;
    public static final int FUSE_SECOND = 2;
    /** PSDT: physical region pages. */
    public static final int PSDT_PRP = 0;
    /** PSDT: SGL, metadata contiguous. The only value that fabrics allow, but for 10b. */
    public static final int PSDT_SGL = 1;
    public static final int PSDT_SGL_METADATA_SGL = 2;
    /** NSID that names every namespace. */
    public static final int NSID_ALL = 0xFFFF_FFFF;

    private Sqe() {
    }

    @HotPath
    public static int opcode(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + OPCODE) & 0xFF;
    }

    @HotPath
    public static void opcode(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + OPCODE, (byte) value);
    }

    /** FUSE and PSDT together. */
    @HotPath
    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + FLAGS) & 0xFF;
    }

    @HotPath
    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_BYTE, at + FLAGS, (byte) value);
    }

    @HotPath
    public static int fuse(MemorySegment s, long at) {
        return s.get(JAVA_BYTE, at + FLAGS) & 0x3;
    }

    @HotPath
    public static int psdt(MemorySegment s, long at) {
        return (s.get(JAVA_BYTE, at + FLAGS) >> 6) & 0x3;
    }

    @HotPath
    public static int cid(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + CID) & 0xFFFF;
    }

    @HotPath
    public static void cid(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + CID, (short) value);
    }

    @HotPath
    public static int nsid(MemorySegment s, long at) {
        return s.get(LE_INT, at + NSID);
    }

    @HotPath
    public static void nsid(MemorySegment s, long at, int value) {
        s.set(LE_INT, at + NSID, value);
    }

    /** PRP entry 1 (an address), or the first half of SGL1. */
    @HotPath
    public static void prp1(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + DPTR, value);
    }

    @HotPath
    public static long prp1(MemorySegment s, long at) {
        return s.get(LE_LONG, at + DPTR);
    }

    /** PRP entry 2: the second page, or the address of a list. */
    @HotPath
    public static void prp2(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + DPTR + 8, value);
    }

    @HotPath
    public static long prp2(MemorySegment s, long at) {
        return s.get(LE_LONG, at + DPTR + 8);
    }

    /** Where SGL descriptor 1 lies, for {@link SglDescriptor}. */
    @HotPath
    public static long sgl1(long at) {
        return at + DPTR;
    }

    /** Command dword {@code index}, 10 to 15. */
    @HotPath
    public static int cdw(MemorySegment s, long at, int index) {
        assert index >= 10;
        assert index <= 15;
        return s.get(LE_INT, at + CDW10 + (index - 10) * 4L);
    }

    @HotPath
    public static void cdw(MemorySegment s, long at, int index, int value) {
        assert index >= 10;
        assert index <= 15;
        s.set(LE_INT, at + CDW10 + (index - 10) * 4L, value);
    }

    /** Starting LBA of read, write, compare, write zeroes, verify: CDW10 and CDW11. */
    @HotPath
    public static long startLba(MemorySegment s, long at) {
        return s.get(LE_LONG, at + CDW10);
    }

    @HotPath
    public static void startLba(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + CDW10, value);
    }

    /** Number of blocks, counted from one (the field NLB, CDW12 15:0, counts from zero). */
    @HotPath
    public static int blockCount(MemorySegment s, long at) {
        return (s.get(LE_SHORT, at + 48) & 0xFFFF) + 1;
    }

    @HotPath
    public static void blockCount(MemorySegment s, long at, int blocks) {
        assert blocks >= 1;
        assert blocks <= 65536;
        s.set(LE_SHORT, at + 48, (short) (blocks - 1));
    }
}
