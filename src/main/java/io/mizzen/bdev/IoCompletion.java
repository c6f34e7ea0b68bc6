package io.mizzen.bdev;

/** Who is told that an I/O ended: on the reactor that submitted it, once, never inside {@code submit}. */
@FunctionalInterface
public interface IoCompletion {
    /** {@link BdevIo#status()} holds the outcome. The receiver releases the I/O to its pool. */
    void onIoComplete(BdevIo io);
}
