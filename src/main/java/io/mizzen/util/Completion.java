package io.mizzen.util;

/**
 * Receives the outcome of a control operation, exactly once, on the reactor that started it. Cold path only: the I/O
 * path uses statuses.
 *
 * @param <T> what the operation yields
 */
@FunctionalInterface
public interface Completion<T> {
    /** {@code failure} is null on success; on failure {@code value} is null. */
    void complete(T value, OperationException failure);

    default void ok(T value) {
        complete(value, null);
    }

    default void fail(OperationException failure) {
        complete(null, failure);
    }
}
