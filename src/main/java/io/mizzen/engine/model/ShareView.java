package io.mizzen.engine.model;

import java.time.Instant;
import java.util.List;

/**
 * How an object is served.
 *
 * @param allowedHosts NQNs, or the single word "any"
 * @param listeners where to connect
 * @param paused hosts' I/O waits; what was in flight has ended
 * @param pausedUntil when that ends by itself; null: it does not, or nothing is paused
 * @param readOnly hosts can only read: it is a snapshot, or its pool is imported read-only
 */
public record ShareView(String nqn, int namespaceId, String nguid, String serial, List<String> allowedHosts,
                        List<ListenerView> listeners, boolean paused, Instant pausedUntil, boolean readOnly) { }
