package io.mizzen.lvs;

/** Told how far work is that takes long, and asked whether it is to go on. Called on the control reactor. */
@FunctionalInterface
public interface WorkWatch {
    /** Nobody looks on. */
    WorkWatch NONE = (doneBytes, totalBytes) -> true;

    /**
     * First before anything is changed or read, when it may also refuse the work by an
     * {@link io.mizzen.util.OperationException}; then again and again.
     *
     * @return false: it is to end soon
     */
    boolean at(long doneBytes, long totalBytes);
}
