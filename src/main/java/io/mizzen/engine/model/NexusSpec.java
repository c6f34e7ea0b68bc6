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
 */
public record NexusSpec(String uuid, String name, List<String> children, long sizeBytes, String label) { }
