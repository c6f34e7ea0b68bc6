package io.mizzen.nexus;

import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;

/**
 * Decides, from what the children's metadata says, whether a nexus may be brought up and on whom. A pure function.
 *
 * <p>Why it is sound: a generation takes effect only when it is stored on every member that is healthy in it, and the
 * next one is begun only then. So if all members that are healthy in the newest generation found are present, no newer
 * one has taken effect; if one of them is absent, it may hold a newer one that calls the present ones stale, and the
 * assembly is refused unless its absence is allowed in words. Nor can one take effect on members alone that the present
 * ones do not know to be healthy: it is stored on one that was healthy before, first ({@link Membership}). Numbers of
 * generations are those of one {@link Timeline}: what healthy members say has to be its past.
 *
 * @param metadata the newest generation, as found, on the timeline of the healthy, and numbered as the highest found
 * @param members the member records to go on with: what is present and trusted is healthy, the rest is not
 * @param childOfMember for each member the index of the child that carries it, or -1
 */
record Assembly(NexusMetadata metadata, List<Member> members, int[] childOfMember) {

    /**
     * What was found on one child.
     *
     * @param name the child's bdev, for messages
     * @param copy the newest intact copy, or null
     * @param otherVersion whether it carries an intact record of an unknown version
     */
    record Found(String name, MetadataCodec.Copy copy, boolean otherVersion) {
        Member self() {
            return copy.metadata().members().get(copy.selfIndex());
        }

        long generation() {
            return copy.metadata().generation();
        }
    }

    /** Decides; throws {@link OperationException} with the reason when the nexus must not be brought up. */
    static Assembly decide(UUID nexus, List<Found> children, boolean allowMissing, long nowMs) {
        if (children.isEmpty()) {
            throw OperationException.invalid("nexus-no-children", "a nexus needs at least one child");
        }
        for (Found child : children) {
            checkOwn(nexus, child);
        }
        NexusMetadata highest = newest(children);
        // What only a child has that was coming back is no generation that the healthy ones have missed.
        List<Found> healthy = children.stream().filter(child -> child.self().isHealthy()).toList();
        NexusMetadata newestHealthy = healthy.isEmpty() ? highest : newest(healthy);
        long effective = healthy.isEmpty() ? 0 : newestHealthy.generation();
        // Nor does it say who is healthy, if it is of another time than they: their numbers only go on above its own.
        NexusMetadata newest = highest.passed(newestHealthy) ? highest : newestHealthy;
        int[] childOfMember = placeChildren(newest, children);
        checkOneHistory(newest, children);
        healthy.forEach(child -> checkOneTime(newestHealthy, child));
        List<Member> members = new ArrayList<>();
        for (int i = 0; i < newest.members().size(); i++) {
            Found child = childOfMember[i] < 0 ? null : children.get(childOfMember[i]);
            members.add(memberNow(newest, effective, i, child, allowMissing, nowMs));
        }
        if (members.stream().noneMatch(Member::isHealthy)) {
            throw new OperationException(ErrorKind.DATA_LOSS, "nexus-no-healthy-child", "nexus " + nexus
                    + ": none of the children present holds the newest data (generation " + newest.generation()
                    + "); bring back one that does");
        }
        return new Assembly(newest.on(newestHealthy.timeline()).numbered(highest.generation()), List.copyOf(members), childOfMember);
    }

    private static NexusMetadata newest(List<Found> children) {
        return children.stream().map(child -> child.copy().metadata()).max(Comparator.comparingLong(NexusMetadata::generation)).orElseThrow();
    }

    private static void checkOwn(UUID nexus, Found child) {
        if (child.otherVersion()) {
            throw OperationException.precondition("nexus-metadata-version", "child " + child.name()
                    + " carries nexus metadata of a version that this release does not know; use the newer release");
        }
        if (child.copy() == null || child.copy().metadata().creating()) {
            throw OperationException.precondition("child-foreign", "child " + child.name()
                    + " carries no intact nexus metadata; it is not a member of nexus " + nexus);
        }
        if (!child.copy().metadata().uuid().equals(nexus)) {
            throw OperationException.precondition("child-of-other-nexus", "child " + child.name()
                    + " belongs to nexus " + child.copy().metadata().uuid() + ", not to " + nexus
                    + ". To create a new nexus over it (a clone, say), which keeps what hosts wrote, name \"nexus\" in \"overwrite\"");
        }
    }

    private static int[] placeChildren(NexusMetadata newest, List<Found> children) {
        int[] childOfMember = new int[newest.members().size()];
        java.util.Arrays.fill(childOfMember, -1);
        for (int i = 0; i < children.size(); i++) {
            Found child = children.get(i);
            int member = newest.indexOf(child.self().uuid());
            if (member < 0) {
                throw OperationException.precondition("child-not-member", "child " + child.name()
                        + " was a member of nexus " + newest.uuid() + " until generation " + child.generation()
                        + " and has been removed since; leave it out, or wipe it and add it again");
            }
            if (childOfMember[member] >= 0) {
                throw OperationException.precondition("child-duplicate", "children "
                        + children.get(childOfMember[member]).name() + " and " + child.name()
                        + " are copies of the same member; leave one of them out");
            }
            childOfMember[member] = i;
        }
        return childOfMember;
    }

    /** Refuses members that lived on without each other. */
    private static void checkOneHistory(NexusMetadata newest, List<Found> children) {
        for (Found child : children) {
            Member self = newest.members().get(newest.indexOf(child.self().uuid()));
            boolean sameNumberOtherContent = child.generation() == newest.generation()
                    && !child.copy().metadata().equals(newest);
            boolean wentOnAlone = child.self().isHealthy() && !self.isHealthy()
                    && child.generation() > self.lastHealthyGeneration();
            if (sameNumberOtherContent || wentOnAlone) {
                throw diverged(newest, child);
            }
        }
    }

    /** Refuses a member that holds what another time led to, as one that alone was set to a snapshot of a time that was given up. */
    private static void checkOneTime(NexusMetadata newest, Found child) {
        Member there = newest.member(child.self().uuid());
        boolean outSinceOlderRelease = !newest.timeline().isKnown() && there != null && !there.isHealthy();
        if (!newest.passed(child.copy().metadata()) && !outSinceOlderRelease) {
            throw diverged(newest, child);
        }
    }

    private static OperationException diverged(NexusMetadata newest, Found child) {
        return new OperationException(ErrorKind.DATA_LOSS, "nexus-diverged", "nexus " + newest.uuid() + ": child " + child.name()
                + " (generation " + child.generation() + ") and the newest generation " + newest.generation()
                + " went on without each other; leave out the one whose writes may be lost");
    }

    private static Member memberNow(NexusMetadata newest, long effective, int index, Found child, boolean allowMissing,
            long nowMs) {
        Member member = newest.members().get(index);
        if (!member.isHealthy()) {
            return member.state() == MemberState.FAULTED ? member
                    : new Member(member.uuid(), MemberState.FAULTED, FaultReason.REBUILD_FAILED,
                            member.lastHealthyGeneration(), nowMs);
        }
        if (child == null) {
            if (!allowMissing) {
                throw new OperationException(ErrorKind.FAILED_PRECONDITION, "nexus-newest-generation-missing", "nexus "
                        + newest.uuid() + ": member " + index + " (" + member.uuid() + ") was healthy in generation "
                        + newest.generation() + " and is not among the children, so it may hold a newer generation; "
                        + "bring it back, or allow its absence in words");
            }
            return new Member(member.uuid(), MemberState.FAULTED, FaultReason.MISSING,
                    member.lastHealthyGeneration(), nowMs);
        }
        if (child.generation() < effective - 1 || child.generation() > newest.generation()) {
            // It should have been given every generation since, and no other; its disk was set to another moment.
            return new Member(member.uuid(), MemberState.FAULTED, FaultReason.STALE, Math.min(child.generation(), newest.generation()), nowMs);
        }
        return member;
    }
}
