package io.mizzen.lvs;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Timer;
import io.mizzen.util.HotPath;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The flushes of a pool's device, whoever asked for them: how many failed, and which are under way. A device tells one flush
 * that it lost what it had cached, and the next one succeeds (so does Linux with an error of write-back, once for each open
 * file): a success covers only what was written since the last failure. Hence what depends on it compares {@link #failures}
 * from before its first write with the number after its flush, once {@link #await} says that none is left that may have been
 * told before.
 *
 * <p>Counted on any core; {@link #await} is the control reactor's.
 */
final class FlushLedger {
    private static final long POLL_NS = 20_000;

    /** Once true it stays so: what it was when an I/O began is kept with the I/O. */
    private volatile boolean fuaFlushes;
    private final AtomicLong failures = new AtomicLong();
    /** Those under way that began on either side; from one change of {@link #side} to the next all new ones are on one. */
    private final AtomicInteger left = new AtomicInteger();
    private final AtomicInteger right = new AtomicInteger();
    private volatile int side;
    private List<Runnable> waiting = new ArrayList<>();
    private Wait wait;

    /** @param fuaFlushes whether a write with FUA ends with a flush of the device: then it counts as one */
    FlushLedger(boolean fuaFlushes) {
        this.fuaFlushes = fuaFlushes;
    }

    /** Whether an I/O to the device counts. */
    @HotPath
    boolean counts(BdevIo io) {
        return io.type == IoType.FLUSH || (io.flags & BdevIo.FLAG_FUA) != 0 && fuaFlushes && IoType.isWrite(io.type);
    }

    /** From now on a write with FUA counts: the device has grown by a disk on which it ends with a flush. Control reactor. */
    void onFuaFlushes() {
        fuaFlushes = true;
    }

    @HotPath
    boolean fuaFlushes() {
        return fuaFlushes;
    }

    /** One begins. Returns what its {@link #end} is to be given. */
    @HotPath
    int begin() {
        int on = side;
        (on == 0 ? left : right).incrementAndGet();
        return on;
    }

    /** One ended. */
    @HotPath
    void end(int on, boolean failed) {
        if (failed) {
            failures.incrementAndGet();     // First: who finds it no longer under way sees that it failed.
        }
        (on == 0 ? left : right).decrementAndGet();
    }

    @HotPath
    long failures() {
        return failures.get();
    }

    /** Calls back once all that are under way now have ended; at once if there are none. Control reactor. */
    void await(Mthread control, Runnable then) {
        if (wait == null && left.get() == 0 && right.get() == 0) {
            then.run();
            return;
        }
        waiting.add(then);
        if (wait == null) {
            wait = new Wait(control);
            wait.begin();
        }
    }

    /** Serves those that waited when it began; those that come meanwhile get one of their own. Polls: this is rare and short. */
    private final class Wait extends Timer {
        private final Mthread control;
        private List<Runnable> served;
        private boolean turned;

        Wait(Mthread control) {
            this.control = control;
        }

        void begin() {
            served = waiting;
            waiting = new ArrayList<>();
            onTimer(0);
        }

        @Override
        protected void onTimer(long nowNs) {
            if (!turned && idle(1 - side)) {    // One that had looked at the side before the last change may still be there.
                side = 1 - side;
                turned = true;
            }
            if (!turned || !idle(1 - side)) {
                control.reactor().arm(this, POLL_NS);
                return;
            }
            wait = null;
            if (!waiting.isEmpty()) {
                wait = new Wait(control);
                wait.begin();
            }
            served.forEach(Runnable::run);
        }

        private boolean idle(int on) {
            return (on == 0 ? left : right).get() == 0;
        }
    }
}
