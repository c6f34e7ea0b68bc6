package io.mizzen.bdev;

import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Timer;
import io.mizzen.util.HotPath;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The flushes of a device, or of the children of a nexus, whoever asked for them: how many failed, and which are under way. A
 * device tells one flush that it lost what it had cached, and the next one succeeds (so does Linux with an error of write-back,
 * once for each open file): a success covers only what was written since the last failure. Hence what depends on it compares
 * {@link #failures} from before its first write with the number after its flush, once none is left that may have been told
 * before.
 *
 * <p>Which those are: whoever was told of a loss before a flush succeeded had reached the device before that, and began here
 * earlier still. So when the flush that succeeded ends here, who was told has ended, and {@link #failures} has it, or is under
 * way. Those that begin later cannot have been told of what this flush was to make durable, so nobody waits for them, and
 * flushes without end hold nobody up.
 *
 * <p>Each begins on one of two sides. All that were under way have ended once each side has been seen empty, and a side
 * becomes empty when those to come begin on the other, which is changed only to an empty one.
 *
 * <p>Any core; {@link #await} is one reactor's: of a pool the control reactor, of a nexus the home one.
 */
public final class FlushLedger {
    /** Between two looks at those under way; longer, the longer it takes already. */
    private static final long POLL_NS = 20_000;
    private static final int POLL_SHIFT = 3;
    private static final long EMPTIED = 1L << 32;

    /** Once true it stays so: what it was when an I/O began is kept with the I/O. */
    private volatile boolean fuaFlushes;
    private final AtomicLong failures = new AtomicLong();
    /** Of a side, low half: those under way; high half: how often the last one ended. */
    private final AtomicLong left = new AtomicLong();
    private final AtomicLong right = new AtomicLong();
    private volatile int side;
    private Waits waits;

    /** @param fuaFlushes whether a write with FUA ends with a flush of the device: then it counts as one */
    public FlushLedger(boolean fuaFlushes) {
        this.fuaFlushes = fuaFlushes;
    }

    /** Whether an I/O to the device counts. */
    @HotPath
    public boolean counts(BdevIo io) {
        return io.type == IoType.FLUSH || (io.flags & BdevIo.FLAG_FUA) != 0 && fuaFlushes && IoType.isWrite(io.type);
    }

    /** From now on a write with FUA counts: the device has grown by a disk on which it ends with a flush. Control reactor. */
    public void onFuaFlushes() {
        fuaFlushes = true;
    }

    @HotPath
    public boolean fuaFlushes() {
        return fuaFlushes;
    }

    @HotPath
    private AtomicLong of(int on) {
        return on == 0 ? left : right;
    }

    /** One begins. Returns what its {@link #end} is to be given. */
    @HotPath
    public int begin() {
        int on = side;
        of(on).incrementAndGet();
        return on;
    }

    /** One ended. */
    @HotPath
    public void end(int on, boolean failed) {
        if (failed) {
            failures.incrementAndGet();     // First: who finds it no longer under way sees that it failed.
        }
        AtomicLong counts = of(on);
        long before;
        long after;
        do {
            before = counts.get();
            after = before - 1;
            after = (int) after == 0 ? after + EMPTIED : after;
        } while (!counts.compareAndSet(before, after));
        assert (int) after >= 0;
    }

    @HotPath
    public long failures() {
        return failures.get();
    }

    /** Whether none is under way. */
    @HotPath
    public boolean isIdle() {
        return (int) left.get() == 0 && (int) right.get() == 0;
    }

    /** Of a side, what {@link #haveEnded} is to be given later. */
    public long mark(int on) {
        return of(on).get();
    }

    /** Whether all have ended that were under way when those marks were taken. Asked again, it will be true. */
    public boolean haveEnded(long leftMark, long rightMark) {
        boolean leftEnded = hasEmptied(left, leftMark);
        boolean rightEnded = hasEmptied(right, rightMark);
        int now = side;
        if (!(now == 0 ? leftEnded : rightEnded) && (int) of(1 - now).get() == 0) {
            side = 1 - now;
        }
        return leftEnded && rightEnded;
    }

    private static boolean hasEmptied(AtomicLong counts, long mark) {
        return (int) mark == 0 || counts.get() >>> 32 != mark >>> 32;
    }

    /** In how long to ask again who has waited for so long. */
    public static long pollNs(long waitedNs) {
        return Math.max(POLL_NS, waitedNs >> POLL_SHIFT);
    }

    /**
     * Calls back once all that are under way now have ended; at once if there are none. The same mthread each time, on its
     * reactor.
     */
    public void await(Mthread control, Runnable then) {
        if ((waits == null || waits.waiting.isEmpty()) && isIdle()) {
            then.run();
            return;
        }
        if (waits == null) {
            waits = new Waits(control);
        }
        waits.add(new Wait(mark(0), mark(1), then));
    }

    private record Wait(long leftMark, long rightMark, Runnable then) {
    }

    /** The first to come is the first to go. Polls: this is rare and short. */
    private final class Waits extends Timer {
        private final Mthread control;
        private final ArrayDeque<Wait> waiting = new ArrayDeque<>();
        private long sinceNs;

        Waits(Mthread control) {
            this.control = control;
        }

        void add(Wait wait) {
            waiting.add(wait);
            haveEnded(wait.leftMark, wait.rightMark);
            if (!isArmed()) {
                sinceNs = control.reactor().nowNs();
                control.reactor().arm(this, POLL_NS);
            }
        }

        @Override
        protected void onTimer(long nowNs) {
            for (Wait first = waiting.peek(); first != null && haveEnded(first.leftMark, first.rightMark); first = waiting.peek()) {
                waiting.remove();
                sinceNs = nowNs;
                first.then.run();
            }
            if (!waiting.isEmpty() && !isArmed()) {
                control.reactor().arm(this, pollNs(nowNs - sinceNs));
            }
        }
    }
}
