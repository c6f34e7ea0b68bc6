package io.mizzen.lvs;

import java.util.ArrayList;
import java.util.List;

/**
 * Zeroes the free clusters that first writes will take next, before they are asked for: a first write that finds such a
 * cluster waits for the mapping alone, not for the device to zero a cluster and to flush. Begins with the first write that
 * had to wait and keeps so many clusters ready while first writes go on; an idle pool is left alone. What is ready is
 * known in memory only.
 *
 * <p>One batch at a time: clusters barred from use → zeroed → flushed → free again, durably zero. A batch that fails leaves
 * them as free as they were. Who needs the very last clusters waits for its end. Control reactor only.
 */
final class ZeroAhead {
    private static final int CLUSTERS_MAX = 8;
    private static final long BYTES_MAX = 32L << 20;

    private final LvStore store;
    private final List<Runnable> waiting = new ArrayList<>();
    private int[] batch = new int[0];

    ZeroAhead(LvStore store) {
        this.store = store;
    }

    boolean idle() {
        return batch.length == 0;
    }

    /** A cluster has been taken to be zeroes: begins a batch if less than half of what is to be ready still is. */
    void onTaken() {
        if (!idle() || store.state() != LvStore.State.ONLINE || !store.writable()) {
            return;
        }
        int clustersMax = (int) Math.clamp(BYTES_MAX / store.geometry().clusterSizeBytes(), 1, CLUSTERS_MAX);
        int[] next = store.space().nextUnsettled(clustersMax);
        if (next.length == 0 || next.length < clustersMax / 2) {
            return;
        }
        batch = next;
        store.space().bar(batch);
        zero(0);
    }

    private void zero(int from) {
        if (!store.writable()) {
            ended(false);
            return;
        }
        if (from == batch.length) {
            store.port().flush(status -> ended(status == 0));
            return;
        }
        int run = ClusterRelease.runLength(batch, from);
        long clusterBytes = store.geometry().clusterSizeBytes();
        store.port().zero(batch[from] * clusterBytes, run * clusterBytes, status -> {
            if (status == 0) {
                zero(from + run);
            } else {
                ended(false);
            }
        });
    }

    private void ended(boolean zeroed) {
        store.space().unbar(batch, zeroed);
        batch = new int[0];
        List<Runnable> next = List.copyOf(waiting);
        waiting.clear();
        next.forEach(Runnable::run);
    }

    /** Runs it when the batch under way has ended: at once without one. */
    void afterwards(Runnable then) {
        if (idle()) {
            then.run();
        } else {
            waiting.add(then);
        }
    }
}
