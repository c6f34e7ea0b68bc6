package io.mizzen.control.properties;

import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code mizzen.placement.*}: which of the engine's cores do what. Each is a mask or a list, a subset of
 * {@code mizzen.cores}.
 *
 * @param nvmf cores that serve NVMe/TCP connections; empty: all
 * @param rebuild cores that copy dirty regions and rebuild; empty: all
 * @param admin cores with device administration; empty: the first
 * @param busy cores that never sleep, whatever {@code mizzen.reactor.mode} says
 */
public record PlacementProperties(@DefaultValue("") String nvmf, @DefaultValue("") String rebuild,
                                  @DefaultValue("") String admin, @DefaultValue("") String busy) {
}
