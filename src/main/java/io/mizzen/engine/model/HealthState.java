package io.mizzen.engine.model;

/** How well a disk or pool does, the worst last. */
public enum HealthState {
    /** Nothing is known against it. */
    ONLINE,
    /** Some errors or stalls lately, or a warning of its temperature: to be watched. */
    DEGRADED,
    /** So many that it may fail: it gets no new replicas. */
    SUSPECTED,
    /** It is gone, has become smaller than the pool on it, or cannot be changed any more. */
    FAULTED
}
