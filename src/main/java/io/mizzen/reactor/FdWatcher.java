package io.mizzen.reactor;

/** Turns readiness of a file descriptor (an eventfd, an interrupt) into a call on this reactor. */
public interface FdWatcher {
    /** What happens when the descriptor is readable. Called on the reactor; must read the descriptor itself. */
    @FunctionalInterface
    interface Handler {
        void onReadable(int fd);
    }

    /**
     * Watches until {@link #unwatch}. Reactor's thread only. False when the limit on watched descriptors is reached. A descriptor
     * that cannot be polled is tried again after a time that doubles up to a second; nobody is told: whoever waits has a deadline.
     */
    boolean watch(int fd, Handler handler);

    /** Stops; the handler is not called afterwards. Does not close the descriptor. */
    void unwatch(int fd);
}
