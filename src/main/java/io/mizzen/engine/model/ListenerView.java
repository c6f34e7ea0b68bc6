package io.mizzen.engine.model;

/**
 * One listening NVMe/TCP socket.
 *
 * @param transport "tcp"
 * @param addressFamily "ipv4" or "ipv6"
 * @param address literal address, without brackets
 * @param port TCP port
 */
public record ListenerView(String transport, String addressFamily, String address, int port) { }
