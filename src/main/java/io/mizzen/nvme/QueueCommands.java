package io.mizzen.nvme;

/**
 * Fields of the commands that make and delete I/O queues and of the feature that counts them (base specification 2.0,
 * sections 5.4 to 5.7 and 5.27.1.5; PCIe transport 1.0, section 3.1.2). Entries and queues count from one here.
 */
public final class QueueCommands {
    /** CDW11 of both create commands: the queue is one piece of memory. */
    public static final int CONTIGUOUS = 1;
    /** CDW11 of create completion queue: an interrupt for completions. */
    public static final int INTERRUPTS = 1 << 1;

    private QueueCommands() {
    }

    /** CDW10 of create: queue id 15:0, size 31:16. */
    public static int create(int queueId, int entries) {
        return (entries - 1) << 16 | queueId;
    }

    public static int queueId(int cdw10) {
        return cdw10 & 0xFFFF;
    }

    public static int entries(int cdw10) {
        return (cdw10 >>> 16) + 1;
    }

    /** CDW11 of create completion queue: vector 31:16; without interrupts when it is negative. */
    public static int completionQueue(int vector) {
        return vector < 0 ? CONTIGUOUS : vector << 16 | INTERRUPTS | CONTIGUOUS;
    }

    public static int vector(int cdw11) {
        return cdw11 >>> 16;
    }

    /** CDW11 of create submission queue: completion queue 31:16, no priority. */
    public static int submissionQueue(int completionQueueId) {
        return completionQueueId << 16 | CONTIGUOUS;
    }

    public static int completionQueueId(int cdw11) {
        return cdw11 >>> 16;
    }

    /** Number of queues: CDW11 of set features, and the result: submission queues 15:0, completion queues 31:16. */
    public static int count(int submissionQueues, int completionQueues) {
        return (completionQueues - 1) << 16 | submissionQueues - 1;
    }

    /** Pairs that both numbers allow. */
    public static int pairs(int result) {
        return Math.min(result & 0xFFFF, result >>> 16) + 1;
    }
}
