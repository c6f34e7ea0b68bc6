package io.mizzen.nvme.pcie;

import io.mizzen.ffi.Libc;
import io.mizzen.reactor.FdWatcher;
import io.mizzen.reactor.Reactor;
import io.mizzen.util.HotPath;

/** An interrupt vector of the pair's own, as an eventfd that the pair's reactor watches. */
final class VectorWaker extends PairWaker {
    private final Reactor reactor;
    private final int vector;
    private final int fd;
    private final FdWatcher.Handler handler = this::onReadable;

    VectorWaker(Reactor reactor, int vector, int fd) {
        this.reactor = reactor;
        this.vector = vector;
        this.fd = fd;
    }

    @Override
    int vector() {
        return vector;
    }

    @Override
    boolean needsHeads() {
        return false;
    }

    @Override
    @HotPath
    void ask() {
        drain();
        if (!reactor.fdWatcher().watch(fd, handler)) {
            forget();
        }
    }

    @HotPath
    private void onReadable(int readable) {
        drain();
        stopAsking();
        onInterrupt();
    }

    @Override
    @HotPath
    void stopAsking() {
        reactor.fdWatcher().unwatch(fd);
    }

    @HotPath
    private void drain() {
        Libc.read(fd, PairFlusher.of(reactor).scratch(), Long.BYTES);
    }
}
