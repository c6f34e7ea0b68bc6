package io.mizzen.lvs;

import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.Arrays;

/**
 * Deletes one volume: bdev unregistered → root page zeroed, then its other pages → clusters given back. A snapshot with one
 * clone leaves that what it holds ({@link SnapshotRemoval}); one with several is marked as deleted, as Mayastor does, and
 * goes when all but one of its clones are gone.
 */
final class LvolDeletion {
    private final LvStore store;
    private final Lvol lvol;
    private final Completion<Void> done;

    LvolDeletion(LvStore store, Lvol lvol, Completion<Void> done) {
        this.store = store;
        this.lvol = lvol;
        this.done = done;
    }

    void start() {
        LvolResize.checkUsable(store, lvol);
        if (lvol.bdev().isOpen()) {
            throw OperationException.precondition("replica-in-use", "volume " + lvol + " is open ("
                    + lvol.bdev().claimedBy() + ")");
        }
        if (lvol.clones().size() == 1) {
            new SnapshotRemoval(store, lvol, lvol.clones().getFirst(), done).start();
            return;
        }
        store.deletions().begun(lvol);
        if (!lvol.clones().isEmpty()) {
            new AttributeChange(store, lvol, "it is being deleted", SnapshotInfo::discard, done).start();
            return;
        }
        lvol.busy("it is being deleted");
        lvol.unusable("it is being deleted");
        LvolBdev bdev = lvol.bdev();
        lvol.bdev(null);
        store.registry().unregister(bdev, (value, failure) -> store.queue().add(this::run, this::ended));
    }

    private void run() {
        if (!store.writable()) {
            ended(LvStore.faulted());
            return;
        }
        new BlobCommit(store.space(), store.writer()).delete(lvol.blob(), null, (failure, torn) -> {
            if (torn) {
                store.fault(failure);
            }
            ended(failure);
        });
    }

    private void ended(OperationException failure) {
        store.queue().done();
        if (failure != null) {
            lvol.idle();   // Stays listed, unusable: the pool is faulted and must be imported again.
            done.fail(failure);
            return;
        }
        lvol.parent(null);
        store.remove(lvol);
        int[] freed = Arrays.stream(lvol.blob().clusters).filter(c -> c != BlobMetadata.UNALLOCATED).toArray();
        new ClusterRelease(store, freed, () -> done.ok(null)).start();
    }
}
