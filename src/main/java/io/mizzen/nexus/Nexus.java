package io.mizzen.nexus;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Mthread;
import io.mizzen.rebuild.RebuildLeg;
import io.mizzen.rebuild.RebuildRecord;
import io.mizzen.rebuild.RebuildSettings;
import io.mizzen.rebuild.WorkerChooser;
import io.mizzen.util.Completion;
import io.mizzen.util.HotPath;
import io.mizzen.util.OperationException;
import java.util.List;
import java.util.function.Consumer;

/**
 * A mirror: one block device over several children. Every write goes to all healthy children and is acknowledged when
 * each child that is still healthy holds it; reads go to the best one and are tried on another if they fail. A child
 * that fails is first stored as failed, then detached everywhere, and only then is the write acknowledged.
 *
 * <pre>
 * OPENING → OPEN → CLOSING → CLOSED
 * </pre>
 *
 * Home mthread (on the control reactor), but for what says otherwise. {@link #open} brings one up, {@link #close} or
 * {@link #destroy} ends it.
 */
public final class Nexus extends Bdev {
    private enum Life {
        OPENING, OPEN, CLOSING, CLOSED
    }

    private final NexusEnvironment environment;
    private final Label label;
    private final NexusChildren children;
    private final ChildOperations operations;
    private final Rebuilds rebuilds;
    private final ReadRepair repairs;
    private final ConfigPublisher publisher;
    private final Membership membership;
    private final CacheLoss cacheLoss = new CacheLoss(this);
    private final DmaBuffer pageBuffer;
    private final long sweepPeriodNs;
    private final boolean unmap;
    private volatile DirtyTracking tracking;
    private volatile Life life = Life.OPENING;
    private boolean erase;
    private long resyncs;

    Nexus(NexusEnvironment environment, NexusParameters parameters, NexusMetadata metadata, NexusChild[] members,
            DmaBuffer pageBuffer, long[] dirtyBits, long dirtySequence) {
        super(metadata.name(), metadata.uuid(), "nexus", metadata.blockSizeBytes(),
                metadata.sizeBytes() / metadata.blockSizeBytes());
        this.environment = environment;
        this.label = metadata.label();
        this.children = new NexusChildren(members);
        this.operations = new ChildOperations(this);
        this.rebuilds = new Rebuilds(this, parameters.rebuild());
        this.repairs = new ReadRepair(this);
        this.membership = new Membership(this, members, metadata);
        this.pageBuffer = pageBuffer;
        this.sweepPeriodNs = parameters.sweepPeriodNs();
        this.tracking = newTracking(new DirtyGeometry(metadata.sizeBytes(), metadata.blockSizeBytes(),
                metadata.regionShift()), metadata.dirtyEpoch(), dirtyBits, dirtySequence);
        List<NexusChild> there = List.of(members).stream().filter(NexusChild::isAttached).toList();
        this.unmap = there.stream().allMatch(NexusChild::unmapsToZeroes);
        boolean caches = there.stream().anyMatch(child -> child.bdev().hasVolatileCache());
        this.publisher = new ConfigPublisher(this, members, caches, new FreezeWatch(this, parameters.freezeTimeoutNs()),
                tracking.map());
    }

    private void setLife(Life next) {
        assert next.ordinal() == life.ordinal() + 1;
        life = next;
    }

    /**
     * Creates a nexus over bdevs, or assembles the one that they carry. Home mthread.
     *
     * @param children the bdevs; the order is that of the members on creation and means nothing on assembly
     * @param done the nexus, registered and usable; or the reason why not, and then nothing is held
     */
    public static void open(NexusEnvironment environment, NexusParameters parameters, List<Bdev> children,
            Completion<Nexus> done) {
        new NexusOpener(environment, parameters, children, done).start();
    }

    /** Closes a nexus that was never registered. */
    void abandon(Completion<Void> done) {
        setLife(Life.OPEN);
        setLife(Life.CLOSING);
        new NexusCloser(this, false, done).start();
    }

    /** The nexus is complete: hosts may come. */
    void onOpened() {
        setLife(Life.OPEN);
        tracking.start();
    }

    // --- bdev -----------------------------------------------------------------------------------------

    @Override
    public boolean supports(int ioType) {
        return switch (ioType) {
            case IoType.READ, IoType.VERIFY, IoType.WRITE, IoType.FLUSH, IoType.WRITE_ZEROES, IoType.RESET -> true;
            case IoType.UNMAP -> unmap;
            default -> false;
        };
    }

    @Override
    public boolean unmapReadsZeroes() {
        return false;           // A child that does not may join later; then it is a hint that nobody takes.
    }

    @Override
    public boolean zeroesDeallocate() {
        return unmap;           // Then each child for itself; an unmap that is no more than a hint gives nothing back.
    }

    @Override
    public int depth() {
        int deepest = 0;
        for (NexusChild child : children.all()) {
            if (child.isAttached()) {
                deepest = Math.max(deepest, child.bdev().depth());
            }
        }
        return deepest + 1;
    }

    /** As it was when the nexus was opened: hosts ask once. A child with a cache that comes later is written through. */
    @Override
    public boolean hasVolatileCache() {
        return publisher.isCacheKnown();
    }

    @Override
    public boolean isTestOnly() {
        return List.of(children.all()).stream().anyMatch(child -> child.isAttached() && child.bdev().isTestOnly());
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new NexusChannel(this, mthread);
    }

    /** Closes: hosts are told, and when they have closed, the children are left clean. Home mthread. */
    public void close(Completion<Void> done) {
        if (isRemoved() || life != Life.OPEN && life != Life.CLOSED) {
            done.fail(closing());
            return;
        }
        boolean shut = life == Life.CLOSED;
        environment.registry().unregister(this, done);
        if (shut) {
            resume(home(), (resumed, none) -> { });     // What hosts wait for fails now.
        } else {
            publisher.giveUp();
        }
    }

    /** Closes, and removes the metadata from the children that are present: their data stays, the nexus is gone. */
    public void destroy(Completion<Void> done) {
        if (life == Life.OPEN || life == Life.CLOSED) {
            erase = true;
        }
        close(done);
    }

    /**
     * Shuts down without an error for hosts: what they send waits from now on, copying ends, the children are left clean
     * and closed. Afterwards the nexus can only be closed or destroyed; what waits fails then.
     *
     * @param done when it is so; {@code nexus-closed-unclean}: the children are closed, and made equal by the next assembly
     */
    public void shutdown(Completion<Void> done) {
        if (life == Life.CLOSED && !isRemoved()) {
            done.ok(null);
            return;
        }
        if (life != Life.OPEN || isRemoved()) {
            done.fail(closing());
            return;
        }
        setLife(Life.CLOSING);
        event("nexus-shutting-down");
        pause(home(), (paused, none) -> {
            publisher.giveUp();         // What waited for a child waits with the rest.
            new NexusCloser(this, false, done).start();
        });
    }

    @Override
    protected void onDestroy(Completion<Void> done) {
        if (life != Life.CLOSED) {
            setLife(Life.CLOSING);
            new NexusCloser(this, erase, done).start();
        } else if (erase) {
            NexusCloser.eraseShut(this, done);
        } else {
            done.ok(null);
        }
    }

    void onClosed() {
        setLife(Life.CLOSED);
    }

    OperationException closing() {
        return OperationException.precondition("nexus-closing", "nexus " + name() + " is being closed");
    }

    /** Refuses what a nexus that is closing does not begin any more. */
    void checkOpen() {
        if (life != Life.OPEN || isRemoved()) {
            throw closing();
        }
    }

    // --- children ----------------------------------------------------------------------------------

    boolean isOpenNow() {
        return life == Life.OPEN;
    }

    /** Runs an operation unless it is refused at once; its end is waited for when the nexus closes. */
    private void operate(Completion<Void> done, Consumer<Completion<Void>> operation) {
        try {
            checkOpen();
        } catch (OperationException refusal) {
            done.fail(refusal);
            return;
        }
        Completion<Void> counted = operations.begin(done);
        try {
            operation.accept(counted);
        } catch (OperationException refusal) {
            counted.fail(refusal);
        }
    }

    /**
     * Makes a bdev a new child: it receives all writes from the moment that it is stored as a member that is being made
     * equal, and everything is copied to it. Home mthread, as all operations on children.
     *
     * @param done when its rebuild has begun; {@code child-too-small}, {@code child-block-size}, {@code child-in-nexus},
     *     {@code child-is-member}, {@code nexus-children-max}, {@code no-healthy-source}, {@code bdev-claimed},
     *     {@code child-unreadable}, {@code child-unwritable}
     */
    public void addChild(Bdev bdev, Completion<Void> done) {
        operate(done, counted -> ChildJoin.add(this, bdev, counted));
    }

    /**
     * Takes a child out for good: it is stored as gone, then left out, then its metadata is erased as far as that goes.
     *
     * @param bdevName name of the child's bdev, or the member's UUID where it has none
     * @param done when its bdev is free; {@code child-not-found}, {@code last-healthy-child}, {@code no-healthy-child},
     *     {@code child-is-source}
     */
    public void removeChild(String bdevName, Completion<Void> done) {
        operate(done, counted -> operations.remove(bdevName, counted));
    }

    /**
     * Takes a child out for a while: it is stored as offline, closed, and what it misses is noted.
     *
     * @param bdevName name of the child's bdev, or the member's UUID where it has none
     * @param done when its bdev is free; {@code child-not-found}, {@code last-healthy-child}, {@code child-is-source}
     */
    public void offlineChild(String bdevName, Completion<Void> done) {
        operate(done, counted -> operations.takeOut(bdevName, FaultReason.OFFLINE, true, counted));
    }

    /**
     * Brings a member back, whatever took it out, and whatever its bdev is called now: what it missed is copied to it, or
     * everything if that is not known. The last healthy child, that was lost, is healthy at once, and hosts go on.
     *
     * @param done when its rebuild has begun; {@code child-not-member}, {@code child-duplicate}, {@code child-too-small},
     *     {@code child-block-size}, {@code child-not-same}, {@code no-healthy-source}, {@code bdev-claimed},
     *     {@code child-unreadable}
     */
    public void onlineChild(Bdev bdev, Completion<Void> done) {
        operate(done, counted -> ChildJoin.online(this, bdev, counted));
    }

    /**
     * Takes a child out by hand as failed; refused for the last healthy one.
     *
     * @param bdevName name of the child's bdev, or the member's UUID where it has none
     * @param done when it is stored and in effect; {@code child-not-found}, {@code last-healthy-child}
     */
    public void faultChild(String bdevName, Completion<Void> done) {
        operate(done, counted -> operations.takeOut(bdevName, FaultReason.ADMINISTRATIVE, false, counted));
    }

    /** Goes on with a child's rebuild that was stopped by hand; {@code rebuild-not-found} as for the others. */
    public void startRebuild(String bdevName, Completion<Void> done) {
        order(bdevName, Rebuilds.Order.START, done);
    }

    /** Holds a child's rebuild, or its verification. */
    public void pauseRebuild(String bdevName, Completion<Void> done) {
        order(bdevName, Rebuilds.Order.PAUSE, done);
    }

    /** Goes on after {@link #pauseRebuild}. */
    public void resumeRebuild(String bdevName, Completion<Void> done) {
        order(bdevName, Rebuilds.Order.RESUME, done);
    }

    /** Ends a child's rebuild, which can be started again and goes on from there, or its verification. */
    public void stopRebuild(String bdevName, Completion<Void> done) {
        order(bdevName, Rebuilds.Order.STOP, done);
    }

    private void order(String bdevName, Rebuilds.Order order, Completion<Void> done) {
        operate(done, counted -> {
            rebuilds.order(operations.find(bdevName), order);
            counted.ok(null);
        });
    }

    /** Compares a healthy child with another one; what differs is in the history afterwards. */
    public void verifyChild(String bdevName, Completion<Void> done) {
        operate(done, counted -> {
            rebuilds.verify(operations.find(bdevName));
            counted.ok(null);
        });
    }

    /**
     * Makes the nexus larger while hosts use it.
     *
     * @param done when hosts see it; {@code nexus-size-invalid}, {@code nexus-shrink-refused}, {@code child-too-small}
     *     (says the size that children need), {@code no-healthy-child}, {@code nexus-resizing}
     */
    public void resize(long sizeBytes, Completion<Void> done) {
        operate(done, counted -> operations.resize(sizeBytes, counted));
    }

    /** How rebuilds go about it from now on, those under way too. Home mthread. */
    public void setRebuildSettings(RebuildSettings settings) {
        rebuilds.setSettings(settings);
    }

    /** How long hosts wait while no healthy child is there, from the next time on. Home mthread. */
    public void setFreezeTimeoutNs(long timeoutNs) {
        publisher.setFreezeTimeoutNs(timeoutNs);
    }

    public RebuildSettings rebuildSettings() {
        return rebuilds.settings();
    }

    /** The picture of the children is another one: closes those that are out, and copies if there is need. */
    void onMembersChanged() {
        for (NexusChild child : children.all()) {
            if (!child.isAttached() && !child.isClosed()) {
                rebuilds.addSuspects(child);
            }
        }
        operations.closeDetached();
        resync().stopThen(() -> resync().consider());
        rebuilds.onMembersChanged();
    }

    /** Ends all copying from and to a child, for now; {@code then} runs when that is so. */
    void stopCopying(NexusChild child, Runnable then) {
        Countdown left = new Countdown(then);
        left.add();
        left.add();
        left.add();
        rebuilds.stopUsing(child, left::end);       // At once: a window may wait for a write that the child has failed.
        resync().stopThen(left::end);
        repairs.stopThen(left::end);
        left.end();
    }

    /** Publishes who is in, and waits until every channel has adopted it. */
    void publishConfig(Runnable adopted) {
        resync().beforeSourceChanges(() -> publisher.publish(adopted));
    }

    /** Makes the next healthy child the source of resynchronisation, which is not under way. */
    void rotateSource() {
        publisher.rotateSource();
    }

    void onResynced() {
        resyncs++;
    }

    // --- for the parts of the nexus ------------------------------------------------------------------

    @HotPath
    NexusConfig config() {
        return publisher.config();
    }

    @HotPath
    Mthread home() {
        return environment.home();
    }

    WorkerChooser copier() {
        return environment.copier();
    }

    @HotPath
    Membership membership() {
        return membership;
    }

    DirtyTracking tracking() {
        return tracking;
    }

    /** Another map, with what belongs to it; not in effect yet. */
    DirtyTracking newTracking(DirtyGeometry geometry, int epoch, long[] storedBits, long sequence) {
        return new DirtyTracking(this, geometry, epoch, pageBuffer, storedBits, sequence, sweepPeriodNs);
    }

    /** In effect with the next picture; nothing is in flight. */
    void setTracking(DirtyTracking next) {
        tracking = next;
    }

    void growTo(long sizeBytes) {
        setBlockCount(sizeBytes >>> blockShift());
    }

    DirtyMap dirtyMap() {
        return tracking.map();
    }

    DirtyKeeper dirtyKeeper() {
        return tracking.keeper();
    }

    Resync resync() {
        return tracking.resync();
    }

    @HotPath
    ReadRepair repairs() {
        return repairs;
    }

    Rebuilds rebuilds() {
        return rebuilds;
    }

    @HotPath
    CacheLoss cacheLoss() {
        return cacheLoss;
    }

    ChildOperations operations() {
        return operations;
    }

    NexusEnvironment environment() {
        return environment;
    }

    NexusChildren childrenTable() {
        return children;
    }

    /** The members, by place. */
    NexusChild[] children() {
        return children.all();
    }

    /** Who has a place: a member, one that is joining or leaving, or null. */
    NexusChild child(int place) {
        return children.at(place);
    }

    /** The child as a leg of what is copied. */
    RebuildLeg leg(NexusChild child) {
        return new RebuildLeg(child.descriptor(), label.dataOffsetBytes() >>> blockShift());
    }

    /** The child that suspect regions are read from, or -1. */
    int source() {
        return publisher.source();
    }

    int usableMask() {
        return children.usableMask();
    }

    int attachedMask() {
        return children.attachedMask();
    }

    long wallClockMs() {
        return environment.wallClockMs().getAsLong();
    }

    void event(String text) {
        environment.events().onEvent(this, text);
    }

    // --- views ----------------------------------------------------------------------------------------

    /** Any thread. */
    public Label label() {
        return label;
    }

    /** Any thread. */
    public NexusState state() {
        if (life != Life.OPEN) {
            return NexusState.SHUTDOWN;
        }
        NexusConfig now = config();
        if (now.readers == 0 || now.writesBlocked) {
            return NexusState.FAULTED;
        }
        boolean whole = Integer.bitCount(now.readers) == children.all().length && dirtyMap().suspectCount() == 0;
        return whole ? NexusState.ONLINE : NexusState.DEGRADED;
    }

    /** The newest generation stored on all healthy members. */
    public long generation() {
        return membership.stored().generation();
    }

    /** The children, in the order of the members. Any thread. */
    public List<ChildStatus> childStatuses() {
        return NexusViews.children(this);
    }

    /** The rebuilds and verifications under way. Any thread. */
    public List<RebuildStatus> rebuildStatuses() {
        return rebuilds.statuses();
    }

    /** The jobs that have ended, oldest first; a rebuild that went over to another source is several. Any thread. */
    public List<RebuildRecord> rebuildHistory() {
        return rebuilds.history().records();
    }

    /** Blocks that were rewritten because one child could not read them. Any thread. */
    public long repairedBlocks() {
        return repairs.repairedBlocks();
    }

    /** Repairs that were not possible. Any thread. */
    public long repairFailures() {
        return repairs.failures();
    }

    /** Whether no healthy child takes the metadata: nothing is acknowledged meanwhile. Any thread. */
    public boolean isMetadataBlocked() {
        return config().writesBlocked;
    }

    /** I/Os that wait for a healthy child. Any thread, approximate. */
    public int frozenIos() {
        return NexusViews.frozenIos(this);
    }

    /** Regions that are marked dirty. Any thread. */
    public int dirtyRegions() {
        return dirtyMap().durableCount();
    }

    /** Regions in which the legs may differ and that are yet to be copied. Any thread. */
    public int suspectRegions() {
        return dirtyMap().suspectCount();
    }

    /** Pages of the dirty map written. Any thread, approximate. */
    public long dirtyPageWrites() {
        return dirtyKeeper().pageWrites();
    }

    /** Blocks copied by the resynchronisation under way, or the last one. Any thread. */
    public long resyncCopiedBlocks() {
        return resync().copiedBlocks();
    }

    /** Blocks that it set out to copy. Any thread. */
    public long resyncTotalBlocks() {
        return resync().plannedBlocks();
    }

    /** Resynchronisations that completed. */
    public long resyncs() {
        return resyncs;
    }
}
