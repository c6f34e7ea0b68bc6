package io.mizzen.nexus;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.reactor.Timer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

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
 * The last healthy member that is present is never made a victim: its errors go to the host.
 */
final class Membership {
    private static final long STORE_RETRY_NS = 1_000_000_000L;

    private enum State {
        IDLE, STORING, SPREADING
    }

    private final Nexus nexus;
    private final NexusChild[] children;
    private final FaultReason[] reasons;
    /** For each child the newest generation written to it in which it is healthy itself. */
    private final long[] claims;
    private State state = State.IDLE;
    /** The newest generation that is stored on all members healthy in it. */
    private volatile NexusMetadata stored;
    /** The newest generation that was tried; the next one counts from here. */
    private NexusMetadata attempted;
    private int requestedFaults;
    private int lostMask;
    private Boolean requestedInUse;
    private boolean blocked;
    private boolean retryDue;
    private boolean forced;
    private boolean closed;
    private List<Runnable> waiting = new ArrayList<>();
    private List<Runnable> served = new ArrayList<>();
    private final Timer retry = new Timer() {
        @Override
        protected void onTimer(long nowNs) {
            retryDue = true;
            advance();
        }
    };

    Membership(Nexus nexus, NexusChild[] children, NexusMetadata metadata) {
        this.nexus = nexus;
        this.children = children;
        this.stored = metadata;
        this.attempted = metadata;
        this.reasons = new FaultReason[children.length];
        this.claims = new long[children.length];
        Arrays.fill(claims, metadata.generation());
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
        waiting.add(settled);
        advance();
    }

    /** Faults one child. */
    void requestFault(int child, FaultReason why, Runnable settled) {
        FaultReason[] one = new FaultReason[children.length];
        one[child] = why;
        requestFaults(1 << child, one, settled);
    }

    /** A child's device is gone: it is preferred as a victim. */
    void onLost(int child) {
        lostMask |= 1 << child;
    }

    /** Sets the in-use flag; {@code settled} runs when that is stored, or cannot be. */
    void requestInUse(boolean inUse, Runnable settled) {
        requestedInUse = inUse;
        waiting.add(settled);
        advance();
    }

    /** Stores the members that the nexus was assembled with, as in use. */
    void requestAssembled(Runnable settled) {
        forced = true;
        requestInUse(true, settled);
    }

    private void advance() {
        if (state != State.IDLE || waiting.isEmpty() && !retryDue) {
            return;
        }
        served = waiting;
        waiting = new ArrayList<>();
        retryDue = false;
        int victims = chooseVictims();
        boolean inUse = requestedInUse == null ? attempted.inUse() : requestedInUse;
        boolean unchanged = victims == 0 && inUse == stored.inUse() && !blocked && !forced && stored == attempted;
        if (closed || unchanged) {
            requestedFaults = 0;
            requestedInUse = null;
            tellServed();
            return;
        }
        setState(State.STORING);
        store(victims, inUse);
    }

    /** Which of the requested ones may go: one healthy child that is present has to stay. */
    private int chooseVictims() {
        int victims = 0;
        int present = 0;
        for (NexusChild child : children) {
            int bit = 1 << child.index();
            if ((requestedFaults & bit) != 0 && child.state() == MemberState.SYNCING) {
                victims |= bit;
            }
            present |= child.isUsable() ? bit : 0;
        }
        int lost = requestedFaults & lostMask & present;
        int source = nexus.source() < 0 ? 0 : 1 << nexus.source();
        int others = requestedFaults & present & ~lost;
        for (int bit : new int[] {lost, others & ~source, others & source}) {
            for (int rest = bit; rest != 0; ) {
                int one = Integer.highestOneBit(rest);
                rest &= ~one;
                if ((present & ~one) != 0) {
                    present &= ~one;
                    victims |= one;
                }
            }
        }
        return victims;
    }

    private void store(int victims, boolean inUse) {
        List<Member> members = new ArrayList<>();
        int targets = 0;
        long generation = attempted.generation() + 1;
        for (NexusChild child : children) {
            int index = child.index();
            Member old = stored.members().get(index);
            if ((victims & 1 << index) != 0) {
                members.add(new Member(old.uuid(), MemberState.FAULTED, reasons[index], claims[index],
                        nexus.wallClockMs()));
            } else {
                members.add(old);
                if (child.isUsable()) {
                    targets |= 1 << index;
                    claims[index] = generation;
                }
            }
        }
        NexusMetadata next = stored.next(generation, inUse, members);
        attempted = next;
        write(next, targets, (okMask, failMask) -> onStored(next, victims, inUse, okMask, failMask));
    }

    private void onStored(NexusMetadata next, int victims, boolean inUse, int okMask, int failMask) {
        if (okMask == 0) {
            blocked = true;
            nexus.home().reactor().cancel(retry);
            nexus.home().reactor().arm(retry, STORE_RETRY_NS);
            nexus.event("metadata-not-stored generation=" + next.generation());
            spread();
        } else if (failMask != 0) {
            for (int rest = failMask; rest != 0; rest &= rest - 1) {
                reasons[Integer.numberOfTrailingZeros(rest)] = FaultReason.METADATA_ERROR;
            }
            store(victims | failMask, inUse);
        } else {
            blocked = false;
            forced = false;
            stored = next;
            requestedFaults = 0;
            requestedInUse = null;
            take(victims);
            spread();
        }
    }

    /** What is stored takes effect. */
    private void take(int victims) {
        for (int rest = victims; rest != 0; rest &= rest - 1) {
            NexusChild child = children[Integer.numberOfTrailingZeros(rest)];
            Member member = stored.members().get(child.index());
            child.setState(MemberState.FAULTED, member.reason(), member.changedAtMs());
            child.detach();
            nexus.event("child-faulted child=" + child.name() + " reason=" + member.reason().word()
                    + " generation=" + stored.generation());
        }
    }

    private void spread() {
        setState(State.SPREADING);
        nexus.publishConfig(() -> {
            setState(State.IDLE);
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
        int[] slots = new int[children.length];
        Fanout fanout = new ChildFanout(nexus, (okMask, failMask) -> {
            for (int rest = okMask; rest != 0; rest &= rest - 1) {
                int child = Integer.numberOfTrailingZeros(rest);
                children[child].onSlotWritten(slots[child]);
            }
            done.onDone(okMask, failMask);
        }) {
            @Override
            void prepare(int child, BdevIo io, IoCompletion completion) {
                NexusChild target = children[child];
                slots[child] = target.nextSlot();
                MetadataCodec.encode(metadata, child, RawMemory.ALL, target.slotBuffer().address());
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
        Arrays.fill(claims, metadata.generation());
    }

    boolean isIdle() {
        return state == State.IDLE && waiting.isEmpty();
    }

    /** Whether the newest state could not be stored anywhere. */
    boolean isBlocked() {
        return blocked;
    }

    /** Nothing is stored from now on; requests are answered as refused. */
    void close() {
        closed = true;
        nexus.home().reactor().cancel(retry);
    }

    NexusMetadata stored() {
        return stored;
    }
}
