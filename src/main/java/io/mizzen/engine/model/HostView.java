package io.mizzen.engine.model;

/**
 * A connected host: one controller of a subsystem.
 *
 * @param hostId the 128-bit host identifier as a UUID
 * @param ioQueues connected I/O queues
 * @param keepAliveTimeoutMs 0: none
 */
public record HostView(String hostNqn, String hostId, String subsystemNqn, int controllerId, String remoteAddress,
                       int ioQueues, long keepAliveTimeoutMs, IoStatsView stats) { }
