package io.mizzen.nexus;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.rebuild.RebuildKind;
import io.mizzen.rebuild.SegmentMap;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.nio.charset.StandardCharsets;
import java.util.SortedMap;
import java.util.UUID;

/**
 * A child that comes: a new member, or one that was away. It is stored as being made equal before any write goes to it;
 * its rebuild begins when every channel sends it all writes. What it missed is known if this engine noted it from the
 * first moment and nobody has changed the child's metadata meanwhile; else everything is copied. Home mthread.
 *
 * <pre>
 * READING (both slots) → (WIPING, a new one's, or another time's) → STORING (see {@link Membership}) → DONE: a rebuild begins
 *      └→ the last healthy child, that was lost: DONE at once, hosts go on
 * </pre>
 */
final class ChildJoin {
    private enum Step {
        READING, WIPING, STORING, DONE
    }

    private final Nexus nexus;
    private final Bdev bdev;
    private final boolean isNew;
    private final Completion<Void> done;
    private Step step = Step.READING;
    private OpenedChild opened;
    private NexusChild child;
    private NexusChild before;
    private NexusMetadata carried;

    private ChildJoin(Nexus nexus, Bdev bdev, boolean isNew, Completion<Void> done) {
        this.nexus = nexus;
        this.bdev = bdev;
        this.isNew = isNew;
        this.done = done;
    }

    /** Makes a bdev a new member. */
    static void add(Nexus nexus, Bdev bdev, Completion<Void> done) {
        new ChildJoin(nexus, bdev, true, done).begin();
    }

    /** Brings a member back. */
    static void online(Nexus nexus, Bdev bdev, Completion<Void> done) {
        NexusChild same = nexus.childrenTable().find(bdev.name());
        if (same != null && same.isAttached() && same.bdev() == bdev) {
            done.ok(null);
        } else if (same != null) {
            same.whenClosed(() -> new ChildJoin(nexus, bdev, false, done).begin());
        } else {
            new ChildJoin(nexus, bdev, false, done).begin();
        }
    }

    private void setStep(Step next) {
        assert next.ordinal() > step.ordinal();
        step = next;
    }

    /** Runs a step; a refusal undoes what was done. */
    private void guard(Runnable work) {
        try {
            work.run();
        } catch (OperationException e) {
            fail(e);
        }
    }

    private void begin() {
        guard(() -> {
            nexus.checkOpen();
            checkGeometry();
            if (isNew && nexus.usableMask() == 0) {
                throw noHealthySource();
            }
            opened = OpenedChild.open(nexus.environment(), bdev, "nexus " + nexus.name());
            readSlot(0, null);
        });
    }

    private void checkGeometry() {
        if (bdev.blockSizeBytes() != nexus.blockSizeBytes()) {
            throw OperationException.invalid("child-block-size", "child " + bdev.name() + " has blocks of "
                    + bdev.blockSizeBytes() + " bytes, nexus " + nexus.name() + " of " + nexus.blockSizeBytes()
                    + "; they have to be equal");
        }
        long sizeBytes = nexus.membership().stored().sizeBytes();
        if (nexus.label().usableBytes(bdev.sizeBytes(), nexus.blockSizeBytes()) < sizeBytes) {
            throw OperationException.invalid("child-too-small", "child " + bdev.name() + " has " + bdev.sizeBytes()
                    + " bytes; nexus " + nexus.name() + " of " + sizeBytes + " bytes needs children of at least "
                    + nexus.label().childBytesNeeded(sizeBytes, nexus.blockSizeBytes()) + " bytes");
        }
    }

    private OperationException noHealthySource() {
        return new OperationException(ErrorKind.UNAVAILABLE, "no-healthy-source", "nexus " + nexus.name()
                + " has no healthy child now to copy from; bring back the one that was lost last, first");
    }

    // --- reading ------------------------------------------------------------------------------------

    private void readSlot(int slot, MetadataCodec.Copy newest) {
        int shift = nexus.blockShift();
        new Fanout(nexus.home(), (okMask, failMask) -> guard(() -> {
            if (failMask != 0) {
                throw OperationException.internal("child-unreadable", "the metadata of child " + bdev.name()
                        + " cannot be read; check the device");
            }
            long address = opened.buffer().address();
            MetadataCodec.Copy newer = MetadataCodec.newer(newest, MetadataCodec.decode(RawMemory.ALL, address, slot));
            opened.onRead(newer, MetadataCodec.isOtherVersion(RawMemory.ALL, address), false);
            if (slot == 0) {
                readSlot(1, newer);
            } else {
                nexus.checkOpen();
                decide();
            }
        })) {
            @Override
            void prepare(int index, BdevIo io, IoCompletion completion) {
                io.prepare(IoType.READ, MetadataCodec.slotOffsetBytes(slot) >>> shift,
                        MetadataCodec.SLOT_BYTES >>> shift, opened.buffer().address(), opened.buffer().regionIndex(),
                        completion);
            }

            @Override
            IoChannel channel(int index) {
                return opened.channel();
            }
        }.submit(1);
    }

    private void decide() {
        if (isNew) {
            checkStranger();
            addNew();
            return;
        }
        carried = opened.isBlank() || opened.isOtherVersion() ? null : opened.copy().metadata();
        UUID self = carried == null ? null : opened.found().self().uuid();
        NexusChild away = carried == null || !carried.uuid().equals(nexus.uuid()) ? null
                : nexus.childrenTable().find(self);
        if (away == null) {
            throw OperationException.precondition("child-not-member", "bdev " + bdev.name()
                    + " carries no member of nexus " + nexus.name() + ": it is another device, or was wiped");
        }
        if (away.isAttached()) {
            throw duplicate(away);
        }
        away.whenClosed(() -> guard(() -> comeBack(away)));
    }

    private void checkStranger() {
        if (opened.isBlank()) {
            return;
        }
        NexusMetadata other = opened.isOtherVersion() ? null : opened.copy().metadata();
        if (other == null || !other.uuid().equals(nexus.uuid())) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "child-in-nexus", "child " + bdev.name()
                    + " carries the metadata of " + (other == null ? "a nexus of a newer release"
                            : "nexus " + other.uuid()) + "; wipe it first");
        }
        if (nexus.childrenTable().find(opened.found().self().uuid()) != null) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "child-is-member", "child " + bdev.name()
                    + " is a member of nexus " + nexus.name() + " already; bring it online instead");
        }
    }

    // --- a new member -----------------------------------------------------------------------------------

    private void addNew() {
        int place = nexus.childrenTable().freePlace();
        if (place < 0) {
            throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "nexus-children-max", "nexus " + nexus.name()
                    + " has " + NexusChildren.PLACE_COUNT + " children, and no more are possible; remove one first");
        }
        long now = nexus.wallClockMs();
        // Unique without a source of randomness: this nexus, this generation, this place and moment.
        UUID uuid = UUID.nameUUIDFromBytes((nexus.uuid() + "/" + nexus.generation() + "/" + place + "/" + now)
                .getBytes(StandardCharsets.US_ASCII));
        Member member = new Member(uuid, MemberState.SYNCING, FaultReason.NONE, 0, now);
        place(place, member);
        wipe(member);
    }

    /** What it carries must never count again. */
    private void wipe(Member member) {
        setStep(Step.WIPING);
        MetadataEraser.erase(nexus, 1 << child.index(), erased -> guard(() -> {
            if (!erased) {
                throw OperationException.internal("child-unwritable", "the metadata of child " + bdev.name()
                        + " cannot be written; check the device");
            }
            store(member);
        }));
    }

    private void place(int place, Member member) {
        child = new NexusChild(place, member, bdev.name(), bdev.isLocal(), opened);
        before = nexus.childrenTable().hold(child);
        if (before != null) {
            before.sumCounters(child);
        }
    }

    private void store(Member member) {
        setStep(Step.STORING);
        nexus.membership().request(new MemberChange() {
            @Override
            OperationException check() {
                if (nexus.usableMask() == 0) {
                    return noHealthySource();
                }
                try {
                    checkGeometry();            // The nexus may have grown meanwhile.
                    return null;
                } catch (OperationException e) {
                    return e;
                }
            }

            @Override
            void edit(SortedMap<Integer, Member> members) {
                members.put(child.index(), member);
            }

            @Override
            int subject() {
                return 1 << child.index();
            }

            @Override
            int joining() {
                return subject();
            }

            @Override
            void take() {
                nexus.membership().onPlaced(child.index(), member.lastHealthyGeneration());
                nexus.childrenTable().enter(child);
                nexus.event((isNew ? "child-added child=" : "child-online child=") + child.name());
            }

            @Override
            void done(OperationException failure) {
                if (failure != null) {
                    fail(failure);
                } else {
                    rebuild();
                }
            }
        });
    }

    /** Every channel sends it all writes, and has handed over what it missed. */
    private void rebuild() {
        setStep(Step.DONE);
        boolean partial = !isNew && isLogWhole();
        SegmentMap lacks = partial ? nexus.rebuilds().lacks(before) : nexus.rebuilds().newMap(true);
        opened.attachTo(nexus);
        nexus.rebuilds().begin(child, partial ? RebuildKind.PARTIAL : RebuildKind.FULL, lacks);
        done.ok(null);
    }

    // --- a member that was away ------------------------------------------------------------------------

    /** Whether what it missed is noted, and it carries what was last written to it. */
    private boolean isLogWhole() {
        return before.missed() != null && carried.equals(before.lastRecord());
    }

    private void comeBack(NexusChild away) {
        nexus.checkOpen();
        checkGeometry();
        Member stored = nexus.membership().stored().member(away.memberUuid());
        if (stored == null || away.isLeaving()) {
            throw OperationException.precondition("child-not-member", "child " + bdev.name()
                    + " has been removed from nexus " + nexus.name() + "; add it as a new child instead");
        }
        if (nexus.childrenTable().isBeingReplaced(away)) {
            throw duplicate(away);
        }
        if (stored.isHealthy()) {
            revive(away, stored);
            return;
        }
        if (nexus.usableMask() == 0) {
            throw noHealthySource();
        }
        if (away.state() == MemberState.SYNCING) {
            faultFirst(away);
            return;
        }
        Member syncing = new Member(stored.uuid(), MemberState.SYNCING, FaultReason.NONE,
                stored.lastHealthyGeneration(), nexus.wallClockMs());
        place(away.index(), syncing);
        if (isOfThisTime()) {
            store(syncing);
        } else {
            wipe(syncing);
        }
    }

    /** Whether what it carries is older than what is stored next; else it would be taken for newer than that when it is read again. */
    private boolean isOfThisTime() {
        return carried.generation() <= nexus.membership().attemptedGeneration() && nexus.membership().stored().passed(carried);
    }

    /** It went while it was being made equal, and that could not be stored until now. */
    private void faultFirst(NexusChild away) {
        nexus.membership().requestFault(away.index(), FaultReason.REMOVED, () -> guard(() -> {
            if (away.state() == MemberState.SYNCING) {
                nexus.checkOpen();
                throw new OperationException(ErrorKind.UNAVAILABLE, "nexus-metadata-not-stored", "nexus " + nexus.name()
                        + ": that child " + away.name() + " was away could not be stored on any healthy child; check the "
                        + "devices");
            }
            comeBack(away);
        }));
    }

    private OperationException duplicate(NexusChild away) {
        return OperationException.precondition("child-duplicate", "bdev " + bdev.name() + " is a copy of child "
                + away.name() + ", which is online or on its way; leave one of them out");
    }

    /** The last healthy child, or one whose absence could not be stored: nothing was acknowledged without it. */
    private void revive(NexusChild away, Member member) {
        long newest = nexus.membership().attemptedGeneration();
        if (carried.generation() < away.lastGeneration() || carried.generation() > newest || !nexus.membership().stored().passed(carried)) {
            throw new OperationException(ErrorKind.DATA_LOSS, "child-not-same", "child " + bdev.name()
                    + " carries generation " + carried.generation() + " and not " + away.lastGeneration()
                    + ": it is not as nexus " + nexus.name() + " left it, and its data is not trusted");
        }
        setStep(Step.DONE);
        boolean othersHold = nexus.usableMask() != 0;
        place(away.index(), member);
        nexus.membership().onReturned(child.index());
        nexus.childrenTable().enter(child);
        nexus.event("child-returned child=" + child.name());
        if (bdev.hasVolatileCache() && nexus.hasVolatileCache()) {
            nexus.cacheLoss().onReturned(child, othersHold);
        }
        opened.attachTo(nexus);
        nexus.publishConfig(() -> {
            nexus.onMembersChanged();
            nexus.membership().retryNow();
            done.ok(null);
        });
    }

    // --- undoing -----------------------------------------------------------------------------------------

    private void fail(OperationException failure) {
        if (step != Step.DONE) {
            setStep(Step.DONE);
        }
        if (child != null) {
            child.detach();
            nexus.childrenTable().release(child, before);
            child.whenHomeIdle(() -> {
                child.close();
                done.fail(failure);
            });
        } else {
            if (opened != null) {
                opened.close();
            }
            done.fail(failure);
        }
    }
}
