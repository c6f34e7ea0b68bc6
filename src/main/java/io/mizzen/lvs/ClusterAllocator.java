package io.mizzen.lvs;

import io.mizzen.util.OperationException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * First writes to clusters of thin volumes. One cluster goes through: free cluster taken → zeroed, or filled with what the
 * volume reads there from a snapshot, and flushed (a crash must not show what an earlier volume left there), unless it is
 * known to be so, durably → written into the extent page, durably, together with whatever else became ready for that
 * volume meanwhile → published in the {@link ClusterMap} → all writers that waited go on.
 *
 * <p>Control reactor only. Bounded by the I/Os outstanding; {@link #ZEROING_MAX} clusters are zeroed at a time.
 */
final class ClusterAllocator {
    static final int ZEROING_MAX = 8;

    private final LvStore store;
    private final ArrayDeque<Pending> toZero = new ArrayDeque<>();
    private final Map<Lvol, ReadyList> ready = new HashMap<>();
    private int zeroing;
    private int pendingCount;
    private long refusedCount;

    ClusterAllocator(LvStore store) {
        this.store = store;
    }

    /** A writer that waits for a cluster. */
    interface Waiter {
        /** The cluster is there (0), or it cannot be had (an NVMe status). On the control reactor. */
        void resolved(int status);
    }

    private static final class Pending {
        final Lvol lvol;
        final int index;
        final boolean zeroes;
        final List<Waiter> waiters = new ArrayList<>(2);
        int cluster = -1;
        /** The volume's {@link Lvol#parentChanges} when it was filled. */
        int parentChanges;

        Pending(Lvol lvol, int index, boolean zeroes) {
            this.lvol = lvol;
            this.index = index;
            this.zeroes = zeroes;
        }
    }

    private static final class ReadyList {
        final Map<Integer, Pending> byIndex = new HashMap<>();
        List<Pending> zeroed = new ArrayList<>();
        /** Those whose turn it is. */
        List<Pending> inserting;
        boolean queued;
    }

    /** Clusters that were not to be had, for want of space, so far. */
    long refusedCount() {
        return refusedCount;
    }

    boolean idle() {
        return pendingCount == 0;
    }

    /**
     * Asks for the volume's cluster {@code index}. Answers later or at once.
     *
     * @param zeroes all of it will be zeroes: nothing is copied from a snapshot. Whoever else asks for it meanwhile is
     *        concurrent with those zeroes, so that they may come first
     */
    void request(Lvol lvol, int index, boolean zeroes, Waiter waiter) {
        if (lvol.map().get(index) != BlobMetadata.UNALLOCATED) {
            waiter.resolved(0);
            return;
        }
        if (!store.writable()) {
            waiter.resolved(LvStore.STATUS_POOL_FAULTED);
            return;
        }
        ReadyList list = ready.computeIfAbsent(lvol, key -> new ReadyList());
        Pending pending = list.byIndex.get(index);
        if (pending == null) {
            pending = new Pending(lvol, index, zeroes);
            list.byIndex.put(index, pending);
            pendingCount++;
            toZero.add(pending);
        }
        pending.waiters.add(waiter);
        zeroMore();
    }

    private void zeroMore() {
        while (zeroing < ZEROING_MAX && !toZero.isEmpty()) {
            Pending pending = toZero.poll();
            pending.cluster = store.space().takeCluster();
            if (pending.cluster < 0) {
                finish(pending, LvStore.STATUS_CAPACITY_EXCEEDED);
                continue;
            }
            if (source(pending) == BlobMetadata.UNALLOCATED && store.space().isDurablyZero(pending.cluster)) {
                pending.parentChanges = pending.lvol.parentChanges();
                queue(pending);
            } else {
                zeroing++;
                fill(pending);
            }
        }
    }

    /** Device cluster that it is to be a copy of; none: zeroes. */
    private static int source(Pending pending) {
        return pending.zeroes ? BlobMetadata.UNALLOCATED : pending.lvol.map().inherited(pending.index);
    }

    private void fill(Pending pending) {
        long since = store.port().flushFailures();
        store.space().onFlushFailures(since);
        StorePort.Done filled = status -> {
            if (status != 0) {
                zeroed(pending, status);
            } else {
                store.port().flush(since, flushStatus -> zeroed(pending, flushStatus));
            }
        };
        pending.parentChanges = pending.lvol.parentChanges();
        long clusterBytes = store.geometry().clusterSizeBytes();
        int source = source(pending);
        if (source == BlobMetadata.UNALLOCATED && store.space().isZero(pending.cluster)) {
            settle(pending, since);
        } else if (source == BlobMetadata.UNALLOCATED) {
            store.port().zero(pending.cluster * clusterBytes, clusterBytes, filled);
        } else {
            store.space().onFilled(pending.cluster);
            // A snapshot that is removed meanwhile leaves the cluster to the one below it in the chain.
            store.port().copy(source * clusterBytes, pending.cluster * clusterBytes, clusterBytes, filled);
        }
    }

    /** It was unmapped to zeroes: flushes, and all other such clusters that are free need no flush of their own later. */
    private void settle(Pending pending, long since) {
        PoolSpace space = store.space();
        boolean first = !space.isSettling();
        if (first) {
            space.beginSettling();
        }
        store.port().flush(since, status -> {
            if (first) {
                space.endSettling(status == 0);
            }
            zeroed(pending, status);
        });
    }

    private void zeroed(Pending pending, int status) {
        zeroing--;
        if (status != 0) {
            store.space().releaseCluster(pending.cluster);
            finish(pending, status);
        } else {
            queue(pending);
        }
        zeroMore();
    }

    private void queue(Pending pending) {
        ReadyList list = ready.get(pending.lvol);
        list.zeroed.add(pending);
        if (!list.queued) {
            list.queued = true;
            store.queue().add(() -> insert(pending.lvol, list),
                    thrown -> ended(pending.lvol, null, list.inserting, thrown, true));
        }
    }

    private void insert(Lvol lvol, ReadyList list) {
        List<Pending> batch = list.zeroed;
        list.inserting = batch;
        list.zeroed = new ArrayList<>();
        list.queued = false;
        assert !batch.isEmpty();
        if (!store.writable()) {
            ended(lvol, null, batch, LvStore.faulted(), false);
            return;
        }
        dropInherited(lvol, batch);
        fillAgain(lvol, batch);
        if (batch.isEmpty()) {
            store.queue().done();
            return;
        }
        int page = onlyExtentPage(lvol.blob(), batch);
        if (page > 0) {
            insertInPlace(lvol, batch, page);
            return;
        }
        BlobMetadata next = lvol.blob().copy();
        BitSet rewritten = new BitSet();
        for (Pending pending : batch) {
            next.clusters[pending.index] = pending.cluster;
            if (next.extentTable) {
                rewritten.set(pending.index / BlobMetadata.CLUSTERS_PER_EXTENT_PAGE);
            }
        }
        new BlobCommit(store.space(), store.writer()).commit(lvol.blob(), next, rewritten,
                (failure, torn) -> ended(lvol, next, batch, failure, torn));
    }

    /** A snapshot was removed meanwhile and left the volume its own clusters: what was filled for these is not needed. */
    private void dropInherited(Lvol lvol, List<Pending> batch) {
        for (Pending pending : List.copyOf(batch)) {
            if (lvol.blob().clusters[pending.index] != BlobMetadata.UNALLOCATED) {
                store.space().releaseCluster(pending.cluster);
                batch.remove(pending);
                finish(pending, 0);
            }
        }
    }

    /**
     * The volume got another parent meanwhile. It may have held the cluster in between, written it, and given it to a
     * snapshot: what these were filled with is not what it reads any more.
     */
    private void fillAgain(Lvol lvol, List<Pending> batch) {
        for (Pending pending : List.copyOf(batch)) {
            if (pending.parentChanges != lvol.parentChanges()) {
                batch.remove(pending);
                zeroing++;
                fill(pending);
            }
        }
    }

    /** The page to change if the whole batch falls into one extent page that exists; else 0. */
    private static int onlyExtentPage(BlobMetadata blob, List<Pending> batch) {
        if (!blob.extentTable) {
            return 0;
        }
        int index = batch.getFirst().index / BlobMetadata.CLUSTERS_PER_EXTENT_PAGE;
        for (Pending pending : batch) {
            if (pending.index / BlobMetadata.CLUSTERS_PER_EXTENT_PAGE != index) {
                return 0;
            }
        }
        return blob.extentPages[index];
    }

    private void insertInPlace(Lvol lvol, List<Pending> batch, int page) {
        BlobMetadata blob = lvol.blob();
        for (Pending pending : batch) {
            assert blob.clusters[pending.index] == BlobMetadata.UNALLOCATED;
            blob.clusters[pending.index] = pending.cluster;
        }
        int index = batch.getFirst().index / BlobMetadata.CLUSTERS_PER_EXTENT_PAGE;
        store.writer().commit(new MetadataWriter.Page(page, BlobEncoder.extentPage(blob, index)), status -> {
            if (status != 0) {
                for (Pending pending : batch) {
                    blob.clusters[pending.index] = BlobMetadata.UNALLOCATED;
                }
            }
            ended(lvol, blob, batch, status == 0 ? null : BlobCommit.failed("writing an extent page", status), status != 0);
        });
    }

    private void ended(Lvol lvol, BlobMetadata next, List<Pending> batch, OperationException failure, boolean torn) {
        if (failure == null) {
            lvol.blob(next);
            for (Pending pending : batch) {
                lvol.map().publish(pending.index, pending.cluster);
            }
        } else if (torn) {
            store.fault(failure);   // The clusters stay taken: the disk may name them.
        } else {
            for (Pending pending : batch) {
                store.space().releaseCluster(pending.cluster);
            }
        }
        store.queue().done();
        int status = failure == null ? 0 : LvStore.statusOf(failure);
        for (Pending pending : batch) {
            finish(pending, status);
        }
    }

    private void finish(Pending pending, int status) {
        pendingCount--;
        refusedCount += status == LvStore.STATUS_CAPACITY_EXCEEDED ? 1 : 0;
        ReadyList list = ready.get(pending.lvol);
        list.byIndex.remove(pending.index);
        if (list.byIndex.isEmpty() && !list.queued) {
            ready.remove(pending.lvol);
        }
        for (Waiter waiter : pending.waiters) {
            waiter.resolved(status);
        }
    }
}
