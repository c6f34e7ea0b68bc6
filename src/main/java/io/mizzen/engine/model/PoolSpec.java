package io.mizzen.engine.model;

import java.util.List;

/**
 * A pool to create or to import.
 *
 * @param name 1 to 63 characters of letters, digits, '.', '_', '-'; null where an import names the uuid
 * @param uuid identity of the pool; null lets creation choose and import accept whatever the disk says
 * @param disks bdev URIs or names of existing bdevs; several are joined, in any order at an import
 * @param clusterSizeBytes 0 for the default (4 MiB); ignored by import
 * @param overwrite what may be destroyed on the disks, in words: the signatures that a refusal names ("gpt", "ext4",
 *        "lvstore", ...) or "any". Empty: only a disk without any signature is taken
 * @param allowTest the word for pools on bdevs that are for tests only
 * @param room what a new pool is prepared for; ignored by import
 */
public record PoolSpec(String name, String uuid, List<String> disks, long clusterSizeBytes, List<String> overwrite,
                       boolean allowTest, Room room) {
    public PoolSpec {
        room = room == null ? Room.DEFAULT : room;
    }

    public PoolSpec(String name, String uuid, List<String> disks, long clusterSizeBytes, List<String> overwrite, boolean allowTest) {
        this(name, uuid, disks, clusterSizeBytes, overwrite, allowTest, Room.DEFAULT);
    }

    /** What the pool is known by, where one of the two is given. */
    public String nameOrUuid() {
        return name == null ? uuid : name;
    }

    /**
     * What is fixed when a pool is made.
     *
     * @param expandable a pool of one disk gets the superblock of several, so that disks can be added later; without it, it is
     *        a bare lvstore. Pools of several disks always can be added to
     * @param growableToBytes metadata for a pool of this size: so large it can grow. 0: what the defaults come to
     * @param metadataPagesPerHundredClusters room for volumes: 0 for the default (100)
     */
    public record Room(boolean expandable, long growableToBytes, int metadataPagesPerHundredClusters) {
        public static final Room DEFAULT = new Room(false, 0, 0);
    }
}
