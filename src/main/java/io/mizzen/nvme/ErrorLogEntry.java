package io.mizzen.nvme;

import static io.mizzen.ffi.RawMemory.LE_INT;
import static io.mizzen.ffi.RawMemory.LE_LONG;
import static io.mizzen.ffi.RawMemory.LE_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * Entry of the error information log, 01h, 64 bytes (base specification 2.0, section 5.16.1.2).
 */
public final class ErrorLogEntry {
    public static final int SIZE_BYTES = 64;

    private static final long ERROR_COUNT = 0;
    private static final long QUEUE_ID = 8;
    private static final long COMMAND_ID = 10;
    private static final long STATUS_FIELD = 12;
    private static final long LBA = 16;
    private static final long NSID = 24;

    private ErrorLogEntry() {
    }

    /** Number of the error, from 1; 0 marks an unused entry. */
    public static long errorCount(MemorySegment s, long at) {
        return s.get(LE_LONG, at + ERROR_COUNT);
    }

    public static void errorCount(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + ERROR_COUNT, value);
    }

    public static int queueId(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + QUEUE_ID) & 0xFFFF;
    }

    public static void queueId(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + QUEUE_ID, (short) value);
    }

    public static int commandId(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + COMMAND_ID) & 0xFFFF;
    }

    /** Status field with the phase bit. */
    public static int statusField(MemorySegment s, long at) {
        return s.get(LE_SHORT, at + STATUS_FIELD) & 0xFFFF;
    }

    public static void statusField(MemorySegment s, long at, int value) {
        s.set(LE_SHORT, at + STATUS_FIELD, (short) value);
    }

    public static long lba(MemorySegment s, long at) {
        return s.get(LE_LONG, at + LBA);
    }

    public static void lba(MemorySegment s, long at, long value) {
        s.set(LE_LONG, at + LBA, value);
    }

    public static int nsid(MemorySegment s, long at) {
        return s.get(LE_INT, at + NSID);
    }

    public static void nsid(MemorySegment s, long at, int value) {
        s.set(LE_INT, at + NSID, value);
    }
}
