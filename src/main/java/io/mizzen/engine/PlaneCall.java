package io.mizzen.engine;

import io.mizzen.reactor.Mthread;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A call to the control reactor that its caller waits for: for start and stop only. */
final class PlaneCall {
    private PlaneCall() { }

    /**
     * Runs the body and waits.
     *
     * @throws OperationException the body's, or TIMEOUT
     */
    static <T> T on(Mthread control, String name, long timeoutNs, Operation.Body<T> body) {
        CompletableFuture<T> outcome = new CompletableFuture<>();
        boolean posted = control.post(() -> {
            try {
                body.run((value, failure) -> {
                    if (failure != null) {
                        outcome.completeExceptionally(failure);
                    } else {
                        outcome.complete(value);
                    }
                });
            } catch (RuntimeException failure) {
                outcome.completeExceptionally(failure);
            }
        });
        if (!posted) {
            throw new OperationException(ErrorKind.UNAVAILABLE, "engine-busy", name + ": the control reactor takes no messages");
        }
        try {
            return outcome.get(Math.max(1, timeoutNs), TimeUnit.NANOSECONDS);
        } catch (ExecutionException failure) {
            if (failure.getCause() instanceof OperationException operation) {
                throw operation;
            }
            throw new OperationException(ErrorKind.INTERNAL, "internal-error", name + " failed: " + failure.getCause(), failure.getCause());
        } catch (TimeoutException late) {
            throw new OperationException(ErrorKind.TIMEOUT, "operation-timeout", name + " did not end within "
                    + timeoutNs / 1_000_000 + " ms");
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new OperationException(ErrorKind.UNAVAILABLE, "interrupted", name + " was interrupted");
        }
    }
}
