package io.mizzen.engine.model;

/**
 * A rule of a fault bdev with what it did so far.
 *
 * @param bdev the fault bdev
 * @param hits requests that it changed
 */
public record FaultView(String bdev, FaultSpec spec, long hits) { }
