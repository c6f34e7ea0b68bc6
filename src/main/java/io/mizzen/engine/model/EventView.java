package io.mizzen.engine.model;

import java.time.Instant;

/**
 * One change of state.
 *
 * @param sequence ascending without gaps; the ring keeps the newest ones
 * @param object name or uuid
 * @param type kebab-case word such as "nexus-degraded"
 * @param message one sentence for people
 */
public record EventView(long sequence, Instant at, ObjectKind kind, String object, String type, String message) { }
