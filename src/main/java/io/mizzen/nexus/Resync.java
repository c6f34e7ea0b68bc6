package io.mizzen.nexus;

import io.mizzen.bdev.Status;
import io.mizzen.reactor.Timer;
import io.mizzen.rebuild.RebuildJob;
import io.mizzen.rebuild.RebuildKind;
import io.mizzen.rebuild.RebuildLeg;
import io.mizzen.rebuild.RebuildPlan;
import io.mizzen.rebuild.RebuildSpec;
import io.mizzen.rebuild.RebuildState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes the legs equal where they may differ: copies suspect regions from the source to the other children. All healthy
 * ones hold every acknowledged write; what may differ are writes that were never acknowledged, so any of them can be
 * the source, but only one at a time, and reads follow it. Those that are being rebuilt are written as well: their
 * rebuild may have passed the region already. Home mthread.
 *
 * <pre>
 * IDLE ⇄ COPYING (a job)                      copied everything, or stopped for a change of members
 *           └→ WAITING (a second) → COPYING    the source could not be read: the next child becomes the source;
 *                                              or a destination failed that cannot be faulted now
 * </pre>
 */
final class Resync implements RebuildPlan, RebuildJob.Listener {
    private static final long RETRY_NS = 1_000_000_000L;

    private enum State {
        IDLE, COPYING, WAITING
    }

    private final Nexus nexus;
    private final DirtyMap map;
    private final int regionBlocksShift;
    private final Map<Integer, Long> blocksLeft = new HashMap<>();
    private final List<Runnable> whenStopped = new ArrayList<>();
    private State state = State.IDLE;
    private RebuildJob job;
    private int flushSide = -1;
    private NexusChild source;
    private List<NexusChild> destinations = List.of();
    private boolean closed;
    private int region;
    private long nextBlock;
    private long endBlock;
    private long totalBlocks;
    private volatile long copiedBlocks;
    private volatile long plannedBlocks;
    private long failures;
    private final Timer retry = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            setState(State.IDLE);
            consider();
        }
    };

    Resync(Nexus nexus, DirtyMap map) {
        this.nexus = nexus;
        this.map = map;
        this.regionBlocksShift = map.geometry().regionShift() - nexus.blockShift();
    }

    private void setState(State next) {
        assert next != state;
        assert state != State.WAITING || next == State.IDLE;
        state = next;
    }

    /** Starts copying if there is something to copy and somebody to copy it to. */
    void consider() {
        if (closed || state != State.IDLE || map.suspectCount() == 0 || nexus.childrenTable().isHealthyAway()) {
            return;             // One that is away would be left out, and healthy when it returns.
        }
        source = nexus.source() < 0 ? null : nexus.child(nexus.source());
        if (source == null || !source.isUsable()) {
            return;             // A change of members is under way, or nobody is left.
        }
        destinations = new ArrayList<>();
        List<RebuildLeg> legs = new ArrayList<>();
        for (NexusChild child : nexus.children()) {
            if (child != source && child.isAttached()) {
                destinations.add(child);
                legs.add(leg(child));
            }
        }
        if (legs.isEmpty()) {
            forgetSuspects();
            return;
        }
        region = -1;
        nextBlock = 0;
        endBlock = 0;
        blocksLeft.clear();
        totalBlocks = (long) map.suspectCount() << regionBlocksShift;
        plannedBlocks = totalBlocks;
        copiedBlocks = 0;
        setState(State.COPYING);
        nexus.event("resync-started source=" + source.name() + " regions=" + map.suspectCount());
        job = new RebuildJob(new RebuildSpec(RebuildKind.RESYNC, nexus, leg(source), legs, this, nexus.rebuildSettings()),
                nexus.home(), nexus.copier(), nexus::wallClockMs, this);
        job.start();
    }

    private RebuildLeg leg(NexusChild child) {
        return new RebuildLeg(child.descriptor(), nexus.label().dataOffsetBytes() >>> nexus.blockShift());
    }

    /** One leg cannot differ from itself. */
    private void forgetSuspects() {
        for (int r = map.nextSuspect(0); r >= 0; r = map.nextSuspect(r + 1)) {
            map.beginCopy(r);
            map.clearSuspect(r);
            if (r + 1 >= map.geometry().regionCount()) {
                break;
            }
        }
        nexus.onResynced();
    }

    /** Stops copying, for a change of members; {@code then} runs when no child is used for it. */
    void stopThen(Runnable then) {
        if (state == State.COPYING) {
            whenStopped.add(then);
            job.stop();
        } else {
            then.run();
        }
    }

    /**
     * Before hosts read from another source: {@code then} runs when the data of one that is out is written nowhere any
     * more. Else what a host has read from the new source could change back.
     */
    void beforeSourceChanges(Runnable then) {
        if (state == State.COPYING && !source.isUsable()) {
            job.cut(then);
        } else {
            then.run();
        }
    }

    /** Stops for good. */
    void close(Runnable then) {
        closed = true;
        nexus.home().reactor().cancel(retry);
        stopThen(then);
    }

    // --- plan ---------------------------------------------------------------------------------------

    @Override
    public boolean next(Segment segment, long maxBlocks) {
        if (nextBlock == endBlock) {
            int from = region + 1;
            int next = from < map.geometry().regionCount() ? map.nextSuspect(from) : -1;
            if (next < 0) {
                return false;
            }
            region = next;
            map.beginCopy(region);
            nextBlock = (long) region << regionBlocksShift;
            endBlock = Math.min(nexus.blockCount(), nextBlock + (1L << regionBlocksShift));
            blocksLeft.put(region, endBlock - nextBlock);
        }
        segment.offsetBlocks = nextBlock;
        segment.blockCount = Math.min(maxBlocks, endBlock - nextBlock);
        nextBlock += segment.blockCount;
        return true;
    }

    @Override
    public void onCopied(long offsetBlocks, long blockCount) {
        copiedBlocks += blockCount;
        int of = (int) (offsetBlocks >>> regionBlocksShift);
        long left = blocksLeft.merge(of, -blockCount, Long::sum);
        if (left == 0) {
            blocksLeft.remove(of);
            map.clearSuspect(of);
        }
    }

    @Override
    public long totalBlocks() {
        return totalBlocks;
    }

    /** It counts until it is known what becomes of whom it was told of: other flushes of his have succeeded meanwhile. */
    @Override
    public void onFlush(RebuildJob flushing) {
        flushSide = nexus.childrenTable().flushes().begin();
    }

    // --- end of a job -----------------------------------------------------------------------------

    @Override
    public void onEnd(RebuildJob ended) {
        job = null;
        setState(State.IDLE);
        List<Runnable> now = List.copyOf(whenStopped);
        whenStopped.clear();
        if (ended.state() == RebuildState.FAILED) {
            onFailed(ended);
        } else if (map.suspectCount() == 0) {
            nexus.event("resync-completed blocks=" + ended.copiedBlocks() + " written=" + ended.writtenBlocks());
            nexus.onResynced();
        }
        if (flushSide >= 0) {
            nexus.childrenTable().flushes().end(flushSide, ended.state() == RebuildState.FAILED);
            flushSide = -1;
        }
        now.forEach(Runnable::run);
        if (ended.state() == RebuildState.COMPLETED) {
            consider();
        }
    }

    private void onFailed(RebuildJob ended) {
        failures++;
        if (ended.sourceFailed()) {
            nexus.event("resync-failed source=" + source.name() + " status="
                    + Status.describe(ended.failureStatus()));
            if (!closed) {
                setState(State.WAITING);
                nexus.home().reactor().arm(retry, RETRY_NS);
                nexus.rotateSource();
            }
            return;
        }
        NexusChild child = destinations.get(ended.failedDestination());
        FaultReason reason = Status.code(ended.failureStatus()) == Status.CAPACITY_EXCEEDED ? FaultReason.NO_SPACE
                : FaultReason.IO_ERROR;
        nexus.event("resync-failed destination=" + child.name() + " status="
                + Status.describe(ended.failureStatus()));
        if (child.isAttached()) {
            nexus.membership().requestFault(child.index(), reason, () -> afterFault(child));
        }
    }

    /** The change of members has us consider; without one, because it was refused or could not be stored, time does. */
    private void afterFault(NexusChild child) {
        if (child.isAttached() && !closed && state == State.IDLE) {
            setState(State.WAITING);
            nexus.home().reactor().arm(retry, RETRY_NS);
        }
    }

    boolean isCopying() {
        return state == State.COPYING;
    }

    /** Blocks copied by the job under way, or the last one. Any thread. */
    long copiedBlocks() {
        return copiedBlocks;
    }

    /** Blocks that the job under way, or the last one, set out to copy. Any thread. */
    long plannedBlocks() {
        return plannedBlocks;
    }

    /** Jobs that failed. */
    long failures() {
        return failures;
    }
}
