package io.mizzen.engine.model;

/** What a wipe does to each block of a replica. */
public enum WipeMethod {
    /** It reads as zeroes afterwards. */
    ZEROES,
    /** It is given back to the pool or device, where that can be: not where zeroes must hide what a snapshot holds. */
    UNMAP,
    /** It is only read: the result is the CRC-32C of all of them. */
    CHECKSUM
}
