package io.mizzen.engine.model;

/**
 * How to import a pool.
 *
 * @param rebuildMasks take the masks of used space from the metadata of the volumes, also where the pool is marked clean: for
 *        one whose masks are damaged
 * @param readOnly write nothing to its disks, now or later; of a damaged pool, show what can still be read
 */
public record PoolImport(boolean rebuildMasks, boolean readOnly) {
    /** As pools are opened that nothing is wrong with. */
    public static final PoolImport NORMAL = new PoolImport(false, false);
}
