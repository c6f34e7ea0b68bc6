package io.mizzen.bdev;

import io.mizzen.reactor.Deferred;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.util.HotPath;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * A bdev's presence on one mthread, counted: holds the driver's queue or ring state. I/O is submitted here and completes
 * here. Everything on the mthread's reactor only.
 *
 * <p>The base class checks ranges, holds I/O back while the bdev is paused, the range is locked or a limit is reached,
 * queues what the driver has no resources for, counts, and emulates what the driver lacks. A driver implements
 * {@link #doSubmit} and completes each I/O once with {@link BdevIo#complete}, or within {@code doSubmit} with
 * {@link BdevIo#completeDeferred}.
 */
public abstract class IoChannel {
    private static final int PAUSED = 1;
    private static final int LOCKED = 2;
    private static final int STARVED = 4;
    private static final int DRAINING = 8;
    private static final int LIMITED = 16;
    private static final int STARVED_BATCH_MAX = 32;

    private final Bdev bdev;
    private final Mthread mthread;
    private final Reactor reactor;
    private final BdevContext context;
    private int supportMask;
    private final int handDownMask;
    private final int recordReserve;
    private final int partReserve;
    /** But for what is handed down: see {@link Standing}. */
    final IoStats stats = new IoStats();
    private final IoQueue paused = new IoQueue();
    private final IoQueue locked = new IoQueue();
    private final IoQueue starved = new IoQueue();
    private final ChannelLimiter limiter = new ChannelLimiter(this);
    private final StarvedRetry starvedRetry = new StarvedRetry();
    private final List<RangeLock> locks = new ArrayList<>();
    private final List<Drain> drains = new ArrayList<>();
    /** Of this channel on others, and of others on this. */
    volatile Standing[] standings = Standing.NONE;
    private BdevIo flightHead;
    private int inFlight;
    private int handedDown;
    private int gate;
    int references;

    protected IoChannel(Bdev bdev, Mthread mthread) {
        assert mthread.reactor().isCurrent();
        this.bdev = bdev;
        this.mthread = mthread;
        this.reactor = mthread.reactor();
        this.context = BdevContext.of(reactor);
        int mask = 0;
        for (int type = 0; type < IoType.COUNT; type++) {
            mask |= bdev.supports(type) ? 1 << type : 0;
        }
        this.supportMask = mask;
        this.handDownMask = takesHandedDown() ? mask : 0;
        this.recordReserve = context.ioPool().reserve(bdev.depth());
        this.partReserve = context.ioPool().partReserve(bdev.depth());
    }

    /** The driver's part of a submission: starts the I/O, or completes it deferred. */
    @HotPath
    protected abstract void doSubmit(BdevIo io);

    /** The last reference is gone and nothing is in flight: release what the channel holds, if anything. */
    protected void onClose() { }

    @HotPath
    public final Bdev bdev() {
        return bdev;
    }

    @HotPath
    public final Mthread mthread() {
        return mthread;
    }

    @HotPath
    public final BdevContext context() {
        return context;
    }

    /** A record for an I/O to this bdev, or null: backpressure; the caller queues. */
    @HotPath
    public final BdevIo tryAcquire() {
        return context.ioPool().tryAcquire(recordReserve);
    }

    /** A record for a part of an I/O of this channel, or null. */
    @HotPath
    final BdevIo tryAcquirePart() {
        return context.ioPool().tryAcquire(partReserve);
    }

    /** Submits; the completion comes later, never inside this call. */
    @HotPath
    public final void submit(BdevIo io) {
        assert io.state == BdevIo.ACQUIRED;
        assert reactor.isCurrent();
        assert references > 0;
        io.channel = this;
        io.submitNs = reactor.nowNs();
        if (gate != 0 && holdFresh(io)) {
            return;
        }
        dispatch(io);
    }

    /** Submits past pauses and locks: for the parts of an I/O that is in flight already. Not counted. */
    @HotPath
    final void submitInternal(BdevIo io) {
        assert io.state == BdevIo.ACQUIRED;
        io.channel = this;
        io.flags |= Bdev.FLAG_INTERNAL;
        io.submitNs = reactor.nowNs();
        dispatch(io);
    }

    @HotPath
    private void dispatch(BdevIo io) {
        io.state = BdevIo.SUBMITTED;
        link(io);
        int refused = bdev.check(io);
        if (refused != Status.SUCCESS) {
            io.completeDeferred(refused);
        } else if ((supportMask & 1 << io.type) != 0) {
            doSubmit(io);
        } else {
            IoEmulation.submit(this, io);
        }
    }

    @HotPath
    private void link(BdevIo io) {
        io.flightNext = flightHead;     // The head's previous one is not looked at.
        if (flightHead != null) {
            flightHead.flightPrevious = io;
        }
        flightHead = io;
        inFlight++;
    }

    @HotPath
    private void unlink(BdevIo io) {
        BdevIo next = io.flightNext;
        if (flightHead == io) {
            flightHead = next;
        } else {
            io.flightPrevious.flightNext = next;
            if (next != null) {
                next.flightPrevious = io.flightPrevious;
            }
        }
        inFlight--;
    }

    @HotPath
    final void onDriverComplete(BdevIo io) {
        assert reactor.isCurrent();
        Standing standing = io.standing;
        if (standing == null) {
            finish(io, stats);
        } else {
            handBack(io, standing);
        }
    }

    @HotPath
    private void finish(BdevIo io, IoStats counters) {
        int status = io.status();
        if (status != Status.SUCCESS && IoEmulation.replaces(bdev, io.type, status)
                && (supportMask & 1 << io.type) != 0) {
            supportMask &= ~(1 << io.type);     // It said that it can: from now on it need not.
            io.state = BdevIo.SUBMITTED;
            IoEmulation.submit(this, io);
            return;
        }
        unlink(io);
        if (status == Status.NO_RESOURCES) {
            starve(io);
        } else {
            if ((io.flags & Bdev.FLAG_INTERNAL) == 0) {
                counters.record(io.type, io.blockCount << bdev.blockShift(), reactor.nowNs() - io.submitNs,
                        status != Status.SUCCESS);
            }
            io.completion.onIoComplete(io);
        }
        if ((gate & DRAINING) != 0) {
            checkDrains();
        }
    }

    // --- I/O that is handed down as it is -------------------------------------------------------------

    /** Whether the driver takes I/O of the channels above it as it is ({@link #handDown}); it may use the driver's fields. */
    protected boolean takesHandedDown() {
        return false;
    }

    /** Driver of a bdev that stands on others: to be called, for each, before the first {@link #handDown} to that channel. */
    protected final Standing standOn(IoChannel lower) {
        assert lower.mthread == mthread;
        return new Standing(this, lower);
    }

    /** Driver: before the lower channel is closed. */
    protected final void standNoMoreOn(Standing standing) {
        assert standing.upper == this;
        standing.end();
    }

    /**
     * Driver of a bdev that stands on another with blocks of the same size: hands an I/O that is in flight here down as it
     * is, to another place, and needs no record for a part. It stays in this channel's list of what is in flight, where the
     * lower one finds it when it drains; it ends here with the lower one's status. False: the lower channel holds
     * something back, or does not do such an I/O: then a part must be submitted, which can wait.
     */
    @HotPath
    protected final boolean handDown(BdevIo io, Standing standing, long lowerOffsetBlocks) {
        assert io.channel == this;
        assert io.standing == null;
        assert standing.upper == this;
        IoChannel lower = standing.lower;
        if (lower.gate != 0 || (lower.handDownMask & 1 << io.type) == 0 || (io.flags & Bdev.FLAG_INTERNAL) != 0
                || !lower.bdev.reaches(lowerOffsetBlocks, io.blockCount)) {
            return false;       // A part passes the locks of its own channel, but not those of the lower one.
        }
        io.upperOffsetBlocks = io.offsetBlocks;
        io.offsetBlocks = lowerOffsetBlocks;
        io.standing = standing;
        lower.handedDown++;
        lower.doSubmit(io);
        return true;
    }

    /** The end of an I/O that was handed down. Without resources below it waits here. */
    @HotPath
    private void handBack(BdevIo io, Standing standing) {
        IoChannel lower = standing.lower;
        lower.handedDown--;
        io.standing = null;
        io.offsetBlocks = io.upperOffsetBlocks;
        if (io.status() == Status.SUCCESS) {
            finish(io, standing.stats);
        } else {
            if (io.status() != Status.NO_RESOURCES) {
                lower.stats.record(io.type, io.blockCount << bdev.blockShift(), reactor.nowNs() - io.submitNs, true);
            }
            finish(io, stats);
        }
        if ((lower.gate & DRAINING) != 0) {
            lower.checkDrains();
        }
    }

    /** Where the I/O lies on this channel's bdev, though it may have been handed down. */
    private long offsetHere(BdevIo io) {
        return io.standing == null ? io.offsetBlocks : io.upperOffsetBlocks;
    }

    /** Whether an I/O that was handed down to here is in the lock's way. */
    private boolean isHandedDown(RangeLock lock) {
        if (handedDown == 0) {
            return false;
        }
        for (Standing standing : standings) {
            for (BdevIo io = standing.upper.flightHead; io != null; io = io.flightNext) {
                if (io.standing == standing && standing.lower == this && lock.blocks(io, io.offsetBlocks)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Driver: an I/O that is in flight here, or null; {@link #nextInFlight} yields the others. */
    protected final BdevIo firstInFlight() {
        return flightHead;
    }

    /** Driver: the next I/O in flight, or null. */
    protected final BdevIo nextInFlight(BdevIo io) {
        return io.flightNext;
    }

    /**
     * Driver: takes an I/O out of flight: it waits with the driver for as long as that likes and holds up neither a pause
     * nor a lock. {@link #unpark} submits it again.
     */
    protected final void park(BdevIo io) {
        assert io.state == BdevIo.SUBMITTED;
        assert io.standing == null;
        unlink(io);
        io.state = BdevIo.WAITING;
        if ((gate & DRAINING) != 0) {
            checkDrains();
        }
    }

    /** Driver: submits a parked I/O again, behind pauses and locks that came meanwhile. */
    protected final void unpark(BdevIo io) {
        assert io.state == BdevIo.WAITING;
        again(io, false);
    }

    // --- what holds I/O back ---------------------------------------------------------------------

    @HotPath
    private boolean holdFresh(BdevIo io) {
        io.flags &= ~Bdev.FLAG_ADMITTED;
        return hold(io, true);
    }

    @HotPath
    private boolean hold(BdevIo io, boolean behindStarved) {
        if ((io.flags & Bdev.FLAG_INTERNAL) != 0) {
            return false;
        }
        if ((gate & PAUSED) != 0) {
            io.state = BdevIo.WAITING;
            paused.add(io);
            return true;
        }
        if ((gate & LOCKED) != 0 && isLocked(io)) {
            io.state = BdevIo.WAITING;
            locked.add(io);
            return true;
        }
        if ((gate & LIMITED) != 0 && limiter.holds(io)) {
            return true;
        }
        if (behindStarved && (gate & STARVED) != 0) {
            starve(io);
            return true;
        }
        return false;
    }

    @HotPath
    private boolean isLocked(BdevIo io) {
        for (int i = 0; i < locks.size(); i++) {
            if (locks.get(i).blocks(io, io.offsetBlocks)) {
                return true;
            }
        }
        return false;
    }

    @HotPath
    private void starve(BdevIo io) {
        io.state = BdevIo.WAITING;
        starved.add(io);
        gate |= STARVED;
        if (!starvedRetry.pending) {
            starvedRetry.pending = true;
            reactor.defer(starvedRetry);
        }
    }

    @HotPath
    private void retryStarved() {
        starvedRetry.pending = false;
        boolean isPaused = (gate & PAUSED) != 0;
        int retried = 0;
        for (int i = Math.min(starved.size(), STARVED_BATCH_MAX); i > 0; i--) {
            BdevIo io = starved.poll();
            if (isPaused && (io.flags & Bdev.FLAG_INTERNAL) == 0) {
                starved.add(io);            // Resume tries it again; a part must go on, or the pause never ends.
            } else {
                again(io, false);
                retried++;
            }
        }
        if (starved.isEmpty()) {
            gate &= ~STARVED;
        } else if ((!isPaused || retried > 0) && !starvedRetry.pending) {
            starvedRetry.pending = true;
            reactor.defer(starvedRetry);
        }
    }

    /** Tries an I/O that waited; it may have to wait for something else now. */
    @HotPath
    final void again(BdevIo io, boolean behindStarved) {
        io.state = BdevIo.ACQUIRED;
        io.flags &= ~Bdev.FLAG_AWAITED;
        if (gate == 0 || !hold(io, behindStarved)) {
            dispatch(io);
        }
    }

    /** Ends an I/O that waits, before the driver has seen it or parked with the driver. */
    protected final void endWaiting(BdevIo io, int status) {
        assert io.state == BdevIo.WAITING;
        io.state = BdevIo.SUBMITTED;
        link(io);
        io.completeDeferred(status);
    }

    private final class StarvedRetry extends Deferred {
        private boolean pending;

        @Override
        @HotPath
        protected void runDeferred() {
            retryStarved();
        }
    }

    // --- for-each-channel visits -------------------------------------------------------------------

    /** Waits until nothing (lock null), or nothing in the lock's way, is in flight. */
    private record Drain(RangeLock lock, ChannelIteration iteration) {
    }

    /** Adopts what was in force on the bdev when this channel was created. */
    final void adopt(boolean isPaused, RangeLock[] active, LimitBuckets buckets) {
        if (isPaused) {
            gate |= PAUSED;
        }
        if (buckets != null) {
            limit(buckets);
        }
        for (RangeLock lock : active) {
            addLock(lock);
        }
    }

    final void pause(ChannelIteration iteration) {
        gate |= PAUSED;
        drain(null, iteration);
    }

    final void resume() {
        gate &= ~PAUSED;
        limiter.release();
        release(paused);
        if (!starved.isEmpty() && !starvedRetry.pending) {
            starvedRetry.pending = true;
            reactor.defer(starvedRetry);
        }
    }

    private void release(IoQueue queue) {
        for (int i = queue.size(); i > 0; i--) {
            again(queue.poll(), false);
        }
    }

    final void addLock(RangeLock lock) {
        if (!locks.contains(lock)) {
            locks.add(lock);
            gate |= LOCKED;
        }
    }

    final void lock(RangeLock lock, ChannelIteration iteration) {
        addLock(lock);
        drain(lock, iteration);
    }

    final void unlock(RangeLock lock) {
        if (locks.remove(lock)) {
            gate = locks.isEmpty() ? gate & ~LOCKED : gate;
            release(locked);
            checkDrains();          // For one that was given up before it was held.
        }
    }

    /** Puts the bdev's limits in force; null: none. */
    final void limit(LimitBuckets buckets) {
        gate = buckets == null ? gate & ~LIMITED : gate | LIMITED;
        limiter.apply(buckets);
    }

    /**
     * Lets all I/O that waits because of a limit go now; later I/O waits the longer for it. For whoever needs the channel
     * drained: a limit must not delay that.
     */
    public final void releaseLimited() {
        assert reactor.isCurrent();
        limiter.releaseAll();
    }

    /**
     * Ends with the status those I/Os that wait, because of a limit or parked with the driver, and that nobody wants any
     * more. Of a parked one a part may have been done.
     */
    public final void abortWaiting(Predicate<BdevIo> meant, int status) {
        assert reactor.isCurrent();
        limiter.abort(meant, status);
        abortParked(meant, status);
    }

    /** Driver: ends those parked I/Os by {@link #endWaiting}; one that parks none has nothing to do. */
    protected void abortParked(Predicate<BdevIo> meant, int status) { }

    /** The visit is over when none of what is in flight now is any more. */
    final void awaitInFlight(ChannelIteration iteration) {
        assert handedDown == 0;
        for (BdevIo io = flightHead; io != null; io = io.flightNext) {
            io.flags |= Bdev.FLAG_AWAITED;
        }
        drain(RangeLock.AWAITED, iteration);
    }

    private void drain(RangeLock lock, ChannelIteration iteration) {
        if (isDrained(lock)) {
            iteration.next();
        } else {
            drains.add(new Drain(lock, iteration));
            gate |= DRAINING;
        }
    }

    private boolean isDrained(RangeLock lock) {
        if (lock == null) {
            return inFlight == 0 && handedDown == 0;
        }
        for (BdevIo io = flightHead; io != null; io = io.flightNext) {
            if (lock.blocks(io, offsetHere(io))) {
                return false;
            }
        }
        return !isHandedDown(lock);
    }

    private void checkDrains() {
        for (int i = 0; i < drains.size(); i++) {
            Drain drain = drains.get(i);
            if (isDrained(drain.lock)) {
                drains.remove(i--);
                drain.iteration.next();
            }
        }
        if (drains.isEmpty()) {
            gate &= ~DRAINING;
        }
    }

    /** Adds a reference: for layers that keep the channel. */
    final void retain() {
        references++;
    }

    /** Drops a reference; with the last one the channel closes. Nothing may be in flight or waiting then. */
    public final void close() {
        assert reactor.isCurrent();
        assert references > 0;
        if (--references == 0) {
            assert inFlight == 0;
            assert handedDown == 0;
            assert !Standing.isAnyOn(this);
            assert paused.isEmpty();
            assert locked.isEmpty();
            assert starved.isEmpty();
            limiter.close();
            context.ioPool().forget();
            bdev.onChannelClosed(this);
            onClose();
        }
    }

    /** References held. Any thread, approximate. */
    public final int references() {
        return references;
    }

    /** I/Os that the driver has. Any thread, approximate. */
    public final int inFlight() {
        return inFlight + handedDown;
    }

    /** I/Os held back by a pause, a lock, a limit or lack of resources. Any thread, approximate. */
    public final int waiting() {
        return paused.size() + locked.size() + starved.size() + limiter.waiting();
    }

    /** I/Os held back by a limit. Any thread, approximate. */
    public final int waitingForLimit() {
        return limiter.waiting();
    }

    public final boolean isPaused() {
        return (gate & PAUSED) != 0;
    }

    /** Counters since it was opened. Any thread, a snapshot. */
    public final IoStats stats() {
        return IoStats.of(this);
    }
}
