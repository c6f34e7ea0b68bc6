package io.mizzen.engine.model;

import java.util.List;

/**
 * Everything that a metrics scrape needs, read from counters that the reactors write.
 *
 * @param atNs monotonic time of the reading
 */
public record MetricsView(long atNs, List<ReactorMetrics> reactors, List<VolumeMetrics> volumes,
                          List<MemoryView.PoolView> bufferPools, int mailboxDepth, long mailboxRefusals,
                          int connections) {

    /** Counters of one core. */
    public record ReactorMetrics(int core, boolean running, long busyNs, long idleNs, long sleepNs, long turns, long messages,
                                 long messageBatchMax, long sleeps, long wakeups, long stalls, long ringEnters,
                                 long ringSubmissions, long ringCompletions) { }

    /**
     * Counters of one bdev, replica, nexus or host.
     *
     * @param name of the object
     * @param uuid null where it has none
     */
    public record VolumeMetrics(ObjectKind kind, String name, String uuid, IoStatsView stats) { }
}
