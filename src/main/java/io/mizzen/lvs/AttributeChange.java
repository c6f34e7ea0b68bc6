package io.mizzen.lvs;

import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.BitSet;
import java.util.function.Consumer;

/** Changes attributes of one volume, which may be in use: done once it is durable. */
final class AttributeChange {
    private final LvStore store;
    private final Lvol lvol;
    private final String what;
    private final Consumer<BlobMetadata> change;
    private final Completion<Void> done;

    /**
     * @param what is being done to the volume, for who wants to change it meanwhile
     * @param change made to a copy, in its turn
     */
    AttributeChange(LvStore store, Lvol lvol, String what, Consumer<BlobMetadata> change, Completion<Void> done) {
        this.store = store;
        this.lvol = lvol;
        this.what = what;
        this.change = change;
        this.done = done;
    }

    void start() {
        LvolResize.checkUsable(store, lvol);
        lvol.busy(what);
        store.queue().add(this::run, this::ended);
    }

    private void run() {
        if (!store.writable()) {
            ended(LvStore.faulted());
            return;
        }
        BlobMetadata next = lvol.blob().copy();
        change.accept(next);
        new BlobCommit(store.space(), store.writer()).commit(lvol.blob(), next, new BitSet(), (failure, torn) -> {
            if (torn) {
                store.fault(failure);
            } else if (failure == null) {
                lvol.blob(next);
            }
            ended(failure);
        });
    }

    private void ended(OperationException failure) {
        lvol.idle();
        store.queue().done();
        done.complete(null, failure);
    }
}
