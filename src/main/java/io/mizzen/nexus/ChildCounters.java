package io.mizzen.nexus;

/** What one channel did with one child. Written by one reactor, read by anybody, approximate. */
final class ChildCounters {
    long reads;
    long readErrors;
    long readRetries;
    long writes;
    long writeErrors;

    void add(ChildCounters other) {
        reads += other.reads;
        readErrors += other.readErrors;
        readRetries += other.readRetries;
        writes += other.writes;
        writeErrors += other.writeErrors;
    }
}
