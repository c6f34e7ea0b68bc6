package io.mizzen.concat;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.UUID;

/**
 * Puts the disks of a set into their places, or says why they are not a whole set. The superblock with the highest sequence
 * number counts: members are written one after the other, so a crash leaves some behind. Pure function; nothing is written.
 *
 * @param superBlock the one that counts
 * @param image its bytes
 * @param disks by slot; null: missing, of a set that is to be read only
 * @param stale those whose superblock is another, older or cut short: to be written
 */
record Assembly(RaidSuperBlock superBlock, byte[] image, List<DiskHead> disks, List<DiskHead> stale) {

    /**
     * @param readOnly members may be missing, but for the first, on which the pool's metadata begins
     * @throws OperationException naming the first disk, or the missing members, that make it impossible
     */
    static Assembly of(List<DiskHead> heads, boolean readOnly) {
        RaidSuperBlock newest = newest(heads);
        byte[] image = newest.write();
        DiskHead[] places = new DiskHead[newest.members().size()];
        List<DiskHead> stale = new ArrayList<>();
        for (DiskHead head : heads) {
            RaidSuperBlock.Member member = memberOf(head, newest);
            if (places[member.slot()] != null) {
                throw OperationException.invalid("disk-duplicate", "disks " + places[member.slot()].disk() + " and " + head.disk()
                        + " are both member " + (member.slot() + 1) + " of set " + name(newest) + ": one is a copy; name the right one");
            }
            places[member.slot()] = head;
            if (head.superBlock() == null || head.superBlock().sequence() != newest.sequence()) {
                stale.add(head);
            }
        }
        List<String> missing = new ArrayList<>();
        for (RaidSuperBlock.Member member : newest.members()) {
            if (places[member.slot()] == null) {
                missing.add("member " + (member.slot() + 1) + " (" + member.uuid() + ")");
            }
        }
        if (!missing.isEmpty() && (!readOnly || places[0] == null)) {
            throw OperationException.precondition("pool-disk-missing", "set " + name(newest) + " has " + places.length
                    + " disks, and of those named " + missing.size() + " missing: " + String.join(", ", missing)
                    + "; a pool is opened only with all its disks, nothing was changed" + (places[0] == null
                    ? ". The pool's metadata begins on member 1" : "; an import with \"readOnly\": true shows what the others hold"));
        }
        for (RaidSuperBlock.Member member : newest.members()) {
            if (places[member.slot()] != null) {
                checkFits(places[member.slot()], member, newest);
            }
        }
        return new Assembly(newest, image, Collections.unmodifiableList(Arrays.asList(places)), stale);
    }

    private static RaidSuperBlock newest(List<DiskHead> heads) {
        RaidSuperBlock newest = null;
        DiskHead from = null;
        for (DiskHead head : heads) {
            RaidSuperBlock read = head.superBlock();
            if (read == null) {
                continue;
            }
            if (newest != null && !newest.uuid().equals(read.uuid())) {
                throw OperationException.precondition("disks-of-different-sets", "disk " + from.disk() + " belongs to set "
                        + name(newest) + ", disk " + head.disk() + " to " + name(read));
            }
            if (newest != null && newest.sequence() == read.sequence() && !newest.equals(read)) {
                throw new OperationException(ErrorKind.DATA_LOSS, "disk-superblock-corrupt", "disks " + from.disk() + " and "
                        + head.disk() + " describe set " + name(newest) + " differently under the same sequence number "
                        + read.sequence());
            }
            if (newest == null || Long.compareUnsigned(read.sequence(), newest.sequence()) > 0) {
                newest = read;
                from = head;
            }
        }
        if (newest == null) {
            throw none(heads.getFirst());
        }
        return newest;
    }

    private static OperationException none(DiskHead head) {
        if (head.damage() != null) {
            return named(head, head.damage());
        }
        if (head.label() != null) {
            return new OperationException(ErrorKind.DATA_LOSS, "disk-superblock-corrupt", "disk " + head.disk()
                    + ": it is labelled as a member of set " + head.label().set() + ", but the RAID superblock at byte 0 is gone");
        }
        return OperationException.precondition("disk-not-member", "disk " + head.disk()
                + " carries no RAID superblock: it belongs to no pool of several disks; a pool of one disk is imported by itself");
    }

    private static RaidSuperBlock.Member memberOf(DiskHead head, RaidSuperBlock newest) {
        MemberLabel label = head.label();
        boolean labelled = label != null && label.set().equals(newest.uuid());
        if (!labelled && head.superBlock() == null) {
            throw none(head);
        }
        if (head.damage() != null && !head.damage().code().equals("disk-superblock-corrupt")) {
            throw named(head, head.damage());
        }
        UUID uuid = labelled ? label.member() : head.disk().uuid();
        for (RaidSuperBlock.Member member : newest.members()) {
            if (member.uuid().equals(uuid)) {
                if (member.state() != RaidSuperBlock.STATE_CONFIGURED) {
                    throw OperationException.precondition("disk-member-failed", "set " + name(newest) + " calls its member "
                            + (member.slot() + 1) + " (disk " + head.disk() + ") " + member.stateWord());
                }
                return member;
            }
        }
        if (labelled) {
            throw OperationException.precondition("disk-not-member", "disk " + head.disk() + " was to become member " + uuid
                    + " of set " + name(newest) + ", which has no such member: it holds nothing of the pool");
        }
        throw OperationException.precondition("disk-identity-unknown", "disk " + head.disk() + " belongs to set " + name(newest)
                + ", but as which member is not known: the set was made by other software, and knows its members by the UUIDs "
                + String.join(", ", newest.members().stream().map(m -> m.uuid().toString()).toList())
                + "; give the disk's in its URI: ...?uuid=");
    }

    private static void checkFits(DiskHead head, RaidSuperBlock.Member member, RaidSuperBlock newest) {
        if (head.disk().blockSizeBytes() != newest.blockSizeBytes()) {
            throw OperationException.precondition("pool-block-size-unsupported", "set " + name(newest) + " was made for blocks of "
                    + newest.blockSizeBytes() + " bytes, disk " + head.disk() + " has blocks of " + head.disk().blockSizeBytes());
        }
        long end = member.dataOffsetBlocks() + member.dataBlocks();
        if (end > head.disk().blockCount()) {
            throw new OperationException(ErrorKind.DATA_LOSS, "pool-device-truncated", "disk " + head.disk() + " has "
                    + head.disk().blockCount() + " blocks, member " + (member.slot() + 1) + " of set " + name(newest) + " needs " + end);
        }
    }

    private static OperationException named(DiskHead head, OperationException why) {
        return new OperationException(why.kind(), why.code(), "disk " + head.disk() + ": " + why.getMessage());
    }

    private static String name(RaidSuperBlock set) {
        return set.name() + " (" + set.uuid() + ")";
    }
}
