package io.mizzen.engine;

import io.mizzen.reactor.Mthread;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * One thread for what may block (opening a device, reading its signatures, filling memory) and so must not run on a
 * reactor. Outcomes come back as messages of the control reactor.
 */
final class Offload {
    private static final int QUEUE_MAX = 256;
    private static final long REPOST_NS = 100_000;

    private final Mthread control;
    private final ThreadPoolExecutor thread;

    Offload(Mthread control, String threadName) {
        this.control = control;
        thread = new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS, new ArrayBlockingQueue<>(QUEUE_MAX),
                Thread.ofPlatform().name(threadName).daemon(true).factory());
        thread.prestartCoreThread(); // From the starting thread: a reactor's child would inherit its CPU.
    }

    /** Runs the work on the thread and completes on the control reactor. Control reactor only. */
    <T> void run(Callable<T> work, Completion<T> done) {
        try {
            thread.execute(() -> {
                T value = null;
                OperationException failure = null;
                try {
                    value = work.call();
                } catch (OperationException e) {
                    failure = e;
                } catch (Exception | OutOfMemoryError e) {
                    failure = new OperationException(ErrorKind.INTERNAL, "internal-error", "the operation failed: " + e, e);
                }
                post(value, failure, done);
            });
        } catch (RejectedExecutionException full) {
            done.fail(new OperationException(ErrorKind.UNAVAILABLE, "engine-busy",
                    "too many slow operations wait already; try again later"));
        }
    }

    private <T> void post(T value, OperationException failure, Completion<T> done) {
        while (!control.post(() -> done.complete(value, failure)) && !thread.isShutdown()) {
            LockSupport.parkNanos(REPOST_NS);
        }
    }

    void close() {
        thread.shutdownNow();
    }
}
