package io.mizzen.nvme.pcie;

import io.mizzen.reactor.Flusher;
import io.mizzen.reactor.Reactor;
import io.mizzen.reactor.ReactorLocal;
import io.mizzen.util.HotPath;
import java.lang.foreign.Arena;
import java.util.Arrays;

/** Rings the doorbells of a reactor's queue pairs at the end of each turn. One per reactor, for as long as that lives. */
final class PairFlusher implements Flusher {
    private static final ReactorLocal<PairFlusher> LOCAL = new ReactorLocal<>();

    private final long scratch = Arena.global().allocate(8, 8).address();
    private IoQueuePair[] pairs = {};

    /** The reactor's own; made at the first call, on its thread. */
    static PairFlusher of(Reactor reactor) {
        PairFlusher flusher = LOCAL.get(reactor);
        if (flusher == null) {
            flusher = new PairFlusher();
            LOCAL.set(reactor, flusher);
            reactor.addFlusher(flusher);
        }
        return flusher;
    }

    void add(IoQueuePair pair) {
        pairs = Arrays.copyOf(pairs, pairs.length + 1);
        pairs[pairs.length - 1] = pair;
    }

    void remove(IoQueuePair pair) {
        pairs = Arrays.stream(pairs).filter(other -> other != pair).toArray(IoQueuePair[]::new);
    }

    /** Eight bytes that an interrupt's descriptor is read into. */
    long scratch() {
        return scratch;
    }

    @Override
    @HotPath
    public int flush() {
        IoQueuePair[] all = pairs;
        int rung = 0;
        for (int i = 0; i < all.length; i++) {
            rung += all[i].flush();
        }
        return rung;
    }
}
