package io.mizzen.engine.model;

/**
 * Counters of one object since it was opened.
 *
 * @param readLatency histogram: element i counts operations that took at least 2^i and less than 2^(i+1) ns
 * @param writeLatency the same for writes
 * @param readNs sum of the latencies of all reads
 */
public record IoStatsView(long readOps, long readBytes, long readErrors, long readNs, long writeOps, long writeBytes,
                          long writeErrors, long writeNs, long flushOps, long unmapOps, long writeZeroesOps,
                          long compareOps, long otherOps, long otherErrors, long[] readLatency,
                          long[] writeLatency) { }
