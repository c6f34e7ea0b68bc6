package io.mizzen.nexus;

import io.mizzen.util.OperationException;
import java.util.SortedMap;

/**
 * A change of the metadata that is more than a fault: {@link Membership} makes one at a time, when its turn comes. Home
 * mthread.
 */
abstract class MemberChange {
    /** Why it cannot be made now that its turn has come, or null. */
    abstract OperationException check();

    /** The members with it, by place; may be asked for again, with others faulted. */
    abstract void edit(SortedMap<Integer, Member> members);

    /** The rest of the record with it. */
    NexusMetadata edit(NexusMetadata next) {
        return next;
    }

    /** The place of the child that it is about, as a mask; it cannot be made when that child fails. */
    int subject() {
        return 0;
    }

    /** Places of children whose record is written although they are not healthy in it. */
    int joining() {
        return 0;
    }

    /** Places of children that it takes out. */
    int leaving() {
        return 0;
    }

    /** It is stored: it takes effect at home. */
    abstract void take();

    /** Every channel has adopted it; or it was not made. */
    abstract void done(OperationException failure);
}
