package io.mizzen.nexus;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoQueue;
import io.mizzen.bdev.Status;

/** What the broken variants of this package do instead. Called from class files that the simulator's tests change. */
final class NexusMutations {
    private NexusMutations() {
    }

    /** Instead of holding a write until the fault of a child is stored. */
    static void acknowledgeAtOnce(IoQueue held, BdevIo io) {
        io.complete(Status.SUCCESS);
    }

    /** Instead of reading from the next child. */
    static void giveUp(NexusChannel channel, BdevIo io, boolean submitting) {
        io.complete(io.childStatus);
    }

    /** Instead of asking whether a region is stored as dirty. */
    static boolean isDurableAlready(DirtyMap map, int firstRegion, int lastRegion) {
        return true;
    }

    /** Instead of sending a flush to the children. */
    static void skipFlush(NexusChannel channel, BdevIo io, boolean submitting) {
        if (submitting) {
            io.completeDeferred(Status.SUCCESS);
        } else {
            io.complete(Status.SUCCESS);
        }
    }

    /** Instead of flushing the children before their regions count as clean. */
    static void skipFlushes(Nexus nexus, int mask, Fanout.Done done) {
        done.onDone(mask, 0);
    }

    /** Instead of noting where the legs may differ after an unclean stop. */
    static void forget(DirtyMap map, int firstRegion, int lastRegion) {
        // Nothing is noted.
    }
}
