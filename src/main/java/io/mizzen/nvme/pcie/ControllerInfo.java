package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.nvme.IdentifyController;
import io.mizzen.nvme.IdentifyNvmController;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Properties;
import io.mizzen.util.HotPath;

/**
 * What a controller says of itself (base specification 2.0, section 5.17.2.1; NVM command set 1.0, section 4.1.5.4).
 *
 * @param version VS: major 31:16, minor 15:8
 * @param transferBytesMax largest transfer of one command, as the controller and this driver allow
 * @param zeroesBytesMax largest write zeroes of one command, or Long.MAX_VALUE
 * @param verifyBytesMax largest verify of one command, or Long.MAX_VALUE
 * @param deallocateBlocksMax longest range of dataset management
 * @param oncs optional NVM commands
 * @param volatileCache whether completed writes may be lost at power failure until a flush
 * @param sgls whether data may be described by SGLs
 * @param doorbellBuffers whether it has shadow doorbells
 * @param abortsMax aborts at a time
 * @param asyncEventsMax asynchronous event requests at a time
 * @param oaes asynchronous events that it sends
 * @param shutdownNs how long an orderly shutdown may take; 0: not said
 * @param errorEntriesMax entries of the error log
 * @param namespaceIdMax largest namespace id
 * @param retryDelays CRDT1 to CRDT3, 16 bits each: how long a command that is to be tried again waits, in 100 ms; 0: not said
 */
public record ControllerInfo(String model, String serial, String firmware, int version, long transferBytesMax,
        long zeroesBytesMax, long verifyBytesMax, long deallocateBlocksMax, int oncs, boolean volatileCache, boolean sgls,
        boolean doorbellBuffers, int abortsMax, int asyncEventsMax, int oaes, long shutdownNs, int errorEntriesMax,
        int namespaceIdMax, long retryDelays) {
    private static final long RETRY_DELAY_UNIT_NS = 100_000_000L;
    /** Version from which a controller lists its active namespaces. */
    static final int VERSION_1_1 = 0x0001_0100;
    /** Version from which namespaces have descriptors. */
    static final int VERSION_1_3 = 0x0001_0300;
    private static final int SHIFT_MAX = 20;

    boolean has(int oncsBit) {
        return (oncs & oncsBit) != 0;
    }

    /** Whether it says how long to wait before a command is tried again. */
    boolean hasRetryDelays() {
        return retryDelays != 0;
    }

    /** How long that is, by the command retry delay of a status (section 3.3.3.2.1); 0: it does not matter. */
    @HotPath
    long retryDelayNs(int index) {
        return index == 0 ? 0 : (retryDelays >>> (index - 1) * 16 & 0xFFFF) * RETRY_DELAY_UNIT_NS;
    }

    /** {@code 1.4}. */
    public String versionText() {
        return (version >>> 16) + "." + (version >>> 8 & 0xFF);
    }

    /**
     * Reads identify controller, CNS 01h.
     *
     * @param cap the CAP register
     */
    static ControllerInfo parse(long at, int version, long cap) {
        long page = Properties.capPageSizeMinBytes(cap);
        long transfer = size(page, IdentifyController.mdts(ALL, at));
        int sgls = IdentifyController.sgls(ALL, at) & 3;
        return new ControllerInfo(IdentifyController.model(ALL, at), IdentifyController.serial(ALL, at),
                IdentifyController.firmware(ALL, at), version, Math.min(transfer, IoCommand.TRANSFER_BYTES_MAX),
                transfer, transfer, IoCommand.DEALLOCATE_BLOCKS_MAX, IdentifyController.oncs(ALL, at),
                (IdentifyController.vwc(ALL, at) & IdentifyController.VWC_PRESENT) != 0, sgls == 1 || sgls == 2,
                (IdentifyController.oacs(ALL, at) & IdentifyController.OACS_DOORBELL_BUFFERS) != 0,
                IdentifyController.acl(ALL, at) + 1, IdentifyController.aerl(ALL, at) + 1,
                IdentifyController.oaes(ALL, at), IdentifyController.shutdownMicroseconds(ALL, at) * 1000,
                IdentifyController.elpe(ALL, at) + 1, IdentifyController.namespaceCount(ALL, at),
                IdentifyController.crdt(ALL, at, 1) | (long) IdentifyController.crdt(ALL, at, 2) << 16
                        | (long) IdentifyController.crdt(ALL, at, 3) << 32);
    }

    /** As this, with the limits of identify controller for the NVM command set, CNS 06h; status not 0: it has none. */
    ControllerInfo withNvmLimits(int status, long at, long cap) {
        if (status != NvmeStatus.SUCCESS) {
            return this;
        }
        long page = Properties.capPageSizeMinBytes(cap);
        int zeroes = IdentifyNvmController.writeZeroesSizeLimit(ALL, at);
        int verify = IdentifyNvmController.verifySizeLimit(ALL, at);
        long range = IdentifyNvmController.dsmRangeBlocksMax(ALL, at) & 0xFFFF_FFFFL;
        long all = IdentifyNvmController.dsmBlocksMax(ALL, at);
        long deallocate = deallocateBlocksMax;
        if (range != 0) {
            deallocate = Math.min(deallocate, range);
        }
        if (all > 0) {
            deallocate = Math.min(deallocate, all);
        }
        return new ControllerInfo(model, serial, firmware, version, transferBytesMax,
                zeroes == 0 ? zeroesBytesMax : size(page, zeroes), verify == 0 ? verifyBytesMax : size(page, verify), deallocate, oncs, volatileCache, sgls,
                doorbellBuffers, abortsMax, asyncEventsMax, oaes, shutdownNs, errorEntriesMax, namespaceIdMax,
                retryDelays);
    }

    private static long size(long page, int power) {
        return power == 0 || power > SHIFT_MAX ? Long.MAX_VALUE : page << power;
    }
}
