package io.mizzen.bdev;

import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.Reactors;
import io.mizzen.util.Completion;
import io.mizzen.util.HotPath;
import io.mizzen.util.OperationException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A block device of the engine. Opened through {@link BdevRegistry}, which yields a {@link Descriptor}; I/O goes through
 * channels. Opening, closing, pausing, locking, resizing and removal happen on the control reactor; channels are opened
 * and closed on their mthread's reactor.
 */
public abstract class Bdev {
    /** In {@link BdevIo#flags}: a part of another I/O of the same channel; passes pauses and locks, not counted. */
    static final int FLAG_INTERNAL = 1 << 30;
    /** In {@link BdevIo#flags}: the limits have let it pass; what holds it back afterwards does not charge it again. */
    static final int FLAG_ADMITTED = 1 << 29;
    /** In {@link BdevIo#flags}: was in flight when somebody began to wait for all that was. */
    static final int FLAG_AWAITED = 1 << 28;
    /** Smallest and largest block, bytes. */
    public static final int BLOCK_SIZE_MIN = 512;
    public static final int BLOCK_SIZE_MAX = 4096;

    private static final RangeLock[] NO_LOCKS = {};

    private final String name;
    private final UUID uuid;
    private final String product;
    private final int blockSizeBytes;
    private final int blockShift;
    private final AtomicReferenceArray<IoChannel> channels = new AtomicReferenceArray<>(Reactors.MTHREAD_MAX);
    private final IoStats closedStats = new IoStats();
    private volatile long blockCount;
    private volatile boolean removed;
    /** The size in blocks; -1 as soon as it is removed. */
    private volatile long reachBlocks;
    private volatile boolean paused;
    private volatile RangeLock[] locks = NO_LOCKS;
    private volatile LimitBuckets limitBuckets;

    // Control reactor only.
    final List<Descriptor> descriptors = new ArrayList<>();
    private final Deque<RangeLock> lockQueue = new ArrayDeque<>();
    private final List<Completion<Void>> pauseWaiters = new ArrayList<>();
    private int pauseCount;
    private PauseState pauseState = PauseState.RUNNING;
    Completion<Void> destroyed;

    private enum PauseState {
        RUNNING, PAUSING, PAUSED, RESUMING
    }

    /**
     * @param blockSizeBytes 512 or 4096 (any power of two between)
     * @param blockCount size; above 0
     */
    protected Bdev(String name, UUID uuid, String product, int blockSizeBytes, long blockCount) {
        if (Integer.bitCount(blockSizeBytes) != 1 || blockSizeBytes < BLOCK_SIZE_MIN
                || blockSizeBytes > BLOCK_SIZE_MAX) {
            throw OperationException.invalid("invalid-block-size", "block size " + blockSizeBytes
                    + " is not supported; use 512 or 4096");
        }
        if (blockCount <= 0 || blockCount > Long.MAX_VALUE / blockSizeBytes) {
            throw OperationException.invalid("invalid-size", name + ": a size of " + blockCount + " blocks of "
                    + blockSizeBytes + " bytes is not possible");
        }
        this.name = name;
        this.uuid = uuid;
        this.product = product;
        this.blockSizeBytes = blockSizeBytes;
        this.blockShift = Integer.numberOfTrailingZeros(blockSizeBytes);
        this.blockCount = blockCount;
        this.reachBlocks = blockCount;
    }

    // --- what a driver implements -------------------------------------------------------------------

    /** Whether the driver itself does this {@link IoType}; compare, write-zeroes, flush and reset are emulated. */
    public abstract boolean supports(int ioType);

    /** Creates the channel of an mthread, on its reactor. */
    protected abstract IoChannel createChannel(Mthread mthread);

    /** Unregistered, no descriptor and no channel left: free what the bdev holds, if anything. Control reactor. */
    protected void onDestroy(Completion<Void> done) {
        done.ok(null);
    }

    /** Whether completed writes may be lost at power failure until a flush. */
    public boolean hasVolatileCache() {
        return false;
    }

    /** Whether a write with FUA ends with a flush of all that it caches, so that its failure may be that flush's. */
    public boolean fuaFlushes() {
        return false;
    }

    /** Whether it exists for tests and measurements only: data does not survive. */
    public boolean isTestOnly() {
        return false;
    }

    /** Whether it can only be read: it is not opened for writing, and a write fails. */
    public boolean isReadOnly() {
        return false;
    }

    /** Whether its data lies on this machine: a mirror reads from local children first. */
    public boolean isLocal() {
        return true;
    }

    /** How many layers lie below: 0 for a disk, one more than its base for what stands on another bdev. */
    public int depth() {
        return 0;
    }

    /** Other names it can be found by. */
    public List<String> aliases() {
        return List.of();
    }

    /** Whether blocks read as zeroes after an unmap. */
    public boolean unmapReadsZeroes() {
        return false;
    }

    /** Whether {@link BdevIo#FLAG_DEALLOCATE} may give blocks back, and all that is given back, by unmap as well, reads as zeroes. */
    public boolean zeroesDeallocate() {
        return unmapReadsZeroes();
    }

    /** Whether every block is known to read as zeroes now. Control reactor; while nobody has it open for writing. */
    public boolean isBlank() {
        return false;
    }

    /**
     * The first block from there on that may hold data, or {@code endBlock} (as lseek's SEEK_DATA). What lies before it
     * reads as zeroes and takes no space. An answer holds for as long as nobody writes there. Any thread; cold path.
     */
    public long nextAllocated(long fromBlock, long endBlock) {
        return fromBlock;
    }

    /** The first block from there on that reads as zeroes and takes no space, or {@code endBlock} (as SEEK_HOLE). */
    public long nextUnallocated(long fromBlock, long endBlock) {
        return endBlock;
    }

    /** Whether no write of any kind, not even one that failed, has ended here since the bdev was made. */
    protected final boolean isUnwritten() {
        IoStats sum = new IoStats();
        for (IoChannel channel : channels()) {
            sum.add(channel);       // The open ones first: one that closes meanwhile counts twice, not never.
        }
        synchronized (closedStats) {
            sum.add(closedStats);
        }
        for (int type = 0; type < IoType.COUNT; type++) {
            if (IoType.isWrite(type) && sum.operations(type) > 0) {
                return false;
            }
        }
        return true;
    }

    // --- identity and geometry ----------------------------------------------------------------------

    public final String name() {
        return name;
    }

    public final UUID uuid() {
        return uuid;
    }

    /** What kind of bdev, in words. */
    public final String product() {
        return product;
    }

    @HotPath
    public final int blockSizeBytes() {
        return blockSizeBytes;
    }

    /** log2 of the block size. */
    @HotPath
    public final int blockShift() {
        return blockShift;
    }

    /** Size in blocks; may change while open ({@link Descriptor.Listener#onResized}). */
    @HotPath
    public final long blockCount() {
        return blockCount;
    }

    public final long sizeBytes() {
        return blockCount << blockShift;
    }

    /** Whether the device is gone: every new I/O fails. */
    @HotPath
    public final boolean isRemoved() {
        return removed;
    }

    /** Whether it is there and ends no earlier than so many blocks from there on. */
    @HotPath
    final boolean reaches(long offsetBlocks, long count) {
        return offsetBlocks <= reachBlocks - count;
    }

    /** Why this I/O cannot be done at all, or SUCCESS. */
    @HotPath
    final int check(BdevIo io) {
        if (removed) {
            return Status.INTERNAL_ERROR | Status.DNR;
        }
        if (IoType.hasRange(io.type)) {
            long count = io.blockCount;
            long limit = blockCount;
            if (count <= 0 || io.offsetBlocks < 0 || io.offsetBlocks > limit || count > limit - io.offsetBlocks) {
                return Status.LBA_OUT_OF_RANGE | Status.DNR;
            }
        }
        return Status.SUCCESS;
    }

    // --- channels -----------------------------------------------------------------------------------

    /** The mthread's channel, created if it is the first reference. On the mthread's reactor. */
    final IoChannel getChannel(Mthread mthread) {
        assert mthread.reactor().isCurrent();
        IoChannel channel = channels.get(mthread.id());
        if (channel == null) {
            channel = createChannel(mthread);
            channel.retain();
            channels.set(mthread.id(), channel);        // Published before pause and locks are read: a visit that
            channel.adopt(paused, locks, limitBuckets); // started meanwhile sees the channel, or it sees the visit.
        } else {
            channel.retain();
        }
        return channel;
    }

    final void onChannelClosed(IoChannel channel) {
        synchronized (closedStats) {
            closedStats.add(channel);
        }
        channels.set(channel.mthread().id(), null);
    }

    final int nextChannelSlot(int from) {
        for (int i = from; i < Reactors.MTHREAD_MAX; i++) {
            if (channels.get(i) != null) {
                return i;
            }
        }
        return -1;
    }

    final IoChannel channelAt(int slot) {
        return channels.get(slot);
    }

    /** Visits every channel on its own core, then calls {@code done} on the calling mthread. Any reactor. */
    public final void forEachChannel(ChannelIteration.Visitor visitor, Mthread origin, Completion<Void> done) {
        new ChannelIteration(this, visitor, origin, done).advance();
    }

    /** The open channels. Any thread, a snapshot. */
    public final List<IoChannel> channels() {
        List<IoChannel> open = new ArrayList<>();
        for (int i = nextChannelSlot(0); i >= 0; i = nextChannelSlot(i + 1)) {
            IoChannel channel = channels.get(i);
            if (channel != null) {
                open.add(channel);
            }
        }
        return open;
    }

    /** All counters, of open and closed channels. Any thread. */
    public final IoStats stats() {
        IoStats sum = new IoStats();
        synchronized (closedStats) {
            sum.add(closedStats);
        }
        for (IoChannel channel : channels()) {
            sum.add(channel);
        }
        return sum;
    }

    // --- pause and resume ---------------------------------------------------------------------------

    /** Holds new I/O back and waits until none is in flight. Counted: as many resumes as pauses. Control reactor. */
    public final void pause(Mthread control, Completion<Void> done) {
        assertControl();
        pauseCount++;
        if (pauseState == PauseState.PAUSED) {
            done.ok(null);
            return;
        }
        pauseWaiters.add(done);
        if (pauseState == PauseState.RUNNING) {
            startPause(control);
        }
    }

    private void startPause(Mthread control) {
        pauseState = PauseState.PAUSING;
        paused = true;
        forEachChannel((channel, iteration) -> channel.pause(iteration), control, (value, failure) -> {
            pauseState = PauseState.PAUSED;
            List<Completion<Void>> waiters = new ArrayList<>(pauseWaiters);
            pauseWaiters.clear();
            waiters.forEach(waiter -> waiter.ok(null));
        });
    }

    /** Lets I/O go on when the last pause is undone. Control reactor, after the pause has completed. */
    public final void resume(Mthread control, Completion<Void> done) {
        assertControl();
        assert pauseState == PauseState.PAUSED && pauseCount > 0;
        if (--pauseCount > 0) {
            done.ok(null);
            return;
        }
        pauseState = PauseState.RESUMING;
        paused = false;
        forEachChannel((channel, iteration) -> {
            channel.resume();
            iteration.next();
        }, control, (value, failure) -> {
            pauseState = PauseState.RUNNING;
            if (pauseCount > 0) {
                startPause(control);
            }
            done.ok(null);
        });
    }

    // --- range locks --------------------------------------------------------------------------------

    /**
     * Locks a range: new writes (and reads, if asked) to it wait on every channel; granted when those in flight have
     * ended. Overlapping locks are granted one after the other. Control reactor.
     */
    public final void lockRange(long offsetBlocks, long blockCount, boolean blocksReads, Mthread control,
            Completion<RangeLock> granted) {
        assertControl();
        RangeLock lock = new RangeLock(offsetBlocks, blockCount, blocksReads, granted);
        lockQueue.add(lock);
        startLocks(control);
    }

    private void startLocks(Mthread control) {
        List<RangeLock> startable = new ArrayList<>();
        List<RangeLock> ahead = new ArrayList<>(List.of(locks));
        for (RangeLock lock : lockQueue) {
            if (ahead.stream().noneMatch(lock::overlaps)) {
                startable.add(lock);
            }
            ahead.add(lock);
        }
        for (RangeLock lock : startable) {
            lockQueue.remove(lock);
            addLock(lock);
            takeLock(lock, control);
        }
    }

    /**
     * Holds new writes back on every channel and waits until those in flight have ended; reads go on. Unlike {@link #lockRange}
     * it waits for no lock, and so may be asked for by who has what the holder of one waits for. First all channels hold
     * back, then each drains, so that their drains take no longer than the longest. {@link #unlockRange} ends it. Control
     * reactor.
     */
    public final RangeLock holdWrites(Mthread control, Completion<RangeLock> held) {
        assertControl();
        RangeLock lock = new RangeLock(0, Long.MAX_VALUE, false, held);
        addLock(lock);
        forEachChannel((channel, iteration) -> {
            channel.addLock(lock);
            iteration.next();
        }, control, (nothing, never) -> takeLock(lock, control));
        return lock;
    }

    private void takeLock(RangeLock lock, Mthread control) {
        forEachChannel((channel, iteration) -> channel.lock(lock, iteration), control, (value, failure) -> lock.granted.ok(lock));
    }

    /**
     * For a hold that takes too long to come about: writes go on at once, and its completion is called soon, with a lock that
     * holds nothing back. Control reactor.
     */
    public final void giveUpHold(RangeLock lock, Mthread control) {
        assertControl();
        lock.giveUp();
        forEachChannel((channel, iteration) -> {
            channel.unlock(lock);
            iteration.next();
        }, control, (nothing, never) -> { });
    }

    /** Waits until no I/O is in flight any more that is so now; new I/O goes on. Control reactor. */
    public final void awaitInFlight(Mthread control, Completion<Void> done) {
        assertControl();
        forEachChannel((channel, iteration) -> channel.awaitInFlight(iteration), control, done);
    }

    private void addLock(RangeLock lock) {
        RangeLock[] grown = Arrays.copyOf(locks, locks.length + 1);
        grown[locks.length] = lock;
        locks = grown;
    }

    /** Releases a granted lock; what waited for it goes on. Control reactor. */
    public final void unlockRange(RangeLock lock, Mthread control, Completion<Void> done) {
        assertControl();
        RangeLock[] rest = Arrays.stream(locks).filter(l -> l != lock).toArray(RangeLock[]::new);
        assert rest.length == locks.length - 1;
        locks = rest;
        forEachChannel((channel, iteration) -> {
            channel.unlock(lock);
            iteration.next();
        }, control, (value, failure) -> done.ok(null));
        startLocks(control);
    }

    // --- limits -------------------------------------------------------------------------------------

    /**
     * Limits what passes through all channels together, from now on and at once; {@link IoLimits#NONE} lets go whatever
     * waits. Control reactor.
     */
    public final void setLimits(IoLimits limits, Mthread control, Completion<Void> done) {
        assertControl();
        limitBuckets = limits.isNone() ? null : new LimitBuckets(limits, limits(), Reactor.current().nowNs());
        forEachChannel((channel, iteration) -> {
            channel.limit(limitBuckets);        // The newest: two changes may be under way.
            iteration.next();
        }, control, done);
    }

    /** The limits in force. Any thread. */
    public final IoLimits limits() {
        LimitBuckets buckets = limitBuckets;
        return buckets == null ? IoLimits.NONE : buckets.limits;
    }

    // --- events -------------------------------------------------------------------------------------

    /** Driver: the size changed; descriptors are told. Control reactor. */
    protected final void setBlockCount(long newBlockCount) {
        assertControl();
        if (newBlockCount != blockCount) {
            blockCount = newBlockCount;
            reachBlocks = removed ? -1 : newBlockCount;
            for (Descriptor descriptor : List.copyOf(descriptors)) {
                descriptor.listener().onResized(this);
            }
        }
    }

    /** Driver: the device is gone. New I/O fails; descriptors are told and close when they can. Control reactor. */
    public final void notifyRemoved() {
        assertControl();
        if (!removed) {
            removed = true;
            reachBlocks = -1;
            for (Descriptor descriptor : List.copyOf(descriptors)) {
                descriptor.listener().onRemoved(this);
            }
        }
    }

    /** Who has it open for writing, or null. Control reactor. */
    public final String claimedBy() {
        for (Descriptor descriptor : descriptors) {
            if (descriptor.isWritable()) {
                return descriptor.owner();
            }
        }
        return null;
    }

    /** Whether anybody has it open. Control reactor. */
    public final boolean isOpen() {
        return !descriptors.isEmpty();
    }

    /** Everybody who has it open, in words. Control reactor. */
    public final List<String> openedBy() {
        return descriptors.stream().map(Descriptor::owner).toList();
    }

    final void onDescriptorClosed(Descriptor descriptor) {
        descriptors.remove(descriptor);
        if (descriptors.isEmpty() && destroyed != null) {
            Completion<Void> done = destroyed;
            destroyed = null;
            onDestroy(done);
        }
    }

    final void destroyWhenClosed(Completion<Void> done) {
        assert destroyed == null;
        if (descriptors.isEmpty()) {
            onDestroy(done);
        } else {
            destroyed = done;
        }
    }

    private static void assertControl() {
        assert Reactor.current() != null;
        assert Reactor.current().index() == 0;
    }

    @Override
    public final String toString() {
        return name;
    }
}
