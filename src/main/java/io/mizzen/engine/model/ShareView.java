package io.mizzen.engine.model;

import java.util.List;

/**
 * How an object is served.
 *
 * @param allowedHosts NQNs, or the single word "any"
 * @param listeners where to connect
 */
public record ShareView(String nqn, int namespaceId, String nguid, String serial, List<String> allowedHosts,
                        List<ListenerView> listeners) { }
