package io.mizzen.engine.model;

import java.time.Instant;
import java.util.Map;

/**
 * One change of state.
 *
 * @param sequence ascending, without gaps from one start of the engine to the next, and higher after that; the ring keeps
 *        the newest ones
 * @param kind what happened: a stable kebab-case word such as "child-faulted"
 * @param objectType what it happened to
 * @param uuid of the object; null where it has none
 * @param name of the object
 * @param message one sentence for people
 * @param details what programs need besides, by stable names such as "reason"; never null
 */
public record EventView(long sequence, Instant time, EventSeverity severity, String kind, ObjectKind objectType,
                        String uuid, String name, String message, Map<String, String> details) { }
