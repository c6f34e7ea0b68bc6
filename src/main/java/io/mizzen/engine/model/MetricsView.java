package io.mizzen.engine.model;

import java.util.List;

/**
 * Everything that a metrics scrape needs, read from counters that the reactors write.
 *
 * @param atNs monotonic time of the reading
 */
public record MetricsView(long atNs, List<ReactorMetrics> reactors, List<VolumeMetrics> volumes,
                          List<MemoryView.BufferPoolView> bufferPools, int mailboxDepth, long mailboxRefusals,
                          TargetMetrics target, MemoryMetrics memory, List<EventCount> events) {

    /** Events of one kind since the engine was made. */
    public record EventCount(String kind, EventSeverity severity, long count) { }

    /** Counters of one core. */
    public record ReactorMetrics(int core, boolean running, long busyNs, long idleNs, long sleepNs, long turns, long messages,
                                 long messageBatchMax, long sleeps, long wakeups, long stalls, long ringEnters,
                                 long ringSubmissions, long ringCompletions) { }

    /**
     * Counters of one bdev, replica, nexus or host.
     *
     * @param name of the object
     * @param uuid null where it has none
     * @param limits and what they did; null for what cannot be limited
     */
    public record VolumeMetrics(ObjectKind kind, String name, String uuid, IoStatsView stats, LimitsView limits) { }

    /**
     * Counters of the NVMe/TCP target, at most a second old.
     *
     * @param accepted connections since the start
     * @param refused connections closed at once because there were too many
     * @param connectRefused Connect commands that failed: an unknown subsystem, a host that is not allowed
     * @param timedOut connections closed because nothing came: no handshake, half a PDU, no keep-alive
     * @param bufferWaits commands that had to wait for a data buffer
     */
    public record TargetMetrics(int connections, long accepted, long refused, long closed, long connectRefused,
                                long timedOut, long terminationsSent, long terminationsReceived,
                                long dataDigestErrors, long commands, long commandErrors, long bufferWaits,
                                List<HostMetrics> hosts) {
        public static final TargetMetrics NONE = new TargetMetrics(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, List.of());
    }

    /** One controller of a host. */
    public record HostMetrics(String hostNqn, String subsystemNqn, int controllerId, int ioQueues, IoStatsView stats) {

        /** The name of its I/O counters, which no other controller has. */
        public String name() {
            return hostNqn + "@" + subsystemNqn + "#" + controllerId;
        }
    }

    /**
     * The reservation.
     *
     * @param kind as in {@link MemoryView}; empty before the start
     * @param freeBytes not cut into pools or handed out
     * @param keptBytes as in {@link MemoryView}
     */
    public record MemoryMetrics(String kind, long pageSizeBytes, long reservedBytes, long freeBytes,
                                long keptBytes) {
        public static final MemoryMetrics NONE = new MemoryMetrics("", 0, 0, 0, 0);
    }
}
