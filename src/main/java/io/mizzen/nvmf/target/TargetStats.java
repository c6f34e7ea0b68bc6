package io.mizzen.nvmf.target;

/** Counters of a poll group, or their sum. Written by one thread, read by anybody, approximate. */
public final class TargetStats {
    public long connectionsAccepted;
    public long connectionsRefused;
    public long connectionsClosed;
    public long connectRefused;
    public long handshakeTimeouts;
    public long stallTimeouts;
    public long keepAliveTimeouts;
    public long terminationsSent;
    public long terminationsReceived;
    public long dataDigestErrors;
    public long commands;
    public long commandErrors;
    public long bufferWaits;

    void add(TargetStats other) {
        connectionsAccepted += other.connectionsAccepted;
        connectionsRefused += other.connectionsRefused;
        connectionsClosed += other.connectionsClosed;
        connectRefused += other.connectRefused;
        handshakeTimeouts += other.handshakeTimeouts;
        stallTimeouts += other.stallTimeouts;
        keepAliveTimeouts += other.keepAliveTimeouts;
        terminationsSent += other.terminationsSent;
        terminationsReceived += other.terminationsReceived;
        dataDigestErrors += other.dataDigestErrors;
        commands += other.commands;
        commandErrors += other.commandErrors;
        bufferWaits += other.bufferWaits;
    }
}
