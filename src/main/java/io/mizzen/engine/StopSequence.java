package io.mizzen.engine;

import io.mizzen.engine.model.StopReport;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * The ordered stop, each step within the deadline: no new commands, jobs cancelled; hosts told and I/O drained; nexuses closed
 * clean, but those that something lies on; pools exported clean, from the top where they lie on each other; what somebody has
 * open still closed as well as it can be; bdevs closed; reactors stopped and joined. A step that overruns is reported and the
 * next one begins: what was not closed clean is recovered at the next start. Runs on the thread that stops the engine.
 */
final class StopSequence {
    private static final long COMMANDS_POLL_NS = 1_000_000;
    private static final long STEP_MIN_NS = 50_000_000;

    private final Plane plane;
    private final long deadlineNs;
    private final List<StopReport.Step> steps = new ArrayList<>();
    private boolean clean = true;

    /** One step; throws when it failed. */
    private interface Body {
        void run(long limitNs);
    }

    StopSequence(Plane plane, long limitNs) {
        this.plane = plane;
        this.deadlineNs = System.nanoTime() + limitNs;
    }

    StopReport run() {
        step("commands", this::endCommands);
        onControl("hosts", plane.services::stopTarget);
        onControl("nexuses", plane.services.nexuses::closeUnused);
        onControl("jobs", plane.services.jobs::stop);
        onControl("pools", done -> new StorageClose(plane.services, false, done).run());
        onControl("nexuses in use", plane.services.nexuses::closeAll);
        onControl("pools in use", done -> new StorageClose(plane.services, true, done).run());
        onControl("bdevs", plane.services.bdevs::closeAll);
        plane.stopHelpers();
        step("reactors", limitNs -> {
            if (!plane.reactors.stop(Math.max(limitNs, STEP_MIN_NS))) {
                throw new OperationException(ErrorKind.TIMEOUT, "reactor-stop-timeout", "a reactor did not stop in time");
            }
            releaseMemory();
        });
        plane.mailbox.end();
        return new StopReport(clean, List.copyOf(steps));
    }

    private void endCommands(long limitNs) {
        plane.mailbox.close(Plane.notRunning("stopping"));
        long endNs = System.nanoTime() + limitNs;
        PlaneCall.<Void>on(plane.control(), "cancelling jobs", limitNs, done -> {    // An import is a command as long as it reads.
            plane.services.jobs.cancelAll();
            done.ok(null);
        });
        while (plane.mailbox.depth() > 0) {
            if (System.nanoTime() - endNs >= 0) {
                throw new OperationException(ErrorKind.TIMEOUT, "operation-timeout", plane.mailbox.depth() + " commands did not end");
            }
            LockSupport.parkNanos(COMMANDS_POLL_NS);
        }
    }

    /** Only when nobody can touch it any more: no reactor, and no device whose controller was not closed in order. */
    private void releaseMemory() {
        boolean certain = plane.services.controllers.cutOff();
        long keptBytes = plane.memory.keptBytes();
        if (!certain || keptBytes > 0) {
            throw OperationException.internal("memory-kept", "a device that could not be stopped may still write to the engine's "
                    + "memory, which is left to the end of the process");
        }
        plane.platform.release();
    }

    private void onControl(String name, Operation.Body<Void> body) {
        step(name, limitNs -> PlaneCall.on(plane.control(), name, limitNs, body));
    }

    /** A step may take three quarters of what is left, so that one that hangs leaves time for the others. */
    private void step(String name, Body body) {
        long startNs = System.nanoTime();
        String outcome = "done";
        try {
            body.run(Math.max(STEP_MIN_NS, (deadlineNs - startNs) / 4 * 3));
        } catch (OperationException failure) {
            clean = false;
            outcome = failure.getMessage();
        }
        steps.add(new StopReport.Step(name, System.nanoTime() - startNs, outcome));
    }
}
