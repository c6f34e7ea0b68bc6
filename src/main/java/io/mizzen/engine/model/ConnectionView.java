package io.mizzen.engine.model;

/**
 * One NVMe/TCP connection (queue pair) of a host.
 *
 * @param core reactor that serves it
 * @param subsystemNqn null before the Connect command
 * @param hostNqn null before the Connect command
 * @param queueId 0 is the admin queue; -1 before the Connect command
 * @param controllerId -1 before the Connect command
 * @param state state of the connection's machine
 * @param outstanding commands in execution now
 */
public record ConnectionView(long id, int core, String remoteAddress, String localAddress, String subsystemNqn,
                             String hostNqn, int queueId, int controllerId, String state, int queueDepth,
                             int outstanding, boolean headerDigest, boolean dataDigest) { }
