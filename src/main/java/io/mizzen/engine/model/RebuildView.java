package io.mizzen.engine.model;

/**
 * What is being copied to a child, or compared with it.
 *
 * @param child its URI
 * @param source URI of the child that is copied from; null when there is none now
 * @param kind FULL, PARTIAL (what it missed) or VERIFY
 * @param state PREPARING, COPYING, PAUSED, STOPPED (by request; can be started again), WAITING (for a healthy source, or a moment
 *        before another attempt) or STORING
 * @param totalBytes what it lacked at first
 * @param remainingBytes what is left of that
 * @param percent 0 to 100
 * @param copiedBytes read from the source
 * @param skippedBytes dealt with without reading: the source holds nothing there
 * @param writtenBytes written to it, zeroes included
 * @param differentBytes found to differ, where the kind compares
 * @param bytesPerSecond over the last seconds; 0 in a pause
 * @param limitBytesPerSecond what it may copy now, after back-off; 0: no limit
 * @param elapsedMs since its start, pauses excluded
 * @param remainingMs estimate; null when there is none
 */
public record RebuildView(String child, String source, String kind, String state, long totalBytes, long remainingBytes,
                          int percent, long copiedBytes, long skippedBytes, long writtenBytes, long differentBytes,
                          long bytesPerSecond, long limitBytesPerSecond, long elapsedMs, Long remainingMs) { }
