package io.mizzen.nexus;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoQueue;
import io.mizzen.bdev.Status;
import io.mizzen.reactor.Deferred;
import io.mizzen.reactor.Timer;
import java.util.function.Predicate;

/**
 * I/Os of one channel that wait because nobody can serve them: for another picture of the children, or, when the last
 * child failed them in a way that looks as if its device has gone, for a moment, so that its removal becomes known. Both
 * are bounded: the first by {@link FreezeWatch}, the second here. What waits is parked: it holds up no lock. Channel's
 * reactor.
 */
final class FrozenQueue {
    /** How long a channel doubts an error of the last child, and how long after that it does so again. */
    static final long DOUBT_NS = 1_000_000_000L;
    private static final long TRUST_NS = 10_000_000_000L;
    private static final long ROUND_NS = 100_000_000L;

    private final NexusChannel channel;
    private final IoQueue frozen = new IoQueue();
    private final IoQueue doubtful = new IoQueue();
    private boolean thawing;
    private long doubtSinceNs = Long.MIN_VALUE / 2;
    private final Deferred thaw = new Deferred() {
        @Override
        protected void runDeferred() {
            thawing = false;
            restart(frozen);
        }
    };
    private final Timer round = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            restart(doubtful);
        }
    };

    FrozenQueue(NexusChannel channel) {
        this.channel = channel;
    }

    private void restart(IoQueue queue) {
        for (int i = queue.size(); i > 0; i--) {
            channel.restart(queue.poll());
        }
    }

    /** Holds an I/O until the picture changes. */
    void freeze(BdevIo io) {
        frozen.add(io);
    }

    /** Ends what waits and is meant. */
    void abort(Predicate<BdevIo> meant, int status) {
        abort(frozen, meant, status);
        abort(doubtful, meant, status);
    }

    private void abort(IoQueue queue, Predicate<BdevIo> meant, int status) {
        for (int i = queue.size(); i > 0; i--) {
            BdevIo io = queue.poll();
            if (meant.test(io)) {
                channel.abandon(io, status);
            } else {
                queue.add(io);
            }
        }
    }

    /** Whether an error of the last child may be a sign that its device has gone. */
    boolean mayDoubt() {
        long nowNs = channel.mthread().reactor().nowNs();
        if (nowNs - doubtSinceNs > DOUBT_NS + TRUST_NS) {
            doubtSinceNs = nowNs;
        }
        return nowNs - doubtSinceNs < DOUBT_NS;
    }

    /** Holds an I/O for one round. */
    void doubt(BdevIo io) {
        doubtful.add(io);
        if (!round.isArmed()) {
            channel.mthread().reactor().arm(round, ROUND_NS);
        }
    }

    /** The picture has changed: what is frozen is tried again, in this turn or in the next; errors are doubted again. */
    void onConfig() {
        doubtSinceNs = Long.MIN_VALUE / 2;
        if (!frozen.isEmpty() && !thawing) {
            thawing = true;
            channel.mthread().reactor().defer(thaw);
        }
    }

    boolean isEmpty() {
        return frozen.isEmpty() && doubtful.isEmpty();
    }

    int size() {
        return frozen.size() + doubtful.size();
    }

    /** Whether a status may mean that the device has gone, or cannot be reached, rather than that it refuses. */
    static boolean mayBeGone(int status) {
        int code = Status.code(status);
        return code == Status.INTERNAL_ERROR || code == Status.TRANSIENT_TRANSPORT_ERROR
                || code == Status.ABORTED_SQ_DELETION || code == Status.ABORTED_BY_REQUEST
                || code == Status.NAMESPACE_NOT_READY || Status.type(status) == 3;
    }
}
