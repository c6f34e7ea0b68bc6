package io.mizzen.engine.model;

/** What to do with a child's rebuild or verification. */
public enum RebuildOrder {
    /** Goes on with one that was stopped; a child that is out is brought online. */
    START,
    PAUSE,
    RESUME,
    /** Ends a verification; a rebuild can be started again and goes on from there. */
    STOP
}
