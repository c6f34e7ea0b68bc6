package io.mizzen.engine.model;

import java.util.List;

/**
 * An lvstore.
 *
 * @param state ONLINE, or FAULTED with the reason in {@code fault}
 * @param fault null while ONLINE
 * @param capacityBytes what replicas can hold in all
 * @param committedBytes sum of the sizes promised to replicas; above capacity with thin ones
 * @param commitLimitPercent so many percent of the capacity the committed bytes may come to; 0: no limit
 * @param test on a bdev that is for tests only
 * @param recovered the last import found the pool unclean and rebuilt its masks
 */
public record PoolView(String name, String uuid, List<String> disks, String state, String fault,
                       long clusterSizeBytes, int blockSizeBytes, long capacityBytes, long usedBytes, long freeBytes,
                       long committedBytes, int commitLimitPercent, int replicas, boolean test, boolean recovered) { }
