package io.mizzen.engine;

import io.mizzen.reactor.Mthread;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jctools.queues.atomic.MpscAtomicArrayQueue;

/**
 * The way to the control reactor and back. Commands that are accepted and not yet ended are limited, so neither ring
 * can overflow; one reply thread completes the futures, those whose deadline passed as well.
 */
final class Mailbox {
    private final int capacity;
    private final long timeoutNs;
    private final Mthread control;
    private final AtomicInteger pending = new AtomicInteger();
    private final AtomicLong refusals = new AtomicLong();
    private final MpscAtomicArrayQueue<Operation<?>> replies;
    private final Queue<Operation<?>> accepted = new ConcurrentLinkedQueue<>(); // As limited as pending is.
    private final LinkedHashSet<Operation<?>> waiting = new LinkedHashSet<>(); // Reply thread only; oldest first.
    private final Thread replyThread;
    private volatile OperationException closed;
    private volatile boolean ending;

    Mailbox(int capacity, long timeoutNs, Mthread control) {
        this.capacity = capacity;
        this.timeoutNs = timeoutNs;
        this.control = control;
        this.replies = new MpscAtomicArrayQueue<>(Math.max(2, capacity));
        this.replyThread = Thread.ofPlatform().name("engine-replies").daemon(true).unstarted(this::serveReplies);
        replyThread.start();
    }

    int depth() {
        return pending.get();
    }

    int capacity() {
        return capacity;
    }

    long refusals() {
        return refusals.get();
    }

    /** Any thread but a reactor's. */
    <T> CompletableFuture<T> submit(String name, Operation.Body<T> body) {
        return submit(name, timeoutNs, body);
    }

    /** As above, for one that may take longer than most. */
    <T> CompletableFuture<T> submit(String name, long limitNs, Operation.Body<T> body) {
        OperationException refusal = closed;
        if (refusal != null) return CompletableFuture.failedFuture(refusal);
        Operation<T> operation = new Operation<>(name, body, System.nanoTime() + limitNs);
        if (pending.incrementAndGet() > capacity) {
            pending.decrementAndGet();
            return refuse("the engine has " + capacity + " commands in hand; try again later");
        }
        if (!control.post(() -> run(operation))) {
            pending.decrementAndGet();
            return refuse("the control reactor takes no messages now; try again later");
        }
        accepted.add(operation);
        if (ending) operation.future.completeExceptionally(closed); // The reply thread may not see it any more.
        LockSupport.unpark(replyThread);
        return operation.future;
    }

    private <T> CompletableFuture<T> refuse(String message) {
        refusals.incrementAndGet();
        return CompletableFuture.failedFuture(new OperationException(ErrorKind.UNAVAILABLE, "engine-busy", message));
    }

    /** Control reactor. An Error is a bug of ours and ends the reactor; everything else ends the operation. */
    private <T> void run(Operation<T> operation) {
        try {
            operation.body.run((value, failure) -> end(operation, value, failure));
        } catch (OperationException failure) {
            end(operation, null, failure);
        } catch (RuntimeException failure) {
            end(operation, null, new OperationException(ErrorKind.INTERNAL, "internal-error",
                    operation.name + " failed: " + failure, failure));
        }
    }

    private <T> void end(Operation<T> operation, T value, OperationException failure) {
        assert !operation.ended : operation.name;
        operation.ended = true;
        operation.value = value;
        operation.failure = failure;
        boolean offered = replies.offer(operation);
        assert offered;
        LockSupport.unpark(replyThread);
    }

    private void serveReplies() {
        while (!ending) {
            boolean worked = false;
            takeAccepted();
            for (Operation<?> operation; (operation = replies.poll()) != null; worked = true) {
                pending.decrementAndGet();
                waiting.remove(operation);
                answer(operation);
            }
            long nextNs = expire(System.nanoTime());
            if (!worked && accepted.isEmpty() && replies.isEmpty() && !ending) LockSupport.parkNanos(this, nextNs);
        }
        takeAccepted();
        for (Operation<?> operation; (operation = replies.poll()) != null; ) answer(operation);
        OperationException reason = closed;
        for (Operation<?> operation : waiting) {
            if (!operation.answered) operation.future.completeExceptionally(reason);
        }
    }

    private void takeAccepted() {
        for (Operation<?> operation; (operation = accepted.poll()) != null; ) {
            if (!operation.answered) waiting.add(operation);
        }
    }

    private static <T> void answer(Operation<T> operation) {
        if (operation.answered) return;
        operation.answered = true;
        if (operation.failure != null) operation.future.completeExceptionally(operation.failure);
        else operation.future.complete(operation.value);
    }

    /** Answers those whose deadline passed; returns how long until the next one. */
    private long expire(long nowNs) {
        long nextNs = 1_000_000_000L;
        for (Iterator<Operation<?>> i = waiting.iterator(); i.hasNext(); ) {
            Operation<?> operation = i.next();
            if (operation.deadlineNs - nowNs > 0) {
                nextNs = Math.min(nextNs, operation.deadlineNs - nowNs);
                continue;
            }
            i.remove();
            operation.answered = true;
            operation.future.completeExceptionally(new OperationException(ErrorKind.TIMEOUT, "operation-timeout",
                    operation.name + " did not end in time; its outcome is unknown"));
        }
        return nextNs;
    }

    /** Refuses new commands from here on; those accepted go on. */
    void close(OperationException reason) {
        closed = reason;
    }

    /** Answers what is left with the reason of {@link #close} and ends the reply thread. After the reactors. */
    void end() {
        assert closed != null;
        ending = true;
        LockSupport.unpark(replyThread);
        try {
            replyThread.join();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
