package io.mizzen.engine.model;

/** How much an event asks for attention. */
public enum EventSeverity {
    /** What somebody asked for, or what goes as it should. */
    INFO,
    /** Redundancy, speed or a host is affected; data is safe. */
    WARNING,
    /** Service or redundancy beyond repair by itself; somebody has to act. */
    ERROR
}
