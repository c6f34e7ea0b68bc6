package io.mizzen.engine.model;

/**
 * A limit of operations or bytes.
 *
 * @param perSecond above 0
 * @param burst what may pass at once after a time of rest; 0: what the rate gives in 20 ms
 */
public record RateSpec(long perSecond, long burst) { }
