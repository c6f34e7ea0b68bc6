package io.mizzen.lvs;

import java.util.ArrayList;
import java.util.List;

/** What a volume or snapshot holds, or in what it may differ from another of its pool, by whole clusters. */
public final class LvolRanges {
    /** There is nothing more. */
    public static final long END = -1;

    private static final int SAME = 0;
    private static final int DATA = 1;
    private static final int ZERO = 2;
    /** Clusters that one call looks at: the control reactor has other work. */
    private static final int CLUSTERS_MAX = 1 << 16;

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
     * Some ranges.
     *
     * @param nextOffsetBytes where to go on, {@link #END} when that was all
     */
    public record Page(List<Range> ranges, long nextOffsetBytes) {
    }

    /**
     * The first ranges from there on. Equal clusters are known by their place on the device: between a snapshot and a later
     * one, or the volume, all that was written since is listed. Control reactor.
     *
     * @param since null: what is allocated in {@code of}, itself or by the snapshots that it reads from
     * @param fromBytes where to begin, rounded down to a cluster
     * @param countMax ranges; there may be fewer, even none, before the end
     */
    public static Page list(Lvol since, Lvol of, long fromBytes, int countMax) {
        assert since == null || since.store() == of.store();
        long clusterBytes = of.store().clusterSizeBytes();
        List<Range> ranges = new ArrayList<>();
        int clusters = of.clusterCount();
        int i = (int) Math.min(clusters, fromBytes / clusterBytes);
        int end = Math.min(clusters, i + CLUSTERS_MAX);
        while (i < end && ranges.size() < countMax) {
            int kind = kind(since, of, i);
            int first = i;
            while (i < end && kind(since, of, i) == kind) {
                i++;
            }
            if (kind != SAME) {
                ranges.add(new Range(first * clusterBytes, (i - first) * clusterBytes, kind == ZERO));
            }
        }
        return new Page(ranges, i < clusters ? i * clusterBytes : END);
    }

    private static int kind(Lvol since, Lvol of, int index) {
        int cluster = of.map().resolved(index);
        int before = since == null ? BlobMetadata.UNALLOCATED : since.map().resolved(index);
        return cluster == before ? SAME : cluster == BlobMetadata.UNALLOCATED ? ZERO : DATA;
    }
}
