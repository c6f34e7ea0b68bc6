package io.mizzen.control.metrics;

import io.mizzen.engine.model.HealthState;
import io.mizzen.engine.model.PoolDiskView;
import io.mizzen.engine.model.PoolView;
import io.prometheus.metrics.model.snapshots.Labels;
import java.util.Locale;

/** Pools: their space, how their disks do, and what those have come to. */
final class PoolFamilies {
    private PoolFamilies() {
    }

    static void add(Families families, PoolView pool) {
        Labels labels = Labels.of("name", pool.name(), "uuid", pool.uuid());
        families.gauge("mizzen_pool_online", "1 while the pool is online", "ONLINE".equals(pool.state()) ? 1 : 0, labels);
        families.gauge("mizzen_pool_capacity_bytes", "What replicas can hold in all", pool.capacityBytes(), labels);
        families.gauge("mizzen_pool_used_bytes", "Clusters in use", pool.usedBytes(), labels);
        families.gauge("mizzen_pool_committed_bytes", "Sum of the sizes of replicas and of what snapshots hold themselves", pool.committedBytes(), labels);
        if (pool.commitLimitPercent() > 0) {
            families.gauge("mizzen_pool_commit_limit_bytes", "What those may come to; a pool without a commit limit has no such series",
                pool.capacityBytes() / 100.0 * pool.commitLimitPercent(), labels);
        }
        families.gauge("mizzen_pool_replay_seconds", "How long the last import took to read the metadata; 0 of a new pool",
            pool.replayMs() / 1e3, labels);
        families.gauge("mizzen_pool_replay_bytes", "Memory that it needed for that", pool.replayBytes(), labels);
        PoolView.Storage storage = pool.storage();
        families.gauge("mizzen_pool_device_bytes", "Of the disks together: above the pool's size when it can grow",
            storage.deviceBytes(), labels);
        families.gauge("mizzen_pool_size_bytes", "Of the pool, metadata included", storage.sizeBytes(), labels);
        families.gauge("mizzen_pool_metadata_bytes", "Room for the metadata of replicas", storage.metadataBytes(), labels);
        families.gauge("mizzen_pool_metadata_used_bytes", "Of that in use", storage.metadataUsedBytes(), labels);
        families.gauge("mizzen_pool_full", "1 while writes to thin replicas fail for want of space", storage.full() ? 1 : 0, labels);
        families.counter("mizzen_pool_refused_allocations", "Clusters that thin replicas needed and did not get",
            storage.refusedAllocations(), labels);
        health(families, "mizzen_pool_health", "1 for the state that the pool's disks are in", labels, pool.health().state());
        storage.disks().forEach(disk -> disk(families, pool, disk));
    }

    private static void disk(Families families, PoolView pool, PoolDiskView disk) {
        Labels labels = Labels.of("pool", pool.name(), "disk", disk.bdev());
        health(families, "mizzen_pool_disk_health", "1 for the state that the disk is in", labels, disk.health());
        families.counter("mizzen_pool_disk_errors", "Reads, writes and flushes of the disk that failed", disk.errors(), labels);
        families.counter("mizzen_pool_disk_stalls", "Times that the disk did not answer for a while", disk.stalls(), labels);
        families.gauge("mizzen_pool_disk_unusable_bytes", "What the disk has gained and the pool cannot use", disk.unusableBytes(), labels);
        families.gauge("mizzen_pool_disk_stalled", "1 while it does not", disk.stalled() ? 1 : 0, labels);
    }

    private static void health(Families families, String name, String help, Labels labels, HealthState now) {
        for (HealthState state : HealthState.values()) {
            families.gauge(name, help, state == now ? 1 : 0, labels.add("state", state.name().toLowerCase(Locale.ROOT)));
        }
    }
}
