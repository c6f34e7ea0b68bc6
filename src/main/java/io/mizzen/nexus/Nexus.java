package io.mizzen.nexus;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.reactor.Message;
import io.mizzen.reactor.Mthread;
import io.mizzen.reactor.Reactor;
import io.mizzen.rebuild.WorkerChooser;
import io.mizzen.util.Completion;
import io.mizzen.util.HotPath;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;
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
    private final NexusChild[] children;
    private final DirtyMap dirtyMap;
    private final DirtyKeeper keeper;
    private final DirtySweep sweep;
    private final Membership membership;
    private final Resync resync;
    private final ChildCounters[] closedCounters;
    private final boolean unmap;
    private volatile NexusConfig config;
    private volatile Life life = Life.OPENING;
    private volatile int source = -1;
    private int closingChildren;
    private Runnable whenChildrenClosed;
    private boolean erase;
    private long resyncs;

    Nexus(NexusEnvironment environment, NexusMetadata metadata, NexusChild[] children, DmaBuffer pageBuffer,
            long[] dirtyBits, long dirtySequence, long sweepPeriodNs) {
        super(metadata.name(), metadata.uuid(), "nexus", metadata.blockSizeBytes(),
                metadata.sizeBytes() / metadata.blockSizeBytes());
        this.environment = environment;
        this.label = metadata.label();
        this.children = children;
        this.dirtyMap = new DirtyMap(new DirtyGeometry(metadata.sizeBytes(), metadata.blockSizeBytes(),
                metadata.regionShift()));
        this.membership = new Membership(this, children, metadata);
        this.keeper = new DirtyKeeper(this, dirtyMap, pageBuffer, dirtyBits, dirtySequence);
        this.sweep = new DirtySweep(this, dirtyMap, keeper, sweepPeriodNs);
        this.resync = new Resync(this, dirtyMap);
        this.closedCounters = new ChildCounters[children.length];
        java.util.Arrays.setAll(closedCounters, i -> new ChildCounters());
        boolean all = true;
        for (NexusChild child : children) {
            all &= !child.isAttached() || child.unmapsToZeroes();
        }
        this.unmap = all;
        chooseSource();
        this.config = new NexusConfig(children, source, false);
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
        for (NexusChild child : children) {
            if (child.isAttached()) {
                deepest = Math.max(deepest, child.bdev().depth());
            }
        }
        return deepest + 1;
    }

    @Override
    public boolean hasVolatileCache() {
        for (NexusChild child : children) {
            if (child.isAttached() && child.bdev().hasVolatileCache()) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean isTestOnly() {
        for (NexusChild child : children) {
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
        if (life != Life.OPEN) {
            done.fail(OperationException.precondition("nexus-closing", "nexus " + name() + " is being closed already"));
            return;
        }
        environment.registry().unregister(this, done);
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

    /**
     * Takes a child out by hand; refused for the last healthy one.
     *
     * @param bdevName name of the child's bdev
     * @param done when it is stored and in effect
     */
    public void faultChild(String bdevName, Completion<Void> done) {
        NexusChild child = find(bdevName);
        if (child == null) {
            done.fail(OperationException.notFound("child-not-found", "nexus " + name() + " has no child " + bdevName));
            return;
        }
        if (child.state() == MemberState.FAULTED) {
            done.ok(null);
            return;
        }
        membership.requestFault(child.index(), FaultReason.ADMINISTRATIVE, () -> {
            if (child.state() == MemberState.FAULTED) {
                done.ok(null);
            } else if (membership.isBlocked()) {
                done.fail(OperationException.internal("nexus-metadata-not-stored",
                        "the fault of child " + bdevName + " could not be stored on any other child"));
            } else {
                done.fail(OperationException.precondition("last-healthy-child", "child " + bdevName
                        + " is the last healthy child of nexus " + name() + "; add or rebuild another one first"));
            }
        });
    }

    private NexusChild find(String bdevName) {
        for (NexusChild child : children) {
            if (bdevName.equals(child.name())) {
                return child;
            }
        }
        return null;
    }

    /** A child's device is gone. */
    void onChildRemoved(Bdev bdev) {
        NexusChild child = find(bdev.name());
        if (child == null || child.isClosed() || !child.isAttached()) {
            return;
        }
        event("child-removed child=" + child.name());
        membership.onLost(child.index());
        membership.requestFault(child.index(), FaultReason.REMOVED, () -> {
            if (child.isAttached()) {
                // The last healthy one: the metadata keeps it healthy, but there is nothing to send I/O to.
                child.detach();
                publishConfig(this::onMembersChanged);
            }
        });
    }

    /** A child's size changed. */
    void onChildResized(Bdev bdev) {
        long needed = label.childBytesNeeded(sizeBytes(), blockSizeBytes());
        event("child-resized child=" + bdev.name() + " size=" + bdev.sizeBytes() + " needed=" + needed);
    }

    /** The picture of the children is another one: closes those that are out, and copies if there is need. */
    void onMembersChanged() {
        for (NexusChild child : children) {
            if (!child.isAttached() && !child.isClosed() && child.beginClosing()) {
                closingChildren++;
                resync.stopThen(() -> closeChild(child));
            }
        }
        resync.stopThen(resync::consider);
    }

    private void closeChild(NexusChild child) {
        forEachChannel((channel, iteration) -> ((NexusChannel) channel).closeChild(child.index(), iteration), home(),
                (value, failure) -> child.whenHomeIdle(() -> {
                    child.close();
                    event("child-closed child=" + child.name());
                    if (--closingChildren == 0 && whenChildrenClosed != null) {
                        Runnable now = whenChildrenClosed;
                        whenChildrenClosed = null;
                        now.run();
                    }
                }));
    }

    /** Runs it when no child is being closed. */
    void whenChildrenClosed(Runnable then) {
        if (closingChildren == 0) {
            then.run();
        } else {
            whenChildrenClosed = then;
        }
    }

    /** Publishes who is in, and waits until every channel has adopted it. */
    void publishConfig(Runnable adopted) {
        chooseSource();
        config = new NexusConfig(children, source, membership.isBlocked());
        forEachChannel((channel, iteration) -> {
            ((NexusChannel) channel).adoptConfig();
            iteration.next();
        }, home(), (value, failure) -> adopted.run());
    }

    private void chooseSource() {
        if (source >= 0 && children[source].isUsable()) {
            return;
        }
        source = -1;
        for (NexusChild child : children) {
            if (child.isUsable()) {
                source = child.index();
                return;
            }
        }
    }

    /** Makes the next healthy child the source of resynchronisation. */
    void rotateSource() {
        for (int i = 1; i <= children.length; i++) {
            NexusChild next = children[(source + i) % children.length];
            if (next.isUsable()) {
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
            if (children[index].isUsable()) {
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

    NexusChild[] children() {
        return children;
    }

    NexusChild child(int index) {
        return children[index];
    }

    int memberMax() {
        return children.length;
    }

    /** The child that suspect regions are read from, or -1. */
    int source() {
        return source;
    }

    int usableMask() {
        int mask = 0;
        for (NexusChild child : children) {
            mask |= child.isUsable() ? 1 << child.index() : 0;
        }
        return mask;
    }

    long wallClockMs() {
        return environment.wallClockMs().getAsLong();
    }

    void event(String text) {
        environment.events().onEvent(this, text);
    }

    void addClosedCounters(ChildCounters[] counters) {
        synchronized (closedCounters) {
            for (int i = 0; i < counters.length; i++) {
                closedCounters[i].add(counters[i]);
            }
        }
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
        boolean whole = Integer.bitCount(now.readers) == children.length && dirtyMap.suspectCount() == 0;
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
        for (NexusChild child : children) {
            ChildCounters sum = new ChildCounters();
            synchronized (closedCounters) {
                sum.add(closedCounters[child.index()]);
            }
            for (IoChannel channel : channels()) {
                sum.add(((NexusChannel) channel).counters(child.index()));
            }
            boolean usable = child.isUsable();
            list.add(new ChildStatus(child.index(), child.name(), child.memberUuid(), child.state(), child.reason(),
                    usable && suspects && child.index() != source, child.isAttached(),
                    child.isLocal(), child.changedAtMs(), sum.reads, sum.readErrors,
                    sum.readRetries, sum.writes, sum.writeErrors));
        }
        return list;
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
