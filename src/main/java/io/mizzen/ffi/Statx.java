package io.mizzen.ffi;

/** {@code struct statx} of {@code linux/stat.h}: what is read of it. */
public final class Statx {
    public static final int SIZE_BYTES = 256;
    public static final int STATX_BASIC_STATS = 0x7FF;
    public static final int STATX_DIOALIGN = 0x2000;
    public static final int AT_EMPTY_PATH = 0x1000;
    public static final int MASK = 0;
    public static final int MODE = 28;
    public static final int SIZE = 40;
    public static final int RDEV_MAJOR = 128;
    public static final int RDEV_MINOR = 132;
    public static final int DIO_MEM_ALIGN = 152;
    public static final int DIO_OFFSET_ALIGN = 156;

    private static final int S_IFMT = 0xF000;
    private static final int S_IFREG = 0x8000;
    private static final int S_IFBLK = 0x6000;

    private Statx() {
    }

    public static int mask(long statx) {
        return RawMemory.getInt(statx + MASK);
    }

    public static boolean isRegularFile(long statx) {
        return (RawMemory.getShort(statx + MODE) & S_IFMT) == S_IFREG;
    }

    public static boolean isBlockDevice(long statx) {
        return (RawMemory.getShort(statx + MODE) & S_IFMT) == S_IFBLK;
    }

    public static long size(long statx) {
        return RawMemory.getLong(statx + SIZE);
    }

    /** Smallest offset and length for direct I/O, or 0 where the kernel does not say. */
    public static int dioOffsetAlign(long statx) {
        return (mask(statx) & STATX_DIOALIGN) == 0 ? 0 : RawMemory.getInt(statx + DIO_OFFSET_ALIGN);
    }

    /** {@code major:minor} of a device file. */
    public static String device(long statx) {
        return RawMemory.getInt(statx + RDEV_MAJOR) + ":" + RawMemory.getInt(statx + RDEV_MINOR);
    }
}
