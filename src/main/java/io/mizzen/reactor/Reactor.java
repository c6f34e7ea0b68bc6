package io.mizzen.reactor;

import io.mizzen.util.HotPath;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.List;

/**
 * One core's event loop. A pinned thread ({@link #run}) or a seeded scheduler ({@link #tick} between {@link #enter} and
 * {@link #leave}) drives it; nothing else does. Everything that it owns is touched on its thread only; other threads
 * post messages to its mthreads.
 *
 * <pre>
 * INIT → RUNNING ⇄ DELAYED
 *           ↓
 *        SHUTDOWN
 * </pre>
 */
public final class Reactor {
    /** How the names of reactors and of their threads begin. */
    static final String NAME_PREFIX = "reactor-";
    private static final int TIMER_BATCH_MAX = 64;
    private static final int DEFERRED_AT_FIRST = 256;
    /** Longest sleep: bounds what a lost wake-up could cost. */
    private static final long SLEEP_MAX_NS = 1_000_000_000L;

    private static final VarHandle SLEEPING;
    private static final ThreadLocal<Reactor> CURRENT = new ThreadLocal<>();

    static {
        try {
            SLEEPING = MethodHandles.lookup().findVarHandle(Reactor.class, "sleeping", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final Object[] locals = new Object[ReactorLocal.KEY_MAX];
    final ReactorStats stats = new ReactorStats();

    private final Reactors group;
    private final int index;
    private final int core;
    private final Clock clock;
    private final EventLog events = new EventLog();
    private final TimerHeap timers = new TimerHeap();
    private final Mthread mainMthread;
    private Mthread[] mthreads = new Mthread[0];
    private Flusher[] flushers = new Flusher[0];
    /** An array: what is linked to what comes next costs more writes, of which a core has few to spare. */
    private Deferred[] deferred = new Deferred[DEFERRED_AT_FIRST];
    private Deferred[] deferredBefore = new Deferred[DEFERRED_AT_FIRST];
    private int deferredCount;
    private Message outboxHead;
    private Message outboxTail;
    private IdleStrategy idle;
    private Sockets sockets;
    private FdWatcher fdWatcher;
    private Thread owner;
    private boolean entered;
    private long nowNs;
    private volatile long spinNs;
    @SuppressWarnings("unused")
    private volatile int sleeping;
    private volatile boolean stopRequested;
    private volatile ReactorState state = ReactorState.INIT;

    Reactor(Reactors group, int index, int core, Clock clock, long spinNs) {
        this.group = group;
        this.index = index;
        this.core = core;
        this.clock = clock;
        this.spinNs = spinNs;
        this.nowNs = clock.nanoTime();
        this.mainMthread = new Mthread(group.allocateMthreadId(), NAME_PREFIX + core, this);
        this.mthreads = new Mthread[] {mainMthread};
    }

    /** The reactor whose thread (or turn, under a scheduler) this is; null elsewhere. Cold path. */
    public static Reactor current() {
        return CURRENT.get();
    }

    // --- identity and ports ---------------------------------------------------------------------

    /** Position among the reactors, from 0. */
    @HotPath
    public int index() {
        return index;
    }

    /** The CPU's number. */
    public int core() {
        return core;
    }

    public Reactors group() {
        return group;
    }

    /** The mthread that every reactor has. */
    public Mthread mthread() {
        return mainMthread;
    }

    public Sockets sockets() {
        return sockets;
    }

    public FdWatcher fdWatcher() {
        return fdWatcher;
    }

    public EventLog events() {
        return events;
    }

    public ReactorStats stats() {
        return stats;
    }

    public ReactorState state() {
        return state;
    }

    /** The pinned thread; null when hand-driven. */
    public Thread thread() {
        return owner;
    }

    /** Gives the reactor its ports. On its thread, before its first turn. Sockets and watcher may be null in tests. */
    public void install(IdleStrategy newIdle, Sockets newSockets, FdWatcher newFdWatcher) {
        assert isCurrent();
        idle = newIdle;
        sockets = newSockets;
        fdWatcher = newFdWatcher;
    }

    /** Adds a flusher, called at the end of every turn. */
    public void addFlusher(Flusher flusher) {
        assert isCurrent();
        flushers = Arrays.copyOf(flushers, flushers.length + 1);
        flushers[flushers.length - 1] = flusher;
    }

    /** Spin this long without work before sleeping; negative: never sleep. Any thread. */
    public void setSpinNs(long newSpinNs) {
        spinNs = newSpinNs;
    }

    public long spinNs() {
        return spinNs;
    }

    // --- mthreads ------------------------------------------------------------------------------

    /** Creates an mthread here. Reactor's thread only. */
    public Mthread createMthread(String name) {
        assert isCurrent();
        Mthread mthread = new Mthread(group.allocateMthreadId(), name, this);
        Mthread[] grown = Arrays.copyOf(mthreads, mthreads.length + 1);
        grown[mthreads.length] = mthread;
        mthreads = grown;
        return mthread;
    }

    /** Ends an mthread that has no channels, pollers or messages any more. */
    public void destroyMthread(Mthread mthread) {
        assert isCurrent();
        assert mthread != mainMthread;
        mthread.markDestroyed();
        while (mthread.hasMessages()) {
            mthread.poll(nowNs);
        }
        mthreads = Arrays.stream(mthreads).filter(m -> m != mthread).toArray(Mthread[]::new);
        group.freeMthreadId(mthread.id());
    }

    /** The mthreads, the reactor's own first. Any thread. */
    public List<Mthread> mthreads() {
        return List.of(mthreads);
    }

    // --- one turn ------------------------------------------------------------------------------

    /** This turn's time. */
    @HotPath
    public long nowNs() {
        return nowNs;
    }

    /** One turn; returns the amount of work done. The reactor's thread or scheduler only. */
    @HotPath
    public int tick(long turnNowNs) {
        assert isCurrent();
        nowNs = turnNowNs;
        int work = 0;
        Mthread[] all = mthreads;
        for (int i = 0; i < all.length; i++) {
            work += all[i].poll(turnNowNs);
        }
        work += timers.expire(turnNowNs, TIMER_BATCH_MAX);
        if (deferredCount != 0) {
            work += runDeferred();
        }
        if (outboxHead != null) {
            work += drainOutbox();
        }
        Flusher[] ends = flushers;
        for (int i = 0; i < ends.length; i++) {
            work += ends[i].flush();
        }
        stats.turns++;
        return work;
    }

    /** Runs it later, in this turn or the next. */
    @HotPath
    public void defer(Deferred work) {
        assert isCurrent();
        if (deferredCount == deferred.length) {
            growDeferred();
        }
        deferred[deferredCount++] = work;
    }

    /** Seldom: more waits in one turn than ever before. */
    private void growDeferred() {
        deferred = Arrays.copyOf(deferred, deferred.length * 2);
    }

    @HotPath
    private int runDeferred() {
        Deferred[] batch = deferred;
        int count = deferredCount;
        deferred = deferredBefore;
        deferredBefore = batch;
        deferredCount = 0;
        for (int i = 0; i < count; i++) {
            batch[i].runDeferred();
        }
        Arrays.fill(batch, 0, count, null);
        return count;
    }

    /** Arms a timer. */
    public void arm(Timer timer, long delayNs) {
        assert isCurrent();
        timers.arm(timer, nowNs + delayNs);
    }

    /** Disarms a timer; harmless when it is not armed. */
    public void cancel(Timer timer) {
        assert isCurrent();
        timers.cancel(timer);
    }

    @HotPath
    boolean outboxIsEmpty() {
        return outboxHead == null;
    }

    @HotPath
    void addToOutbox(Message message) {
        message.next = null;
        if (outboxTail == null) {
            outboxHead = message;
        } else {
            outboxTail.next = message;
        }
        outboxTail = message;
    }

    @HotPath
    private int drainOutbox() {
        int count = 0;
        while (outboxHead != null) {
            Message message = outboxHead;
            Message next = message.next;
            if (!message.target.offerAgain(message)) {
                break;
            }
            outboxHead = next;
            if (next == null) {
                outboxTail = null;
            }
            count++;
        }
        return count;
    }

    // --- the thread ----------------------------------------------------------------------------

    /** The loop of the pinned thread, until {@link #requestStop}. */
    void run() {
        state = ReactorState.RUNNING;
        long lastNs = clock.nanoTime();
        long lastWorkNs = lastNs;
        while (!stopRequested) {
            int work = tick(lastNs);
            long endNs = clock.nanoTime();
            if (work != 0) {
                stats.busyNs += endNs - lastNs;
                lastWorkNs = endNs;
            } else {
                stats.idleNs += endNs - lastNs;
                long spin = spinNs;
                if (spin >= 0 && endNs - lastWorkNs >= spin) {
                    sleep(endNs);
                    endNs = clock.nanoTime();
                }
            }
            lastNs = endNs;
        }
        state = ReactorState.SHUTDOWN;
    }

    private void sleep(long startNs) {
        SLEEPING.setVolatile(this, 1);
        VarHandle.fullFence();
        long timeoutNs = sleepLimitNs(startNs);
        if (timeoutNs > 0 && !stopRequested) {
            state = ReactorState.DELAYED;
            stats.sleeps++;
            idle.sleep(timeoutNs);
            state = ReactorState.RUNNING;
            stats.sleepNs += clock.nanoTime() - startNs;
        }
        SLEEPING.setVolatile(this, 0);
    }

    /** How long the reactor may sleep; 0 when there is something to do. */
    private long sleepLimitNs(long startNs) {
        if (deferredCount != 0 || outboxHead != null) {
            return 0;
        }
        long wakeNs = startNs + SLEEP_MAX_NS;
        long nextTimerNs = timers.nextDeadlineNs();
        if (nextTimerNs != Long.MAX_VALUE) {
            wakeNs = Math.min(wakeNs, nextTimerNs);
        }
        for (Mthread mthread : mthreads) {
            if (mthread.hasMessages()) {
                return 0;
            }
            long dueNs = mthread.nextDueNs();
            if (dueNs != Long.MAX_VALUE) {
                wakeNs = Math.min(wakeNs, dueNs);
            }
        }
        return Math.max(0, wakeNs - startNs);
    }

    /** Wakes the reactor if it has said that it sleeps. Any thread, after it has published what it wants seen. */
    @HotPath
    public void wakeIfSleeping() {
        VarHandle.fullFence();
        if ((int) SLEEPING.getOpaque(this) == 1 && SLEEPING.compareAndSet(this, 1, 0)) {
            stats.wakeUps++;
            idle.wake();
        }
    }

    /** Makes {@link #run} return after its turn. Any thread. */
    void requestStop() {
        stopRequested = true;
        wakeIfSleeping();
    }

    /** Names the thread that will be this reactor. */
    void assignThread(Thread thread) {
        owner = thread;
    }

    /** Binds the calling thread to this reactor. */
    void bind(Thread thread) {
        assert owner == thread;
        entered = true;
        CURRENT.set(this);
    }

    void markShutdown() {
        state = ReactorState.SHUTDOWN;
    }

    /** Whether the caller is this reactor. */
    @HotPath
    public boolean isCurrent() {
        return entered && (owner == null || owner == Thread.currentThread());
    }

    /** Hand-driven only: from here to {@link #leave()} the calling thread is this reactor. */
    public void enter() {
        if (owner != null || entered || CURRENT.get() != null) {
            throw new IllegalStateException("reactor " + core + " is driven by somebody else, or another one is entered");
        }
        entered = true;
        nowNs = clock.nanoTime();
        CURRENT.set(this);
    }

    /** Hand-driven only: ends {@link #enter()}. */
    public void leave() {
        if (owner != null || !entered) {
            throw new IllegalStateException("reactor " + core + " was not entered");
        }
        entered = false;
        CURRENT.remove();
    }

    /** Hand-driven only: whether a turn would have anything to do now. */
    public boolean hasWork() {
        return sleepLimitNs(clock.nanoTime()) == 0;
    }

    /** Hand-driven only: how long until the next timer or periodic poller, at most a second. */
    public long idleLimitNs() {
        return sleepLimitNs(clock.nanoTime());
    }

    @Override
    public String toString() {
        return NAME_PREFIX + core;
    }
}
