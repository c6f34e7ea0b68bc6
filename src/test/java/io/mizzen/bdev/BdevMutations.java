package io.mizzen.bdev;

import io.mizzen.reactor.Deferred;
import io.mizzen.reactor.Reactor;

/** What the broken variants of this package do instead. Called from class files that the simulator's tests change. */
final class BdevMutations {
    private BdevMutations() {
    }

    /** Instead of trying again what found no resources. */
    static void forgetRetry(Reactor reactor, Deferred retry) {
        // Nobody tries again.
    }

    /** Instead of holding new writes back: the lock is as good as released as soon as it is granted. */
    static void letPass(IoChannel channel, RangeLock lock) {
        // Nothing is held.
    }
}
