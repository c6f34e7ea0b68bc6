package io.mizzen.engine.model;

import java.util.List;

/**
 * How a nexus or replica is served.
 *
 * @param allowedHosts NQNs of the hosts that may connect, or the single word "any"; empty is refused
 */
public record ShareSpec(List<String> allowedHosts) {
    /** The word that admits every host. */
    public static final String ANY_HOST = "any";
}
