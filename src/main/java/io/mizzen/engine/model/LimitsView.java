package io.mizzen.engine.model;

/**
 * The limits of a volume and what they did so far.
 *
 * @param limits those in force
 * @param delayedOperations operations that had to wait
 * @param delayedNs how long they waited, all together
 */
public record LimitsView(LimitsSpec limits, long delayedOperations, long delayedNs) { }
