package io.mizzen.control;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for the engine's answers with a deadline. Thread: any but the engine's reply thread. */
final class EngineCalls {
    private static final long SHORTLY_NS = 5_000_000_000L;

    private final Duration deadline;

    EngineCalls(Duration deadline) {
        this.deadline = deadline;
    }

    /**
     * Waits for an answer.
     *
     * @throws OperationException the engine's own failure, or TIMEOUT {@code deadline-exceeded}: the outcome is unknown
     */
    <T> T await(CompletableFuture<T> answer) {
        try {
            return within(deadline.toNanos(), answer);
        } catch (TimeoutException e) {
            throw new OperationException(ErrorKind.TIMEOUT, "deadline-exceeded", "No answer within " + deadline.toMillis()
                + " ms; the outcome is unknown. Look at the object, or send the same request again.");
        }
    }

    /** Waits for a while, but not as long as the deadline: what has not answered by then goes on. */
    <T> Optional<T> awaitShortly(CompletableFuture<T> answer) {
        try {
            return Optional.of(within(Math.min(deadline.toNanos() / 2, SHORTLY_NS), answer));
        } catch (TimeoutException e) {
            return Optional.empty();
        }
    }

    private static <T> T within(long timeNs, CompletableFuture<T> answer) throws TimeoutException {
        try {
            return answer.get(timeNs, TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw failureOf(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OperationException(ErrorKind.UNAVAILABLE, "interrupted",
                "The engine is stopping; the outcome of this request is unknown.");
        }
    }

    /** The failure inside the wrappers that futures put round it. */
    static OperationException failureOf(Throwable wrapped) {
        Throwable failure = wrapped;
        while ((failure instanceof CompletionException || failure instanceof ExecutionException)
            && failure.getCause() != null) {
            failure = failure.getCause();
        }
        return failure instanceof OperationException operation ? operation
            : new OperationException(ErrorKind.INTERNAL, "internal",
                "The operation failed inside Mizzen (" + failure + "); the log has the details.", failure);
    }
}
