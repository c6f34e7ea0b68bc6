package io.mizzen.engine.model;

import java.util.List;

/**
 * A nexus to create, or to assemble again from children that carry its label.
 *
 * @param uuid identity; names the bdev, the NQN and the namespace
 * @param name null: "nexus-" + uuid
 * @param children bdev URIs or names, one or more
 * @param sizeBytes what hosts see; 0: what the smallest child allows
 * @param label "v2" (default when null) or "v1"
 * @param overwrite what may be destroyed on children that are disks, in words, as for a new pool; "nexus": another nexus's
 *        metadata on any of them, while what its hosts wrote stays. Of no account where a nexus is assembled
 */
public record NexusSpec(String uuid, String name, List<String> children, long sizeBytes, String label, List<String> overwrite) {
    public NexusSpec {
        overwrite = overwrite == null ? List.of() : overwrite;
    }

    public NexusSpec(String uuid, String name, List<String> children, long sizeBytes, String label) {
        this(uuid, name, children, sizeBytes, label, List.of());
    }
}
