package io.mizzen.nvme.pcie;

/**
 * How a controller is driven.
 *
 * @param queueEntries entries of an I/O queue that are wanted; the controller may have fewer
 * @param ioTimeoutNs after which a command is aborted
 * @param abortTimeoutNs after which an abort has failed and the controller is reset
 * @param adminTimeoutNs after which an admin command has failed and the controller is reset
 * @param retryMax how often a command is tried again
 * @param resetMax resets within {@link #RESET_WINDOW_NS} after which the controller is given up
 * @param interrupts whether queues wake a sleeping reactor by interrupt where the device has vectors; else it polls
 */
public record NvmeOptions(int queueEntries, long ioTimeoutNs, long abortTimeoutNs, long adminTimeoutNs, int retryMax,
        int resetMax, boolean interrupts) {
    /** Entries of one queue pair of one page of 64-byte commands at least. */
    public static final int QUEUE_ENTRIES_MIN = 2;
    public static final int QUEUE_ENTRIES_MAX = 1024;
    public static final long RESET_WINDOW_NS = 600_000_000_000L;
    /** 30 s as the kernel's driver has it, 256 entries. */
    public static final NvmeOptions DEFAULT = new NvmeOptions(256, 30_000_000_000L, 5_000_000_000L, 15_000_000_000L, 3,
            5, true);

    public NvmeOptions {
        if (queueEntries < QUEUE_ENTRIES_MIN || queueEntries > QUEUE_ENTRIES_MAX
                || Integer.bitCount(queueEntries) != 1) {
            throw new IllegalArgumentException("a queue of " + queueEntries + " entries");
        }
        if (ioTimeoutNs <= 0 || abortTimeoutNs <= 0 || adminTimeoutNs <= 0 || retryMax < 0 || resetMax < 1) {
            throw new IllegalArgumentException("a limit that is not positive");
        }
    }
}
