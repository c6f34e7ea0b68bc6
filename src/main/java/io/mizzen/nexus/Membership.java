package io.mizzen.nexus;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.Timer;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Who is healthy: the only place that changes it, and stores it before it takes effect. Home mthread.
 *
 * <pre>
 * IDLE → STORING  (the next generation goes to every member that is healthy in it; ended by the last write)
 *            ├─ stored on all        → SPREADING (every channel adopts the new picture) → IDLE, requesters are told
 *            ├─ failed on some       → STORING again, with those as victims too
 *            └─ failed on all        → SPREADING "writes blocked" → IDLE; tried again after a second
 * </pre>
 *
 * One generation takes all faults that are asked for and at most one {@link MemberChange}.
 *
 * A member that becomes healthy is given its record last, once one that was healthy before has it; if none could be given
 * it, the member does not become healthy. Otherwise it could go on alone, and another that knows it only as one that lacks
 * data would later be brought up without it.
 *
 * A write that fails may have happened all the same. So a generation that was tried without success may be what those find
 * that are healthy in it, if nobody else is there: nothing takes effect any more without one of them, nor is it written.
 *
 * The last healthy member that is present is never made a victim: its errors go to the host.
 */
final class Membership {
    private static final long STORE_RETRY_NS = 1_000_000_000L;

    private enum State {
        IDLE, STORING, SPREADING
    }

    private final Nexus nexus;
    /** By place. */
    private final FaultReason[] reasons = new FaultReason[NexusChildren.PLACE_COUNT];
    /** By place: the newest generation written to a child in which it is healthy itself. */
    private final long[] claims = new long[NexusChildren.PLACE_COUNT];
    private final Deque<MemberChange> changes = new ArrayDeque<>();
    private State state = State.IDLE;
    /** The newest generation that is stored on all members healthy in it. */
    private volatile NexusMetadata stored;
    /** The newest generation that was tried; the next one counts from here. */
    private NexusMetadata attempted;
    /** Those that are healthy in the generations that were tried since {@link #stored}, as masks. */
    private final Set<Integer> tried = new HashSet<>();
    private int requestedFaults;
    /** What of it the generation that is being stored answers. */
    private int servedFaults;
    private Boolean servedInUse;
    /** Of them those that nothing but an order asks for. */
    private int byHand;
    private int lostMask;
    private Boolean requestedInUse;
    private MemberChange change;
    private OperationException changeFailure;
    private boolean blocked;
    private boolean retryDue;
    /** A generation is asked for, whatever is stored. */
    private boolean forced;
    private boolean servedForced;
    private boolean closed;
    private List<Runnable> waiting = new ArrayList<>();
    private List<Runnable> served = new ArrayList<>();
    private final Timer retry = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            retryNow();
        }
    };

    /** @param children the members, their places in the order of the metadata's */
    Membership(Nexus nexus, NexusChild[] children, NexusMetadata metadata) {
        this.nexus = nexus;
        this.stored = metadata;
        this.attempted = metadata;
        for (NexusChild child : children) {
            claims[child.index()] = metadata.generation();
        }
    }

    private void setState(State next) {
        assert switch (state) {
            case IDLE -> next == State.STORING;
            case STORING -> next == State.SPREADING;
            case SPREADING -> next == State.IDLE;
        };
        state = next;
    }

    /** Faults the children of the mask, as far as that is allowed; {@code settled} runs when that is stored. */
    void requestFaults(int mask, FaultReason[] why, Runnable settled) {
        for (int rest = mask & ~requestedFaults; rest != 0; rest &= rest - 1) {
            int child = Integer.numberOfTrailingZeros(rest);
            reasons[child] = why[child];
        }
        requestedFaults |= mask;
        byHand &= ~mask;
        waiting.add(settled);
        advance();
    }

    /** Faults a child that has not failed: given up, unlike the others, when it cannot be stored. */
    void requestByHand(int child, FaultReason why, Runnable settled) {
        int bit = 1 << child;
        if ((requestedFaults & bit) == 0) {
            reasons[child] = why;
            requestedFaults |= bit;
            byHand |= bit;
        }
        waiting.add(settled);
        advance();
    }

    /** Runs it when what is under way has taken effect on every channel, or could not be stored. */
    void whenSettled(Runnable then) {
        waiting.add(then);
        advance();
    }

    /** Faults the children of the mask for one reason. */
    void requestFaults(int mask, FaultReason why, Runnable settled) {
        FaultReason[] same = new FaultReason[NexusChildren.PLACE_COUNT];
        java.util.Arrays.fill(same, why);
        requestFaults(mask, same, settled);
    }

    /** Faults one child. */
    void requestFault(int child, FaultReason why, Runnable settled) {
        requestFaults(1 << child, why, settled);
    }

    /** A child's device is gone: it is preferred as a victim. */
    void onLost(int child) {
        lostMask |= 1 << child;
    }

    /** Another child, or a child's new self, takes the place. */
    void onPlaced(int child, long lastHealthyGeneration) {
        lostMask &= ~(1 << child);
        claims[child] = lastHealthyGeneration;
    }

    /** A child that was lost is back, as healthy as it was. */
    void onReturned(int child) {
        lostMask &= ~(1 << child);
    }

    /** The newest generation that any child may carry. */
    long attemptedGeneration() {
        return attempted.generation();
    }

    /** Sets the in-use flag; {@code settled} runs when that is stored, or cannot be. */
    void requestInUse(boolean inUse, Runnable settled) {
        requestedInUse = inUse;
        waiting.add(settled);
        advance();
    }

    /** Stores the members that the nexus was assembled with, as in use, and apart from what was kept before. */
    void requestAssembled(Runnable settled) {
        requestedInUse = true;
        requestApart(settled);
    }

    /**
     * Stores two more generations. A child that is set back to a moment before (a snapshot, a clone of it) lacks both and is
     * seen to be stale; one that a crash left behind lacks one ({@link Assembly}). {@code settled} runs when they are stored,
     * or cannot be.
     */
    void requestApart(Runnable settled) {
        requestGeneration(() -> requestGeneration(settled));
    }

    /** Stores one more generation. */
    void requestGeneration(Runnable settled) {
        forced = true;
        waiting.add(settled);
        advance();
    }

    /** Makes a change when its turn comes; it is told how that went. */
    void request(MemberChange newChange) {
        changes.add(newChange);
        advance();
    }

    /** Tries again at once what could not be stored. */
    void retryNow() {
        nexus.home().reactor().cancel(retry);
        retryDue = blocked;
        advance();
    }

    private void advance() {
        if (state != State.IDLE || waiting.isEmpty() && changes.isEmpty() && !retryDue) {
            return;
        }
        served = waiting;
        waiting = new ArrayList<>();
        retryDue = false;
        change = nextChange();
        changeFailure = null;
        servedFaults = requestedFaults;
        servedInUse = requestedInUse;
        servedForced |= forced;
        forced = false;
        int victims = chooseVictims();
        boolean inUse = requestedInUse == null ? attempted.inUse() : requestedInUse;
        boolean unchanged = victims == 0 && change == null && inUse == stored.inUse() && !blocked && !servedForced
                && stored == attempted;
        if (closed || unchanged) {
            requestedFaults = 0;
            byHand = 0;
            requestedInUse = null;
            tellServed();
            return;
        }
        setState(State.STORING);
        store(victims, inUse);
    }

    /** The next change that can be made; the others are told why not. */
    private MemberChange nextChange() {
        for (MemberChange next = changes.poll(); next != null; next = changes.poll()) {
            MemberChange refused = next;
            OperationException refusal = closed ? nexus.closing() : next.check();
            if (refusal == null) {
                return next;
            }
            nexus.home().send(() -> refused.done(refusal));
        }
        return null;
    }

    /** Which of the requested ones may go: one healthy child that is present has to stay. */
    private int chooseVictims() {
        int victims = 0;
        int present = 0;
        int leaving = change == null ? 0 : change.leaving();
        for (NexusChild child : nexus.children()) {
            int bit = 1 << child.index();
            if ((requestedFaults & bit & ~leaving) != 0 && child.state() == MemberState.SYNCING) {
                victims |= bit;
            }
            present |= child.isUsable() ? bit & ~leaving : 0;
        }
        int lost = requestedFaults & lostMask & present;
        int source = nexus.source() < 0 ? 0 : 1 << nexus.source();
        int others = requestedFaults & present & ~lost;
        for (int bit : new int[] {lost, others & ~source, others & source}) {
            for (int rest = bit; rest != 0; ) {
                int one = Integer.highestOneBit(rest);
                rest &= ~one;
                if ((present & ~one) != 0 && isOneOfEachTried(present & ~one)) {
                    present &= ~one;
                    victims |= one;
                }
            }
        }
        return victims;
    }

    /** Whether somebody is healthy among those of the mask in each generation that was tried without success. */
    private boolean isOneOfEachTried(int mask) {
        return tried.stream().noneMatch(healthy -> (healthy & mask) == 0);
    }

    /** Stores the next generation: what is stored now, with the victims faulted and the change made. */
    private void store(int victims, boolean inUse) {
        int still = victims;
        if (change != null && (change.subject() & victims) != 0) {
            changeFailure = OperationException.internal("child-failed", "child "
                    + nexus.child(Integer.numberOfTrailingZeros(change.subject())).name()
                    + " failed meanwhile (" + reasons[Integer.numberOfTrailingZeros(change.subject())].word()
                    + "); check the device");
            still &= ~change.joining();         // No member yet, or not again: nobody to fault.
            drop();
        }
        SortedMap<Integer, Member> members = new TreeMap<>();
        int victimsLeft = 0;
        for (NexusChild child : nexus.children()) {
            int index = child.index();
            Member old = stored.member(child.memberUuid());
            long lastHealthy = Math.max(old.lastHealthyGeneration(), claims[index]);
            if ((still & 1 << index) != 0) {
                victimsLeft |= 1 << index;
                members.put(index, new Member(old.uuid(), MemberState.FAULTED, reasons[index], lastHealthy,
                        nexus.wallClockMs()));
            } else {
                members.put(index, old.isHealthy() ? old
                        : new Member(old.uuid(), old.state(), old.reason(), lastHealthy, old.changedAtMs()));
            }
        }
        if (change != null) {
            change.edit(members);
        }
        write(members, victimsLeft | faultLost(members), inUse);
    }

    /**
     * The last healthy child stays healthy when it is lost, for nothing is acknowledged without it. As soon as another
     * one is healthy and there, that is over.
     */
    private int faultLost(SortedMap<Integer, Member> members) {
        int lost = 0;
        boolean anyPresent = false;
        for (int index : members.keySet()) {
            if (members.get(index).isHealthy()) {
                boolean present = nexus.child(index).isAttached();
                anyPresent |= present;
                lost |= present ? 0 : 1 << index;
            }
        }
        if (!anyPresent) {
            return 0;
        }
        for (int rest = lost; rest != 0; rest &= rest - 1) {
            int index = Integer.numberOfTrailingZeros(rest);
            members.put(index, new Member(members.get(index).uuid(), MemberState.FAULTED, FaultReason.REMOVED,
                    claims[index], nexus.wallClockMs()));
        }
        return lost;
    }

    private void write(SortedMap<Integer, Member> members, int victims, boolean inUse) {
        long generation = attempted.generation() + 1;
        int healthy = 0;
        int becoming = 0;
        for (int index : members.keySet()) {
            if (members.get(index).isHealthy() && nexus.child(index).isAttached()) {
                healthy |= 1 << index;
                Member before = stored.member(members.get(index).uuid());
                becoming |= before == null || !before.isHealthy() ? 1 << index : 0;
            }
        }
        NexusMetadata next = stored.next(generation, inUse, new ArrayList<>(members.values()));
        if (change != null) {
            next = change.edit(next);
        }
        attempted = next;
        NexusMetadata written = next;
        if (!isOneOfEachTried(healthy)) {
            write(next, 0, (okMask, failMask) -> onStored(written, victims, inUse, okMask, failMask));
            return;
        }
        int holders = healthy;
        int last = becoming;
        if ((healthy & ~last) != 0) {
            tried.add(healthy);
        }
        claim(healthy & ~last, generation);
        write(next, healthy & ~last | (change == null ? 0 : change.joining()), (okMask, failMask) -> {
            if (last == 0) {
                onStored(written, victims, inUse, okMask & holders, failMask);
            } else if ((okMask & holders) == 0) {
                onNoWitness(inUse);
            } else {
                int present = last & nexus.attachedMask();
                claim(present, generation);
                write(written, present, (lastOk, lastFailed) -> onStored(written, victims, inUse, okMask & holders | lastOk,
                        failMask | lastFailed | last & ~present));
            }
        });
    }

    private void claim(int mask, long generation) {
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            claims[Integer.numberOfTrailingZeros(rest)] = generation;
        }
    }

    /**
     * None of those that were healthy knows of the child that would be so too. It must not go on without them: they would be
     * brought up without it.
     */
    private void onNoWitness(boolean inUse) {
        changeFailure = notStored();
        drop();
        store(chooseVictims(), inUse);
    }

    private OperationException notStored() {
        return new OperationException(ErrorKind.UNAVAILABLE, "nexus-metadata-not-stored", "nexus " + nexus.name()
                + ": the change could not be stored on any healthy child; check the devices");
    }

    private void onStored(NexusMetadata next, int victims, boolean inUse, int okMask, int failMask) {
        if (okMask == 0) {
            blocked = true;
            requestedFaults &= ~byHand;
            byHand = 0;
            nexus.home().reactor().cancel(retry);
            nexus.home().reactor().arm(retry, STORE_RETRY_NS);
            nexus.event("metadata-not-stored generation=" + next.generation());
            nexus.cacheLoss().onWriteThroughFailed(failMask);
            if (change != null) {
                changeFailure = notStored();
                drop();
            }
            spread();
        } else if (failMask != 0) {
            for (int rest = failMask; rest != 0; rest &= rest - 1) {
                reasons[Integer.numberOfTrailingZeros(rest)] = FaultReason.METADATA_ERROR;
            }
            store(victims | failMask, inUse);
        } else {
            blocked = false;
            servedForced = false;
            stored = next;
            tried.clear();
            requestedFaults &= ~servedFaults;           // What was requested meanwhile has its turn next.
            requestedInUse = requestedInUse == servedInUse ? null : requestedInUse;
            byHand &= requestedFaults;
            take(victims);
            if (change != null) {
                change.take();
            }
            spread();
        }
    }

    /** The change is not made; {@link #changeFailure} says why. */
    private void drop() {
        MemberChange dropped = change;
        OperationException failure = changeFailure;
        change = null;
        served.add(() -> dropped.done(failure));
    }

    /** What is stored takes effect. */
    private void take(int victims) {
        for (int rest = victims; rest != 0; rest &= rest - 1) {
            NexusChild child = nexus.child(Integer.numberOfTrailingZeros(rest));
            Member member = stored.member(child.memberUuid());
            nexus.rebuilds().beginAbsence(child, member.reason());
            child.setState(MemberState.FAULTED, member.reason(), member.changedAtMs());
            nexus.event("child-faulted child=" + child.name() + " reason=" + member.reason().word()
                    + " generation=" + stored.generation());
        }
    }

    private void spread() {
        setState(State.SPREADING);
        MemberChange made = change;
        change = null;
        nexus.publishConfig(() -> {
            setState(State.IDLE);
            if (made != null) {
                served.add(() -> made.done(null));
            }
            tellServed();
            nexus.onMembersChanged();
            advance();
        });
    }

    private void tellServed() {
        List<Runnable> now = served;
        served = new ArrayList<>();
        now.forEach(Runnable::run);
        if (state == State.IDLE && !waiting.isEmpty()) {
            advance();
        }
    }

    /** Writes a generation's record to the children of the mask, each into its older slot. */
    void write(NexusMetadata metadata, int mask, Fanout.Done done) {
        int shift = nexus.blockShift();
        int[] slots = new int[NexusChildren.PLACE_COUNT];
        Fanout fanout = new ChildFanout(nexus, (okMask, failMask) -> {
            for (int rest = okMask; rest != 0; rest &= rest - 1) {
                int child = Integer.numberOfTrailingZeros(rest);
                nexus.child(child).onSlotWritten(slots[child], metadata);
            }
            done.onDone(okMask, failMask);
        }) {
            @Override
            void prepare(int child, BdevIo io, IoCompletion completion) {
                NexusChild target = nexus.child(child);
                slots[child] = target.nextSlot();
                MetadataCodec.encode(metadata, metadata.indexOf(target.memberUuid()), RawMemory.ALL,
                        target.slotBuffer().address());
                io.prepare(IoType.WRITE, MetadataCodec.slotOffsetBytes(slots[child]) >>> shift,
                        MetadataCodec.SLOT_BYTES >>> shift, target.slotBuffer().address(),
                        target.slotBuffer().regionIndex(), completion);
                io.flags = BdevIo.FLAG_FUA;
            }
        };
        fanout.submit(mask);
    }

    /** A generation was stored outside of a change: while the nexus was being created. */
    void onCreated(NexusMetadata metadata) {
        assert state == State.IDLE;
        stored = metadata;
        attempted = metadata;
        for (NexusChild child : nexus.children()) {
            claims[child.index()] = metadata.generation();
        }
    }

    /** Whether no fault waits to be stored. */
    boolean isIdle() {
        return state == State.IDLE && waiting.isEmpty() && requestedFaults == 0;
    }

    /** Whether the newest state could not be stored anywhere. */
    boolean isBlocked() {
        return blocked;
    }

    /** Nothing is stored from now on; requests are answered as refused. */
    void close() {
        closed = true;
        nexus.home().reactor().cancel(retry);
        advance();
    }

    NexusMetadata stored() {
        return stored;
    }
}
