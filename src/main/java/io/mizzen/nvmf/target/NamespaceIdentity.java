package io.mizzen.nvmf.target;

import java.util.Objects;
import java.util.UUID;

/**
 * What a host recognizes a namespace by; must be the same on every path and after every restart.
 *
 * @param uuid never null
 * @param nguid the 16 bytes as a UUID; null = none
 * @param eui64 0 = none
 */
public record NamespaceIdentity(UUID uuid, UUID nguid, long eui64) {
    public NamespaceIdentity {
        Objects.requireNonNull(uuid);
    }

    /** UUID and NGUID both from one UUID. */
    public static NamespaceIdentity of(UUID uuid) {
        return new NamespaceIdentity(uuid, uuid, 0);
    }
}
