package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * What the metadata side needs of the device under a pool, in bytes: implemented by {@link BaseDevice} on a bdev. Every
 * call completes later, never inside the call, on the control reactor. Statuses are NVMe statuses, 0 = success.
 */
interface StorePort {
    /** Receives a status, once. */
    @FunctionalInterface
    interface Done {
        void done(int status);
    }

    /** Receives what was read, or null with a status. */
    @FunctionalInterface
    interface ReadDone {
        void done(MemorySegment data, int status);
    }

    /** A page to write: its place on the device and its contents, whole blocks both. */
    record PageWrite(long atBytes, MemorySegment data) {
    }

    long sizeBytes();

    int blockBytes();

    /** Whether a cluster reads as zeroes after an unmap. */
    boolean unmapZeroes();

    boolean canUnmap();

    void read(long atBytes, int sizeBytes, ReadDone done);

    /** Writes all, in any order; durable when it completes, whatever flushes of others meanwhile came to. */
    void writeDurably(List<PageWrite> writes, Done done);

    /** Makes the range read as zeroes; durable only after {@link #flush}. */
    void zero(long atBytes, long sizeBytes, Done done);

    /** Copies a range to where nobody reads yet; durable only after {@link #flush}. */
    void copy(long fromBytes, long toBytes, long sizeBytes, Done done);

    void unmap(long atBytes, long sizeBytes, Done done);

    /** How many flushes of the device have failed, anybody's. */
    long flushFailures();

    /**
     * Everything completed before is durable; fails as well if a flush of anybody's has failed since: that may have lost it,
     * and been told to nobody but whose flush that was.
     *
     * @param since {@link #flushFailures} from before the first write that is to be durable began
     */
    void flush(long since, Done done);
}
