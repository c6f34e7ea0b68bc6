package io.mizzen.reactor;

/**
 * Work that must not run inside the call that caused it, such as an immediate completion: it runs later in the same
 * turn or in the next one, on the same reactor, once for each time that it was deferred.
 */
public abstract class Deferred {
    /** Runs on the reactor on which it was deferred. */
    protected abstract void runDeferred();
}
