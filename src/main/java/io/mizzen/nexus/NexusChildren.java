package io.mizzen.nexus;

import io.mizzen.bdev.FlushLedger;
import java.util.UUID;

/**
 * The children of a nexus and their places. A place is the bit that stands for a child in masks and the index of what
 * channels keep for it; it has nothing to do with the order of the members on disk, which is that of the places without
 * the empty ones. A place is held before its child is stored as a member, and stays held until the child that left is
 * closed, so that nothing in flight meets a stranger there. Home mthread, but for {@link #all()}.
 */
final class NexusChildren {
    /** Places: as many as a nexus may have members. */
    static final int PLACE_COUNT = NexusMetadata.MEMBER_MAX;

    private final NexusChild[] places = new NexusChild[PLACE_COUNT];
    private final boolean[] member = new boolean[PLACE_COUNT];
    private final FlushLedger flushes = new FlushLedger(false);
    private volatile NexusChild[] all = {};

    NexusChildren(NexusChild[] members) {
        for (NexusChild child : members) {
            places[child.index()] = child;
            member[child.index()] = true;
        }
        publish();
    }

    private void publish() {
        int count = 0;
        for (boolean one : member) {
            count += one ? 1 : 0;
        }
        NexusChild[] members = new NexusChild[count];
        count = 0;
        for (int place = 0; place < PLACE_COUNT; place++) {
            if (member[place]) {
                members[count++] = places[place];
            }
        }
        all = members;
    }

    /** The members, by place. Never changed, but replaced. Any thread. */
    NexusChild[] all() {
        return all;
    }

    /** Who has the place: a member, one that is joining or one that is leaving; or null. */
    NexusChild at(int place) {
        return places[place];
    }

    /** A free place, or -1. */
    int freePlace() {
        for (int place = 0; place < PLACE_COUNT; place++) {
            if (places[place] == null) {
                return place;
            }
        }
        return -1;
    }

    /** Takes the place for a child that is about to join, or to replace its own former self; who had it is returned. */
    NexusChild hold(NexusChild child) {
        NexusChild before = places[child.index()];
        assert before == null || before.isClosed();
        places[child.index()] = child;
        return before;
    }

    /** The child that holds its place is a member now. */
    void enter(NexusChild child) {
        assert places[child.index()] == child;
        member[child.index()] = true;
        publish();
    }

    /** The child is no member any more; it keeps its place until it is closed. */
    void leave(NexusChild child) {
        assert places[child.index()] == child;
        member[child.index()] = false;
        publish();
    }

    /** Gives the place back to who had it before, or to nobody. */
    void release(NexusChild child, NexusChild before) {
        assert places[child.index()] == child;
        assert before != null || !member[child.index()];
        places[child.index()] = before;
        if (before != null) {
            publish();
        }
    }

    boolean isMember(NexusChild child) {
        return find(child.memberUuid()) == child;
    }

    /** Whether another self of the child is about to take its place. */
    boolean isBeingReplaced(NexusChild child) {
        return places[child.index()] != child;
    }

    /** By the name of its bdev, or by its member's UUID; null when there is none. */
    NexusChild find(String name) {
        for (NexusChild child : all) {
            if (name.equals(child.name())) {
                return child;
            }
        }
        for (NexusChild child : all) {
            if (name.equals(child.memberUuid().toString())) {
                return child;
            }
        }
        return null;
    }

    NexusChild find(UUID member) {
        for (NexusChild child : all) {
            if (child.memberUuid().equals(member)) {
                return child;
            }
        }
        return null;
    }

    /** The flushes of the children that are under way, and that failed, until what that means is stored. Any core. */
    FlushLedger flushes() {
        return flushes;
    }

    /** Members that hold every acknowledged write and can be used. */
    int usableMask() {
        int mask = 0;
        for (NexusChild child : all) {
            mask |= child.isUsable() ? 1 << child.index() : 0;
        }
        return mask;
    }

    /**
     * Whether a member counts as healthy that is not there: one that was lost, and that could not be stored. It will be as healthy
     * when it returns, so until then legs are neither equal nor durable, whatever those say that are there.
     */
    boolean isHealthyAway() {
        for (NexusChild child : all) {
            if (child.state() == MemberState.HEALTHY && !child.isAttached()) {
                return true;
            }
        }
        return false;
    }

    /** Members that writes go to: the usable ones and those that are being made equal. */
    int attachedMask() {
        int mask = 0;
        for (NexusChild child : all) {
            mask |= child.isAttached() ? 1 << child.index() : 0;
        }
        return mask;
    }
}
