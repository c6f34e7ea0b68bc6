package io.mizzen.nexus;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;

/**
 * What every child's reserved area says about the nexus: one generation of it. Immutable; a change makes the next
 * generation, which is stored on all healthy members before anything relies on it.
 *
 * @param generation counts changes, from 1
 * @param inUse whether writes may have happened since the last clean close
 * @param creating whether the creation has not been finished: such a record counts as none
 * @param dirtyEpoch names the life of the dirty-region map; pages of another epoch are not believed
 * @param regionShift log2 of a dirty region's bytes
 * @param timeline the openings that led to this generation
 */
record NexusMetadata(UUID uuid, String name, long generation, boolean inUse, boolean creating, Label label, int blockSizeBytes,
        long sizeBytes, int dirtyEpoch, int regionShift, long createdAtMs, Timeline timeline, List<Member> members) {
    /** Children that a nexus may have. */
    static final int MEMBER_MAX = 32;
    /** Bytes that a name may have in UTF-8. */
    static final int NAME_BYTES_MAX = 255;

    NexusMetadata {
        Objects.requireNonNull(uuid);
        Objects.requireNonNull(label);
        Objects.requireNonNull(timeline);
        members = List.copyOf(members);
        if (members.isEmpty() || members.size() > MEMBER_MAX) {
            throw new IllegalArgumentException("members: " + members.size());
        }
        if (name.getBytes(StandardCharsets.UTF_8).length > NAME_BYTES_MAX) {
            throw new IllegalArgumentException("name too long");
        }
        if (generation <= 0 || sizeBytes <= 0 || Integer.bitCount(blockSizeBytes) != 1
                || sizeBytes % blockSizeBytes != 0) {
            throw new IllegalArgumentException("generation " + generation + " size " + sizeBytes + " block size "
                    + blockSizeBytes);
        }
    }

    /** The next generation, a finished one, with these members; a member that is healthy in it is healthy up to it. */
    NexusMetadata next(boolean nowInUse, List<Member> newMembers) {
        return next(generation + 1, nowInUse, newMembers);
    }

    /** A later generation: numbers are skipped that were tried and not stored everywhere. */
    NexusMetadata next(long nextGeneration, boolean nowInUse, List<Member> newMembers) {
        assert nextGeneration > generation;
        List<Member> stamped = new ArrayList<>(newMembers.size());
        for (Member member : newMembers) {
            stamped.add(member.isHealthy()
                    ? new Member(member.uuid(), member.state(), member.reason(), nextGeneration, member.changedAtMs())
                    : member);
        }
        return new NexusMetadata(uuid, name, nextGeneration, nowInUse, false, label, blockSizeBytes, sizeBytes, dirtyEpoch,
                regionShift, createdAtMs, timeline, stamped);
    }

    /** The same generation of a larger nexus. */
    NexusMetadata resized(long newSizeBytes, int newRegionShift, int newDirtyEpoch) {
        return new NexusMetadata(uuid, name, generation, inUse, creating, label, blockSizeBytes, newSizeBytes,
                newDirtyEpoch, newRegionShift, createdAtMs, timeline, members);
    }

    /** The same generation with the members as they were judged on assembly; those that follow are of another opening. */
    NexusMetadata opened(UUID opening, List<Member> judged) {
        return new NexusMetadata(uuid, name, generation, inUse, creating, label, blockSizeBytes, sizeBytes, dirtyEpoch,
                regionShift, createdAtMs, timeline.opened(opening, generation + 1), judged);
    }

    /** The same generation, as reached by other openings. */
    NexusMetadata on(Timeline reachedBy) {
        return new NexusMetadata(uuid, name, generation, inUse, creating, label, blockSizeBytes, sizeBytes, dirtyEpoch,
                regionShift, createdAtMs, reachedBy, members);
    }

    /** The same under another number: those that follow go on from there. */
    NexusMetadata numbered(long number) {
        return new NexusMetadata(uuid, name, number, inUse, creating, label, blockSizeBytes, sizeBytes, dirtyEpoch,
                regionShift, createdAtMs, timeline, members);
    }

    /** Whether what an older record says, of any generation up to this one, is what this one has come through. */
    boolean passed(NexusMetadata older) {
        return timeline.passed(older.timeline, older.generation);
    }

    /** The index of a member, or -1. */
    int indexOf(UUID memberUuid) {
        for (int i = 0; i < members.size(); i++) {
            if (members.get(i).uuid().equals(memberUuid)) {
                return i;
            }
        }
        return -1;
    }

    /** The record of a member, or null. */
    Member member(UUID memberUuid) {
        int index = indexOf(memberUuid);
        return index < 0 ? null : members.get(index);
    }

    int healthyCount() {
        int count = 0;
        for (Member member : members) {
            if (member.isHealthy()) {
                count++;
            }
        }
        return count;
    }
}
