package io.mizzen.nvme.pcie;

/**
 * Counters of a controller since it was opened; a snapshot.
 *
 * @param completions of I/O commands
 * @param unknownCompletions completions of no command in flight: ignored
 * @param retries commands sent again because of their status
 * @param timeouts commands that were too late
 * @param resets of the controller
 * @param outstanding I/O commands in flight now
 * @param waiting I/Os that wait for a slot now
 * @param sqDoorbells writes of submission doorbells
 * @param cqDoorbells writes of completion doorbells
 * @param doorbellsSaved writes that shadow doorbells made unnecessary
 */
public record NvmeStats(long completions, long unknownCompletions, long retries, long timeouts, long resets,
        int outstanding, int waiting, long sqDoorbells, long cqDoorbells, long doorbellsSaved) {

    static NvmeStats of(IoQueuePair[] pairs, long adminUnknown, long resets) {
        long completions = 0;
        long unknown = adminUnknown;
        long retries = 0;
        long timeouts = 0;
        int outstanding = 0;
        int waiting = 0;
        long sq = 0;
        long cq = 0;
        long saved = 0;
        for (IoQueuePair pair : pairs) {
            completions += pair.completions();
            unknown += pair.unknownCompletions();
            retries += pair.retries();
            timeouts += pair.timeouts();
            outstanding += pair.outstanding();
            waiting += pair.waiting();
            sq += pair.rings().sqDoorbells();
            cq += pair.rings().cqDoorbells();
            saved += pair.rings().doorbellsSaved();
        }
        return new NvmeStats(completions, unknown, retries, timeouts, resets, outstanding, waiting, sq, cq, saved);
    }
}
