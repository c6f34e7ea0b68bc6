package io.mizzen.nexus;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.ChannelIteration;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoQueue;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Status;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.HotPath;
import java.util.function.Predicate;

/**
 * The nexus on one mthread: its channels to the children, its readers and writers. Reads and writes fan out and end
 * here; what a child's failure means is settled by the home mthread ({@link Membership}), which this asks.
 *
 * <p>How the fields of a {@link BdevIo} are used between submit and complete: {@code childCount} parts in flight;
 * {@code childStatus} first failure; writes: {@code driverLong} low half members that did it, high half members that
 * failed, {@code driverLong2} low half members that blamed the request, high half members without space,
 * {@code driverInt} {@link #SENT}; reads: {@code driverInt} readers tried, {@code driverLong2} repairs asked for.
 *
 * <pre>
 * write: SUBMITTED → (WANTS_DIRTY: the home mthread's reply) → FANNED_OUT → (HELD: the home mthread's verdict) → completed
 * read:  SUBMITTED → READING ⇄ next reader → (REPAIRING: the home mthread's reply) → completed
 * both:  FROZEN while nobody can serve them (ended by another picture of the children, or by {@link FreezeWatch}) → again
 * </pre>
 */
final class NexusChannel extends IoChannel implements IoCompletion {
    /** Repairs of the source that one read of a suspect region asks for. */
    private static final int REPAIRS_MAX = 2;
    /** In {@code driverInt} of what changes something: it has been sent to children. */
    private static final int SENT = 1;

    private final Nexus nexus;
    private final int blockShift;
    private final IoChannel[] children = new IoChannel[NexusChildren.PLACE_COUNT];
    private final NexusChild[] owners = new NexusChild[NexusChildren.PLACE_COUNT];
    private final int[] outstanding = new int[NexusChildren.PLACE_COUNT];
    private final ChildCounters[] counters = new ChildCounters[NexusChildren.PLACE_COUNT];
    private final ReaderChoice choice = new ReaderChoice();
    private final MissedLog[] logs = new MissedLog[NexusChildren.PLACE_COUNT];
    private final long[][] missed = new long[NexusChildren.PLACE_COUNT][];
    private final IoQueue wantsDirty = new IoQueue();
    private final HoldQueue held;
    private final FrozenQueue frozen = new FrozenQueue(this);
    private final DirtyRequest dirtyRequest;
    private final CacheLoss.Listener losses;
    private final ChannelIteration[] closeWaiters = new ChannelIteration[NexusChildren.PLACE_COUNT];
    private final long childOffsetBlocks;
    private DirtyMap dirty;
    private long[] touched = {};
    private NexusConfig config;
    private int openMask;

    NexusChannel(Nexus nexus, Mthread mthread) {
        super(nexus, mthread);
        this.nexus = nexus;
        this.blockShift = nexus.blockShift();
        this.childOffsetBlocks = nexus.label().dataOffsetBytes() >>> blockShift;
        this.held = new HoldQueue(this, nexus);
        this.dirtyRequest = new DirtyRequest(this, nexus);
        this.losses = nexus.cacheLoss().newListener();
    }

    // --- what the home mthread does here ----------------------------------------------------------

    /** Adopts the newest picture of the children; opens channels that are new, begins and ends logs. */
    void adoptConfig() {
        NexusConfig latest = nexus.config();
        if (latest == config) {
            return;
        }
        int before = config == null ? 0 : config.logged;
        config = latest;
        if (latest.dirty != dirty) {
            dirty = latest.dirty;               // Nothing is in flight: the nexus is new, or paused.
            touched = new long[dirty.geometry().wordCount()];
        }
        for (int rest = latest.writers & ~openMask; rest != 0; rest &= rest - 1) {
            int child = Integer.numberOfTrailingZeros(rest);
            owners[child] = latest.children[child];
            counters[child] = new ChildCounters();
            choice.forget(child);
            children[child] = owners[child].descriptor().openChannel(mthread());
            openMask |= 1 << child;
        }
        for (int rest = before | latest.logged; rest != 0; rest &= rest - 1) {
            changeLog(Integer.numberOfTrailingZeros(rest), latest);
        }
        frozen.onConfig();
    }

    private void changeLog(int child, NexusConfig latest) {
        if (logs[child] == latest.logs[child]) {
            return;
        }
        handOver(child);
        if (latest.logs[child] != null) {
            logs[child] = latest.logs[child];
            missed[child] = logs[child].newBitmap();
            for (BdevIo io = firstInFlight(); io != null; io = nextInFlight(io)) {
                if (IoType.isWrite(io.type)) {
                    logs[child].mark(missed[child], io.offsetBlocks << blockShift, io.blockCount << blockShift);
                }
            }
        }
    }

    private void handOver(int child) {
        if (logs[child] != null) {
            logs[child].handOver(missed[child]);
            logs[child] = null;
            missed[child] = null;
        }
    }

    /** Closes the channel to a child that the configuration no longer has, once nothing is in flight there. */
    void closeChild(NexusChild gone, ChannelIteration iteration) {
        int child = gone.index();
        adoptConfig();
        if ((openMask & 1 << child) == 0 || owners[child] != gone) {
            iteration.next();
        } else if (outstanding[child] == 0) {
            releaseChild(child);
            iteration.next();
        } else {
            closeWaiters[child] = iteration;
        }
        assert (config.writers & openMask) == config.writers;
    }

    private void releaseChild(int child) {
        children[child].close();
        children[child] = null;
        owners[child].addCounters(counters[child]);
        owners[child] = null;
        openMask &= ~(1 << child);
    }

    /** Adds the regions written since the last call, and those with writes in flight, to the words. */
    void collectTouched(long[] words) {
        for (int word = 0; word < touched.length; word++) {
            words[word] |= touched[word];
            touched[word] = 0;
        }
        for (BdevIo io = firstInFlight(); io != null; io = nextInFlight(io)) {
            if (IoType.isWrite(io.type)) {
                addRegions(words, io);
            }
        }
    }

    /** The home mthread has made dirty what it could; what it could not fails if {@code failed}. */
    void onDirtyReply(boolean failed) {
        adoptConfig();
        for (int i = wantsDirty.size(); i > 0; i--) {
            BdevIo io = wantsDirty.poll();
            if (dirty.isDurable(firstRegion(io), lastRegion(io))) {
                start(io, false);               // The children may be others by now.
            } else if (!failed) {
                wantDirty(io);
            } else if (isStalled(io)) {
                stall(io, false);
            } else {
                fail(io, Status.INTERNAL_ERROR);
            }
        }
    }

    // --- submission ----------------------------------------------------------------------------------

    @Override
    @HotPath
    protected void doSubmit(BdevIo io) {
        if (nexus.config() != config) {
            adoptConfig();
        }
        io.driverLong = 0;
        io.driverLong2 = 0;
        io.driverInt = 0;
        io.childStatus = Status.SUCCESS;
        start(io, true);
    }

    @HotPath
    private void start(BdevIo io, boolean submitting) {
        if (isStalled(io)) {
            stall(io, submitting);
        } else if (IoType.isRead(io.type)) {
            read(io, submitting);
        } else if (!IoType.isWrite(io.type)) {
            if (io.type == IoType.FLUSH && losses.failsFlush(mthread().reactor().nowNs())) {
                end(io, Status.WRITE_FAULT | Status.DNR, submitting);
            } else {
                fanOut(io, submitting);
            }
        } else if (io.type == IoType.UNMAP && (config.writers & ~config.unmappers) != 0) {
            end(io, Status.SUCCESS, submitting);    // A hint. Legs that forget differently would differ.
        } else if (dirty.isDurable(firstRegion(io), lastRegion(io))) {
            fanOut(io, submitting);
        } else {
            wantDirty(io);
        }
    }

    /** Whether nobody can serve it now. */
    @HotPath
    private boolean isStalled(BdevIo io) {
        return config.readers == 0 || config.writesBlocked && !IoType.isRead(io.type);
    }

    /** Holds it, or fails it when hosts have waited long enough. */
    private void stall(BdevIo io, boolean submitting) {
        markIfSent(io);
        if (config.lost) {
            end(io, Status.TRANSIENT_TRANSPORT_ERROR, submitting);
        } else {
            park(io);
            frozen.freeze(io);
        }
    }

    /** Fails it; not before it has been tried for a while, if it looks as if the last device has just gone. */
    private void fail(BdevIo io, int status) {
        markIfSent(io);
        boolean last = Integer.bitCount(config.readers) <= 1 && !config.lost;
        if (last && FrozenQueue.mayBeGone(status) && frozen.mayDoubt()) {
            park(io);
            frozen.doubt(io);
        } else {
            io.complete(status);
        }
    }

    /** A write ends here for now that some legs may hold in part. */
    private void markIfSent(BdevIo io) {
        if (IoType.isWrite(io.type) && (io.driverInt & SENT) != 0 && config.mirrors) {
            markDiffering(io);
        }
    }

    private void markDiffering(BdevIo io) {
        dirty.markSuspect(firstRegion(io), lastRegion(io));
        logMissed(io);
        nexus.operations().reportSuspect(mthread().reactor());
    }

    /** Submits an I/O again that was held back. */
    void restart(BdevIo io) {
        unpark(io);
    }

    @Override
    protected void abortParked(Predicate<BdevIo> meant, int status) {
        frozen.abort(meant, status);
    }

    /** Ends an I/O that was held back; what legs hold of it in part is marked. */
    void abandon(BdevIo io, int status) {
        endWaiting(io, status);
    }

    @HotPath
    private int firstRegion(BdevIo io) {
        return dirty.regionOf(io.offsetBlocks << blockShift);
    }

    @HotPath
    private int lastRegion(BdevIo io) {
        return dirty.regionOf((io.offsetBlocks + io.blockCount - 1) << blockShift);
    }

    @HotPath
    private void wantDirty(BdevIo io) {
        dirty.want(firstRegion(io), lastRegion(io));
        wantsDirty.add(io);
        dirtyRequest.send();
    }

    @HotPath
    private void addRegions(long[] words, BdevIo io) {
        int first = firstRegion(io);
        int last = lastRegion(io);
        for (int word = first >>> 6; word <= last >>> 6; word++) {
            words[word] |= DirtyMap.mask(word, first, last);
        }
    }

    /** Ends an I/O from within a submission, or outside of one. */
    @HotPath
    private static void end(BdevIo io, int status, boolean submitting) {
        if (submitting) {
            io.completeDeferred(status);
        } else {
            io.complete(status);
        }
    }

    /** Sends a changing command to every writer. */
    @HotPath
    private void fanOut(BdevIo io, boolean submitting) {
        if (isStalled(io)) {
            stall(io, submitting);
            return;
        }
        int writers = config.writers;
        BdevIo parts = acquireParts(writers);
        if (parts == null) {
            end(io, Status.NO_RESOURCES, submitting);
            return;
        }
        if (IoType.isWrite(io.type)) {
            addRegions(touched, io);
            if (config.logged != 0) {
                logMissed(io);
            }
        }
        io.driverInt |= SENT;
        held.begin(io, config);
        io.childCount = Integer.bitCount(writers);
        for (int rest = writers; rest != 0; rest &= rest - 1) {
            BdevIo part = parts;
            parts = part.queueNext;
            part.queueNext = null;
            submitPart(io, part, Integer.numberOfTrailingZeros(rest), io.type);
        }
    }

    /** Notes a write for those who miss it. */
    @HotPath
    private void logMissed(BdevIo io) {
        for (int rest = config.logged; rest != 0; rest &= rest - 1) {
            int child = Integer.numberOfTrailingZeros(rest);
            logs[child].mark(missed[child], io.offsetBlocks << blockShift, io.blockCount << blockShift);
        }
    }

    /**
     * A record for each of the children, linked. They are acquired as the children's: what
     * hosts hold of the nexus's own, all of it waiting, must not stop them.
     */
    @HotPath
    private BdevIo acquireParts(int writers) {
        BdevIo parts = null;
        for (int rest = writers; rest != 0; rest &= rest - 1) {
            BdevIo part = children[Integer.numberOfTrailingZeros(rest)].tryAcquire();
            if (part == null) {
                while (parts != null) {
                    BdevIo next = parts.queueNext;
                    parts.queueNext = null;
                    parts.release();
                    parts = next;
                }
                return null;
            }
            part.queueNext = parts;
            parts = part;
        }
        return parts;
    }

    @HotPath
    private void submitPart(BdevIo io, BdevIo part, int child, int type) {
        long offset = IoType.hasRange(io.type) ? io.offsetBlocks + childOffsetBlocks : 0;
        part.prepare(type, offset, io.blockCount, io.address, io.regionIndex, this);
        part.flags = (io.flags | config.writeThrough >>> child & BdevIo.FLAG_FUA) & BdevIo.FLAGS_HANDED_ON;
        part.parent = io;
        part.tag = child;
        outstanding[child]++;
        children[child].submit(part);
    }

    /** Zeroes on one child what it refuses to unmap. */
    private boolean zero(BdevIo io, int child) {
        BdevIo part = children[child].tryAcquire();
        if (part != null) {
            submitPart(io, part, child, IoType.WRITE_ZEROES);
        }
        return part != null;
    }

    /** Reads from the best child that has not been tried. */
    @HotPath
    private void read(BdevIo io, boolean submitting) {
        int candidates = config.readers & ~io.driverInt;
        int source = config.source;
        int child;
        if (source >= 0 && dirty.isSuspect(firstRegion(io), lastRegion(io))) {
            if ((candidates & 1 << source) == 0) {
                onSourceUnreadable(io, submitting);
                return;
            }
            child = source;
        } else if (candidates == 0) {
            endUnreadable(io, submitting);
            return;
        } else {
            child = choice.choose(candidates, config.localReaders, outstanding, mthread().reactor().nowNs());
        }
        BdevIo part = children[child].tryAcquire();
        if (part == null) {
            end(io, Status.NO_RESOURCES, submitting);
            return;
        }
        submitPart(io, part, child, io.type);
    }

    /** Nobody has it. */
    private void endUnreadable(BdevIo io, boolean submitting) {
        assert !submitting;         // Somebody has been tried.
        if (config.readers == 0) {
            stall(io, false);
        } else {
            fail(io, io.childStatus == Status.SUCCESS ? Status.INTERNAL_ERROR : io.childStatus);
        }
    }

    /**
     * The source cannot read what the other legs may hold otherwise: their data must not be shown before the source has
     * it too.
     */
    private void onSourceUnreadable(BdevIo io, boolean submitting) {
        assert !submitting;
        boolean others = (config.readers & ~io.driverInt) != 0;
        if (!others || ++io.driverLong2 > REPAIRS_MAX) {
            endUnreadable(io, false);
            return;
        }
        int source = config.source;
        nexus.repairs().repairFor(this, io, source);
    }

    /** The home mthread has repaired the source for a read, or not; or another child is the source now. */
    void onRepaired(BdevIo io) {
        adoptConfig();
        if (isStalled(io)) {
            stall(io, false);
            return;
        }
        if (config.source >= 0) {
            io.driverInt &= ~(1 << config.source);
        }
        read(io, false);
    }

    // --- completion ----------------------------------------------------------------------------------

    @Override
    @HotPath
    public void onIoComplete(BdevIo part) {
        BdevIo io = part.parent;
        int child = (int) part.tag;
        int status = part.status();
        boolean unmap = part.type == IoType.UNMAP;
        part.release();
        outstanding[child]--;
        if (unmap && Status.code(status) == Status.INVALID_OPCODE && zero(io, child)) {
            return;             // It said that it can. Others forget the blocks, so here they must be zero too.
        }
        if (IoType.isRead(io.type)) {
            onRead(io, child, status);
        } else {
            onPart(io, child, status);
        }
        if (outstanding[child] == 0 && closeWaiters[child] != null) {
            onChildIdle(child);
        }
    }

    private void onChildIdle(int child) {
        ChannelIteration iteration = closeWaiters[child];
        closeWaiters[child] = null;
        releaseChild(child);
        iteration.next();
    }

    @HotPath
    private void onRead(BdevIo io, int child, int status) {
        if (status == Status.SUCCESS) {
            choice.onSuccess(child);
            counters[child].reads++;
            if (io.driverInt != 0 && !Status.isCallerError(io.childStatus)) {
                nexus.repairs().report(io, io.driverInt & config.readers, mthread().reactor());
            }
            io.complete(Status.SUCCESS);
            return;
        }
        counters[child].readErrors++;
        io.driverInt |= 1 << child;
        if (io.childStatus == Status.SUCCESS) {
            io.childStatus = status;
        }
        if (nexus.config() != config) {
            adoptConfig();
        }
        if ((config.readers & ~io.driverInt) != 0) {
            counters[child].readRetries++;
            if (choice.onError(child, mthread().reactor().nowNs())) {
                nexus.operations().reportReadErrors(child, mthread().reactor());
            }
        }
        if (io.type == IoType.READ && context().isLost(io.address, io.blockCount << blockShift)) {
            io.complete(Status.INTERNAL_ERROR);     // The host may try again, elsewhere in memory.
        } else {
            read(io, false);
        }
    }

    @HotPath
    private void onPart(BdevIo io, int child, int status) {
        long bit = 1L << child;
        if (status == Status.SUCCESS) {
            io.driverLong |= bit;
            counters[child].writes++;
        } else {
            counters[child].writeErrors++;
            io.driverLong |= bit << 32;
            if (io.childStatus == Status.SUCCESS) {
                io.childStatus = status;
            }
            if (Status.isCallerError(status)) {
                io.driverLong2 |= bit;
            } else if (Status.code(status) == Status.CAPACITY_EXCEEDED) {
                io.driverLong2 |= bit << 32;
            }
        }
        if (--io.childCount == 0) {
            onAllParts(io);
        }
    }

    /** The one place that decides what a changing command came to. */
    @HotPath
    private void onAllParts(BdevIo io) {
        int failed = (int) (io.driverLong >>> 32);
        if (failed == 0) {
            held.end(io, false);
            io.complete(Status.SUCCESS);
            return;
        }
        int done = (int) io.driverLong;
        boolean blamed = failed == (int) io.driverLong2;                // Everybody blames the request: so do we.
        boolean full = failed == (int) (io.driverLong2 >>> 32);         // Parts of it may have been written.
        if ((done & config.readers) == 0 && (blamed || full)) {
            held.end(io, true);
            if (full || done != 0) {
                markIfSent(io);                     // One that is being rebuilt took it.
            }
            io.complete(io.childStatus);
        } else {
            held.add(io, failed);
        }
    }

    /**
     * The home mthread has dealt with the failures of a held I/O: they are stored, or refused. It is acknowledged if
     * every child that is still healthy holds it, and there is one.
     */
    void settle(BdevIo io) {
        held.end(io, true);
        adoptConfig();
        int healthy = config.readers;
        boolean holds = ((int) io.driverLong & healthy) == healthy;
        if (isStalled(io)) {
            stall(io, false);
        } else if (holds) {
            io.complete(Status.SUCCESS);
        } else {
            fail(io, io.childStatus);
        }
    }

    @Override
    protected void onClose() {
        assert wantsDirty.isEmpty();
        assert held.isEmpty();
        assert frozen.isEmpty();
        for (int rest = openMask; rest != 0; rest &= rest - 1) {
            int child = Integer.numberOfTrailingZeros(rest);
            assert outstanding[child] == 0;
            releaseChild(child);
        }
        for (int child = 0; child < NexusChildren.PLACE_COUNT; child++) {
            handOver(child);
        }
    }

    /** Adds what was done with one child to a sum. Any thread, approximate. */
    void sumCounters(NexusChild child, ChildCounters sum) {
        ChildCounters mine = counters[child.index()];
        if (owners[child.index()] == child && mine != null) {
            sum.add(mine);
        }
    }

    /** I/Os that wait for somebody who can serve them. Any thread, approximate. */
    int frozenCount() {
        return frozen.size();
    }
}
