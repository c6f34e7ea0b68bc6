package io.mizzen.lvs;

import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.FlushLedger;
import io.mizzen.bdev.Status;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * An open pool: an lvstore on one bdev, in SPDK's format. Made by {@link LvStores#create} or {@link LvStores#load};
 * everything here runs on the control reactor, and every change is durable when it completes.
 *
 * <pre>
 * ONLINE ─ export, destroy ─→ CLOSING → CLOSED
 *   └ a commit failed, or the device went ─→ FAULTED (I/O to allocated clusters goes on, no change any more) ─ export ─→ CLOSING
 * </pre>
 *
 * <p>An open pool is marked unclean on disk. Only {@link #export} writes the masks and marks it clean.
 */
public final class LvStore {
    /** Longest name of a pool or volume, in bytes of UTF-8. */
    public static final int NAME_BYTES_MAX = 63;
    /** Smallest part of a new thick volume that is zeroed, so that no old signature shows up. */
    public static final long ZEROED_HEAD_BYTES = 8L << 20;

    /** Code of the failure of an inflation or decoupling that its watch has ended. */
    public static final String INFLATION_ENDED = "replica-inflation-cancelled";

    static final int STATUS_CAPACITY_EXCEEDED = Status.CAPACITY_EXCEEDED | Status.DNR;
    static final int STATUS_POOL_FAULTED = Status.WRITE_FAULT;
    /** Code of the failure of an export that has closed the pool, and found that writes to volumes may be lost. */
    public static final String CODE_WRITES_LOST = "pool-writes-lost";
    static final String CODE_METADATA_FULL = "pool-metadata-full";
    static final String CODE_NO_SPACE = "pool-no-space";

    /** Life of a pool. */
    public enum State {
        ONLINE, FAULTED, CLOSING, CLOSED
    }

    private final String name;
    private final UUID uuid;
    private Geometry geometry;
    private final PoolSpace space;
    private final BaseDevice device;
    private final MetadataWriter writer;
    private final MetadataQueue queue = new MetadataQueue(this::changeBroken);
    private final ClusterAllocator allocator = new ClusterAllocator(this);
    private final Deletions deletions = new Deletions(this);
    private final BdevRegistry registry;
    private final MemorySegment superBlock;
    private final boolean recovered;
    private final CommitLimit commitLimit;
    private final Map<String, Lvol> lvols = new LinkedHashMap<>();
    private State state = State.ONLINE;
    private OperationException fault;
    private StoreHeap heap;
    private Replay replay = new Replay(0, 0, 0);
    private boolean readOnly;
    private List<String> problems = List.of();
    private int openChanges;

    LvStore(String name, UUID uuid, Geometry geometry, PoolSpace space, BaseDevice device, BdevRegistry registry,
            MemorySegment superBlock, BlobMetadata superBlob, boolean recovered) {
        this.name = name;
        this.uuid = uuid;
        this.geometry = geometry;
        this.space = space;
        this.device = device;
        this.writer = new MetadataWriter(device, geometry);
        this.registry = registry;
        this.superBlock = superBlock;
        this.recovered = recovered;
        this.commitLimit = new CommitLimit(this, superBlob);
    }

    // --- what it is -------------------------------------------------------------------------------

    public String name() {
        return name;
    }

    public UUID uuid() {
        return uuid;
    }

    public State state() {
        return state;
    }

    /** Why the pool is FAULTED, or was when it began to close, or has come to be since; or null. */
    public OperationException fault() {
        return fault;
    }

    /** Whether it was opened to be looked at only: nothing is ever written. */
    public boolean readOnly() {
        return readOnly;
    }

    /** What is wrong with a pool that is open read-only, in words. */
    public List<String> problems() {
        return problems;
    }

    void readOnly(List<String> found) {
        readOnly = true;
        problems = List.copyOf(found);
    }

    /** Whether the import found the pool unclean and rebuilt its masks. */
    public boolean recovered() {
        return recovered;
    }

    /**
     * What opening a pool took.
     *
     * @param durationNs until its volumes were known
     * @param pages of metadata that were read: all of an unclean pool, those in use of a clean one
     * @param memoryBytes for what they hold, at the height
     */
    public record Replay(long durationNs, int pages, long memoryBytes) {
    }

    /** What opening it took; nothing, of a pool that is new. */
    public Replay replay() {
        return replay;
    }

    void replay(Replay taken) {
        replay = taken;
    }

    public long clusterSizeBytes() {
        return geometry.clusterSizeBytes();
    }

    public int blockSizeBytes() {
        return geometry.ioUnitBytes();
    }

    public int clusterCount() {
        return geometry.dataClusterCount();
    }

    /** Clusters that thin volumes needed and did not get, for want of space: since the pool was opened. */
    public long refusedAllocationCount() {
        return allocator.refusedCount();
    }

    public int freeClusterCount() {
        return space.freeClusterCount();
    }

    /** What volumes can hold in all. */
    public long capacityBytes() {
        return geometry.dataClusterCount() * geometry.clusterSizeBytes();
    }

    public long freeBytes() {
        return space.freeClusterCount() * geometry.clusterSizeBytes();
    }

    public long usedBytes() {
        return capacityBytes() - freeBytes();
    }

    /** What the volumes may come to hold together: above the capacity with thin ones. Snapshots hold what they do now. */
    public long committedBytes() {
        long sum = 0;
        for (Lvol lvol : lvols.values()) {
            sum += lvol.snapshot() ? lvol.allocatedBytes() : lvol.sizeBytes();
        }
        return sum;
    }

    /** The committed bytes may be so many percent of the capacity; 0: any number. */
    public int commitLimitPercent() {
        return commitLimit.percent();
    }

    /** Sets that limit: 100 and more, or 0 for none. What is there already stays. */
    public void setCommitLimit(int percent, Completion<Void> done) {
        assertControl();
        change(done, () -> commitLimit.set(percent, ending(done)));
    }

    /** Of the whole store, metadata included. */
    public long sizeBytes() {
        return geometry.storeSizeBytes();
    }

    /** So large its metadata lets it become. */
    public long growableToBytes() {
        return geometry.growableToBytes();
    }

    public int metadataPageCount() {
        return geometry.metadataPageCount();
    }

    public int usedMetadataPageCount() {
        return space.usedPageCount();
    }

    /** The volumes, in the order of their blobs, then of their creation. */
    public Collection<Lvol> lvols() {
        return new ArrayList<>(lvols.values());
    }

    /** By name; null when there is none. */
    public Lvol findLvol(String lvolName) {
        return lvols.get(lvolName);
    }

    /** By UUID; null when there is none. */
    public Lvol findLvol(UUID lvolUuid) {
        for (Lvol lvol : lvols.values()) {
            if (lvol.uuid().equals(lvolUuid)) {
                return lvol;
            }
        }
        return null;
    }

    // --- changes ----------------------------------------------------------------------------------

    /**
     * Creates a volume and its bdev.
     *
     * @param lvolUuid null: a random one
     * @param sizeBytes rounded up to whole clusters; above 0 and not above the pool's capacity
     * @param thin clusters are allocated on first write; else all of them now, and the first 8 MiB (all, where the device
     *        zeroes what is unmapped) read as zeroes
     */
    public void createLvol(String lvolName, UUID lvolUuid, long sizeBytes, boolean thin, Completion<Lvol> done) {
        assertControl();
        change(done, () -> new LvolCreation(this, lvolName, lvolUuid == null ? UUID.randomUUID() : lvolUuid, sizeBytes, thin,
                ending(done)).start());
    }

    /** Takes a snapshot of a volume, which may be in use, and is a clone of it from then on. */
    public void createSnapshot(Lvol lvol, SnapshotOptions options, Completion<Lvol> done) {
        assertControl();
        change(done, () -> new SnapshotCreation(this, lvol, options, SnapshotMoment.OWN, ending(done)).start());
    }

    /**
     * As {@link #createSnapshot(Lvol, SnapshotOptions, Completion)}, at a moment that it shares with snapshots elsewhere: since
     * writes wait already, it waits for no deletion, but is refused. {@link #settle} of the volume does that before.
     */
    public void createSnapshot(Lvol lvol, SnapshotOptions options, SnapshotMoment moment, Completion<Lvol> done) {
        assertControl();
        OperationException refused = attempt(() -> new SnapshotCreation(this, lvol, options, moment, ending(done)).start());
        if (refused != null) {
            done.fail(refused);
        }
    }

    /** Keeps with a snapshot that all which share its moment have it ({@link SnapshotInfo#sealed}). */
    public void sealSnapshot(Lvol snapshot, Completion<Void> done) {
        assertControl();
        change(done, () -> new AttributeChange(this, snapshot, "it is being created", SnapshotInfo::seal, ending(done)).start());
    }

    /** Waits until the changes that are asked for are made, and what is written is flushed: the next change takes no longer than need be. */
    public void settle(Lvol lvol, Completion<Void> done) {
        assertControl();
        Completion<Void> ended = ending(done);
        change(done, () -> {
            LvolResize.checkUsable(this, lvol);
            queue.add(() -> port().flush(port().flushFailures(), status -> {
                queue.done();
                ended.complete(null, status == Status.SUCCESS ? null : BlobCommit.failed("flushing pool " + name, status));
            }), ended::fail);
        });
    }

    /**
     * Makes a volume that reads as the snapshot does until it is written.
     *
     * @param createdAt when it was asked for
     */
    public void cloneSnapshot(Lvol snapshot, String lvolName, UUID lvolUuid, Instant createdAt, Completion<Lvol> done) {
        assertControl();
        change(done, () -> new LvolCreation(this, lvolName, lvolUuid == null ? UUID.randomUUID() : lvolUuid, snapshot,
                createdAt, ending(done)).start());
    }

    /** Resizes; shrinking is refused while the volume is open, and gives its clusters back. */
    public void resizeLvol(Lvol lvol, long sizeBytes, Completion<Lvol> done) {
        assertControl();
        change(done, () -> new LvolResize(this, lvol, sizeBytes, ending(done)).start());
    }

    /** Takes in what the device has gained. Online; nothing is done where there is no cluster more. */
    public void grow(Completion<LvStore> done) {
        assertControl();
        change(done, () -> new StoreGrowth(this, ending(done)).start());
    }

    /** Refuses a device of that size, if the pool cannot grow so far. */
    public void checkGrowth(long deviceBytes) {
        try {
            geometry.grown(deviceBytes);
        } catch (FormatException e) {
            throw e.toOperation();
        }
    }

    /** Takes a volume that nobody has open back to a snapshot of it; later snapshots stay. */
    public void rollbackLvol(Lvol lvol, Lvol snapshot, Completion<Lvol> done) {
        assertControl();
        change(done, () -> new LvolRollback(this, lvol, snapshot, ending(done)).start());
    }

    /**
     * Allocates all of a volume, which needs no snapshot then. It may be in use; takes as long as copying does. Ended by its watch, it
     * fails with {@link #INFLATION_ENDED}: what was copied stays, and the volume is the clone that it was.
     */
    public void inflateLvol(Lvol lvol, WorkWatch watch, Completion<Lvol> done) {
        assertControl();
        change(done, () -> new LvolInflation(this, lvol, false, watch, ending(done)).start());
    }

    /** The same for what a clone reads from its parent alone: it is a clone of the parent's parent then, if there is one. */
    public void decoupleLvol(Lvol lvol, WorkWatch watch, Completion<Lvol> done) {
        assertControl();
        change(done, () -> new LvolInflation(this, lvol, true, watch, ending(done)).start());
    }

    /**
     * Deletes a volume that nobody has open: its bdev goes first, then its metadata, then its clusters are free. What a
     * snapshot holds goes to its clone; with several clones it stays, marked, until only one is left. One that is going by
     * itself when this is asked for is waited for.
     */
    public void destroyLvol(Lvol lvol, Completion<Void> done) {
        assertControl();
        boolean isThere = isThere(lvol);
        change(done, () -> {
            if (isThere && !isThere(lvol)) {
                ending(done).ok(null);      // It went while this waited for that.
            } else {
                new LvolDeletion(this, lvol, ending(done)).start();
            }
        });
    }

    private boolean isThere(Lvol lvol) {
        return lvols.get(lvol.name()) == lvol;
    }

    /**
     * Closes the pool: bdevs gone, masks written, marked clean, base device closed. Refused while a volume is open. It is closed all
     * the same if it fails because the device has lost writes that were acknowledged and not flushed: {@link #CODE_WRITES_LOST}.
     */
    public void export(Completion<Void> done) {
        assertControl();
        new StoreClose(this, false, done).start();
    }

    /** Removes the pool from the device: the super block is wiped. Refused while a volume is open. */
    public void destroy(Completion<Void> done) {
        assertControl();
        new StoreClose(this, true, done).start();
    }

    /** Begins a change, or lets it wait for deletions that are in its way. */
    private <T> void change(Completion<T> done, Runnable start) {
        OperationException refused = attempt(start);
        if (refused != null && !deletions.await(refused, () -> attempt(start), done::fail)) {
            done.fail(refused);
        }
    }

    /** Why the change has not begun, or null. */
    private OperationException attempt(Runnable start) {
        OperationException refused = refusal();
        if (refused != null) {
            return refused;
        }
        openChanges++;
        try {
            start.run();
            return null;
        } catch (OperationException e) {
            openChanges--;
            return e;
        }
    }

    private <T> Completion<T> ending(Completion<T> done) {
        return (value, failure) -> {
            openChanges--;
            done.complete(value, failure);
            if (failure == null) {
                deletions.removeDiscarded();
            }
        };
    }

    /** Why nothing can be changed now, or null. */
    OperationException refusal() {
        if (readOnly) {
            return OperationException.precondition("pool-read-only", "pool " + name + " is open read-only; export it and import it"
                    + " without \"readOnly\" to change it");
        }
        if (state == State.FAULTED) {
            return faulted();
        }
        if (state != State.ONLINE) {
            return OperationException.precondition("pool-closing", "pool " + name + " is being closed");
        }
        if (!queue.hasRoom()) {
            return new OperationException(ErrorKind.UNAVAILABLE, "pool-busy",
                    "pool " + name + " has " + MetadataQueue.COMMANDS_MAX + " changes waiting; try again");
        }
        return null;
    }

    // --- for the parts of this package ------------------------------------------------------------

    Geometry geometry() {
        return geometry;
    }

    /** The store has grown: it is so on disk. */
    void grown(Geometry larger, MemorySegment newSuperBlock) {
        geometry = larger;
        superBlock.copyFrom(newSuperBlock);
        space.grow(larger);
    }

    PoolSpace space() {
        return space;
    }

    BaseDevice device() {
        return device;
    }

    FlushLedger flushes() {
        return device.flushes();
    }

    StorePort port() {
        return device;
    }

    MetadataWriter writer() {
        return writer;
    }

    MetadataQueue queue() {
        return queue;
    }

    Deletions deletions() {
        return deletions;
    }

    StoreHeap heap() {
        return heap;
    }

    void heap(StoreHeap newHeap) {
        heap = newHeap;
    }

    CommitLimit commitLimit() {
        return commitLimit;
    }

    ClusterAllocator allocator() {
        return allocator;
    }

    BdevRegistry registry() {
        return registry;
    }

    Mthread mthread() {
        return device.mthread();
    }

    /** The super block as read, so that what this version does not know of it is kept. */
    MemorySegment superBlock() {
        return superBlock;
    }

    boolean writable() {
        return !readOnly && fault == null && (state == State.ONLINE || state == State.CLOSING);
    }

    /** Whether nothing is under way: no change, no command of a closed volume, no volume that is being closed. */
    public boolean quiet() {
        return openChanges == 0 && queue.idle() && allocator.idle() && device.idle();
    }

    /** A volume's bdev is being unregistered, or clusters freed: the pool does not close before {@link #closed}. */
    void closing() {
        openChanges++;
    }

    void closed() {
        openChanges--;
    }

    void state(State newState) {
        assert state != State.CLOSED;
        assert newState != State.ONLINE;
        state = newState;
    }

    /** A commit failed: disk and memory may differ, so nothing is changed until the pool is imported again. */
    void fault(OperationException reason) {
        if (fault == null) {
            fault = reason;
            state = state == State.ONLINE ? State.FAULTED : state;      // One that is closing goes on, without a write.
        }
    }

    /** A change threw: how much of it was done is not known. */
    private void changeBroken(RuntimeException thrown) {
        fault(new OperationException(ErrorKind.INTERNAL, "pool-change-broken", "a change of pool " + name
                + " broke off, how much of it was done is not known (" + thrown + "); export and import the pool", thrown));
    }

    void add(Lvol lvol) {
        Lvol before = lvols.put(lvol.name(), lvol);
        assert before == null;
    }

    void remove(Lvol lvol) {
        Lvol removed = lvols.remove(lvol.name());
        assert removed == lvol;
        deletions.ended(lvol);
    }

    /** Makes the bdev of a usable volume known. A name clash leaves the volume unusable, with the reason. */
    void publish(Lvol lvol) {
        LvolBdev bdev = new LvolBdev(lvol, device.descriptor());
        try {
            registry.register(bdev);
            lvol.bdev(bdev);
        } catch (OperationException e) {
            lvol.unusable(registry.find(lvol.uuid()) instanceof LvolBdev other
                    ? "volume " + other.lvol() + " has the same UUID (" + lvol.uuid() + ") and is open; to use this one, export the pool of that"
                    + " one, then export and import this pool" : e.getMessage());
        }
    }

    List<Lvol> openLvols() {
        List<Lvol> open = new ArrayList<>();
        for (Lvol lvol : lvols.values()) {
            if (lvol.bdev() != null && lvol.bdev().isOpen()) {
                open.add(lvol);
            }
        }
        return open;
    }

    static OperationException faulted() {
        return OperationException.precondition("pool-faulted",
                "an earlier write of the pool's metadata failed; export and import the pool again");
    }

    static int statusOf(OperationException failure) {
        return failure.code().equals(CODE_METADATA_FULL) || failure.code().equals(CODE_NO_SPACE) ? STATUS_CAPACITY_EXCEEDED
                : STATUS_POOL_FAULTED;
    }

    static void assertControl() {
        assert Reactor.current() != null;
        assert Reactor.current().index() == 0;
    }

    @Override
    public String toString() {
        return name;
    }
}
