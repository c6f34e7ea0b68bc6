package io.mizzen.lvs;

import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Removes a snapshot that one clone reads from: the clone, which may be in use or a snapshot itself, gets what it does not
 * hold, and the snapshot's parent.
 *
 * <pre>
 * bdev unregistered → (its turn) → clone's new state prepared on fresh pages
 *   → snapshot's root, with the mark that it is being removed   a crash from here on: the snapshot stays
 *   → clone's root                                              a crash from here on: the snapshot goes
 *   → clone's map, parent → readers drained → snapshot's metadata zeroed → clusters that nobody got given back
 * </pre>
 */
final class SnapshotRemoval {
    private final LvStore store;
    private final Lvol snapshot;
    private final Lvol clone;
    private final Completion<Void> done;
    private final BlobCommit commit;
    private BlobMetadata marked;
    private BlobMetadata next;
    private BlobCommit.Prepared prepared;

    SnapshotRemoval(LvStore store, Lvol snapshot, Lvol clone, Completion<Void> done) {
        this.store = store;
        this.snapshot = snapshot;
        this.clone = clone;
        this.done = done;
        this.commit = new BlobCommit(store.space(), store.writer());
    }

    void start() {
        String named = "volume " + clone + ", the clone of snapshot " + snapshot + ",";
        if (clone.busy()) {
            throw clone.busyRefusal(named);
        }
        if (!clone.usable()) {
            throw OperationException.precondition("replica-busy", named + " cannot be changed: " + clone.unusableReason());
        }
        checkLengths(snapshot, clone);
        snapshot.busy("it is being deleted");
        store.deletions().begun(snapshot);
        clone.busy("snapshot " + snapshot + ", which is being deleted, is merged into it");
        snapshot.unusable("it is being deleted");
        LvolBdev bdev = snapshot.bdev();
        snapshot.bdev(null);
        store.registry().unregister(bdev, (nothing, failure) -> store.queue().add(this::run, this::torn));
    }

    /** A snapshot that ends before its parent hides what that holds behind its end: a longer clone would show it. */
    static boolean hidesWhatIsAbove(Lvol snapshot, Lvol clone) {
        Lvol above = snapshot.parent();
        return above != null && above.clusterCount() > snapshot.clusterCount() && clone.clusterCount() > snapshot.clusterCount();
    }

    static void checkLengths(Lvol snapshot, Lvol clone) {
        if (hidesWhatIsAbove(snapshot, clone)) {
            throw OperationException.precondition("snapshot-shorter", "snapshot " + snapshot + " is shorter than its parent "
                    + snapshot.parentName() + " and than its clone " + clone.name() + ", which would change; inflate the clone first");
        }
    }

    private void run() {
        if (!store.writable()) {
            torn(LvStore.faulted());
            return;
        }
        BitSet rewritten = merge();
        marked = snapshot.blob().copy();
        marked.internalXattr(LvolFeatures.SNAPSHOT_REMOVING, next.id());
        commit.prepare(next, rewritten, (ready, failure) -> {
            prepared = ready;
            if (failure != null) {
                refused(failure);
                return;
            }
            commit.commit(snapshot.blob(), marked, new BitSet(), (markFailure, torn) -> {
                if (torn) {
                    torn(markFailure);
                } else if (markFailure != null) {
                    commit.abandon(prepared);
                    refused(markFailure);
                } else {
                    snapshot.blob(marked);
                    commit.finish(clone.blob(), next, prepared, null, this::merged);
                }
            });
        });
    }

    /** The clone's new state; the extent pages whose contents change. Pages that fit as they are change hands. */
    private BitSet merge() {
        BlobMetadata from = snapshot.blob();
        next = clone.blob().copy();
        BitSet touched = new BitSet();
        for (int i = 0; i < Math.min(from.clusters.length, next.clusters.length); i++) {
            if (next.clusters[i] == BlobMetadata.UNALLOCATED && from.clusters[i] != BlobMetadata.UNALLOCATED) {
                next.clusters[i] = from.clusters[i];
                touched.set(i / BlobMetadata.CLUSTERS_PER_EXTENT_PAGE);
            }
        }
        long parent = LvolFeatures.parentOf(from);
        if (parent != 0) {
            next.internalXattr(LvolFeatures.PARENT, parent);
        } else {
            next.removeInternalXattr(LvolFeatures.PARENT);
        }
        BitSet rewritten = new BitSet();
        for (int page = touched.nextSetBit(0); next.extentTable && page >= 0; page = touched.nextSetBit(page + 1)) {
            boolean fits = from.extentTable && next.extentPages[page] == 0
                    && clustersOnPage(from, page) == clustersOnPage(next, page);
            if (fits) {
                next.extentPages[page] = from.extentPages[page];
            } else {
                rewritten.set(page);
            }
        }
        return rewritten;
    }

    private static int clustersOnPage(BlobMetadata blob, int page) {
        return Math.min(BlobMetadata.CLUSTERS_PER_EXTENT_PAGE,
                blob.clusters.length - page * BlobMetadata.CLUSTERS_PER_EXTENT_PAGE);
    }

    private void merged(OperationException failure, boolean torn) {
        if (failure != null) {
            torn(failure);
            return;
        }
        for (int i = 0; i < next.clusters.length; i++) {
            if (next.clusters[i] != clone.blob().clusters[i]) {
                clone.map().publish(i, next.clusters[i]);
            }
        }
        clone.blob(next);
        clone.parent(snapshot.parent());
        snapshot.leaveParent();
        new ReaderDrain(store, clone, () -> commit.delete(marked, next, (deleteFailure, deleteTorn) -> {
            if (deleteFailure != null) {
                torn(deleteFailure);
            } else {
                deleted();
            }
        })).start();
    }

    private void deleted() {
        int[] freed = Arrays.copyOf(marked.clusters, marked.clusters.length);
        for (int i = 0; i < Math.min(freed.length, next.clusters.length); i++) {
            if (next.clusters[i] == freed[i]) {
                freed[i] = BlobMetadata.UNALLOCATED;
            }
        }
        store.remove(snapshot);
        clone.idle();
        store.queue().done();
        new ClusterRelease(store, Arrays.stream(freed).filter(c -> c != BlobMetadata.UNALLOCATED).toArray(),
                () -> done.ok(null)).start();
    }

    /** Nothing has changed: the snapshot is served again. */
    private void refused(OperationException failure) {
        snapshot.unusable(null);
        store.publish(snapshot);
        snapshot.idle();
        clone.idle();
        store.queue().done();
        done.fail(failure);
    }

    /** What is on the disk is not known: an import finds out. */
    private void torn(OperationException failure) {
        store.fault(failure);
        snapshot.idle();
        clone.idle();
        store.queue().done();
        done.fail(failure);
    }
}
