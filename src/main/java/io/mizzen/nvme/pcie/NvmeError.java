package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.nvme.ErrorLogEntry;

/**
 * An entry of the error information log page (base specification 2.0, section 5.16.1.2).
 *
 * @param number of the error in the drive's life, from 1
 * @param status without the phase bit, as in {@code io.mizzen.bdev.Status}
 * @param offsetBlocks the first block that had the error
 */
public record NvmeError(long number, int queueId, int commandId, int status, long offsetBlocks, int nsid) {
    static NvmeError parse(long at) {
        return new NvmeError(ErrorLogEntry.errorCount(ALL, at), ErrorLogEntry.queueId(ALL, at),
                ErrorLogEntry.commandId(ALL, at), ErrorLogEntry.statusField(ALL, at) >>> 1, ErrorLogEntry.lba(ALL, at),
                ErrorLogEntry.nsid(ALL, at));
    }
}
