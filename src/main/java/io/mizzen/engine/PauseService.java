package io.mizzen.engine;

import io.mizzen.reactor.Timer;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.Set;

/**
 * Pauses of what is served: hosts' new I/O waits, what is in flight ends first, nothing fails. A pause that cannot drain
 * within {@link #DRAIN_LIMIT_NS} does not come about; one with a time limit ends by itself. Control reactor only.
 */
final class PauseService {
    static final long DRAIN_LIMIT_NS = 10_000_000_000L;
    private static final long MS = 1_000_000;

    private final PlaneContext plane;
    private final TargetPort target;

    PauseService(PlaneContext plane, TargetPort target) {
        this.plane = plane;
        this.target = target;
    }

    /**
     * Pauses, or sets the limit of the pause anew.
     *
     * @param forMs how long at most; 0: until it is resumed
     */
    void pause(Share share, long forMs, Completion<Void> done) {
        if (share.detached) {       // Paused until it is opened again, whatever anybody says.
            done.ok(null);
            return;
        }
        if (share.paused) {
            limit(share, forMs);
            done.ok(null);
            return;
        }
        boolean[] late = {false};
        Timer drain = new Timer() {
            @Override
            protected void onTimer(long nowNs) {
                late[0] = true;
                target.resume(share.nqn);
            }
        };
        plane.control().reactor().arm(drain, DRAIN_LIMIT_NS);
        target.pause(share.nqn, (nothing, failure) -> {
            plane.control().reactor().cancel(drain);
            if (late[0]) {
                done.fail(new OperationException(ErrorKind.UNAVAILABLE, "pause-not-drained", "I/O of " + share.bdev.name()
                        + " that was in flight did not end within " + DRAIN_LIMIT_NS / 1_000_000_000 + " s; hosts go on, nothing is paused"));
            } else if (failure != null) {
                done.fail(failure);
            } else {
                onPaused(share, forMs);
                done.ok(null);
            }
        });
    }

    /** The subsystem of the share holds I/O back now. */
    void onPaused(Share share, long forMs) {
        share.paused = true;
        limit(share, forMs);
        plane.event(share.kind, share.uuid, share.bdev.name(), "share-paused", "I/O of hosts to " + share.bdev.name() + " waits"
                + (forMs == 0 ? " until it is resumed" : ", for " + forMs + " ms at most"), "nqn", share.nqn, "forMs",
                forMs == 0 ? null : forMs);
    }

    private void limit(Share share, long forMs) {
        forget(share);
        share.pauseEndsMs = forMs == 0 ? 0 : System.currentTimeMillis() + forMs;
        if (forMs != 0) {
            share.pauseTimer = new Timer() {
                @Override
                protected void onTimer(long nowNs) {
                    expire(share, this);
                }
            };
            plane.control().reactor().arm(share.pauseTimer, forMs * MS);
        }
    }

    /** Takes its turn among the operations on the object. */
    private void expire(Share share, Timer timer) {
        Completion<Void> ended = (nothing, failure) -> {
            if (failure != null) {
                plane.event(share.kind, share.uuid, share.bdev.name(), "pause-expired", "the pause of " + share.bdev.name()
                        + " is over, but its I/O could not be resumed: " + failure.getMessage(), "code", failure.code());
            }
        };
        try {
            plane.serializer().run(Set.of(share.key()), done -> {
                if (share.paused && share.pauseTimer == timer) {
                    resume(share, "expired", done);
                } else {
                    done.ok(null);
                }
            }, ended);
        } catch (OperationException busy) {
            plane.control().reactor().arm(timer, 100 * MS);
        }
    }

    /** Lets I/O go on; nothing happens where it goes on already. */
    void resume(Share share, String reason, Completion<Void> done) {
        if (share.detached) {
            done.fail(OperationException.precondition("nexus-shut-down", share.bdev.name() + " is shut down; assemble it, and hosts go on"));
            return;
        }
        if (share.paused) {
            target.resume(share.nqn);
            share.paused = false;
            forget(share);
            plane.event(share.kind, share.uuid, share.bdev.name(), "share-resumed", "I/O of hosts to " + share.bdev.name()
                    + " goes on (" + reason + ")", "nqn", share.nqn, "reason", reason);
        }
        done.ok(null);
    }

    /** A shutdown is refused: the pause that was in force before it goes on, with what is left of its limit; else hosts go on. */
    void giveBack(Share share, Completion<Void> done) {
        if (!share.pausedBefore) {
            resume(share, "not shut down", done);
        } else {
            pause(share, share.pauseEndsBeforeMs == 0 ? 0 : Math.max(1, share.pauseEndsBeforeMs - System.currentTimeMillis()), done);
        }
    }

    /** The share goes, and its limit with it. */
    void forget(Share share) {
        if (share.pauseTimer != null) {
            plane.control().reactor().cancel(share.pauseTimer);
            share.pauseTimer = null;
            share.pauseEndsMs = 0;
        }
    }
}
