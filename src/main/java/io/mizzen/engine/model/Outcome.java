package io.mizzen.engine.model;

/**
 * What an idempotent creation led to.
 *
 * @param created false: it was there already, with the same specification
 */
public record Outcome<T>(T view, boolean created) {
}
