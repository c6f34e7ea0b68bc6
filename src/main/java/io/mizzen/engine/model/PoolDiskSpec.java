package io.mizzen.engine.model;

import java.util.List;

/**
 * A disk to add to a pool.
 *
 * @param disk bdev URI or name of an existing bdev
 * @param overwrite what may be destroyed on it, in words, as for a new pool
 * @param allowTest the word for a bdev that is for tests only
 */
public record PoolDiskSpec(String disk, List<String> overwrite, boolean allowTest) { }
