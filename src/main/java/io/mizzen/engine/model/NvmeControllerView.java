package io.mizzen.engine.model;

import java.util.List;

/**
 * An NVMe controller that the engine drives itself.
 *
 * @param address PCI address
 * @param version of the specification that it follows, such as {@code 1.4}
 * @param state STARTING, READY, RESETTING, DEAD, CLOSING
 * @param queuePairs I/O queue pairs, at most one a reactor
 * @param transferBytesMax largest transfer of one command; longer I/O is split
 * @param health what the drive says of itself, at most a minute old; null until it was read
 * @param errors the newest entries of its error log, newest first
 */
public record NvmeControllerView(String address, String model, String serial, String firmware, String version, String state,
                                 int queuePairs, long transferBytesMax, boolean volatileWriteCache,
                                 List<NamespaceView> namespaces, StatsView stats, HealthView health, List<ErrorView> errors) {

    /**
     * A namespace.
     *
     * @param uri what opens it as a bdev
     * @param refusal why it cannot be a bdev; null when it can
     */
    public record NamespaceView(int namespaceId, String uuid, String uri, int blockSizeBytes, long sizeBytes, int metadataBytes,
                                String refusal) { }

    /**
     * Counters since the controller was opened.
     *
     * @param unknownCompletions of no command in flight; ignored
     * @param errors commands that the controller failed, those too that were sent again
     * @param retries commands sent again because of their status
     * @param timeouts commands that were too late
     * @param aborts abort commands sent for those
     * @param slots commands that may be in flight at a time
     * @param outstanding commands in flight now
     * @param waiting I/Os that wait for a slot now
     * @param interrupts that were awaited; a busy queue is polled
     */
    public record StatsView(long completions, long unknownCompletions, long errors, long retries, long timeouts, long aborts,
                            long resets, int slots, int outstanding, int waiting, long submissionDoorbells,
                            long completionDoorbells, long doorbellsSaved, long interrupts) { }

    /**
     * The SMART / health information log page (base specification 2.0, section 5.16.1.3).
     *
     * @param criticalWarnings what the drive warns of, in words; empty: nothing
     * @param sparePercent what is left of the spare capacity; warned of below the threshold
     * @param usedPercent of the rated endurance; may exceed 100
     */
    public record HealthView(List<String> criticalWarnings, int temperatureCelsius, int sparePercent, int spareThresholdPercent,
                             int usedPercent, double bytesRead, double bytesWritten, long readCommands, long writeCommands,
                             long busyMinutes, long powerCycles, long powerOnHours, long unsafeShutdowns, long mediaErrors,
                             long errorLogEntries) {
        /** Bits of the critical warning (base specification 2.0, figure 207), from bit 0, in words. */
        public static final List<String> WARNINGS = List.of("spare-low", "temperature", "reliability-degraded", "read-only",
            "backup-failed", "persistent-memory-read-only");
    }

    /**
     * An entry of the error log (base specification 2.0, section 5.16.1.2).
     *
     * @param number of the error in the drive's life
     * @param status in words
     */
    public record ErrorView(long number, int queueId, int commandId, String status, int namespaceId, long offsetBlocks) { }
}
