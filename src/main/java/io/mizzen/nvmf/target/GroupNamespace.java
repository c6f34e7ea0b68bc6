package io.mizzen.nvmf.target;

import io.mizzen.bdev.IoChannel;

/** A namespace in one poll group: its channel there, and how many commands use it. The group's thread only. */
final class GroupNamespace {
    final IoChannel channel;
    /** Hosts can only read it (NSATTR of Identify Namespace, bit 0). */
    final boolean readOnly;
    int inFlight;
    /** The channel is closed; another bdev will take the place of this one. The subsystem is paused. */
    boolean detached;
    /** Set when the namespace is being removed: told when the last command has ended. */
    Runnable drained;

    GroupNamespace(IoChannel channel) {
        this.channel = channel;
        this.readOnly = channel.bdev().isReadOnly();
    }
}
