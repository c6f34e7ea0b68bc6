package io.mizzen.control;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;

/** Whether commands are taken: from the end of the start to the beginning of the stop. */
public final class Admission {
    private volatile boolean closed;

    /** No command is taken any more; the first step of the ordered stop. */
    public void close() {
        closed = true;
    }

    public boolean isClosed() {
        return closed;
    }

    /**
     * Checks whether a command may go on.
     *
     * @throws OperationException UNAVAILABLE {@code shutting-down}
     */
    public void require() {
        if (closed) {
            throw new OperationException(ErrorKind.UNAVAILABLE, "shutting-down",
                "The engine is shutting down and takes no more commands.");
        }
    }
}
