package io.mizzen.engine.model;

/**
 * How a nexus behaves.
 *
 * @param freezeTimeoutMs how long hosts' I/O waits when no healthy child is there; then it fails until one is
 * @param rebuildBytesPerSecond what rebuilds may read of the source; 0: no limit
 * @param rebuildFloorBytesPerSecond what back-off leaves a rebuild at least
 * @param rebuildBackOff whether rebuilds go slower while hosts see much higher latency than without them
 * @param rebuildLatencyFactor how much higher it may be before they do, 1 or more
 */
public record NexusSettings(long freezeTimeoutMs, long rebuildBytesPerSecond, long rebuildFloorBytesPerSecond,
                            boolean rebuildBackOff, double rebuildLatencyFactor) { }
