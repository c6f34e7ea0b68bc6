package io.mizzen.nexus;

import io.mizzen.bdev.Status;
import io.mizzen.rebuild.RebuildJob;
import io.mizzen.rebuild.RebuildKind;
import io.mizzen.rebuild.RebuildSettings;
import io.mizzen.rebuild.RebuildSpec;
import io.mizzen.rebuild.RebuildState;
import io.mizzen.rebuild.SegmentMap;
import java.util.ArrayList;
import java.util.List;

/** Compares one healthy child with another, changes nothing; the outcome goes to the history. Home mthread. */
final class ChildVerify implements RebuildJob.Listener {
    private final Nexus nexus;
    private final NexusChild child;
    private final NexusChild source;
    private final SegmentMap plan;
    private final RebuildJob job;
    private final List<Runnable> whenStopped = new ArrayList<>();
    private volatile boolean paused;

    ChildVerify(Nexus nexus, NexusChild child, NexusChild source, SegmentMap plan, RebuildSettings settings) {
        this.nexus = nexus;
        this.child = child;
        this.source = source;
        this.plan = plan;
        this.job = new RebuildJob(new RebuildSpec(RebuildKind.VERIFY, nexus, nexus.leg(source),
                List.of(nexus.leg(child)), plan, settings), nexus.home(), nexus.copier(), nexus::wallClockMs, this);
    }

    void start() {
        nexus.event("verify-started child=" + child.name() + " source=" + source.name());
        job.start();
    }

    @Override
    public void onEnd(RebuildJob ended) {
        nexus.rebuilds().history().add(ended.record());
        String outcome = switch (ended.state()) {
            case COMPLETED -> "verify-completed child=" + child.name() + " different-bytes="
                    + (ended.progress().differentBlocks() << nexus.blockShift());
            case FAILED -> "verify-failed child=" + child.name() + " leg="
                    + (ended.sourceFailed() ? source : child).name() + " status="
                    + Status.describe(ended.failureStatus());
            default -> "verify-stopped child=" + child.name();
        };
        nexus.event(outcome);
        nexus.rebuilds().onOver(this);
        whenStopped.forEach(Runnable::run);
    }

    void stopUsing(NexusChild used, Runnable then) {
        if (used == child || used == source) {
            stop(then);
        } else {
            then.run();
        }
    }

    /** Stops; {@code then} runs when no child is used. */
    void stop(Runnable then) {
        whenStopped.add(then);
        job.stop();
    }

    void pause() {
        paused = job.pause();
    }

    void resume() {
        paused = !job.resume();
    }

    void setSettings(RebuildSettings changed) {
        job.setSettings(changed);
    }

    NexusChild child() {
        return child;
    }

    /** Any thread. */
    RebuildStatus status() {
        RebuildState now = job.state();
        boolean held = paused || now == RebuildState.PAUSED;
        int shift = nexus.blockShift();
        return new RebuildStatus(child.name(), RebuildKind.VERIFY, source.name(),
                held ? RebuildStatus.Phase.PAUSED : RebuildStatus.Phase.COPYING, plan.totalBlocks() << shift,
                plan.remainingBlocks() << shift, job.progress());
    }
}
