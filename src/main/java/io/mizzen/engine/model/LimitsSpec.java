package io.mizzen.engine.model;

/**
 * What may pass through a volume, by all cores together. Null: no limit. Reads and compares count as reads; writes,
 * write-zeroes and unmaps as writes; an unmap is one operation and no bytes. Flushes are never held back.
 */
public record LimitsSpec(RateSpec readOperations, RateSpec writeOperations, RateSpec totalOperations, RateSpec readBytes,
                         RateSpec writeBytes, RateSpec totalBytes) {
    /** No limits at all. */
    public static final LimitsSpec NONE = new LimitsSpec(null, null, null, null, null, null);
}
