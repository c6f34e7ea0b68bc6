package io.mizzen.lvs;

import io.mizzen.bdev.RangeLock;
import io.mizzen.bdev.Status;
import io.mizzen.util.OperationException;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Frees the whole clusters that an unmap of a thin volume covers: range locked, so that nothing in flight knows them any
 * more → metadata without them committed, one extent page at a time → unmapped in the {@link ClusterMap} → lock released →
 * clusters given back. They read as zeroes from there on, whatever the device does with an unmap.
 *
 * <p>What cannot be freed, because the pool is faulted or has no metadata page for it, stays mapped: the unmap is then done
 * in place. Where the commit failed half-way the disk may say either: the unmap fails then, and no write goes to those
 * clusters any more, since an import might not find it. The I/O itself is parked meanwhile. Control reactor only.
 */
final class ClusterDiscard {
    private final LvStore store;
    private final Lvol lvol;
    private final LvolBdev bdev;
    private final int end;
    private final ClusterAllocator.Waiter waiter;
    private int at;
    private RangeLock lock;
    private int[] freed = new int[0];
    private int status = Status.SUCCESS;

    /** @param first the first cluster @param end the one behind the last */
    ClusterDiscard(LvStore store, Lvol lvol, int first, int end, ClusterAllocator.Waiter waiter) {
        this.store = store;
        this.lvol = lvol;
        this.bdev = lvol.bdev();
        this.at = first;
        this.end = end;
        this.waiter = waiter;
    }

    void start() {
        if (!store.writable() || bdev == null) {
            waiter.resolved(0);
            return;
        }
        store.closing();
        long clusterBlocks = store.geometry().clusterSizeBytes() >>> bdev.blockShift();
        bdev.lockRange(at * clusterBlocks, (end - at) * clusterBlocks, true, store.mthread(), (granted, failure) -> {
            lock = granted;
            store.queue().add(this::run, thrown -> finish());
        });
    }

    /** Frees what the next extent page that has any maps; in a turn of the queue of its own. */
    private void run() {
        BlobMetadata blob = lvol.blob();
        while (at < end && !isFreeable(at)) {
            at++;
        }
        if (at == end || !store.writable() || lvol.bdev() != bdev || !lvol.thin()) {
            finish();
        } else if (blob.extentTable) {
            freeInPlace(blob);
        } else {
            freeByRewrite(blob);
        }
    }

    /** Whether the volume holds the cluster, and zeroes are what is read without it. */
    private boolean isFreeable(int index) {
        return lvol.map().get(index) != BlobMetadata.UNALLOCATED && lvol.map().inherited(index) == BlobMetadata.UNALLOCATED;
    }

    /** Takes what can be freed, from {@link #at} on, out of the metadata in memory. The indices. */
    private int[] take(BlobMetadata from, int to) {
        int[] indices = new int[to - at];
        int count = 0;
        for (; at < to; at++) {
            if (isFreeable(at)) {
                from.clusters[at] = BlobMetadata.UNALLOCATED;
                indices[count++] = at;
            }
        }
        return Arrays.copyOf(indices, count);
    }

    private void freeInPlace(BlobMetadata blob) {
        int extent = at / BlobMetadata.CLUSTERS_PER_EXTENT_PAGE;
        int[] indices = take(blob, Math.min(end, (extent + 1) * BlobMetadata.CLUSTERS_PER_EXTENT_PAGE));
        MetadataWriter.Page page = new MetadataWriter.Page(blob.extentPages[extent], BlobEncoder.extentPage(blob, extent));
        store.writer().commit(page, written -> {
            if (written != 0) {
                torn(BlobCommit.failed("writing an extent page", written), indices);
                finish();
                return;
            }
            unmapped(indices);
            store.queue().done();
            store.queue().add(this::run, thrown -> finish());
        });
    }

    private void freeByRewrite(BlobMetadata blob) {
        BlobMetadata next = blob.copy();
        int[] indices = take(next, end);
        new BlobCommit(store.space(), store.writer()).commit(blob, next, new BitSet(), (failure, torn) -> {
            if (torn) {
                torn(failure, indices);
            } else if (failure == null) {
                lvol.blob(next);
                unmapped(indices);
            }
            finish();
        });
    }

    private void unmapped(int[] indices) {
        int count = freed.length;
        freed = Arrays.copyOf(freed, count + indices.length);
        for (int index : indices) {
            freed[count++] = lvol.map().get(index);
            lvol.map().publish(index, BlobMetadata.UNALLOCATED);
        }
    }

    /** The clusters stay taken: the disk may name them. */
    private void torn(OperationException failure, int[] indices) {
        store.fault(failure);
        status = Status.WRITE_FAULT;
        for (int index : indices) {
            lvol.map().publish(index, BlobMetadata.UNALLOCATED);
        }
    }

    private void finish() {
        store.queue().done();
        bdev.unlockRange(lock, store.mthread(), (nothing, failure) -> { });
        new ClusterRelease(store, freed, () -> {
            store.closed();
            waiter.resolved(status);
        }).start();
    }
}
