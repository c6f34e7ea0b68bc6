package io.mizzen.nvme.pcie;

/**
 * Counters of a controller since it was opened; a snapshot.
 *
 * @param completions of I/O commands
 * @param unknownCompletions completions of no command in flight: ignored
 * @param errors I/O commands that the controller failed, those too that were sent again; not those that its user got wrong
 * @param retries commands sent again because of their status
 * @param timeouts commands that were too late
 * @param aborts abort commands sent for those: fewer where the controller takes few at a time
 * @param resets of the controller
 * @param slots I/O commands that may be in flight at a time
 * @param outstanding I/O commands in flight now
 * @param waiting I/Os that wait for a slot now
 * @param sqDoorbells writes of submission doorbells
 * @param cqDoorbells writes of completion doorbells
 * @param doorbellsSaved writes that shadow doorbells made unnecessary
 * @param interrupts that were awaited: a busy queue is polled
 */
public record NvmeStats(long completions, long unknownCompletions, long errors, long retries, long timeouts, long aborts,
        long resets, int slots, int outstanding, int waiting, long sqDoorbells, long cqDoorbells, long doorbellsSaved,
        long interrupts) {

    static NvmeStats of(IoQueuePair[] pairs, long adminUnknown, long aborts, long resets) {
        long completions = 0;
        long unknown = adminUnknown;
        long errors = 0;
        long retries = 0;
        long timeouts = 0;
        int slots = 0;
        int outstanding = 0;
        int waiting = 0;
        long sq = 0;
        long cq = 0;
        long saved = 0;
        long interrupts = 0;
        for (IoQueuePair pair : pairs) {
            completions += pair.completions;
            unknown += pair.unknownCompletions;
            errors += pair.errors;
            retries += pair.retries;
            timeouts += pair.timeouts;
            slots += pair.slots();
            outstanding += pair.outstanding();
            waiting += pair.waiting();
            sq += pair.rings().sqDoorbells();
            cq += pair.rings().cqDoorbells();
            saved += pair.rings().doorbellsSaved();
            interrupts += pair.interrupts();
        }
        return new NvmeStats(completions, unknown, errors, retries, timeouts, aborts, resets, slots, outstanding, waiting, sq, cq,
                saved, interrupts);
    }
}
