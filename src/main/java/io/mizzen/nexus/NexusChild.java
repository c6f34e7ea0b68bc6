package io.mizzen.nexus;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.rebuild.SegmentMap;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * A child of a nexus: a member of its metadata and, if it is present, the bdev that carries it. One that is brought back
 * is another object in the same place. Home mthread only, but for what is final and what views read.
 *
 * <pre>
 * HEALTHY → FAULTED        (an error, removal or an administrator; stored before it takes effect)
 * SYNCING → FAULTED        (copying to it failed)
 * SYNCING → HEALTHY        (everything is copied, and that is stored)
 * </pre>
 */
final class NexusChild {
    private final int index;
    private final String name;
    private final UUID memberUuid;
    private final boolean local;
    private final Descriptor descriptor;
    private final IoChannel homeChannel;
    private final DmaBuffer slotBuffer;
    private final ChildCounters closedCounters = new ChildCounters();
    private final List<Runnable> whenClosed = new ArrayList<>();
    private volatile MemberState state;
    private volatile FaultReason reason;
    private volatile long changedAtMs;
    private volatile boolean attached;
    private volatile MissedLog missed;
    private boolean closing;
    private boolean closed;
    private SegmentMap lacksBefore;
    private boolean leaving;
    private boolean eraseOnClose;
    private int lastSlot;
    private NexusMetadata lastRecord;
    private int homeIos;
    private Runnable whenHomeIdle;

    /**
     * @param index its place
     * @param name the bdev's name, or null when the member is not among the children
     * @param opened the bdev, if it is to be used
     */
    NexusChild(int index, Member member, String name, boolean local, OpenedChild opened) {
        assert (opened != null) == (member.state() != MemberState.FAULTED);
        this.index = index;
        this.memberUuid = member.uuid();
        this.state = member.state();
        this.reason = member.reason();
        this.changedAtMs = member.changedAtMs();
        this.name = name;
        this.local = local;
        this.descriptor = opened == null ? null : opened.descriptor();
        this.homeChannel = opened == null ? null : opened.channel();
        this.slotBuffer = opened == null ? null : opened.buffer();
        this.lastSlot = opened == null ? 0 : opened.newestSlot();
        this.lastRecord = opened == null || opened.copy() == null ? null : opened.copy().metadata();
        this.attached = opened != null;
        this.closed = opened == null;
    }

    /** Changes the health. The caller has stored it, or is about to forget the child. */
    void setState(MemberState next, FaultReason nextReason, long nowMs) {
        assert state == MemberState.HEALTHY && next == MemberState.FAULTED
                || state == MemberState.SYNCING && next != MemberState.SYNCING;
        state = next;
        reason = nextReason;
        changedAtMs = nowMs;
    }

    /** It is out, and now for another reason, which is stored. */
    void setReason(FaultReason nextReason, long nowMs) {
        assert state == MemberState.FAULTED;
        reason = nextReason;
        changedAtMs = nowMs;
    }

    /** No I/O is to be sent to it any more. */
    void detach() {
        attached = false;
    }

    /**
     * What it misses is noted from the next picture on; nulls: it is not known, which stands for everything.
     *
     * @param before what it lacked before that
     */
    void setMissed(MissedLog log, SegmentMap before) {
        assert !attached;
        missed = log;
        lacksBefore = before;
    }

    /** What it lacked when it was left out. */
    SegmentMap lacksBefore() {
        return lacksBefore;
    }

    /** The log of what it misses, or null. Any thread. */
    MissedLog missed() {
        return missed;
    }

    /** Its removal is being stored: it is not brought back meanwhile. */
    void setLeaving(boolean isLeaving) {
        leaving = isLeaving;
    }

    boolean isLeaving() {
        return leaving;
    }

    /** It left for good: its metadata is erased before it is closed. */
    void eraseOnClose() {
        eraseOnClose = true;
    }

    boolean isErasedOnClose() {
        return eraseOnClose;
    }

    /** Whether closing begins now; false when it has begun before. */
    boolean beginClosing() {
        boolean begins = !closing;
        closing = true;
        return begins;
    }

    /** Gives back what it holds; its channels on other mthreads are closed. */
    void close() {
        assert !closed;
        assert !attached;
        closed = true;
        slotBuffer.close();
        homeChannel.close();
        descriptor.close();
        List<Runnable> now = List.copyOf(whenClosed);
        whenClosed.clear();
        now.forEach(Runnable::run);
    }

    /** Runs it once the child is closed. */
    void whenClosed(Runnable then) {
        if (closed) {
            then.run();
        } else {
            whenClosed.add(then);
        }
    }

    /** An I/O of the home mthread begins: metadata, map or flush. */
    void beginHomeIo() {
        assert !closed;
        homeIos++;
    }

    void endHomeIo() {
        if (--homeIos == 0 && whenHomeIdle != null) {
            Runnable now = whenHomeIdle;
            whenHomeIdle = null;
            now.run();
        }
    }

    /** Runs it once the home mthread has no I/O there. None may be begun afterwards. */
    void whenHomeIdle(Runnable then) {
        assert whenHomeIdle == null;
        assert !attached;
        if (homeIos == 0) {
            then.run();
        } else {
            whenHomeIdle = then;
        }
    }

    boolean isClosed() {
        return closed;
    }

    boolean isAttached() {
        return attached;
    }

    boolean isUsable() {
        return attached && state == MemberState.HEALTHY;
    }

    int index() {
        return index;
    }

    /** The bdev's name; null when the member is not present. */
    String name() {
        return name;
    }

    boolean isLocal() {
        return local;
    }

    UUID memberUuid() {
        return memberUuid;
    }

    MemberState state() {
        return state;
    }

    FaultReason reason() {
        return reason;
    }

    long changedAtMs() {
        return changedAtMs;
    }

    Descriptor descriptor() {
        return descriptor;
    }

    Bdev bdev() {
        return descriptor.bdev();
    }

    IoChannel homeChannel() {
        return homeChannel;
    }

    DmaBuffer slotBuffer() {
        return slotBuffer;
    }

    boolean unmapsToZeroes() {
        return bdev().supports(IoType.UNMAP) && bdev().unmapReadsZeroes();
    }

    /** The slot that does not hold the newest good copy. */
    int nextSlot() {
        return lastSlot ^ 1;
    }

    void onSlotWritten(int slot, NexusMetadata record) {
        lastSlot = slot;
        lastRecord = record;
    }

    /** The newest record that it is known to carry, or null. */
    NexusMetadata lastRecord() {
        return lastRecord;
    }

    /** The generation of that; 0: none. */
    long lastGeneration() {
        return lastRecord == null ? 0 : lastRecord.generation();
    }

    /** Takes over the counts of a channel that closes. Any reactor. */
    void addCounters(ChildCounters counters) {
        synchronized (closedCounters) {
            closedCounters.add(counters);
        }
    }

    /** Its next self goes on counting where it ended. */
    void sumCounters(NexusChild next) {
        assert closed;
        sumCounters(next.closedCounters);
    }

    /** Adds what closed channels did to a sum. Any thread. */
    void sumCounters(ChildCounters sum) {
        synchronized (closedCounters) {
            sum.add(closedCounters);
        }
    }
}
