package io.mizzen.lvs;

/** What a volume is beyond a plain thick one. */
public enum LvolFeature {
    /** Clusters are allocated on first write. */
    THIN,
    /** Never changes: marked read-only, or the parent of clones. */
    SNAPSHOT,
    /** Reads what it does not hold from a snapshot. */
    CLONE,
    /** Reads what it does not hold from a bdev outside the pool. */
    EXTERNAL_CLONE,
    /** Marked read-only. */
    READ_ONLY,
    /** A snapshot is being made or removed; a crash left it so. */
    SNAPSHOT_UNDER_WAY,
    /** Flags or descriptors of a newer version. */
    UNKNOWN
}
