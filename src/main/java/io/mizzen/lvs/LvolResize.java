package io.mizzen.lvs;

import io.mizzen.util.Completion;
import io.mizzen.util.OperationException;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Resizes one volume. Growing: clusters taken (thick), metadata committed, then the map grows and whoever has the volume
 * open is told. Shrinking: only while nobody has it open and no clone; metadata committed, then the clusters are unmapped where the
 * device can, and freed.
 */
final class LvolResize {
    private final LvStore store;
    private final Lvol lvol;
    private final long sizeBytes;
    private final Completion<Lvol> done;
    private int oldCount;
    private int newCount;
    private int[] taken = new int[0];

    LvolResize(LvStore store, Lvol lvol, long sizeBytes, Completion<Lvol> done) {
        this.store = store;
        this.lvol = lvol;
        this.sizeBytes = sizeBytes;
        this.done = done;
    }

    void start() {
        checkUsable(store, lvol);
        if (lvol.snapshot()) {
            throw OperationException.precondition("snapshot-immutable", "volume " + lvol
                    + " is a snapshot and keeps its size; make a clone of it");
        }
        newCount = LvolCreation.clusterCount(store, sizeBytes);
        lvol.busy("it is being resized");
        lvol.zeroed(false);     // What it may gain is not.
        // Queued whole: what is allocated now must still be so when it is written.
        store.queue().add(this::run, thrown -> fail(thrown, true));
    }

    static void checkUsable(LvStore store, Lvol lvol) {
        if (store.findLvol(lvol.name()) != lvol) {
            throw OperationException.notFound("replica-not-found", "volume " + lvol + " is gone");
        }
        if (lvol.busy()) {
            throw lvol.busyRefusal("volume " + lvol);
        }
        if (!lvol.usable()) {
            throw OperationException.precondition("replica-unsupported", "volume " + lvol + " cannot be changed: "
                    + lvol.unusableReason());
        }
    }

    /** The parent of a volume whose snapshot bears the mark of an interrupted change must not change before that is ended. */
    static void checkParentSettled(Lvol lvol) {
        Lvol above = lvol.parent();
        if (above != null && !above.usable() && above.features().contains(LvolFeature.SNAPSHOT_UNDER_WAY)) {
            throw OperationException.precondition("snapshot-unsettled", "volume " + lvol + " must stay a clone of snapshot "
                    + above.name() + ": " + above.unusableReason());
        }
    }

    private void run() {
        oldCount = lvol.clusterCount();
        if (!store.writable()) {
            fail(LvStore.faulted(), false);
        } else if (newCount == oldCount) {
            succeed();
        } else if (newCount < oldCount && lvol.bdev().isOpen()) {
            fail(OperationException.precondition("replica-in-use", "volume " + lvol + " is open ("
                    + lvol.bdev().claimedBy() + ") and cannot shrink; end that first"), false);
        } else if (newCount < oldCount && lvol.parent() != null) {
            // Grown again, it would show what its snapshot holds there.
            fail(OperationException.precondition("replica-has-snapshot", "volume " + lvol + " is a clone of snapshot "
                    + lvol.parentName() + " and cannot shrink; inflate it first"), false);
        } else if (newCount > oldCount && lvol.parent() != null && lvol.parent().clusterCount() > oldCount) {
            // Other software has made it shorter than its snapshot: what that holds there must not show up.
            fail(OperationException.precondition("snapshot-longer", "volume " + lvol + " is shorter than its snapshot "
                    + lvol.parentName() + ", and would show more of that if it grew; inflate it first"), false);
        } else if (newCount > oldCount && !lvol.thin() && newCount - oldCount > store.space().freeClusterCount()) {
            fail(LvolCreation.noSpace(store, newCount - oldCount), false);
        } else {
            try {
                store.commitLimit().check((newCount - oldCount) * store.clusterSizeBytes());
                if (newCount > oldCount) {
                    store.heap().check(store, newCount - oldCount, newCount, lvol.thin() ? 0 : BlobMetadata.extentPageCount(newCount - oldCount));
                }
            } catch (OperationException refused) {
                fail(refused, false);
                return;
            }
            if (newCount < oldCount) {
                lvol.bdev().limitToClusters(newCount);   // Who opens it from here on sees the new end.
            }
            commit();
        }
    }

    private void commit() {
        BlobMetadata old = lvol.blob();
        BlobMetadata next = old.copy();
        next.resizeArrays(newCount);
        if (!lvol.thin() && newCount > oldCount) {
            taken = new int[newCount - oldCount];
            for (int i = 0; i < taken.length; i++) {
                taken[i] = store.space().takeCluster();
                next.clusters[oldCount + i] = taken[i];
            }
        }
        new BlobCommit(store.space(), store.writer()).commit(old, next, rewrittenExtents(next), (failure, torn) -> {
            if (failure != null) {
                fail(failure, torn);
            } else {
                committed(old, next);
            }
        });
    }

    /** The extent page at the smaller end, if it is there, and all behind it that a thick volume gains. */
    private BitSet rewrittenExtents(BlobMetadata next) {
        BitSet rewritten = new BitSet();
        if (!next.extentTable) {
            return rewritten;
        }
        int smaller = Math.min(oldCount, newCount);
        int edge = smaller / BlobMetadata.CLUSTERS_PER_EXTENT_PAGE;
        if (smaller % BlobMetadata.CLUSTERS_PER_EXTENT_PAGE != 0 && next.extentPages[edge] != 0) {
            rewritten.set(edge);
        }
        if (!lvol.thin() && newCount > oldCount) {
            rewritten.set(edge, next.extentPages.length);
        }
        return rewritten;
    }

    private void committed(BlobMetadata old, BlobMetadata next) {
        lvol.blob(next);
        lvol.map().replace(next.clusters);
        if (newCount > oldCount) {
            if (lvol.bdev() != null) {      // The device may have gone when this was on it already.
                lvol.bdev().limitToClusters(newCount);
            }
            succeed();
            return;
        }
        int[] freed = Arrays.stream(old.clusters, newCount, oldCount).filter(c -> c != BlobMetadata.UNALLOCATED).toArray();
        store.queue().done();
        new ClusterRelease(store, freed, () -> {
            lvol.idle();
            done.ok(lvol);
        }).start();
    }

    private void succeed() {
        store.queue().done();
        lvol.idle();
        done.ok(lvol);
    }

    private void fail(OperationException failure, boolean torn) {
        if (torn) {
            store.fault(failure);
        } else {
            for (int cluster : taken) {
                store.space().releaseCluster(cluster);
            }
        }
        if (lvol.bdev() != null) {
            // Torn, the disk may say either: what is written behind a smaller end might not be there after an import.
            lvol.bdev().limitToClusters(torn ? Math.min(oldCount, newCount) : oldCount);
        }
        store.queue().done();
        lvol.idle();
        done.fail(failure);
    }
}
