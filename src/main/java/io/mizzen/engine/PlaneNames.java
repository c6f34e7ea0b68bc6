package io.mizzen.engine;

/** Words that bdevs carry and the engine tells them apart by. */
final class PlaneNames {
    static final String PRODUCT_LVOL = "lvol";
    static final String PRODUCT_NEXUS = "nexus";

    /** Prefixes of mthread names; the core follows. The target names its own. */
    static final String MTHREAD_NVMF = "nvmf-";
    static final String MTHREAD_REBUILD = "rebuild-";
    static final String MTHREAD_ADMIN = "admin-";

    private PlaneNames() { }
}
