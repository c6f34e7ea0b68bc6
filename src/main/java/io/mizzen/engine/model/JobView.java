package io.mizzen.engine.model;

import java.time.Instant;
import java.util.List;

/**
 * Work that goes on after the request that asked for it was answered.
 *
 * @param id a number, in the order of their start
 * @param kind one of {@link #KINDS}
 * @param object name of what it works on; {@code objectUuid} null where that is not known yet
 * @param state RUNNING, DONE, FAILED or CANCELLED
 * @param doneBytes of {@code totalBytes}, which is 0 while it is not known
 * @param endedAt null while it runs
 * @param result what it found out, such as a checksum; null: nothing
 * @param error why it FAILED; null else
 */
public record JobView(String id, String kind, String object, String objectUuid, String state, long doneBytes, long totalBytes,
                      int percent, Instant startedAt, Instant endedAt, String result, String error) {
    /** Of every job. */
    public static final List<String> KINDS = List.of("pool-create", "pool-import", "replica-wipe", "replica-inflate", "replica-decouple");
    /** Of every job. */
    public static final List<String> STATES = List.of("RUNNING", "DONE", "FAILED", "CANCELLED");
}
