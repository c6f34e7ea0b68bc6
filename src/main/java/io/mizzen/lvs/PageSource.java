package io.mizzen.lvs;

import java.lang.foreign.MemorySegment;

/** The metadata pages of a store as read from the device. */
interface PageSource {
    /** The page of this index, or null if it reads as zeroes or was not read because the masks say that it is free. */
    MemorySegment page(int index);

    /** The first page from this index on that may be one that {@link #page} has; none: a large number. */
    default int next(int from) {
        return from;
    }
}
