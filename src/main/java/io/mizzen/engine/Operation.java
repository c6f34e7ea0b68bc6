package io.mizzen.engine;

import io.mizzen.util.Completion;
import java.util.concurrent.CompletableFuture;

/**
 * One command on its way: from the mailbox to the control reactor, and its outcome back to the future.
 *
 * @param <T> the view that it yields
 */
final class Operation<T> {
    /** What runs on the control reactor; ends by completing, in the same turn or many turns later. */
    @FunctionalInterface
    interface Body<T> {
        /** A failure may be thrown as well, as long as nothing was completed. */
        void run(Completion<T> done);
    }

    final String name;
    final Body<T> body;
    final CompletableFuture<T> future = new CompletableFuture<>();
    final long deadlineNs;
    /** The body has completed. Control reactor only. */
    boolean ended;
    /** The outcome, written before the reply is queued. */
    T value;
    Throwable failure;
    /** The caller has been answered. Reply thread only. */
    boolean answered;

    Operation(String name, Body<T> body, long deadlineNs) {
        this.name = name;
        this.body = body;
        this.deadlineNs = deadlineNs;
    }
}
