package io.mizzen.engine.model;

/**
 * A bdev to create.
 *
 * @param uri for example {@code uring:///dev/sdb}, {@code malloc:///m0?size_mb=64}
 */
public record BdevSpec(String uri) { }
