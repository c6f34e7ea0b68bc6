package io.mizzen.engine.model;

import java.util.List;

/**
 * A block device.
 *
 * @param uri the URI that made it; null for those that a pool or nexus made (lvol, nexus)
 * @param aliases further names that open it
 * @param uuid null where the device has none
 * @param product uring, malloc, null, fault, lvol, nexus
 * @param physicalBlockSizeBytes size that the device writes without read-modify-write
 * @param volatileWriteCache a flush is needed for durability
 * @param test not for production: contents in memory or faults on request
 * @param claimedBy owner of the exclusive claim, null when free
 * @param openCount open descriptors
 * @param stats I/O counters
 */
public record BdevView(String name, String uri, List<String> aliases, String uuid, String product, int blockSizeBytes,
                       int physicalBlockSizeBytes, long blockCount, long sizeBytes, boolean readOnly,
                       boolean volatileWriteCache, boolean unmap, boolean test, String claimedBy, int openCount,
                       IoStatsView stats) {

    /**
     * The bdev's I/O channel on one mthread.
     *
     * @param references holders of the channel
     * @param outstanding requests in flight now
     */
    public record ChannelView(String bdev, int core, String mthread, int references, int outstanding, boolean paused,
                              IoStatsView stats) { }
}
