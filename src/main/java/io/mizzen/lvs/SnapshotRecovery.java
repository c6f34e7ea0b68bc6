package io.mizzen.lvs;

import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;

/**
 * Part of a load: ends what a crash left of snapshots that were being made or removed. Those that own nothing are
 * deleted; those that their volume does read from lose the mark of the change and are read-only.
 */
final class SnapshotRecovery {
    private final LvStore store;
    private final Deque<BlobMetadata> halfGone;
    private final Deque<Lvol> marked = new ArrayDeque<>();
    private final Completion<Void> done;

    SnapshotRecovery(LvStore store, Deque<BlobMetadata> halfGone, Completion<Void> done) {
        this.store = store;
        this.halfGone = halfGone;
        this.done = done;
    }

    void start() {
        for (Lvol lvol : store.lvols()) {
            if (lvol.usable() && lvol.features().contains(LvolFeature.SNAPSHOT_UNDER_WAY)) {
                marked.add(lvol);
            }
        }
        next();
    }

    private void next() {
        BlobCommit commit = new BlobCommit(store.space(), store.writer());
        if (!halfGone.isEmpty()) {
            commit.delete(halfGone.poll(), null, this::ended);
        } else if (!marked.isEmpty()) {
            Lvol lvol = marked.poll();
            BlobMetadata kept = lvol.blob().copy();
            kept.removeInternalXattr(LvolFeatures.SNAPSHOT_MAKING);
            kept.removeInternalXattr(LvolFeatures.SNAPSHOT_REMOVING);
            kept.dataReadOnlyFlags |= BlobFlags.READ_ONLY;
            commit.commit(lvol.blob(), kept, new BitSet(), (failure, torn) -> kept(lvol, kept, failure, torn));
        } else {
            done.ok(null);
        }
    }

    private void kept(Lvol lvol, BlobMetadata kept, OperationException failure, boolean torn) {
        if (failure != null && !torn && failure.code().equals(LvStore.CODE_METADATA_FULL)) {
            // Its clones are served. The mark stays, so that who its clones are must not change, and no new volume may have
            // the blob id that it names: it would be taken for that one, without this snapshot as its parent.
            barNamed(lvol.blob());
            lvol.unusable("an interrupted change of it cannot be ended: no metadata page is free. Delete volumes, then export "
                    + "and import the pool");
            lvol.busy("an interrupted change of it cannot be ended");
            next();
            return;
        }
        if (failure == null) {
            lvol.blob(kept);
        }
        ended(failure, torn);
    }

    private void barNamed(BlobMetadata snapshot) {
        long id = MetadataReplay.namedByMark(snapshot);
        int root = (int) id;
        if (root > 0 && MetadataPage.blobIdOfPage(root) == id) {
            store.space().barRoot(root);
        }
    }

    private void ended(OperationException failure, boolean torn) {
        if (failure != null) {
            done.fail(failure);     // Nothing is open yet: the load is refused, and the next one begins anew.
        } else {
            next();
        }
    }
}
