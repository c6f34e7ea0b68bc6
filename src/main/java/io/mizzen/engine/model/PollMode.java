package io.mizzen.engine.model;

/** How a reactor behaves when it finds no work. */
public enum PollMode {
    /** Poll for ever; lowest latency, one whole core. */
    BUSY,
    /** Spin for the configured time, then sleep in the ring until I/O, a message or a timer arrives. */
    ADAPTIVE
}
