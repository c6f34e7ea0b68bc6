package io.mizzen.nexus;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Message;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.rebuild.RebuildLeg;
import io.mizzen.rebuild.RebuildRecord;
import io.mizzen.rebuild.RebuildSettings;
import io.mizzen.rebuild.WorkerChooser;
import io.mizzen.util.Completion;
import io.mizzen.util.HotPath;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

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
    private final FreezeWatch freeze;
    private final DirtyMap dirtyMap;
    private final DirtyKeeper keeper;
    private final DirtySweep sweep;
    private final Membership membership;
    private final Resync resync;
    private final boolean unmap;
    private final boolean cache;
    private volatile NexusConfig config;
    private volatile Life life = Life.OPENING;
    private volatile int source = -1;
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
        this.freeze = new FreezeWatch(this, parameters.freezeTimeoutNs());
        this.dirtyMap = new DirtyMap(new DirtyGeometry(metadata.sizeBytes(), metadata.blockSizeBytes(),
                metadata.regionShift()));
        this.membership = new Membership(this, members, metadata);
        this.keeper = new DirtyKeeper(this, dirtyMap, pageBuffer, dirtyBits, dirtySequence);
        this.sweep = new DirtySweep(this, dirtyMap, keeper, parameters.sweepPeriodNs());
        this.resync = new Resync(this, dirtyMap);
        boolean all = true;
        boolean any = false;
        for (NexusChild child : members) {
            all &= !child.isAttached() || child.unmapsToZeroes();
            any |= child.isAttached() && child.bdev().hasVolatileCache();
        }
        this.unmap = all;
        this.cache = any;
        chooseSource();
        this.config = new NexusConfig(members, source, cache, false, false);
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

    /** Before hosts come: the legs may differ in these regions. */
    void markSuspect(long[] words) {
        for (int word = 0; word < words.length; word++) {
            for (long rest = words[word]; rest != 0; rest &= rest - 1) {
                int region = (word << 6) + Long.numberOfTrailingZeros(rest);
                dirtyMap.markSuspect(region, region);
            }
        }
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
        sweep.start();
        resync.consider();
    }

    // --- bdev -----------------------------------------------------------------------------------------

    @Override
    public boolean supports(int ioType) {
        return switch (ioType) {
            case IoType.READ, IoType.WRITE, IoType.FLUSH, IoType.WRITE_ZEROES, IoType.RESET -> true;
            case IoType.UNMAP -> unmap;
            default -> false;
        };
    }

    @Override
    public boolean unmapReadsZeroes() {
        return false;           // A child that does not may join later; then it is a hint that nobody takes.
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
        return cache;
    }

    @Override
    public boolean isTestOnly() {
        for (NexusChild child : children.all()) {
            if (child.isAttached() && child.bdev().isTestOnly()) {
                return true;
            }
        }
        return false;
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new NexusChannel(this, mthread);
    }

    /** Closes: hosts are told, and when they have closed, the children are left clean. Home mthread. */
    public void close(Completion<Void> done) {
        if (life != Life.OPEN || isRemoved()) {
            done.fail(closing());
            return;
        }
        freeze.giveUp();
        environment.registry().unregister(this, done);
        publishConfig(() -> { });           // Nobody waits for a child any more.
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

    /** Closes, and removes the metadata from the children that are present: their data stays, the nexus is gone. */
    public void destroy(Completion<Void> done) {
        if (life == Life.OPEN) {
            erase = true;
        }
        close(done);
    }

    @Override
    protected void onDestroy(Completion<Void> done) {
        setLife(Life.CLOSING);
        new NexusCloser(this, erase, done).start();
    }

    void onClosed() {
        setLife(Life.CLOSED);
    }

    // --- children ----------------------------------------------------------------------------------

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
     * @param done when its bdev is free; {@code child-not-found}, {@code last-healthy-child}, {@code no-healthy-child}
     */
    public void removeChild(String bdevName, Completion<Void> done) {
        operate(done, counted -> operations.remove(bdevName, counted));
    }

    /**
     * Takes a child out for a while: it is stored as offline, closed, and what it misses is noted.
     *
     * @param bdevName name of the child's bdev, or the member's UUID where it has none
     * @param done when its bdev is free; {@code child-not-found}, {@code last-healthy-child}
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

    /** Goes on with a child's rebuild that was stopped by hand. */
    public void startRebuild(String bdevName, Completion<Void> done) {
        order(bdevName, done, (rebuild, verify) -> {
            if (rebuild != null) {
                rebuild.startAgain();
            }
        });
    }

    /** Holds a child's rebuild, or its verification. */
    public void pauseRebuild(String bdevName, Completion<Void> done) {
        order(bdevName, done, (rebuild, verify) -> {
            if (rebuild != null) {
                rebuild.pause();
            } else {
                verify.pause();
            }
        });
    }

    /** Goes on after {@link #pauseRebuild}. */
    public void resumeRebuild(String bdevName, Completion<Void> done) {
        order(bdevName, done, (rebuild, verify) -> {
            if (rebuild != null) {
                rebuild.resume();
            } else {
                verify.resume();
            }
        });
    }

    /** Ends a child's rebuild, which can be started again and goes on from there, or its verification. */
    public void stopRebuild(String bdevName, Completion<Void> done) {
        order(bdevName, done, (rebuild, verify) -> {
            if (rebuild != null) {
                rebuild.stop();
            } else {
                verify.stop(() -> { });
            }
        });
    }

    private void order(String bdevName, Completion<Void> done, BiConsumer<ChildRebuild, ChildVerify> order) {
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

    /** How rebuilds go about it from now on, those under way too. Home mthread. */
    public void setRebuildSettings(RebuildSettings settings) {
        rebuilds.setSettings(settings);
    }

    /** How long hosts wait while no healthy child is there, from the next time on. Home mthread. */
    public void setFreezeTimeoutNs(long timeoutNs) {
        freeze.setTimeoutNs(timeoutNs);
    }

    public RebuildSettings rebuildSettings() {
        return rebuilds.settings();
    }

    /** A child's device is gone. */
    void onChildRemoved(Bdev bdev) {
        operations.onRemoved(bdev);
    }

    /** A child's size changed. */
    void onChildResized(Bdev bdev) {
        long needed = label.childBytesNeeded(sizeBytes(), blockSizeBytes());
        event("child-resized child=" + bdev.name() + " size=" + bdev.sizeBytes() + " needed=" + needed);
    }

    /** The picture of the children is another one: closes those that are out, and copies if there is need. */
    void onMembersChanged() {
        for (NexusChild child : children.all()) {
            if (!child.isAttached() && !child.isClosed()) {
                rebuilds.addSuspects(child);
            }
        }
        operations.closeDetached();
        resync.stopThen(resync::consider);
        rebuilds.onMembersChanged();
    }

    /** Ends all copying from and to a child, for now; {@code then} runs when that is so. */
    void stopCopying(NexusChild child, Runnable then) {
        resync.stopThen(() -> rebuilds.stopUsing(child, () -> repairs.stopThen(then)));
    }

    /** Publishes who is in, and waits until every channel has adopted it. */
    void publishConfig(Runnable adopted) {
        resync.beforeSourceChanges(() -> publishNow(adopted));
    }

    private void publishNow(Runnable adopted) {
        chooseSource();
        freeze.update(children.usableMask() == 0 || membership.isBlocked());
        config = new NexusConfig(children.all(), source, cache, membership.isBlocked(), freeze.isLost());
        forEachChannel((channel, iteration) -> {
            ((NexusChannel) channel).adoptConfig();
            iteration.next();
        }, home(), (value, failure) -> adopted.run());
    }

    private void chooseSource() {
        if (source >= 0 && children.at(source) != null && children.at(source).isUsable()) {
            return;
        }
        source = -1;
        for (NexusChild child : children.all()) {
            if (child.isUsable()) {
                source = child.index();
                return;
            }
        }
    }

    /** Makes the next healthy child the source of resynchronisation, which is not under way. */
    void rotateSource() {
        for (int i = 1; i <= NexusChildren.PLACE_COUNT; i++) {
            NexusChild next = children.at((source + i) % NexusChildren.PLACE_COUNT);
            if (next != null && next.isUsable()) {
                source = next.index();
                break;
            }
        }
        publishConfig(() -> { });
    }

    void onResynced() {
        resyncs++;
    }

    /** A channel met too many read errors of a child in a row. Any reactor. */
    void reportReadErrors(int child, Reactor reactor) {
        post(reactor, index -> {
            NexusChild failing = children.at(index);
            if (failing != null && failing.isUsable()) {
                membership.requestFault(index, FaultReason.IO_ERROR, () -> { });
            }
        }, child);
    }

    /** A channel marked regions as suspect. Any reactor. */
    void reportSuspect(Reactor reactor) {
        post(reactor, ignored -> {
            if (life == Life.OPEN) {
                resync.consider();
            }
        }, 0);
    }

    private void post(Reactor reactor, IntConsumer work, int argument) {
        home().send(new Message() {
            @Override
            public void run() {
                work.accept(argument);
            }
        }, reactor);
    }

    // --- for the parts of the nexus ------------------------------------------------------------------

    @HotPath
    NexusConfig config() {
        return config;
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

    DirtyMap dirtyMap() {
        return dirtyMap;
    }

    DirtyKeeper dirtyKeeper() {
        return keeper;
    }

    DirtySweep sweep() {
        return sweep;
    }

    Resync resync() {
        return resync;
    }

    @HotPath
    ReadRepair repairs() {
        return repairs;
    }

    Rebuilds rebuilds() {
        return rebuilds;
    }

    ChildOperations operations() {
        return operations;
    }

    FreezeWatch freeze() {
        return freeze;
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
        return source;
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
        NexusConfig now = config;
        if (now.readers == 0 || now.writesBlocked) {
            return NexusState.FAULTED;
        }
        boolean whole = Integer.bitCount(now.readers) == children.all().length && dirtyMap.suspectCount() == 0;
        return whole ? NexusState.ONLINE : NexusState.DEGRADED;
    }

    /** The newest generation stored on all healthy members. */
    public long generation() {
        return membership.stored().generation();
    }

    /** The children, in the order of the members. Any thread. */
    public List<ChildStatus> childStatuses() {
        List<ChildStatus> list = new ArrayList<>();
        boolean suspects = dirtyMap.suspectCount() != 0;
        for (NexusChild child : children.all()) {
            ChildCounters sum = new ChildCounters();
            child.sumCounters(sum);
            for (IoChannel channel : channels()) {
                ((NexusChannel) channel).sumCounters(child, sum);
            }
            boolean usable = child.isUsable();
            list.add(new ChildStatus(child.index(), child.name(), child.memberUuid(), child.state(), child.reason(),
                    usable && suspects && child.index() != source, child.isAttached(),
                    child.isLocal(), child.changedAtMs(), sum.reads, sum.readErrors,
                    sum.readRetries, sum.writes, sum.writeErrors));
        }
        return list;
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

    /** I/Os that wait for a healthy child. Any thread, approximate. */
    public int frozenIos() {
        int sum = 0;
        for (IoChannel channel : channels()) {
            sum += ((NexusChannel) channel).frozenCount();
        }
        return sum;
    }

    /** Regions that are marked dirty. Any thread. */
    public int dirtyRegions() {
        return dirtyMap.durableCount();
    }

    /** Regions in which the legs may differ and that are yet to be copied. Any thread. */
    public int suspectRegions() {
        return dirtyMap.suspectCount();
    }

    /** Pages of the dirty map written. Any thread, approximate. */
    public long dirtyPageWrites() {
        return keeper.pageWrites();
    }

    /** Blocks copied by the resynchronisation under way, or the last one. Any thread. */
    public long resyncCopiedBlocks() {
        return resync.copiedBlocks();
    }

    /** Blocks that it set out to copy. Any thread. */
    public long resyncTotalBlocks() {
        return resync.plannedBlocks();
    }

    /** Resynchronisations that completed. */
    public long resyncs() {
        return resyncs;
    }
}
