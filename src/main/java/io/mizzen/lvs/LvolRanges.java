package io.mizzen.lvs;

import java.util.ArrayList;
import java.util.List;

/** What a volume or snapshot holds, or in what it may differ from another of its pool, by whole clusters. */
public final class LvolRanges {
    private static final int SAME = 0;
    private static final int DATA = 1;
    private static final int ZERO = 2;

    private LvolRanges() {
    }

    /**
     * Neighbouring clusters of one kind.
     *
     * @param zero reads as zeroes there now
     */
    public record Range(long offsetBytes, long sizeBytes, boolean zero) {
    }

    /**
     * The first ranges from there on. Equal clusters are known by their place on the device: between a snapshot and a later
     * one, or the volume, all that was written since is listed. Control reactor.
     *
     * @param since null: what is allocated in {@code of}, itself or by the snapshots that it reads from
     * @param fromBytes where to begin, rounded down to a cluster
     * @param countMax ranges; one that ends at {@code of}'s end is the last there is
     */
    public static List<Range> list(Lvol since, Lvol of, long fromBytes, int countMax) {
        assert since == null || since.store() == of.store();
        long clusterBytes = of.store().clusterSizeBytes();
        List<Range> ranges = new ArrayList<>();
        int end = of.clusterCount();
        for (int i = (int) Math.min(end, fromBytes / clusterBytes); i < end && ranges.size() < countMax;) {
            int kind = kind(since, of, i);
            int first = i;
            while (i < end && kind(since, of, i) == kind) {
                i++;
            }
            if (kind != SAME) {
                ranges.add(new Range(first * clusterBytes, (i - first) * clusterBytes, kind == ZERO));
            }
        }
        return ranges;
    }

    private static int kind(Lvol since, Lvol of, int index) {
        int cluster = of.map().resolved(index);
        int before = since == null ? BlobMetadata.UNALLOCATED : since.map().resolved(index);
        return cluster == before ? SAME : cluster == BlobMetadata.UNALLOCATED ? ZERO : DATA;
    }
}
