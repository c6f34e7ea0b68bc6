package io.mizzen.lvs;

import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Takes a volume that nobody has open back to a snapshot of it: it becomes an empty clone of that, in one commit, and what
 * it held itself is given back. Snapshots taken since stay as they are.
 */
final class LvolRollback {
    private final LvStore store;
    private final Lvol lvol;
    private final Lvol snapshot;
    private final Completion<Lvol> done;
    private BlobMetadata old;
    private BlobMetadata next;

    LvolRollback(LvStore store, Lvol lvol, Lvol snapshot, Completion<Lvol> done) {
        this.store = store;
        this.lvol = lvol;
        this.snapshot = snapshot;
        this.done = done;
    }

    /** Refuses what cannot be done however long it waits, but that somebody has the volume open. */
    void check() {
        if (!store.writable()) {
            throw LvStore.faulted();
        }
        LvolResize.checkUsable(store, lvol);
        LvolResize.checkParentSettled(lvol);
        LvolResize.checkUsable(store, snapshot);
        if (lvol.snapshot()) {
            throw OperationException.precondition("snapshot-immutable", "volume " + lvol + " is a snapshot and never changes");
        }
        if (!snapshot.snapshot() || !isOfThis()) {
            throw OperationException.precondition("snapshot-foreign", "volume " + snapshot + " is no snapshot of " + lvol
                    + (snapshot.snapshot() ? "; make a clone of it instead" : ""));
        }
        if (snapshot.snapshotInfo().discarded()) {
            throw OperationException.precondition("snapshot-discarded", "snapshot " + snapshot + " is deleted, and stays only for what reads from it; take another one");
        }
        if (snapshot.clusterCount() > lvol.clusterCount()) {
            store.heap().check(store, snapshot.clusterCount() - lvol.clusterCount(), snapshot.clusterCount(), 0);
        }
    }

    void start() {
        check();
        checkClosed();
        lvol.busy("it is rolled back to snapshot " + snapshot);
        snapshot.busy("volume " + lvol + " is rolled back to it");    // It stays until the volume is its clone.
        store.queue().add(this::run, this::ended);
    }

    private boolean isOfThis() {
        for (Lvol above = lvol.parent(); above != null; above = above.parent()) {
            if (above == snapshot) {
                return true;
            }
        }
        return lvol.uuid().equals(snapshot.snapshotInfo().sourceUuid());
    }

    private void checkClosed() {
        if (lvol.bdev().isOpen()) {
            throw OperationException.precondition("replica-in-use", "volume " + lvol + " is open ("
                    + String.join(", ", lvol.bdev().openedBy()) + "): whoever uses it must not see it change");
        }
    }

    private void run() {
        LvolBdev bdev = lvol.bdev();
        if (!store.writable() || bdev == null) {
            ended(LvStore.faulted());
            return;
        }
        try {
            checkClosed();
        } catch (OperationException e) {
            ended(e);
            return;
        }
        old = lvol.blob();
        next = old.copy();
        next.clusters = new int[snapshot.clusterCount()];
        next.extentPages = new int[next.extentTable ? BlobMetadata.extentPageCount(next.clusters.length) : 0];
        next.invalidFlags |= BlobFlags.THIN_PROVISIONED;
        next.internalXattr(LvolFeatures.PARENT, snapshot.blob().id());
        bdev.pause(store.mthread(), (nothing, never) ->     // Who opens it from here on waits, and finds the new contents.
                new BlobCommit(store.space(), store.writer()).commit(old, next, new BitSet(), (failure, torn) -> {
                    if (torn) {
                        store.fault(failure);
                        lvol.unusable("whether it was rolled back to snapshot " + snapshot.name() + " is not known; export and import pool "
                                + store.name());
                        bdev.limitToClusters(0);        // What is written now may be gone when the disk is read again.
                    } else if (failure == null) {
                        lvol.blob(next);
                        lvol.map().replace(next.clusters);
                        lvol.parent(snapshot);
                        lvol.zeroed(false);
                        bdev.limitToClusters(next.clusters.length);
                    }
                    bdev.resume(store.mthread(), (nothingToo, neverToo) -> ended(failure));
                }));
    }

    private void ended(OperationException failure) {
        lvol.idle();
        snapshot.idle();
        store.queue().done();
        if (failure != null) {
            done.fail(failure);
            return;
        }
        int[] freed = Arrays.stream(old.clusters).filter(c -> c != BlobMetadata.UNALLOCATED).toArray();
        new ClusterRelease(store, freed, () -> done.ok(lvol)).start();
    }
}
