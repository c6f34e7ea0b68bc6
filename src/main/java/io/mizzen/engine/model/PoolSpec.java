package io.mizzen.engine.model;

import java.util.List;

/**
 * A pool to create or to import.
 *
 * @param name 1 to 63 characters of letters, digits, '.', '_', '-'
 * @param uuid identity of the pool; null lets creation choose and import accept whatever the disk says
 * @param disks bdev URIs or names of existing bdevs; exactly one today
 * @param clusterSizeBytes 0 for the default (4 MiB); ignored by import
 * @param overwrite what may be destroyed on the disks, in words: the signatures that a refusal names ("gpt", "ext4",
 *        "lvstore", ...) or "any". Empty: only a disk without any signature is taken
 * @param allowTest the word for pools on bdevs that are for tests only
 */
public record PoolSpec(String name, String uuid, List<String> disks, long clusterSizeBytes, List<String> overwrite,
                       boolean allowTest) { }
