package io.mizzen.nexus;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevContext;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoCompletion;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/**
 * Brings up a nexus: opens the children, reads their metadata, creates or assembles. Any failure closes what was opened.
 * Home mthread.
 *
 * <pre>
 * OPENING → READING (both slots of every child)
 *    ├─ create:   CREATING (clean map pages; record "creating"; record in use) → done
 *    └─ assemble: LOADING (the map's pages) → MARKING (the next generation, in use) → done
 * </pre>
 *
 * A creation that is cut short leaves records marked "creating", which count as none; one that reached any child with a
 * finished record is complete, for the others already had theirs.
 */
final class NexusOpener {
    private enum Step {
        OPENING, READING, CREATING, LOADING, MARKING, DONE
    }

    private final NexusEnvironment environment;
    private final NexusParameters parameters;
    private final List<Bdev> bdevs;
    private final Completion<Nexus> done;
    private final List<OpenedChild> opened = new ArrayList<>();
    private Step step = Step.OPENING;
    private int blockShift;
    private DmaBuffer pageBuffer;
    private Nexus nexus;
    private long[] dirtyBits;
    private boolean[] pageToRewrite = {};
    private boolean[] used = {};
    private long sequence;

    NexusOpener(NexusEnvironment environment, NexusParameters parameters, List<Bdev> bdevs, Completion<Nexus> done) {
        this.environment = environment;
        this.parameters = parameters;
        this.bdevs = List.copyOf(bdevs);
        this.done = done;
    }

    private void setStep(Step next) {
        assert next.ordinal() > step.ordinal();
        step = next;
    }

    void start() {
        guard(() -> {
            checkChildren();
            Bdev same = environment.registry().find(parameters.uuid());
            if (same == null) {
                same = environment.registry().find(parameters.name());
            }
            if (same != null) {
                throw new OperationException(ErrorKind.ALREADY_EXISTS, "nexus-exists", "bdev " + same.name() + " ("
                        + same.uuid() + ") has that name or UUID");
            }
            for (Bdev bdev : bdevs) {
                opened.add(OpenedChild.open(environment, bdev, "nexus " + parameters.name()));
            }
            pageBuffer = BdevContext.of(environment.home().reactor()).small().tryAcquire();
            if (pageBuffer == null) {
                throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "out-of-buffers",
                        "no buffer is left for the metadata of a nexus; raise mizzen.memory.size");
            }
            setStep(Step.READING);
            readSlot(0, new MetadataCodec.Copy[opened.size()]);
        });
    }

    /** Runs a step; a refusal undoes everything. */
    private void guard(Runnable work) {
        try {
            work.run();
        } catch (OperationException e) {
            fail(e);
        }
    }

    private void fail(OperationException e) {
        setStep(Step.DONE);
        opened.forEach(OpenedChild::close);
        if (pageBuffer != null) {
            pageBuffer.close();
        }
        done.fail(e);
    }

    private void checkChildren() {
        if (bdevs.isEmpty() || bdevs.size() > NexusMetadata.MEMBER_MAX) {
            throw OperationException.invalid("nexus-children-invalid", "a nexus has 1 to " + NexusMetadata.MEMBER_MAX
                    + " children, not " + bdevs.size());
        }
        Bdev first = bdevs.get(0);
        blockShift = first.blockShift();
        for (Bdev bdev : bdevs) {
            if (bdev.blockSizeBytes() != first.blockSizeBytes()) {
                throw OperationException.invalid("child-block-size", "child " + bdev.name() + " has blocks of "
                        + bdev.blockSizeBytes() + " bytes, child " + first.name() + " of " + first.blockSizeBytes()
                        + "; they have to be equal");
            }
            if (bdev.sizeBytes() < Label.METADATA_END_BYTES) {
                throw tooSmall(bdev, parameters.label(), Math.max(parameters.sizeBytes(), 1));
            }
        }
    }

    private static OperationException tooSmall(Bdev bdev, Label label, long sizeBytes) {
        return OperationException.invalid("child-too-small", "child " + bdev.name() + " has " + bdev.sizeBytes()
                + " bytes; a nexus of " + sizeBytes + " bytes with label " + label + " needs children of at least "
                + label.childBytesNeeded(sizeBytes, bdev.blockSizeBytes()) + " bytes");
    }

    // --- reading ------------------------------------------------------------------------------------

    /** I/O to the opened children, each with its own 8 KiB buffer. */
    private Fanout io(int type, long offsetBytes, int lengthBytes, Fanout.Done then) {
        return new Fanout(environment.home(), then) {
            @Override
            void prepare(int child, BdevIo io, IoCompletion completion) {
                DmaBuffer buffer = opened.get(child).buffer();
                io.prepare(type, offsetBytes >>> blockShift, lengthBytes >>> blockShift, buffer.address(),
                        buffer.regionIndex(), completion);
                io.flags = type == IoType.WRITE ? BdevIo.FLAG_FUA : 0;
            }

            @Override
            IoChannel channel(int child) {
                return opened.get(child).channel();
            }
        };
    }

    private int allMask() {
        return (int) ((1L << opened.size()) - 1);
    }

    private void readSlot(int slot, MetadataCodec.Copy[] newest) {
        io(IoType.READ, MetadataCodec.slotOffsetBytes(slot), MetadataCodec.SLOT_BYTES, (okMask, failMask) ->
                guard(() -> {
                    for (int i = 0; i < opened.size(); i++) {
                        onSlotRead(i, slot, newest, (failMask & 1 << i) != 0);
                    }
                    if (slot == 0) {
                        readSlot(1, newest);
                    } else {
                        decide();
                    }
                })).submit(allMask());
    }

    private void onSlotRead(int index, int slot, MetadataCodec.Copy[] newest, boolean failed) {
        OpenedChild child = opened.get(index);
        if (failed) {
            child.onRead(null, false, true);
            return;
        }
        long address = child.buffer().address();
        newest[index] = MetadataCodec.newer(newest[index], MetadataCodec.decode(RawMemory.ALL, address, slot));
        child.onRead(newest[index], MetadataCodec.isOtherVersion(RawMemory.ALL, address), false);
    }

    private void decide() {
        boolean anyBlank = false;
        boolean anyNexus = false;
        for (OpenedChild child : opened) {
            if (!child.isUnreadable()) {
                anyBlank |= isFree(child);
                anyNexus |= !isFree(child);
            }
        }
        boolean mayCreate = parameters.mode() != NexusParameters.Mode.ASSEMBLE;
        if (mayCreate && anyBlank && !anyNexus) {
            parameters.creationCheck().accept((nothing, refused) -> guard(() -> {
                if (refused != null) {
                    throw refused;
                }
                create();
            }));
        } else if (parameters.mode() == NexusParameters.Mode.CREATE) {
            refuseCreate();
        } else {
            assemble();
        }
    }

    /** Whether a new nexus may be created on it: it carries none, or another one that is to go. */
    private boolean isFree(OpenedChild child) {
        return child.isBlank() || parameters.replacesOthers() && !child.isOtherVersion()
                && !child.copy().metadata().uuid().equals(parameters.uuid());
    }

    private void refuseCreate() {
        for (OpenedChild child : opened) {
            if (child.isUnreadable()) {
                throw unreadable(child);
            }
            if (!isFree(child)) {
                throw new OperationException(ErrorKind.ALREADY_EXISTS, "child-in-nexus", "child " + child.bdev().name()
                        + " carries the metadata of " + (child.copy() == null ? "a nexus of a newer release"
                                : "nexus " + child.copy().metadata().uuid())
                        + "; assemble that one, or wipe the child first");
            }
        }
        throw new AssertionError("nothing to refuse");
    }

    private static OperationException unreadable(OpenedChild child) {
        return OperationException.internal("child-unreadable",
                "the metadata of child " + child.bdev().name() + " cannot be read; check the device");
    }

    // --- create -------------------------------------------------------------------------------------

    private void create() {
        setStep(Step.CREATING);
        for (OpenedChild child : opened) {
            if (child.isUnreadable()) {
                throw unreadable(child);
            }
        }
        NexusMetadata metadata = newMetadata();
        DirtyGeometry geometry = new DirtyGeometry(metadata.sizeBytes(), metadata.blockSizeBytes(),
                metadata.regionShift());
        dirtyBits = new long[geometry.wordCount()];
        if (parameters.initialCopy() == NexusParameters.InitialCopy.FROM_FIRST && opened.size() > 1) {
            for (int page = 0; page < geometry.pageCount(); page++) {
                DirtyPageCodec.addAll(geometry, page, dirtyBits);
            }
        }
        createPage(metadata, geometry, 0);
    }

    private NexusMetadata newMetadata() {
        Label label = parameters.label();
        int blockSize = 1 << blockShift;
        Bdev smallest = bdevs.get(0);
        for (Bdev bdev : bdevs) {
            smallest = bdev.sizeBytes() < smallest.sizeBytes() ? bdev : smallest;
        }
        long size = parameters.sizeBytes();
        if (size == 0) {
            size = label.usableBytes(smallest.sizeBytes(), blockSize);
            if (size == 0) {
                throw tooSmall(smallest, label, label == Label.V2 ? 1 << 20 : blockSize);
            }
        }
        label.checkSize(size, blockSize);
        if (label.usableBytes(smallest.sizeBytes(), blockSize) < size) {
            throw tooSmall(smallest, label, size);
        }
        long now = environment.wallClockMs().getAsLong();
        int shift = DirtyGeometry.chooseShift(size, parameters.regionShiftMin());
        List<Member> members = new ArrayList<>();
        for (int i = 0; i < opened.size(); i++) {
            // Unique without a source of randomness: this nexus, this creation, this place.
            UUID uuid = UUID.nameUUIDFromBytes((parameters.uuid() + "/" + now + "/" + i)
                    .getBytes(StandardCharsets.US_ASCII));
            members.add(new Member(uuid, MemberState.HEALTHY, FaultReason.NONE, 1, now));
        }
        return new NexusMetadata(parameters.uuid(), parameters.name(), 1, false, true, label, blockSize, size,
                (int) (now ^ now >>> 32), shift, now, Timeline.UNKNOWN.opened(environment.identities().get(), 1), members);
    }

    private void createPage(NexusMetadata metadata, DirtyGeometry geometry, int page) {
        if (page == geometry.pageCount()) {
            createRecord(metadata);
            return;
        }
        for (OpenedChild child : opened) {
            DirtyPageCodec.encode(geometry, metadata.uuid(), metadata.dirtyEpoch(), page, 1, dirtyBits, RawMemory.ALL,
                    child.buffer().address());
        }
        io(IoType.WRITE, geometry.pageOffsetBytes(page), geometry.pageBytes(), (okMask, failMask) -> guard(() -> {
            checkWritten(failMask);
            createPage(metadata, geometry, page + 1);
        })).submit(allMask());
    }

    private void checkWritten(int failMask) {
        if (failMask != 0) {
            throw OperationException.internal("child-unwritable", "the metadata of child "
                    + opened.get(Integer.numberOfTrailingZeros(failMask)).bdev().name()
                    + " cannot be written; check the device");
        }
    }

    /** The record "creating" goes to slot 0 and whatever slot 1 held is wiped; then the finished one takes slot 1. */
    private void createRecord(NexusMetadata metadata) {
        for (int i = 0; i < opened.size(); i++) {
            MetadataCodec.encode(metadata, i, RawMemory.ALL, opened.get(i).buffer().address());
            opened.get(i).onRead(new MetadataCodec.Copy(metadata, i, 0), false, false);
        }
        io(IoType.WRITE, MetadataCodec.slotOffsetBytes(0), MetadataCodec.SLOT_BYTES, (okMask, failMask) -> guard(() -> {
            checkWritten(failMask);
            NexusMetadata finished = metadata.next(true, metadata.members());
            int[] childOfMember = new int[opened.size()];
            Arrays.setAll(childOfMember, i -> i);
            build(metadata, metadata.members(), childOfMember);
            nexus.membership().write(finished, allMask(), (written, failed) -> {
                if (failed != 0) {
                    failCreated(failed);
                } else {
                    nexus.membership().onCreated(finished);
                    finish();
                }
            });
        })).submit(allMask());
    }

    /** The finished record did not reach everybody: the creation is undone where it did. */
    private void failCreated(int failMask) {
        String name = opened.get(Integer.numberOfTrailingZeros(failMask)).bdev().name();
        for (OpenedChild child : opened) {
            RawMemory.zero(child.buffer().address(), MetadataCodec.SLOT_BYTES);
        }
        io(IoType.WRITE, MetadataCodec.slotOffsetBytes(1), MetadataCodec.SLOT_BYTES, (okMask, stillFailing) ->
                fail(OperationException.internal("child-unwritable", "the metadata of child " + name
                        + " cannot be written; check the device"))).submit(allMask());
    }

    // --- assemble -----------------------------------------------------------------------------------

    private void assemble() {
        setStep(Step.LOADING);
        List<Assembly.Found> found = new ArrayList<>();
        List<OpenedChild> readable = new ArrayList<>();
        for (OpenedChild child : opened) {
            if (!child.isUnreadable()) {
                found.add(child.found());
                readable.add(child);
            }
        }
        if (found.isEmpty()) {
            throw unreadable(opened.get(0));
        }
        Assembly assembly = Assembly.decide(parameters.uuid(), found, parameters.allowMissing(),
                environment.wallClockMs().getAsLong());
        NexusMetadata metadata = assembly.metadata();
        checkAssembled(metadata);
        int[] childOfMember = new int[assembly.members().size()];
        int trusted = 0;
        for (int i = 0; i < childOfMember.length; i++) {
            int at = assembly.childOfMember()[i];
            childOfMember[i] = at < 0 ? -1 : opened.indexOf(readable.get(at));
            trusted |= at >= 0 && assembly.members().get(i).isHealthy() ? 1 << childOfMember[i] : 0;
        }
        checkSizes(metadata, trusted);
        DirtyGeometry geometry = new DirtyGeometry(metadata.sizeBytes(), metadata.blockSizeBytes(),
                metadata.regionShift());
        dirtyBits = new long[geometry.wordCount()];
        pageToRewrite = new boolean[geometry.pageCount()];
        loadPage(assembly, childOfMember, geometry, trusted, 0);
    }

    private void checkAssembled(NexusMetadata metadata) {
        if (metadata.blockSizeBytes() != 1 << blockShift) {
            throw OperationException.precondition("child-block-size", "nexus " + metadata.uuid() + " has blocks of "
                    + metadata.blockSizeBytes() + " bytes, its children of " + (1 << blockShift));
        }
        if (parameters.sizeBytes() != 0 && parameters.sizeBytes() != metadata.sizeBytes()) {
            throw new OperationException(ErrorKind.ALREADY_EXISTS, "nexus-size-differs", "nexus " + metadata.uuid()
                    + " has " + metadata.sizeBytes() + " bytes, not " + parameters.sizeBytes()
                    + "; leave the size out, and resize it when it is open");
        }
    }

    /** One that is out may have missed that the nexus grew: it is refused when it is to come back. */
    private void checkSizes(NexusMetadata metadata, int trusted) {
        for (int rest = trusted; rest != 0; rest &= rest - 1) {
            Bdev bdev = opened.get(Integer.numberOfTrailingZeros(rest)).bdev();
            if (metadata.label().usableBytes(bdev.sizeBytes(), metadata.blockSizeBytes()) < metadata.sizeBytes()) {
                throw tooSmall(bdev, metadata.label(), metadata.sizeBytes());
            }
        }
    }

    /** What any trusted child calls dirty is dirty; a page that none of them has intact is dirty as a whole. */
    private void loadPage(Assembly assembly, int[] childOfMember, DirtyGeometry geometry, int trusted, int page) {
        if (page == geometry.pageCount()) {
            mark(assembly, childOfMember);
            return;
        }
        NexusMetadata metadata = assembly.metadata();
        io(IoType.READ, geometry.pageOffsetBytes(page), geometry.pageBytes(), (okMask, failMask) -> guard(() -> {
            int intact = 0;
            for (int rest = okMask; rest != 0; rest &= rest - 1) {
                long address = opened.get(Integer.numberOfTrailingZeros(rest)).buffer().address();
                long found = DirtyPageCodec.check(geometry, metadata.uuid(), metadata.dirtyEpoch(), page,
                        RawMemory.ALL, address);
                if (found >= 0) {
                    intact |= Integer.lowestOneBit(rest);
                    sequence = Math.max(sequence, found);
                    DirtyPageCodec.addBits(geometry, page, RawMemory.ALL, address, dirtyBits);
                }
            }
            if (intact == 0) {
                DirtyPageCodec.addAll(geometry, page, dirtyBits);
            }
            pageToRewrite[page] = intact != trusted || DirtyPageCodec.hasBits(geometry, page, dirtyBits);
            loadPage(assembly, childOfMember, geometry, trusted, page + 1);
        })).submit(trusted);
    }

    private void mark(Assembly assembly, int[] childOfMember) {
        setStep(Step.MARKING);
        build(assembly.metadata().opened(environment.identities().get(), assembly.members()), assembly.members(), childOfMember);
        nexus.membership().requestAssembled(() -> {
            if (nexus.membership().isBlocked()) {
                nexus.membership().close();
                failStored();
            } else {
                rewritePage(0);
            }
        });
    }

    /** A bit that only some child has must be on all of them before it can stand for a write. */
    private void rewritePage(int page) {
        int next = page;
        while (next < pageToRewrite.length && !pageToRewrite[next]) {
            next++;
        }
        if (next == pageToRewrite.length) {
            finish();
            return;
        }
        int rewritten = next;
        nexus.dirtyKeeper().writePage(rewritten, dirtyBits, nexus.usableMask(), (okMask, failMask) ->
                nexus.membership().requestFaults(failMask, FaultReason.METADATA_ERROR, () -> {
                    int usable = nexus.usableMask();
                    if (usable == 0 || (okMask & usable) != usable) {
                        nexus.abandon((value, failure) -> failStoredAfterClose());
                    } else {
                        rewritePage(rewritten + 1);
                    }
                }));
    }

    private void failStored() {
        fail(notStored());
    }

    private void failStoredAfterClose() {
        setStep(Step.DONE);
        closeUnused();
        done.fail(notStored());
    }

    private OperationException notStored() {
        return OperationException.internal("nexus-metadata-not-stored", "nexus " + parameters.uuid()
                + ": its metadata could not be stored on any child; check the devices");
    }

    /** Makes the nexus from the children that are to be used; the others are closed. */
    private void build(NexusMetadata metadata, List<Member> members, int[] childOfMember) {
        used = new boolean[opened.size()];
        NexusChild[] children = new NexusChild[members.size()];
        for (int i = 0; i < children.length; i++) {
            OpenedChild child = childOfMember[i] < 0 ? null : opened.get(childOfMember[i]);
            boolean use = child != null && members.get(i).state() != MemberState.FAULTED;
            if (use) {
                used[childOfMember[i]] = true;
            }
            children[i] = new NexusChild(i, members.get(i), child == null ? null : child.bdev().name(),
                    child != null && child.bdev().isLocal(), use ? child : null);
        }
        nexus = new Nexus(environment, parameters, metadata, children, pageBuffer, dirtyBits, sequence);
    }

    private void finish() {
        nexus.tracking().markSuspect(dirtyBits);
        try {
            environment.registry().register(nexus);
        } catch (OperationException e) {
            nexus.abandon((value, failure) -> {
                setStep(Step.DONE);
                closeUnused();
                done.fail(e);
            });
            return;
        }
        boolean created = step == Step.CREATING;
        setStep(Step.DONE);
        nexus.onOpened();
        if (created) {
            tellWaste();
        }
        for (OpenedChild child : opened) {
            if (used[opened.indexOf(child)]) {
                child.attachTo(nexus);
            }
        }
        closeUnused();
        done.ok(nexus);
    }

    /** One child that is smaller than the others makes the whole nexus small: that should not go unnoticed. */
    private void tellWaste() {
        Bdev smallest = bdevs.get(0);
        Bdev largest = smallest;
        for (Bdev bdev : bdevs) {
            smallest = bdev.sizeBytes() < smallest.sizeBytes() ? bdev : smallest;
            largest = bdev.sizeBytes() > largest.sizeBytes() ? bdev : largest;
        }
        if (parameters.sizeBytes() == 0 && nexus.label().usableBytes(largest.sizeBytes(), nexus.blockSizeBytes())
                > nexus.sizeBytes()) {
            nexus.event("nexus-limited-by-child child=" + smallest.name() + " bytes=" + smallest.sizeBytes()
                    + " largest-child=" + largest.name() + " largest-bytes=" + largest.sizeBytes() + " nexus-bytes="
                    + nexus.sizeBytes());
        }
    }

    private void closeUnused() {
        for (int i = 0; i < used.length; i++) {
            if (!used[i]) {
                opened.get(i).close();
            }
        }
    }
}
