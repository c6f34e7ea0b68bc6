package io.mizzen.nvme.pcie;

import io.mizzen.ffi.Libc;
import io.mizzen.reactor.Reactor;

/** An interrupt vector of the pair's own, as an eventfd that the pair's reactor watches. */
final class VectorWaker extends PairWaker {
    private final Reactor reactor;
    private final int vector;
    private final int fd;

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
    void ask() {
        drain();
        if (!reactor.fdWatcher().watch(fd, readable -> {
            drain();
            stopAsking();
            onInterrupt();
        })) {
            forget();
        }
    }

    @Override
    void stopAsking() {
        reactor.fdWatcher().unwatch(fd);
    }

    private void drain() {
        Libc.read(fd, PairFlusher.of(reactor).scratch(), Long.BYTES);
    }
}
