package io.mizzen.engine.model;

import java.util.List;

/**
 * A block device.
 *
 * @param uri the URI that made it; null for those that a pool or nexus made (lvol, nexus)
 * @param aliases further names that open it
 * @param uuid null where the device has none
 * @param product uring, nvme, malloc, null, fault, lvol, nexus
 * @param volatileWriteCache a flush is needed for durability
 * @param test not for production: contents in memory or faults on request
 * @param claimedBy who holds the write claim, null when free
 * @param open whether anybody has it open
 * @param stats I/O counters
 */
public record BdevView(String name, String uri, List<String> aliases, String uuid, String product, int blockSizeBytes, long blockCount,
                       long sizeBytes, boolean volatileWriteCache, boolean unmap, boolean test, String claimedBy, boolean open,
                       IoStatsView stats) {

    /**
     * The bdev's I/O channel on one mthread.
     *
     * @param references holders of the channel
     * @param inFlight requests that the driver has now
     * @param waiting requests held back by a pause, a range lock or lack of resources
     */
    public record ChannelView(String bdev, int core, String mthread, int references, int inFlight,
                              int waiting, boolean paused, IoStatsView stats) { }
}
