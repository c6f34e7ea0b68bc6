package io.mizzen.nvme.pcie;

import io.mizzen.reactor.FdWatcher;
import java.util.HashMap;
import java.util.Map;

/** Descriptors of a hand-driven reactor, readable when the test says so. */
final class HandWatcher implements FdWatcher {
    private final Map<Integer, Handler> handlers = new HashMap<>();

    @Override
    public boolean watch(int fd, Handler handler) {
        return handlers.putIfAbsent(fd, handler) == null;
    }

    @Override
    public void unwatch(int fd) {
        handlers.remove(fd);
    }

    boolean watches(int fd) {
        return handlers.containsKey(fd);
    }

    /** On the reactor. */
    void readable(int fd) {
        Handler handler = handlers.get(fd);
        if (handler != null) {
            handler.onReadable(fd);
        }
    }
}
