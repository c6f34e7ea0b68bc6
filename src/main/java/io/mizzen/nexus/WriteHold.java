package io.mizzen.nexus;

import io.mizzen.bdev.RangeLock;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Timer;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;

/**
 * A moment in which nothing changes a nexus: new writes wait on every channel, those in flight have ended on every leg, so
 * that legs which are healthy and not suspect ({@link ChildStatus#resyncing}) hold the same. Reads go on, and nothing fails.
 * Copies (rebuild, repair) wait for their turn, too; where one is under way it changes nothing that healthy legs hold. The
 * nexus does not close meanwhile. Home mthread.
 *
 * <pre>
 * HOLDING → HELD → RELEASED
 *    └ writes in flight have not ended in time → LATE (writes go on at once)
 * </pre>
 */
public final class WriteHold {
    private enum State {
        HOLDING, HELD, RELEASED, LATE
    }

    private final Nexus nexus;
    private final Completion<Void> operation;
    private final long sinceNs = Reactor.current().nowNs();
    private State state = State.HOLDING;
    private RangeLock lock;
    private long heldNs;

    private WriteHold(Nexus nexus) {
        this.nexus = nexus;
        this.operation = nexus.operations().begin((nothing, never) -> { });
    }

    private void setState(State next) {
        assert next == State.RELEASED ? state == State.HELD : state == State.HOLDING;
        state = next;
    }

    /**
     * Holds writes back.
     *
     * @param limitNs how long writes in flight may take to end
     * @param held to be released by whoever gets it; {@code nexus-closing}; {@code writes-not-drained}: nothing is held
     */
    public static void begin(Nexus nexus, long limitNs, Completion<WriteHold> held) {
        try {
            nexus.checkOpen();
        } catch (OperationException closing) {
            held.fail(closing);
            return;
        }
        new WriteHold(nexus).start(limitNs, held);
    }

    private void start(long limitNs, Completion<WriteHold> held) {
        Timer late = new Timer() {
            @Override
            protected void onTimer(long nowNs) {
                setState(State.LATE);
                nexus.giveUpHold(lock, nexus.home());
            }
        };
        lock = nexus.holdWrites(nexus.home(), (same, never) -> {
            nexus.home().reactor().cancel(late);
            if (state == State.LATE) {
                unlock(() -> held.fail(new OperationException(ErrorKind.UNAVAILABLE, "writes-not-drained", "writes to nexus " + nexus.name()
                        + " that were in flight did not end within " + limitNs / 1_000_000 + " ms; hosts go on")));
            } else {
                setState(State.HELD);
                held.ok(this);
            }
        });
        nexus.home().reactor().arm(late, limitNs);
    }

    /** Writes go on; soon the legs' metadata tells what follows from what is kept of the moment. */
    public void release(Runnable released) {
        setState(State.RELEASED);
        unlock(released);
        tellApart(nexus);
    }

    /** What is kept of a child (a snapshot of it) was taken before now: set back to it alone, the child is seen to be stale. Home mthread. */
    public static void tellApart(Nexus nexus) {
        nexus.membership().requestApart(() -> { });
    }

    private void unlock(Runnable then) {
        nexus.unlockRange(lock, nexus.home(), (nothing, never) -> {
            heldNs = soFarNs();
            operation.ok(null);
            then.run();
        });
    }

    /** How long ago it began. */
    public long soFarNs() {
        return Reactor.current().nowNs() - sinceNs;
    }

    /** How long writes waited at most, from the first channel that held to the last one that went on; once it is released. */
    public long heldNs() {
        return heldNs;
    }
}
