package io.mizzen.nvmf.target;

import io.mizzen.memory.BufferPools;
import io.mizzen.util.OperationException;

/**
 * Limits of the target, fixed at start.
 *
 * @param queueEntriesMax entries of one queue, 2 to 1024
 * @param inCapsuleBytes data that an I/O command capsule may carry; a multiple of 16, at most 64 KiB
 * @param ioBytesMax largest transfer of one command: a power of two from 8 KiB to 128 KiB
 * @param r2tMax requests-to-transfer in flight for one command, 1 to 4; the host may ask for fewer
 * @param h2cDataBytesMax largest H2CData PDU's data, from 4096
 * @param ioQueuesMax I/O queues of one controller
 * @param connectionsMax connections of all hosts together
 * @param connectionsPerHostMax connections of one host NQN
 * @param controllersPerSubsystemMax controllers of one subsystem
 * @param namespacesMax largest namespace id, at most 1024
 * @param handshakeTimeoutNs from accept until the connect command has succeeded
 * @param stallTimeoutNs how long a peer may leave a send or a requested transfer unfinished
 * @param terminateTimeoutNs how long the peer may take to close after a termination request
 * @param headerDigest whether header digests are granted
 * @param dataDigest whether data digests are granted
 * @param successFlag whether the data of an I/O command that has succeeded ends it, with no response capsule, even for hosts
 *     that keep submission queue flow control
 * @param firmware firmware revision shown to hosts, at most 8 characters
 */
public record TargetConfig(int queueEntriesMax, int inCapsuleBytes, int ioBytesMax, int r2tMax, int h2cDataBytesMax,
        int ioQueuesMax, int connectionsMax, int connectionsPerHostMax, int controllersPerSubsystemMax,
        int namespacesMax, long handshakeTimeoutNs, long stallTimeoutNs, long terminateTimeoutNs, boolean headerDigest,
        boolean dataDigest, boolean successFlag, String firmware) {

    public TargetConfig {
        check(queueEntriesMax >= 2 && queueEntriesMax <= 1024, "a queue has 2 to 1024 entries");
        check(inCapsuleBytes >= 0 && inCapsuleBytes <= 65536 && inCapsuleBytes % 16 == 0,
                "in-capsule data is a multiple of 16 bytes, at most 65536");
        check(Integer.bitCount(ioBytesMax) == 1 && ioBytesMax >= 8192 && ioBytesMax <= BufferPools.LARGE_BYTES,
                "the largest transfer is a power of two from 8192 to " + BufferPools.LARGE_BYTES);
        check(r2tMax >= 1 && r2tMax <= Slot.R2T_MAX, "r2tMax is 1 to " + Slot.R2T_MAX);
        check(h2cDataBytesMax >= 4096 && h2cDataBytesMax % 4 == 0, "H2C data is a multiple of 4 bytes, from 4096");
        check(ioQueuesMax >= 1 && ioQueuesMax <= 1024, "a controller has 1 to 1024 I/O queues");
        check(connectionsMax >= 1 && connectionsPerHostMax >= 1, "at least one connection");
        check(controllersPerSubsystemMax >= 1 && controllersPerSubsystemMax <= 4096, "1 to 4096 controllers");
        check(namespacesMax >= 1 && namespacesMax <= 1024, "namespace ids go to 1024");
        check(handshakeTimeoutNs > 0 && stallTimeoutNs > 0 && terminateTimeoutNs > 0, "time limits are above 0");
        check(firmware.length() <= 8, "a firmware revision has at most 8 characters");
    }

    /** What a user gets who configured nothing. */
    public static TargetConfig defaults() {
        return new TargetConfig(128, 8192, 128 << 10, 4, 128 << 10, 64, 256, 128, 128, 256, 10_000_000_000L,
                60_000_000_000L, 2_000_000_000L, true, true, true, "0.1.0");
    }

    public TargetConfig withQueues(int entriesMax, int ioQueues) {
        return new TargetConfig(entriesMax, inCapsuleBytes, ioBytesMax, r2tMax, h2cDataBytesMax, ioQueues,
                connectionsMax, connectionsPerHostMax, controllersPerSubsystemMax, namespacesMax, handshakeTimeoutNs,
                stallTimeoutNs, terminateTimeoutNs, headerDigest, dataDigest, successFlag, firmware);
    }

    public TargetConfig withTransfer(int inCapsule, int ioBytes, int r2t, int h2cDataBytes) {
        return new TargetConfig(queueEntriesMax, inCapsule, ioBytes, r2t, h2cDataBytes, ioQueuesMax, connectionsMax,
                connectionsPerHostMax, controllersPerSubsystemMax, namespacesMax, handshakeTimeoutNs, stallTimeoutNs,
                terminateTimeoutNs, headerDigest, dataDigest, successFlag, firmware);
    }

    public TargetConfig withConnections(int all, int perHost, int controllers) {
        return new TargetConfig(queueEntriesMax, inCapsuleBytes, ioBytesMax, r2tMax, h2cDataBytesMax, ioQueuesMax, all,
                perHost, controllers, namespacesMax, handshakeTimeoutNs, stallTimeoutNs, terminateTimeoutNs,
                headerDigest, dataDigest, successFlag, firmware);
    }

    public TargetConfig withTimeouts(long handshakeNs, long stallNs, long terminateNs) {
        return new TargetConfig(queueEntriesMax, inCapsuleBytes, ioBytesMax, r2tMax, h2cDataBytesMax, ioQueuesMax,
                connectionsMax, connectionsPerHostMax, controllersPerSubsystemMax, namespacesMax, handshakeNs, stallNs,
                terminateNs, headerDigest, dataDigest, successFlag, firmware);
    }

    public TargetConfig withSuccessFlag(boolean always) {
        return new TargetConfig(queueEntriesMax, inCapsuleBytes, ioBytesMax, r2tMax, h2cDataBytesMax, ioQueuesMax,
                connectionsMax, connectionsPerHostMax, controllersPerSubsystemMax, namespacesMax, handshakeTimeoutNs,
                stallTimeoutNs, terminateTimeoutNs, headerDigest, dataDigest, always, firmware);
    }

    public TargetConfig withFirmware(String revision) {
        return new TargetConfig(queueEntriesMax, inCapsuleBytes, ioBytesMax, r2tMax, h2cDataBytesMax, ioQueuesMax,
                connectionsMax, connectionsPerHostMax, controllersPerSubsystemMax, namespacesMax, handshakeTimeoutNs,
                stallTimeoutNs, terminateTimeoutNs, headerDigest, dataDigest, successFlag, revision);
    }

    /** MDTS: the largest transfer as a power of two of 4 KiB. */
    int mdts() {
        return Integer.numberOfTrailingZeros(ioBytesMax) - 12;
    }

    private static void check(boolean condition, String rule) {
        if (!condition) {
            throw OperationException.invalid("invalid-target-limit", rule);
        }
    }
}
