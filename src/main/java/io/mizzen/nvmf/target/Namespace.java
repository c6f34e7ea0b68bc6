package io.mizzen.nvmf.target;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.Descriptor;
import java.util.UUID;

/**
 * A bdev served under an id of a subsystem. Immutable; made by {@link Target#addNamespace}.
 */
public final class Namespace {
    private final int nsid;
    private final Descriptor descriptor;
    private final NamespaceIdentity identity;
    /** The bdev is closed, and another one will take its place. Control reactor. */
    boolean detached;

    Namespace(int nsid, Descriptor descriptor, NamespaceIdentity identity) {
        this.nsid = nsid;
        this.descriptor = descriptor;
        this.identity = identity;
    }

    public int nsid() {
        return nsid;
    }

    public Bdev bdev() {
        return descriptor.bdev();
    }

    public NamespaceIdentity identity() {
        return identity;
    }

    public UUID uuid() {
        return identity.uuid();
    }

    Descriptor descriptor() {
        return descriptor;
    }
}
