package io.mizzen.nexus;

/** What a nexus is worth to its hosts. */
public enum NexusState {
    /** Every member is healthy and equal. */
    ONLINE,
    /** It serves, but a member is not healthy, or legs are still being made equal. */
    DEGRADED,
    /** No healthy child is present, or the metadata cannot be stored: writes fail. */
    FAULTED,
    /** Closed, or closing. */
    SHUTDOWN
}
