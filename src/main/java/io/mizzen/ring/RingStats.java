package io.mizzen.ring;

/**
 * Counters of a ring.
 *
 * @param features the set-up that the kernel took
 * @param enters system calls
 * @param submissions entries handed over
 * @param completions entries reaped
 * @param lateCompletions completions of operations that nobody waits for any more
 * @param slotsFree operations that could be started now
 * @param slotsEmpty how often none was free
 * @param connections sockets adopted
 * @param registeredBuffers whether I/O to the engine's memory uses registered buffers
 * @param registeredFiles whether files use the registered table
 */
public record RingStats(String features, long enters, long submissions, long completions, long lateCompletions,
        int slotsFree, long slotsEmpty, int connections, boolean registeredBuffers, boolean registeredFiles) {
}
