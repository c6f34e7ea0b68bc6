package io.mizzen.control.metrics;

import io.mizzen.engine.model.PoolView;
import io.mizzen.engine.model.ReplicaView;
import io.mizzen.engine.model.SnapshotView;
import io.prometheus.metrics.model.snapshots.Labels;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What replicas and snapshots hold, each for itself and in sum for each pool. */
final class ReplicaFamilies {
    static final List<String> KINDS = List.of("replica", "clone", "snapshot");

    private ReplicaFamilies() {
    }

    /** @param volumes of all kinds, snapshots too */
    static void add(Families families, List<PoolView> pools, List<ReplicaView> volumes, List<SnapshotView> snapshots) {
        Map<String, SnapshotView> byName = snapshots.stream().collect(Collectors.toMap(
            snapshot -> path(snapshot.poolUuid(), snapshot.name()), Function.identity(), (first, second) -> first));
        Map<String, Long> taken = snapshots.stream().filter(snapshot -> snapshot.replica() != null)
            .collect(Collectors.groupingBy(SnapshotView::replica, Collectors.counting()));
        Map<String, Long> counts = new HashMap<>();
        Map<String, Long> heldBytes = new HashMap<>();
        for (ReplicaView volume : volumes) {
            String kind = volume.snapshot() ? "snapshot" : isClone(volume, byName) ? "clone" : "replica";
            counts.merge(path(volume.poolUuid(), kind), 1L, Long::sum);
            heldBytes.merge(path(volume.poolUuid(), kind), volume.allocatedBytes(), Long::sum);
            if (!volume.snapshot()) {
                replica(families, volume, taken.getOrDefault(volume.uuid(), 0L));
            }
        }
        snapshots.forEach(snapshot -> snapshot(families, snapshot));
        for (PoolView pool : pools) {
            for (String kind : KINDS) {
                Labels labels = Labels.of("kind", kind, "name", pool.name(), "uuid", pool.uuid());
                families.gauge("mizzen_pool_volumes", "Volumes of the pool: replicas, those that are clones of another one's snapshot, "
                    + "and snapshots", counts.getOrDefault(path(pool.uuid(), kind), 0L), labels);
                families.gauge("mizzen_pool_allocated_bytes", "Clusters that those themselves hold",
                    heldBytes.getOrDefault(path(pool.uuid(), kind), 0L), labels);
            }
        }
    }

    private static void replica(Families families, ReplicaView replica, long snapshots) {
        Labels labels = Labels.of("name", replica.name(), "pool", replica.pool(), "uuid", replica.uuid());
        families.gauge("mizzen_replica_size_bytes", "What a host can see of the replica", replica.sizeBytes(), labels);
        families.gauge("mizzen_replica_allocated_bytes", "Clusters that the replica itself holds", replica.allocatedBytes(), labels);
        families.gauge("mizzen_replica_snapshot_bytes", "Clusters of the snapshots from which it reads, which others may read, too",
            replica.snapshotBytes(), labels);
        families.gauge("mizzen_replica_snapshots", "Snapshots that were taken of it and are there still", snapshots, labels);
    }

    private static void snapshot(Families families, SnapshotView snapshot) {
        Labels labels = Labels.of("name", snapshot.name(), "pool", snapshot.pool(), "uuid", snapshot.uuid());
        families.gauge("mizzen_snapshot_allocated_bytes", "Clusters that the snapshot itself holds", snapshot.allocatedBytes(), labels);
        if (snapshot.pauseNs() != null) {
            families.gauge("mizzen_snapshot_pause_seconds", "How long writes were held back to take it, since its pool was opened",
                snapshot.pauseNs() * Families.NANOSECONDS, labels);
        }
    }

    /** Whether it reads from what was taken of another one, or of nobody knows what; behind its own snapshots, perhaps. */
    private static boolean isClone(ReplicaView volume, Map<String, SnapshotView> byName) {
        String parent = volume.parent();
        while (parent != null) {
            SnapshotView snapshot = byName.get(path(volume.poolUuid(), parent));
            if (snapshot == null || !volume.uuid().equals(snapshot.replica())) {
                return true;
            }
            parent = snapshot.parent();
        }
        return false;
    }

    private static String path(String pool, String rest) {
        return pool + "/" + rest;
    }
}
