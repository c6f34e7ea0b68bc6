package io.mizzen.lvs;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.FlushLedger;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.bdev.Standing;
import io.mizzen.bdev.Status;
import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.Message;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.HotPath;

/**
 * A volume's channel: maps clusters, splits an I/O where it crosses from one to the next, and submits the parts to the
 * base device's channel of the same mthread. An I/O of many clusters goes in windows of {@link #WINDOW_PARTS_MAX}.
 *
 * <pre>
 * doSubmit → handed down as it is, if one cluster of its own holds all of it → complete
 *          → advance → parts in flight (childCount) ─ last one done ─→ advance ... → complete
 *               └ change of a cluster that it does not hold → parked until the control reactor has allocated it → doSubmit
 *          → parked, if it unmaps, or zeroes and may free, whole clusters of a thin volume, until the control reactor has freed them → doSubmit
 * </pre>
 *
 * <p>A read goes to whichever snapshot up the chain holds the cluster. Zeroes and unmap need a cluster only where such a
 * snapshot would show through. A parked I/O holds up no pause: it has nothing in flight and begins anew.
 *
 * <p>In the parent I/O: {@code driverLong} = blocks dealt with, {@code driverInt} = flushes that had failed when it began,
 * {@code childCount} = parts in flight, {@code childStatus} = first failure.
 */
final class LvolChannel extends IoChannel implements IoCompletion {
    private static final int WINDOW_PARTS_MAX = 8;
    private static final int NO_SHIFT = -1;
    /** In the flags of what gives clusters back and has been to the control reactor: what is still there of them stays. */
    private static final int DISCARDED = BdevIo.FLAG_DRIVER;

    private final Lvol lvol;
    private final LvolBdev volume;
    private final ClusterMap map;
    private final boolean readOnly;
    private final IoChannel base;
    private final int blockShift;
    /** log2 of base blocks per block of the volume: 0 but for pools made on larger blocks. */
    private final int scaleShift;
    private final long clusterBlocks;
    /** log2 of the blocks of a cluster, or {@link #NO_SHIFT}. */
    private final int clusterShift;
    /** The kinds of I/O, a bit each, that may be handed down where one cluster holds all of it. */
    private final int wholeMask;
    private final FlushLedger flushes;
    private final Standing standing;
    private final boolean baseUnmapsToZeroes;
    private AllocationWait freeWaits;
    /** Made when a flush has to wait for the first time. */
    private FlushOverlap overlap;

    LvolChannel(LvolBdev bdev, Mthread mthread, IoChannel base) {
        super(bdev, mthread);
        this.volume = bdev;
        this.lvol = bdev.lvol();
        this.map = lvol.map();
        this.readOnly = bdev.isReadOnly();
        this.base = base;
        this.blockShift = bdev.blockShift();
        this.scaleShift = bdev.blockShift() - base.bdev().blockShift();
        this.clusterBlocks = lvol.store().geometry().clusterSizeBytes() >>> blockShift;
        this.clusterShift = Long.bitCount(clusterBlocks) == 1 ? Long.numberOfTrailingZeros(clusterBlocks) : NO_SHIFT;
        this.flushes = lvol.store().flushes();
        this.baseUnmapsToZeroes = base.bdev().supports(IoType.UNMAP) && base.bdev().unmapReadsZeroes();
        assert scaleShift >= 0;
        this.wholeMask = clusterShift == NO_SHIFT || scaleShift != 0 ? 0
                : 1 << IoType.READ | 1 << IoType.COMPARE | (readOnly ? 0 : 1 << IoType.WRITE);
        this.standing = standOn(base);
    }

    @Override
    @HotPath
    protected void doSubmit(BdevIo io) {
        if ((wholeMask & 1 << io.type) != 0 && !flushes.counts(io) && handDownWhole(io)) {
            return;
        }
        if (readOnly && IoType.isWrite(io.type)) {
            io.completeDeferred(Status.NAMESPACE_WRITE_PROTECTED | Status.DNR);
            return;
        }
        if ((io.type == IoType.UNMAP || (io.flags & BdevIo.FLAG_DEALLOCATE) != 0) && (io.flags & DISCARDED) == 0 && volume.frees()
                && holdsWholeCluster(io)) {
            waitForDiscard(io);
            return;
        }
        io.driverLong = 0;
        io.childStatus = Status.SUCCESS;
        io.childCount = 0;
        io.driverInt = (int) flushes.failures();
        if (io.type == IoType.FLUSH) {
            BdevIo part = base.tryAcquire();
            if (part == null) {
                io.completeDeferred(Status.NO_RESOURCES);
                return;
            }
            part.prepare(IoType.FLUSH, 0, 0, 0, -1, this);
            part.parent = io;
            part.tag = flushes.begin();
            io.childCount = 1;
            base.submit(part);
            return;
        }
        advance(io, true);
    }

    /** The usual case: all of it lies in one cluster, which is there, and the base device can take it as it is. */
    @HotPath
    private boolean handDownWhole(BdevIo io) {
        long index = io.offsetBlocks >>> clusterShift;
        if (io.offsetBlocks + io.blockCount - 1 >>> clusterShift != index) {
            return false;
        }
        int cluster = map.get((int) index);
        return cluster != BlobMetadata.UNALLOCATED
                && handDown(io, standing, ((long) cluster << clusterShift) + (io.offsetBlocks & clusterBlocks - 1));
    }

    /** Goes on where the I/O stands: until parts are in flight, a cluster is waited for, or nothing is left. */
    @HotPath
    private void advance(BdevIo io, boolean inSubmit) {
        assert io.childCount == 0;
        if (io.childStatus == Status.SUCCESS && io.driverLong < io.blockCount) {
            BdevIo parts = collect(io);
            if (parts != null) {
                submitAll(parts);
                return;
            }
            if (io.childStatus == Status.SUCCESS && io.driverLong < io.blockCount) {
                waitForCluster(io);
                return;
            }
        }
        if (inSubmit) {
            io.completeDeferred(io.childStatus);
        } else if (flushes.counts(io)) {
            endFlushed(io);
        } else {
            io.complete(io.childStatus);
        }
    }

    /** All parts have ended of a flush, or of what ends with one. */
    @HotPath
    private void endFlushed(BdevIo io) {
        if (io.childStatus == Status.SUCCESS && !flushes.isIdle() && base.bdev().hasVolatileCache()) {
            awaitOverlap(io);
        } else {
            io.complete(volume.flushOutcome(io));
        }
    }

    private void awaitOverlap(BdevIo io) {
        if (overlap == null) {
            overlap = new FlushOverlap(volume, flushes, mthread().reactor());
        }
        overlap.add(io);
    }

    /**
     * Takes the next parts, linked by {@code queueNext}; null if none are needed up to the end or up to a cluster that
     * must be allocated first.
     */
    @HotPath
    private BdevIo collect(BdevIo io) {
        BdevIo head = null;
        while (io.driverLong < io.blockCount && io.childCount < WINDOW_PARTS_MAX) {
            long block = io.offsetBlocks + io.driverLong;
            int index = (int) (block / clusterBlocks);
            long within = block - index * clusterBlocks;
            long count = Math.min(clusterBlocks - within, io.blockCount - io.driverLong);
            int cluster = map.get(index);
            if (cluster == BlobMetadata.UNALLOCATED) {
                if (io.type == IoType.WRITE) {
                    break;
                }
                int above = map.inherited(index);
                cluster = map.get(index);       // Again: a snapshot that was removed meanwhile left it what it held.
                if (cluster == BlobMetadata.UNALLOCATED) {
                    if (above != BlobMetadata.UNALLOCATED && IoType.isWrite(io.type)) {
                        break;
                    }
                    cluster = above;
                }
            }
            if (cluster == BlobMetadata.UNALLOCATED) {
                if (io.type == IoType.READ) {
                    RawMemory.zero(io.address + (io.driverLong << blockShift), count << blockShift);
                }
            } else {
                BdevIo part = base.tryAcquire();
                if (part == null) {
                    if (head == null) {
                        io.childStatus = Status.NO_RESOURCES;   // The whole I/O is tried again later.
                    }
                    break;
                }
                prepare(io, part, cluster * clusterBlocks + within, count);
                part.queueNext = head;
                head = part;
                io.childCount++;
            }
            io.driverLong += count;
        }
        return head;
    }

    @HotPath
    private void prepare(BdevIo io, BdevIo part, long block, long count) {
        long address = IoType.hasData(io.type) ? io.address + (io.driverLong << blockShift) : 0;
        int type = io.type == IoType.UNMAP && !baseUnmapsToZeroes && volume.unmapReadsZeroes() ? IoType.WRITE_ZEROES : io.type;
        part.prepare(type, block << scaleShift, count << scaleShift, address, io.regionIndex, this);
        part.flags |= io.flags & BdevIo.FLAG_FUA;
        part.tag = flushes.counts(part) ? flushes.begin() : BaseDevice.NO_FLUSH;
        part.parent = io;
    }

    @HotPath
    private void submitAll(BdevIo parts) {
        BdevIo part = parts;
        while (part != null) {
            BdevIo next = part.queueNext;
            part.queueNext = null;
            base.submit(part);
            part = next;
        }
    }

    @Override
    @HotPath
    public void onIoComplete(BdevIo part) {
        BdevIo io = part.parent;
        int status = part.status();
        if (part.tag != BaseDevice.NO_FLUSH) {
            flushes.end((int) part.tag, status != Status.SUCCESS);
        }
        part.release();
        if (status != Status.SUCCESS && io.childStatus == Status.SUCCESS) {
            io.childStatus = status;
        }
        io.childCount--;
        if (io.childCount == 0) {
            if (io.type == IoType.FLUSH) {
                endFlushed(io);
            } else {
                advance(io, false);
            }
        }
    }

    @HotPath
    private int firstWholeCluster(BdevIo io) {
        return (int) ((io.offsetBlocks + clusterBlocks - 1) / clusterBlocks);
    }

    /** Whether it covers all of a cluster that is there. */
    @HotPath
    private boolean holdsWholeCluster(BdevIo io) {
        int end = (int) ((io.offsetBlocks + io.blockCount) / clusterBlocks);
        for (int index = firstWholeCluster(io); index < end; index++) {
            if (map.get(index) != BlobMetadata.UNALLOCATED) {
                return true;
            }
        }
        return false;
    }

    /** The other detour: the control reactor frees the clusters that an unmap covers. The I/O is not in flight meanwhile. */
    private void waitForDiscard(BdevIo io) {
        park(io);
        lvol.store().mthread().send(new DiscardWait(io), mthread().reactor());
    }

    /** An unmap that waits: travels to the control reactor and back. */
    private final class DiscardWait extends Message implements ClusterAllocator.Waiter {
        private final BdevIo io;
        private int status;
        private boolean answered;

        private DiscardWait(BdevIo io) {
            this.io = io;
        }

        @Override
        public void run() {
            if (!answered) {
                int end = (int) ((io.offsetBlocks + io.blockCount) / clusterBlocks);
                new ClusterDiscard(lvol.store(), lvol, firstWholeCluster(io), end, this).start();
                return;
            }
            if (status != Status.SUCCESS) {
                endWaiting(io, status);
                return;
            }
            io.flags |= DISCARDED;
            unpark(io);
        }

        @Override
        public void resolved(int newStatus) {
            status = newStatus;
            answered = true;
            mthread().send(this, lvol.store().mthread().reactor());
        }
    }

    /** A detour: the control reactor allocates the cluster at which the I/O stands. */
    private void waitForCluster(BdevIo io) {
        AllocationWait wait = freeWaits;
        if (wait == null) {
            wait = new AllocationWait();   // Kept: at most as many as I/Os ever waited at once.
        } else {
            freeWaits = wait.next;
        }
        long block = io.offsetBlocks + io.driverLong;
        wait.io = io;
        wait.index = (int) (block / clusterBlocks);
        wait.zeroes = io.type != IoType.WRITE && block == wait.index * clusterBlocks
                && io.blockCount - io.driverLong >= clusterBlocks;
        wait.answered = false;
        park(io);
        lvol.store().mthread().send(wait, mthread().reactor());
    }

    private void allocated(AllocationWait wait) {
        BdevIo io = wait.io;
        int status = wait.status;
        wait.io = null;
        wait.next = freeWaits;
        freeWaits = wait;
        if (status == Status.SUCCESS) {
            unpark(io);
        } else {
            endWaiting(io, status);
        }
    }

    /** An I/O that waits for a cluster: travels to the control reactor and back. */
    private final class AllocationWait extends Message implements ClusterAllocator.Waiter {
        private BdevIo io;
        private int index;
        private boolean zeroes;
        private int status;
        private boolean answered;
        private AllocationWait next;

        @Override
        public void run() {
            if (answered) {
                allocated(this);
            } else {
                lvol.store().allocator().request(lvol, index, zeroes, this);
            }
        }

        @Override
        public void resolved(int newStatus) {
            status = newStatus;
            answered = true;
            mthread().send(this, lvol.store().mthread().reactor());
        }
    }

    @Override
    protected void onClose() {
        assert overlap == null || overlap.isIdle();
        standNoMoreOn(standing);
        base.close();
    }
}
