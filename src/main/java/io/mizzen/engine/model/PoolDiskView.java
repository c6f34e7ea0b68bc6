package io.mizzen.engine.model;

/**
 * A disk of a pool.
 *
 * @param uri as it was named
 * @param bdev its bdev
 * @param memberUuid by which SPDK knows it among several; null in a pool that is a bare lvstore
 * @param sizeBytes of the disk now
 * @param dataBytes of it that belong to the pool's device
 * @param present false: it is gone
 */
public record PoolDiskView(String uri, String bdev, String memberUuid, long sizeBytes, long dataBytes, boolean present) { }
