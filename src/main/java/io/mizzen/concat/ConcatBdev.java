package io.mizzen.concat;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevRegistry;
import io.mizzen.bdev.Descriptor;
import io.mizzen.bdev.IoChannel;
import io.mizzen.bdev.IoType;
import io.mizzen.reactor.Mthread;
import io.mizzen.util.Completion;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.HotPath;
import io.mizzen.util.OperationException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Several disks as one bdev, end to end, in the form of SPDK's RAID level concat with superblocks. It grows by a disk at its
 * end, or by what its last disk has grown; nothing is ever moved. When a disk goes, it goes: what lies on it has no copy.
 * Superblocks are written to one disk after the other, the new disk first, each durable before the next.
 */
public final class ConcatBdev extends Bdev {
    /** What kind of bdev it is, in words. */
    public static final String PRODUCT = "concat";
    /** Most disks of one set. */
    public static final int DISKS_MAX = RaidSuperBlock.MEMBERS_MAX;
    /** Bytes in which the share of each disk is counted: what a disk has beyond is left unused. */
    public static final long STRIP_BYTES = 1 << 20;

    /**
     * Where a member lies.
     *
     * @param startBlock its first block in the whole
     * @param endBlock behind its last
     * @param dataOffsetBlocks where its data begins on the disk
     */
    record Part(Descriptor descriptor, long startBlock, long endBlock, long dataOffsetBlocks) {
        Bdev disk() {
            return descriptor.bdev();
        }
    }

    private final BdevRegistry registry;
    private final Mthread control;
    private final AtomicBoolean flushFailed = new AtomicBoolean();
    private final String owner;
    private final boolean writable;
    private volatile List<Part> parts;
    /** Of so many disks it has told whoever stands on it what an unmap does, and whether they cache: the later ones comply. */
    private int firstDisks;
    private RaidSuperBlock superBlock;

    private ConcatBdev(BdevRegistry registry, Mthread control, RaidSuperBlock superBlock, String name, String owner, boolean writable) {
        super(name, superBlock.uuid(), PRODUCT, superBlock.blockSizeBytes(), superBlock.sizeBlocks());
        this.registry = registry;
        this.control = control;
        this.superBlock = superBlock;
        this.owner = owner;
        this.writable = writable;
    }

    /** A disk to join, and the UUID by which SPDK will know it; null for one of our choice. */
    public record NewDisk(Bdev disk, UUID uuid) {
    }

    /**
     * Joins disks; nothing is written before {@link #store}. The caller registers the result. Control reactor.
     *
     * @param setName the name that SPDK shows
     */
    public static ConcatBdev create(String setName, List<NewDisk> disks, BdevRegistry registry, Mthread control) {
        int length = setName.getBytes(StandardCharsets.UTF_8).length;
        if (length == 0 || length > RaidSuperBlock.NAME_BYTES_MAX) {
            throw OperationException.invalid("invalid-name", "the name of a set has 1 to 63 bytes, not " + length);
        }
        if (disks.size() > DISKS_MAX) {
            throw OperationException.invalid("invalid-disks", disks.size() + " disks are more than the " + DISKS_MAX + " of a set");
        }
        int blockSize = disks.getFirst().disk().blockSizeBytes();
        int strip = (int) (STRIP_BYTES / blockSize);
        List<RaidSuperBlock.Member> members = new ArrayList<>();
        for (NewDisk disk : disks) {
            members.add(member(disk, blockSize, strip, members.size()));
        }
        long sum = members.stream().mapToLong(RaidSuperBlock.Member::dataBlocks).sum();
        RaidSuperBlock superBlock = new RaidSuperBlock(0, 0, UUID.randomUUID(), setName, sum, blockSize,
                RaidSuperBlock.LEVEL_CONCAT, strip, 0, 0, members);
        return open(superBlock, disks.stream().map(NewDisk::disk).toList(), registry, control, true);
    }

    private static RaidSuperBlock.Member member(NewDisk disk, int blockSize, int strip, int slot) {
        Bdev bdev = disk.disk();
        if (bdev.blockSizeBytes() != blockSize) {
            throw OperationException.invalid("disks-block-size-mismatch", "disk " + bdev + " has blocks of " + bdev.blockSizeBytes()
                    + " bytes, the others have " + blockSize + "; disks of one pool have blocks of one size");
        }
        long offset = RaidSuperBlock.DATA_OFFSET_BYTES / blockSize;
        long blocks = (bdev.blockCount() - offset) / strip * strip;
        if (bdev.blockCount() < offset + strip) {
            throw OperationException.invalid("pool-device-too-small", "disk " + bdev + " of " + bdev.sizeBytes()
                    + " bytes is too small to be joined with others; at least " + (RaidSuperBlock.DATA_OFFSET_BYTES + STRIP_BYTES)
                    + " bytes are needed");
        }
        return new RaidSuperBlock.Member(disk.uuid() == null ? UUID.randomUUID() : disk.uuid(), offset, blocks,
                RaidSuperBlock.STATE_CONFIGURED, 0, slot);
    }

    /** Reads what a disk begins with. Control reactor. */
    public static void inspect(Bdev disk, BdevRegistry registry, Mthread control, Completion<DiskHead> done) {
        DiskIo.readHead(disk, registry, control, done);
    }

    /**
     * Puts a set together from all its disks, in any order; superblocks that a crash left behind are brought up to date unless
     * it is to be read only. Then disks may be missing, but for the first: what lies on them cannot be read. The caller registers
     * the result. Control reactor.
     */
    public static void assemble(List<DiskHead> heads, boolean readOnly, BdevRegistry registry, Mthread control,
            Completion<ConcatBdev> done) {
        Assembly assembly = Assembly.of(heads, readOnly);
        for (DiskHead head : assembly.stale()) {
            if (!readOnly && head.isOverwritten()) {
                throw new OperationException(ErrorKind.DATA_LOSS, "disk-superblock-corrupt", "disk " + head.disk() + ": it is labelled as"
                        + " a member of set " + head.label().set() + ", but something that is no RAID superblock lies at byte 0. It may"
                        + " have been given to another use, so nothing is written to it: look at the pool with a read-only import,"
                        + " and zero the first 4096 bytes of the disk if it is the pool's still");
            }
        }
        List<Bdev> disks = new ArrayList<>();
        assembly.disks().forEach(head -> disks.add(head == null ? null : head.disk()));
        ConcatBdev concat = open(assembly.superBlock(), disks, registry, control, !readOnly);
        List<Bdev> stale = readOnly || assembly.superBlock().minorVersion() > 0 ? List.of()
                : assembly.stale().stream().map(DiskHead::disk).toList();
        concat.writeTo(concat.parts.stream().filter(part -> stale.contains(part.disk())).toList(), assembly.image(),
                (nothing, failure) -> {
            if (failure != null) {
                concat.close(concat.parts);
            }
            done.complete(failure == null ? concat : null, failure);
        });
    }

    /** @param disks by slot; null: missing, and stood for */
    private static ConcatBdev open(RaidSuperBlock superBlock, List<Bdev> disks, BdevRegistry registry, Mthread control,
            boolean writable) {
        ConcatBdev concat = new ConcatBdev(registry, control, superBlock, "concat-" + superBlock.uuid(), superBlock.name(), writable);
        List<Part> parts = new ArrayList<>();
        try {
            long start = 0;
            for (RaidSuperBlock.Member member : superBlock.members()) {
                Bdev disk = disks.get(member.slot());
                parts.add(new Part(concat.open(disk == null ? concat.standIn(member) : disk), start, start + member.dataBlocks(),
                        member.dataOffsetBlocks()));
                start += member.dataBlocks();
            }
        } catch (OperationException refused) {
            concat.close(parts);
            throw refused;
        }
        concat.parts = List.copyOf(parts);
        concat.firstDisks = parts.size();
        return concat;
    }

    private MissingDisk standIn(RaidSuperBlock.Member member) {
        MissingDisk missing = new MissingDisk(superBlock.uuid(), member, blockSizeBytes());
        registry.register(missing);
        return missing;
    }

    private Descriptor open(Bdev disk) {
        return registry.open(disk, "pool " + owner, writable, new Descriptor.Listener() {
            @Override
            public void onRemoved(Bdev gone) {
                notifyRemoved();
            }

            @Override
            public void onResized(Bdev resized) {
                // What the last one has gained is used from the next growth on.
            }
        });
    }

    // --- what is on the disks -------------------------------------------------------------------------

    /** Labels the disks and writes their superblocks, the first disk's last. Once, after {@link #create}. */
    public void store(Completion<Void> done) {
        superBlock = superBlock.next(superBlock.members());
        label(new ArrayList<>(parts), (nothing, failure) -> {
            if (failure != null) {
                done.fail(failure);
            } else {
                writeTo(parts.reversed(), superBlock.write(), done);
            }
        });
    }

    private void label(List<Part> left, Completion<Void> done) {
        if (left.isEmpty()) {
            done.ok(null);
            return;
        }
        Part part = left.removeLast();
        byte[] label = new MemberLabel(superBlock.uuid(), superBlock.members().get(slot(part)).uuid()).write();
        DiskIo.write(part.descriptor, control, MemberLabel.AT_BYTES, label, next(done, () -> label(left, done)));
    }

    private int slot(Part part) {
        return parts.indexOf(part);
    }

    /** Wipes superblocks and labels: the disks are free for something else. */
    public void wipe(Completion<Void> done) {
        wipe(new ArrayList<>(parts.reversed()), done);
    }

    private void wipe(List<Part> left, Completion<Void> done) {
        if (left.isEmpty()) {
            done.ok(null);
            return;
        }
        Part part = left.removeLast();
        DiskIo.write(part.descriptor, control, 0, new byte[Bdev.BLOCK_SIZE_MAX], next(done, () ->
                DiskIo.write(part.descriptor, control, MemberLabel.AT_BYTES, new byte[MemberLabel.SIZE_BYTES], next(done, () ->
                        wipe(left, done)))));
    }

    private void writeTo(List<Part> targets, byte[] image, Completion<Void> done) {
        if (targets.isEmpty()) {
            done.ok(null);
            return;
        }
        DiskIo.write(targets.getFirst().descriptor, control, 0, image, next(done, () ->
                writeTo(targets.subList(1, targets.size()), image, done)));
    }

    private Completion<Void> next(Completion<Void> done, Runnable step) {
        return (nothing, failure) -> {
            if (failure != null) {
                flushFailed.set(true);      // It may have taken the only notice of what the disk had cached: the next flush tells it.
                done.fail(failure);
            } else {
                step.run();
            }
        };
    }

    // --- growth ---------------------------------------------------------------------------------------

    /** What the whole could have if it took in what its last disk has gained. */
    public long growableToBytes() {
        return (superBlock.sizeBlocks() + gainedBlocks(superBlock.members().getLast())) << blockShift();
    }

    /** What a disk has beyond its part of the whole, in full strips. */
    private long gainedBlocks(RaidSuperBlock.Member member) {
        long blocks = (parts.get(member.slot()).disk().blockCount() - member.dataOffsetBlocks()) / superBlock.stripBlocks()
                * superBlock.stripBlocks();
        return Math.max(0, blocks - member.dataBlocks());
    }

    /** Takes in what the last disk has gained. What the others have gained stays unused: data would have to move. */
    public void growLast(Completion<Void> done) {
        checkChangeable();
        RaidSuperBlock.Member lastMember = superBlock.members().getLast();
        long gained = gainedBlocks(lastMember);
        if (gained == 0) {
            done.ok(null);
            return;
        }
        List<RaidSuperBlock.Member> members = new ArrayList<>(superBlock.members());
        members.set(members.size() - 1, lastMember.withBlocks(lastMember.dataBlocks() + gained));
        RaidSuperBlock grown = superBlock.next(members);
        writeTo(parts, grown.write(), (nothing, failure) -> {
            if (failure != null) {
                superBlock = superBlock.next(superBlock.members());     // Some disks may have this number already.
                done.fail(failure);
                return;
            }
            List<Part> newParts = new ArrayList<>(parts);
            Part last = newParts.removeLast();
            newParts.add(new Part(last.descriptor, last.startBlock, last.endBlock + gained, last.dataOffsetBlocks));
            adopt(grown, newParts, done);
        });
    }

    /** Adds a disk at the end, whatever is on it: who calls has asked for that. Online. */
    public void add(NewDisk disk, Completion<Void> done) {
        checkChangeable();
        if (parts.size() == DISKS_MAX) {
            throw OperationException.precondition("too-many-disks", "the set has " + DISKS_MAX + " disks, which is the limit");
        }
        RaidSuperBlock.Member member = member(disk, blockSizeBytes(), superBlock.stripBlocks(), parts.size());
        if (superBlock.members().stream().anyMatch(known -> known.uuid().equals(member.uuid()))) {
            throw OperationException.precondition("disk-duplicate", "the set has a disk with the UUID " + member.uuid() + " already");
        }
        List<RaidSuperBlock.Member> members = new ArrayList<>(superBlock.members());
        members.add(member);
        RaidSuperBlock grown = superBlock.next(members);
        Part part = new Part(open(disk.disk()), superBlock.sizeBlocks(), superBlock.sizeBlocks() + member.dataBlocks(),
                member.dataOffsetBlocks());
        List<Part> newParts = new ArrayList<>(parts);
        newParts.add(part);
        byte[] label = new MemberLabel(superBlock.uuid(), member.uuid()).write();
        DiskIo.write(part.descriptor, control, MemberLabel.AT_BYTES, label, (nothing, failure) -> {
            if (failure != null) {
                part.descriptor.close();
                done.fail(failure);
                return;
            }
            writeTo(newParts.reversed(), grown.write(), (written, writeFailure) -> {
                if (writeFailure != null) {
                    notAdded(part, writeFailure, done);
                } else {
                    adopt(grown, newParts, done);
                }
            });
        });
    }

    /**
     * Some superblocks may name the disk already, and it would be missed at the next import. The newest one counts: one that
     * does not name it, on any of the disks, is enough.
     */
    private void notAdded(Part part, OperationException why, Completion<Void> done) {
        superBlock = superBlock.next(superBlock.members()).next(superBlock.members());      // Newer than what was written.
        writeToAny(parts, superBlock.write(), false, (written, none) -> {
            part.descriptor.close();
            done.fail(written ? why : OperationException.internal("disk-add-unclear", "adding disk " + part.disk()
                    + " failed (" + why.getMessage() + "), and so did taking that back on every disk: name it with the others at"
                    + " the next import"));
        });
    }

    private void writeToAny(List<Part> targets, byte[] image, boolean written, Completion<Boolean> done) {
        if (targets.isEmpty()) {
            done.ok(written);
            return;
        }
        DiskIo.write(targets.getFirst().descriptor, control, 0, image, (nothing, failure) -> {
            if (failure != null) {
                flushFailed.set(true);
            }
            writeToAny(targets.subList(1, targets.size()), image, written || failure == null, done);
        });
    }

    private void checkChangeable() {
        if (!writable) {
            throw OperationException.precondition("pool-read-only", "the disks are open for reading only");
        }
        if (superBlock.minorVersion() > 0) {
            throw OperationException.precondition("disk-superblock-unsupported", "the RAID superblocks are of the newer version 1."
                    + superBlock.minorVersion() + " and are not changed");
        }
    }

    private void adopt(RaidSuperBlock grown, List<Part> newParts, Completion<Void> done) {
        superBlock = grown;
        parts = List.copyOf(newParts);
        forEachChannel((channel, iteration) -> {
            ((ConcatChannel) channel).follow();
            iteration.next();
        }, control, (nothing, failure) -> {
            setBlockCount(grown.sizeBlocks());
            done.ok(null);
        });
    }

    // --- the bdev -------------------------------------------------------------------------------------

    /** The disks in their order, those that are there. Control reactor. */
    public List<Bdev> disks() {
        return parts.stream().map(Part::disk).filter(disk -> !(disk instanceof MissingDisk)).toList();
    }

    /** In words, the members that are not there, of a set that is opened to be read only. Control reactor. */
    public List<String> missing() {
        return parts.stream().filter(part -> part.disk() instanceof MissingDisk).map(part -> "member " + (slot(part) + 1) + " ("
                + superBlock.members().get(slot(part)).uuid() + ") of the " + parts.size() + " disks is missing: what lies on it, bytes "
                + (part.startBlock << blockShift()) + " to " + (part.endBlock << blockShift()) + " of the pool, cannot be read").toList();
    }

    private RaidSuperBlock.Member memberOf(Bdev disk) {
        return superBlock.members().stream().filter(member -> parts.get(member.slot()).disk() == disk).findAny().orElseThrow();
    }

    /** By which SPDK knows the disk. Control reactor. */
    public UUID memberUuid(Bdev disk) {
        return memberOf(disk).uuid();
    }

    /**
     * What a disk has beyond its part of the whole that only a move of the next disk's data could make use of: the next one
     * begins where this one's part ends. 0 of the last, which can grow. Control reactor.
     */
    public long unusableBytes(Bdev disk) {
        RaidSuperBlock.Member member = memberOf(disk);
        return member.slot() == superBlock.members().size() - 1 ? 0 : gainedBlocks(member) << blockShift();
    }

    /** What a disk would add to the whole; refused as by {@link #add}. */
    public long dataBytes(NewDisk disk) {
        return member(disk, blockSizeBytes(), superBlock.stripBlocks(), parts.size()).dataBlocks() << blockShift();
    }

    /** So large the disk must be to hold what the whole has on it. Control reactor. */
    public long neededBytes(Bdev disk) {
        RaidSuperBlock.Member member = memberOf(disk);
        return (member.dataOffsetBlocks() + member.dataBlocks()) << blockShift();
    }

    /** Bytes of the whole that lie on the disk. Control reactor. */
    public long dataBytes(Bdev disk) {
        return memberOf(disk).dataBlocks() << blockShift();
    }

    List<Part> parts() {
        return parts;
    }

    @Override
    public boolean supports(int ioType) {
        return switch (ioType) {
            case IoType.READ -> true;
            case IoType.WRITE, IoType.FLUSH -> writable;
            case IoType.UNMAP -> writable && parts.stream().limit(firstDisks).allMatch(part -> part.disk().supports(ioType));
            case IoType.WRITE_ZEROES -> writable && parts.stream().allMatch(part -> part.disk().supports(ioType));
            default -> false;       // The bdev layer makes compare from reads.
        };
    }

    @Override
    public boolean isReadOnly() {
        return !writable;
    }

    @Override
    public int depth() {
        return 1 + parts.stream().mapToInt(part -> part.disk().depth()).max().orElse(0);
    }

    @Override
    public boolean hasVolatileCache() {
        return parts.stream().limit(firstDisks).anyMatch(part -> part.disk().hasVolatileCache());
    }

    @Override
    public boolean fuaFlushes() {
        return parts.stream().anyMatch(part -> part.disk().fuaFlushes());
    }

    /** Whether a flush failed that no user of the set has been told of; once. */
    @HotPath
    boolean takeFlushFailed() {
        return flushFailed.get() && flushFailed.compareAndSet(true, false);
    }

    @Override
    public boolean isTestOnly() {
        return parts.stream().anyMatch(part -> part.disk().isTestOnly());
    }

    @Override
    public boolean isLocal() {
        return parts.stream().allMatch(part -> part.disk().isLocal());
    }

    @Override
    public boolean unmapReadsZeroes() {
        return parts.stream().limit(firstDisks).allMatch(part -> part.disk().unmapReadsZeroes());
    }

    /** Whether the disk caches where nobody flushes, because the whole is told not to. */
    boolean mustWriteThrough(int disk) {
        return disk >= firstDisks && !hasVolatileCache() && parts.get(disk).disk().hasVolatileCache();
    }

    /** Whether the disk does with an unmap what is told of the whole; else zeroes are written to it instead. */
    boolean unmapsAlike(int disk) {
        Bdev it = parts.get(disk).disk();
        return disk < firstDisks || it.supports(IoType.UNMAP) && (it.unmapReadsZeroes() || !unmapReadsZeroes());
    }

    @Override
    protected IoChannel createChannel(Mthread mthread) {
        return new ConcatChannel(this, mthread);
    }

    @Override
    protected void onDestroy(Completion<Void> done) {
        close(parts);
        done.ok(null);
    }

    private void close(List<Part> opened) {
        for (Part part : opened) {
            part.descriptor.close();
            if (part.disk() instanceof MissingDisk) {
                registry.unregister(part.disk(), (nothing, none) -> { });
            }
        }
    }
}
