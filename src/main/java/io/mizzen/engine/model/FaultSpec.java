package io.mizzen.engine.model;

/**
 * A rule of a fault bdev.
 *
 * @param id name of the rule within its bdev
 * @param operation what it hits
 * @param stage before the base sees the request, or after it completed
 * @param action what happens
 * @param startBlock first block of the range
 * @param blockCount length of the range; 0: to the end of the device
 * @param count matching requests that are hit; 0: no limit
 * @param delayNs for DELAY: how long; otherwise 0
 * @param status for ERROR: NVMe status field (SC bits 0-7, SCT bits 8-10, DNR bit 14); 0: internal error
 */
public record FaultSpec(String id, Operation operation, Stage stage, Action action, long startBlock, long blockCount,
                        long count, long delayNs, int status) {
    /** Operations that a rule can hit. */
    public enum Operation { ANY, READ, WRITE, FLUSH, UNMAP, WRITE_ZEROES, COMPARE, RESET }

    /** When the rule acts. */
    public enum Stage { SUBMISSION, COMPLETION }

    /** What the rule does. */
    public enum Action { ERROR, DELAY, CORRUPT }
}
