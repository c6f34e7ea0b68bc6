package io.mizzen.lvs;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Waits until no read that began before still looks for clusters where they were: each volume that reads through the
 * given one, and that one, for as long as what it has in flight takes; new I/O goes on. Control reactor; may have the turn
 * of the metadata queue, since I/O that waits for a cluster is not in flight.
 */
final class ReaderDrain {
    private final LvStore store;
    private final Deque<LvolBdev> bdevs = new ArrayDeque<>();
    private final Runnable done;

    ReaderDrain(LvStore store, Lvol lvol, Runnable done) {
        this.store = store;
        this.done = done;
        Deque<Lvol> todo = new ArrayDeque<>();
        todo.add(lvol);
        while (!todo.isEmpty()) {
            Lvol reader = todo.poll();
            if (reader.bdev() != null) {
                bdevs.add(reader.bdev());
            }
            todo.addAll(reader.clones());
        }
    }

    void start() {
        LvolBdev bdev = bdevs.poll();
        if (bdev == null) {
            done.run();
            return;
        }
        bdev.awaitInFlight(store.mthread(), (nothing, never) -> start());
    }
}
