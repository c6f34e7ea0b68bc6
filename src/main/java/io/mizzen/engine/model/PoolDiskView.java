package io.mizzen.engine.model;

import java.util.List;

/**
 * A disk of a pool.
 *
 * @param uri as it was named
 * @param bdev its bdev
 * @param memberUuid by which SPDK knows it among several; null in a pool that is a bare lvstore
 * @param sizeBytes of the disk now
 * @param dataBytes of it that belong to the pool's device
 * @param unusableBytes that it has gained and the pool cannot use, since it is not the last of several; 0 of most
 * @param present false: it is gone
 * @param health and why, where it is not ONLINE
 * @param errors of reads, writes and flushes, since the pool is open
 * @param stalls times that it did not answer for a while; {@code stalled}: it does not now
 * @param warnings of the drive itself (SMART); null where it cannot be asked
 */
public record PoolDiskView(String uri, String bdev, String memberUuid, long sizeBytes, long dataBytes, long unusableBytes,
                           boolean present, HealthState health, String healthReason, long errors, long stalls, boolean stalled,
                           List<String> warnings) { }
