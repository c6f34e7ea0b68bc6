package io.mizzen.bdev;

/**
 * What may pass through a bdev, by all its channels together. Reads and compares count as reads; writes, write-zeroes
 * and unmaps as writes. An unmap is one operation and no bytes. Flushes and resets are never held back.
 */
public record IoLimits(IoLimit readOperations, IoLimit writeOperations, IoLimit totalOperations, IoLimit readBytes,
        IoLimit writeBytes, IoLimit totalBytes) {
    /** No limits at all. */
    public static final IoLimits NONE = new IoLimits(IoLimit.NONE, IoLimit.NONE, IoLimit.NONE, IoLimit.NONE,
            IoLimit.NONE, IoLimit.NONE);

    public boolean isNone() {
        return totalOperations.isNone() && totalBytes.isNone() && !isByDirection();
    }

    /** Whether reads and writes have limits of their own: then neither waits behind the other. */
    boolean isByDirection() {
        return !(readOperations.isNone() && writeOperations.isNone() && readBytes.isNone() && writeBytes.isNone());
    }
}
