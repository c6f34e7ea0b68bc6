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
import java.util.Arrays;

/**
 * The nexus on one mthread: its channels to the children, its readers and writers. Reads and writes fan out and end
 * here; what a child's failure means is settled by the home mthread ({@link Membership}), which this asks.
 *
 * <p>How the fields of a {@link BdevIo} are used between submit and complete: {@code childCount} parts in flight;
 * {@code childStatus} first failure; {@code driverLong} low half members that did it, high half members that failed;
 * {@code driverLong2} low half members that blamed the request, high half members without space; {@code driverInt}
 * readers tried.
 *
 * <pre>
 * write: SUBMITTED → (WANTS_DIRTY: the home mthread's reply) → FANNED_OUT → (HELD: the home mthread's verdict) → completed
 * read:  SUBMITTED → READING ⇄ next reader → completed
 * </pre>
 */
final class NexusChannel extends IoChannel implements IoCompletion {
    /** Errors in a row on reads that make a child fail. */
    static final int READ_ERRORS_IN_A_ROW_MAX = 16;
    /** How long a child that failed a read is not asked while another can be. */
    private static final long AVOID_NS = 1_000_000_000L;

    private final Nexus nexus;
    private final DirtyMap dirty;
    private final int blockShift;
    private final IoChannel[] children;
    private final int[] outstanding;
    private final int[] readErrorsInARow;
    private final ChildCounters[] counters;
    private final long[] touched;
    private final IoQueue wantsDirty = new IoQueue();
    private final HoldQueue held;
    private final DirtyRequest dirtyRequest;
    private final ChannelIteration[] closeWaiters;
    private long childOffsetBlocks;
    private NexusConfig config;
    private int openMask;
    private int avoidMask;
    private long avoidUntilNs;
    private int rotation;

    NexusChannel(Nexus nexus, Mthread mthread) {
        super(nexus, mthread);
        this.nexus = nexus;
        this.dirty = nexus.dirtyMap();
        this.blockShift = nexus.blockShift();
        this.childOffsetBlocks = nexus.label().dataOffsetBytes() >>> blockShift;
        int count = nexus.memberMax();
        this.children = new IoChannel[count];
        this.outstanding = new int[count];
        this.readErrorsInARow = new int[count];
        this.counters = new ChildCounters[count];
        Arrays.setAll(counters, i -> new ChildCounters());
        this.closeWaiters = new ChannelIteration[count];
        this.touched = new long[dirty.geometry().wordCount()];
        this.held = new HoldQueue(this, nexus);
        this.dirtyRequest = new DirtyRequest(this, nexus);
    }

    // --- what the home mthread does here ----------------------------------------------------------

    /** Adopts the newest picture of the children; opens channels that are new. */
    void adoptConfig() {
        NexusConfig latest = nexus.config();
        if (latest == config) {
            return;
        }
        config = latest;
        for (int rest = latest.writers & ~openMask; rest != 0; rest &= rest - 1) {
            int child = Integer.numberOfTrailingZeros(rest);
            children[child] = latest.children[child].descriptor().openChannel(mthread());
            openMask |= 1 << child;
        }
    }

    /** Closes the channel to a child that the configuration no longer has, once nothing is in flight there. */
    void closeChild(int child, ChannelIteration iteration) {
        adoptConfig();
        assert (config.writers & 1 << child) == 0;
        if ((openMask & 1 << child) == 0) {
            iteration.next();
        } else if (outstanding[child] == 0) {
            releaseChild(child);
            iteration.next();
        } else {
            closeWaiters[child] = iteration;
        }
    }

    private void releaseChild(int child) {
        children[child].close();
        children[child] = null;
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
                fanOut(io, false);
            } else if (failed) {
                io.complete(Status.INTERNAL_ERROR);
            } else {
                wantDirty(io);
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
        if (io.type == IoType.READ) {
            read(io, true);
        } else if (!IoType.isWrite(io.type)) {
            fanOut(io, true);
        } else if (io.type == IoType.UNMAP && (config.writers & ~config.unmappers) != 0) {
            io.completeDeferred(Status.SUCCESS);    // A hint. Legs that forget differently would differ.
        } else if (dirty.isDurable(firstRegion(io), lastRegion(io))) {
            fanOut(io, true);
        } else {
            wantDirty(io);
        }
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
        int writers = config.writers;
        if (config.readers == 0 || config.writesBlocked) {
            end(io, Status.INTERNAL_ERROR, submitting);
            return;
        }
        BdevIo parts = acquireParts(writers);
        if (parts == null) {
            end(io, Status.NO_RESOURCES, submitting);
            return;
        }
        if (IoType.isWrite(io.type)) {
            addRegions(touched, io);
        }
        io.childCount = Integer.bitCount(writers);
        for (int rest = writers; rest != 0; rest &= rest - 1) {
            BdevIo part = parts;
            parts = part.queueNext;
            part.queueNext = null;
            submitPart(io, part, Integer.numberOfTrailingZeros(rest));
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
    private void submitPart(BdevIo io, BdevIo part, int child) {
        long offset = IoType.hasRange(io.type) ? io.offsetBlocks + childOffsetBlocks : 0;
        part.prepare(io.type, offset, io.blockCount, io.address, io.regionIndex, this);
        part.flags = io.flags & BdevIo.FLAG_FUA;
        part.parent = io;
        part.tag = child;
        outstanding[child]++;
        children[child].submit(part);
    }

    /** Reads from the best child that has not been tried. */
    @HotPath
    private void read(BdevIo io, boolean submitting) {
        int candidates = config.readers & ~io.driverInt;
        if (candidates == 0) {
            end(io, io.childStatus == Status.SUCCESS ? Status.INTERNAL_ERROR : io.childStatus, submitting);
            return;
        }
        int child = chooseReader(io, candidates);
        BdevIo part = children[child].tryAcquire();
        if (part == null) {
            end(io, Status.NO_RESOURCES, submitting);
            return;
        }
        submitPart(io, part, child);
    }

    @HotPath
    private int chooseReader(BdevIo io, int candidates) {
        int source = config.source;
        if (source >= 0 && (candidates & 1 << source) != 0 && dirty.isSuspect(firstRegion(io), lastRegion(io))) {
            return source;
        }
        if (avoidMask != 0) {
            if (mthread().reactor().nowNs() - avoidUntilNs >= 0) {
                avoidMask = 0;
            } else if ((candidates & ~avoidMask) != 0) {
                candidates &= ~avoidMask;
            }
        }
        if ((candidates & config.localReaders) != 0) {
            candidates &= config.localReaders;
        }
        return leastOutstanding(candidates);
    }

    /** Ties go round. */
    @HotPath
    private int leastOutstanding(int candidates) {
        int best = -1;
        int later = candidates & -1 << rotation;
        for (int pass = 0; pass < 2; pass++) {
            for (int rest = pass == 0 ? later : candidates & ~later; rest != 0; rest &= rest - 1) {
                int child = Integer.numberOfTrailingZeros(rest);
                if (best < 0 || outstanding[child] < outstanding[best]) {
                    best = child;
                }
            }
        }
        rotation = best + 1 & 31;
        return best;
    }

    // --- completion ----------------------------------------------------------------------------------

    @Override
    @HotPath
    public void onIoComplete(BdevIo part) {
        BdevIo io = part.parent;
        int child = (int) part.tag;
        int status = part.status();
        part.release();
        outstanding[child]--;
        if (io.type == IoType.READ) {
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
            readErrorsInARow[child] = 0;
            counters[child].reads++;
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
            avoidMask |= 1 << child;
            avoidUntilNs = mthread().reactor().nowNs() + AVOID_NS;
            if (++readErrorsInARow[child] == READ_ERRORS_IN_A_ROW_MAX) {
                readErrorsInARow[child] = 0;
                nexus.reportReadErrors(child, mthread().reactor());
            }
        }
        read(io, false);
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
            io.complete(Status.SUCCESS);
            return;
        }
        boolean nowhere = ((int) io.driverLong & config.readers) == 0;
        if (nowhere && failed == (int) io.driverLong2) {
            io.complete(io.childStatus);            // Everybody blames the request: so do we.
        } else if (nowhere && failed == (int) (io.driverLong2 >>> 32)) {
            completeDiffering(io);                  // No space anywhere; parts of it may have been written.
        } else {
            held.add(io, failed);
        }
    }

    /** Fails a write that some legs may hold in part. */
    private void completeDiffering(BdevIo io) {
        if (IoType.isWrite(io.type) && Integer.bitCount(config.readers) > 1) {
            dirty.markSuspect(firstRegion(io), lastRegion(io));
            nexus.reportSuspect(mthread().reactor());
        }
        io.complete(io.childStatus);
    }

    /**
     * The home mthread has dealt with the failures of a held I/O: they are stored, or refused. It is acknowledged if
     * every child that is still healthy holds it, and there is one.
     */
    void settle(BdevIo io) {
        adoptConfig();
        int healthy = config.readers;
        boolean holds = healthy != 0 && ((int) io.driverLong & healthy) == healthy;
        if (holds && !config.writesBlocked) {
            io.complete(Status.SUCCESS);
        } else if (holds) {
            io.complete(Status.INTERNAL_ERROR);
        } else {
            completeDiffering(io);
        }
    }

    @Override
    protected void onClose() {
        assert wantsDirty.isEmpty();
        assert held.isEmpty();
        for (int rest = openMask; rest != 0; rest &= rest - 1) {
            int child = Integer.numberOfTrailingZeros(rest);
            assert outstanding[child] == 0;
            releaseChild(child);
        }
        nexus.addClosedCounters(counters);
    }

    /** Counts of one child. Any thread, approximate. */
    ChildCounters counters(int child) {
        return counters[child];
    }
}
