package io.mizzen.engine.model;

import java.util.List;

/**
 * An lvstore.
 *
 * @param state ONLINE, or FAULTED with the reason in {@code fault}
 * @param fault null while ONLINE
 * @param capacityBytes what replicas can hold in all
 * @param committedBytes sum of the sizes promised to replicas and of what snapshots hold themselves; above capacity with thin ones
 * @param commitLimitPercent so many percent of the capacity the committed bytes may come to; 0: no limit
 * @param replicas volumes of all kinds, snapshots too
 * @param test on a bdev that is for tests only
 * @param recovered the last import found the pool unclean and rebuilt its masks
 * @param replayMs so long the last import took to read the metadata and find out what is used; 0 of a new pool
 * @param replayPages metadata pages of 4 KiB that it read: all of an unclean pool, those in use of a clean one
 * @param replayBytes of memory that it needed for them
 * @param readOnly it was imported to be looked at: nothing is written to its disks
 * @param problems of a pool that is read-only: what is wrong with it, the first hundred
 * @param storage what it lies on
 * @param health how its disks do
 */
public record PoolView(String name, String uuid, List<String> disks, String state, String fault,
                       long clusterSizeBytes, int blockSizeBytes, long capacityBytes, long usedBytes, long freeBytes,
                       long committedBytes, int commitLimitPercent, int replicas, boolean test, boolean recovered,
                       long replayMs, int replayPages, long replayBytes, boolean readOnly, List<String> problems, Storage storage, Health health) {
    /**
     * What a pool lies on, and how far it can grow.
     *
     * @param joined several disks, or one that others can be added to; false: a bare lvstore on one disk
     * @param sizeBytes of the pool, metadata included
     * @param deviceBytes of the disks together: above sizeBytes when they have grown and the pool has not
     * @param growableToBytes as large as its metadata lets it become
     * @param metadataBytes for the metadata of replicas; fixed when the pool is made
     * @param full writes to its thin replicas fail, if they need space; false again once there is room
     * @param refusedAllocations clusters that thin replicas needed and did not get, since it was opened
     */
    public record Storage(boolean joined, long sizeBytes, long deviceBytes, long growableToBytes, long metadataBytes,
                          long metadataUsedBytes, List<PoolDiskView> disks, boolean full, long refusedAllocations) { }

    /**
     * How the disks of a pool do: as the worst of them.
     *
     * @param reason null while ONLINE
     * @param notes what is no failure, but does not do what one may expect: space of a disk that the pool cannot use
     */
    public record Health(HealthState state, String reason, List<String> notes) { }
}
