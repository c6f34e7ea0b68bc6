package io.mizzen.bdev;

/** What an I/O does. Plain ints: they index counters. */
public final class IoType {
    public static final int READ = 0;
    public static final int WRITE = 1;
    /** Makes every write that completed before it durable. */
    public static final int FLUSH = 2;
    /** Tells that the blocks are not needed; what they read as afterwards is the backend's business. */
    public static final int UNMAP = 3;
    /** The blocks read as zeroes afterwards. */
    public static final int WRITE_ZEROES = 4;
    /** Compares the blocks with the buffer. */
    public static final int COMPARE = 5;
    public static final int RESET = 6;
    /** Reads the blocks where they lie, without a buffer: whether they can still be read. */
    public static final int VERIFY = 7;
    public static final int COUNT = 8;

    private static final String[] NAMES = {"read", "write", "flush", "unmap", "write_zeroes", "compare", "reset", "verify"};

    private IoType() {
    }

    public static String name(int type) {
        return NAMES[type];
    }

    /** Whether it changes data. */
    public static boolean isWrite(int type) {
        return type == WRITE || type == UNMAP || type == WRITE_ZEROES;
    }

    /** Whether it needs the data of one copy: with or without a buffer for it. */
    public static boolean isRead(int type) {
        return type == READ || type == VERIFY;
    }

    /** Whether offset and count mean anything. */
    public static boolean hasRange(int type) {
        return type != FLUSH && type != RESET;
    }

    /** Whether a buffer comes with it. */
    public static boolean hasData(int type) {
        return type == READ || type == WRITE || type == COMPARE;
    }
}
