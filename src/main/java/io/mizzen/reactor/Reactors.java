package io.mizzen.reactor;

import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The group of reactors, one per configured core, in ascending order of cores; the first is the control reactor. Each
 * runs on a platform thread of its own, which pins itself; the thread that launches them is never pinned.
 */
public final class Reactors {
    /** Mthreads that may live at one time in all reactors. */
    public static final int MTHREAD_MAX = 256;

    /** What a reactor needs before its first turn and after its last: its ring and other ports. Reactor's thread. */
    public interface Setup {
        void open(Reactor reactor);

        void close(Reactor reactor);
    }

    /** Told of an Error or exception that escaped a reactor's turn: our bug. The process must not go on. */
    @FunctionalInterface
    public interface CrashHandler {
        void onCrash(Reactor reactor, Throwable cause);
    }

    private final BitSet mthreadIds = new BitSet(MTHREAD_MAX);
    private final List<Reactor> reactors;

    /**
     * @param cores ascending CPU numbers
     * @param spinNs how long a reactor spins without work before it sleeps; negative: for ever
     */
    public Reactors(List<Integer> cores, Clock clock, long spinNs) {
        if (cores.isEmpty()) {
            throw OperationException.invalid("no-cores", "no core is configured; set mizzen.cores");
        }
        List<Reactor> list = new ArrayList<>();
        for (int core : cores) {
            list.add(new Reactor(this, list.size(), core, clock, spinNs));
        }
        reactors = List.copyOf(list);
    }

    /** The control reactor. */
    public Reactor first() {
        return reactors.get(0);
    }

    public List<Reactor> all() {
        return reactors;
    }

    /** The reactor of a core, or null. */
    public Reactor ofCore(int core) {
        for (Reactor reactor : reactors) {
            if (reactor.core() == core) {
                return reactor;
            }
        }
        return null;
    }

    synchronized int allocateMthreadId() {
        int id = mthreadIds.nextClearBit(0);
        if (id >= MTHREAD_MAX) {
            throw new OperationException(io.mizzen.util.ErrorKind.RESOURCE_EXHAUSTED, "too-many-mthreads",
                    "the limit of " + MTHREAD_MAX + " mthreads is reached");
        }
        mthreadIds.set(id);
        return id;
    }

    synchronized void freeMthreadId(int id) {
        mthreadIds.clear(id);
    }

    /**
     * Launches the remote reactors, waits until they run, then launches the first.
     *
     * @throws OperationException when a core cannot be had or a reactor's setup fails; nothing is left running
     */
    public void launch(CpuAffinity affinity, Setup setup, CrashHandler crashHandler, long timeoutNs) {
        List<Integer> allowed = affinity.allowedCores();
        for (Reactor reactor : reactors) {
            if (!allowed.contains(reactor.core())) {
                throw OperationException.invalid("core-not-available", "core " + reactor.core()
                        + " is not available to this process; its cpuset is " + CoreMask.format(allowed)
                        + "; set mizzen.cores accordingly");
            }
        }
        long deadlineNs = System.nanoTime() + timeoutNs;
        try {
            launchSome(reactors.subList(1, reactors.size()), affinity, setup, crashHandler, deadlineNs);
            launchSome(reactors.subList(0, 1), affinity, setup, crashHandler, deadlineNs);
        } catch (OperationException e) {
            stop(TimeUnit.SECONDS.toNanos(5));
            throw e;
        }
    }

    private void launchSome(List<Reactor> some, CpuAffinity affinity, Setup setup, CrashHandler crashHandler,
            long deadlineNs) {
        CountDownLatch ready = new CountDownLatch(some.size());
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (Reactor reactor : some) {
            Thread thread = new Thread(() -> threadMain(reactor, affinity, setup, crashHandler, ready, failure),
                    reactor.toString());
            reactor.assignThread(thread);
            thread.start();
        }
        try {
            if (!ready.await(deadlineNs - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                throw OperationException.internal("reactor-start-timeout",
                        "a reactor did not start in time; see the log for what it was doing");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw OperationException.internal("reactor-start-interrupted", "the start was interrupted");
        }
        Throwable cause = failure.get();
        if (cause instanceof OperationException operation) {
            throw operation;
        }
        if (cause != null) {
            throw new OperationException(io.mizzen.util.ErrorKind.INTERNAL, "reactor-start-failed",
                    "a reactor could not start: " + cause, cause);
        }
    }

    private static void threadMain(Reactor reactor, CpuAffinity affinity, Setup setup, CrashHandler crashHandler,
            CountDownLatch ready, AtomicReference<Throwable> failure) {
        reactor.bind(Thread.currentThread());
        try {
            affinity.pinCurrentThread(reactor.core());
            setup.open(reactor);
        } catch (Throwable e) {
            failure.compareAndSet(null, e);
            reactor.markShutdown();
            ready.countDown();
            return;
        }
        ready.countDown();
        try {
            reactor.run();
            setup.close(reactor);
        } catch (Throwable e) {
            reactor.markShutdown();
            crashHandler.onCrash(reactor, e);
        }
    }

    /**
     * Stops and joins the reactors, the first one last. Whatever they served must have been stopped before.
     *
     * @return false when one did not end in time
     */
    public boolean stop(long timeoutNs) {
        long deadlineNs = System.nanoTime() + timeoutNs;
        boolean ended = true;
        for (int i = reactors.size() - 1; i >= 0; i--) {
            Reactor reactor = reactors.get(i);
            Thread thread = reactor.thread();
            if (thread == null) {
                continue;
            }
            reactor.requestStop();
            try {
                ended &= thread.join(java.time.Duration.ofNanos(Math.max(1, deadlineNs - System.nanoTime())));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return ended;
    }
}
