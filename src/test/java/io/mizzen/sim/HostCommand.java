package io.mizzen.sim;

import io.mizzen.nvme.Opcodes;
import io.mizzen.testsupport.NvmeTcpClient;
import java.lang.foreign.MemorySegment;

/** One command of a host, with what the history has to hear of it. Sent until it is answered. */
final class HostCommand {
    static final int NSID = 1;

    /** Told how it ended. */
    interface End {
        void onEnd(HostCommand command, int status);
    }

    final int kind;
    final long lba;
    final int count;
    final long stamp;
    final boolean forcedUnitAccess;
    int retries;
    long notBeforeNs;
    private final SimVolume volume;
    private final End end;
    private final byte[] data;
    private History.Read read;
    private Runnable flushed;
    private long sentNs;
    private int lossesBefore;

    /** @param kind the NVMe opcode; dataset management means deallocate */
    HostCommand(SimVolume volume, int kind, long lba, int count, boolean forcedUnitAccess, End end) {
        this.volume = volume;
        this.kind = kind;
        this.lba = lba;
        this.count = count;
        this.forcedUnitAccess = forcedUnitAccess;
        this.end = end;
        this.stamp = kind == Opcodes.NVM_WRITE ? volume.history().nextStamp() : 0;
        this.data = switch (kind) {
            case Opcodes.NVM_WRITE -> Stamps.data(stamp, lba, count, volume.blockBytes());
            case Opcodes.NVM_DATASET_MANAGEMENT -> range(lba, count);
            default -> null;
        };
        if (changes()) {
            volume.history().beginWrite(lba, count, stamp);
        }
    }

    private static byte[] range(long lba, int count) {
        byte[] bytes = new byte[Opcodes.DSM_RANGE_BYTES];
        MemorySegment segment = MemorySegment.ofArray(bytes);
        segment.set(io.mizzen.ffi.RawMemory.LE_INT, 4, count);
        segment.set(io.mizzen.ffi.RawMemory.LE_LONG, 8, lba);
        return bytes;
    }

    boolean changes() {
        return kind == Opcodes.NVM_WRITE || kind == Opcodes.NVM_WRITE_ZEROES || kind == Opcodes.NVM_DATASET_MANAGEMENT;
    }

    boolean isFlush() {
        return kind == Opcodes.NVM_FLUSH;
    }

    boolean isRead() {
        return kind == Opcodes.NVM_READ;
    }

    int opcode() {
        return kind;
    }

    byte[] data() {
        return data;
    }

    int inBytes() {
        return kind == Opcodes.NVM_READ ? count * volume.blockBytes() : 0;
    }

    byte[] sqe() {
        return switch (kind) {
            case Opcodes.NVM_FLUSH -> NvmeTcpClient.sqe(kind, NSID);
            case Opcodes.NVM_DATASET_MANAGEMENT -> NvmeTcpClient.sqe(kind, NSID, 0, Opcodes.CDW11_DSM_DEALLOCATE);
            default -> NvmeTcpClient.io(kind, NSID, lba, count, forcedUnitAccess ? Opcodes.CDW12_FUA : 0);
        };
    }

    /** It goes out, for the first time or once more: what it promises counts from here. */
    void onSend(long nowNs) {
        sentNs = nowNs;
        lossesBefore = volume.history().losses();
        if (kind == Opcodes.NVM_READ) {
            read = volume.history().beginRead(lba, count);
        } else if (kind == Opcodes.NVM_FLUSH) {
            flushed = volume.history().beginFlush();
        }
    }

    /** The answer, if there was one, is lost; or it was an invitation to try again. */
    void onLost() {
        read = null;
        flushed = null;
    }

    /** It failed, for good or not. */
    void onFailed(int status) {
        volume.checkAvailability(this, sentNs, status);
    }

    void onEnd(int status, byte[] received) {
        if (status != 0) {
            onFailed(status);
            if (changes()) {
                volume.history().giveUp(lba, count);
            }
        } else {
            onSuccess(received);
        }
        end.onEnd(this, status);
    }

    private void onSuccess(byte[] received) {
        switch (kind) {
            case Opcodes.NVM_READ -> read.check(received, volume.blockBytes(), volume.legsMayDiffer(), volume.sourceMayFail(sentNs));
            case Opcodes.NVM_FLUSH -> flushed.run();
            case Opcodes.NVM_DATASET_MANAGEMENT -> volume.history().giveUp(lba, count);
            default -> {
                volume.history().acknowledge(lba, count, stamp, forcedUnitAccess, lossesBefore);
                volume.onAcknowledged(this, sentNs);
            }
        }
    }

    @Override
    public String toString() {
        String what = switch (kind) {
            case Opcodes.NVM_READ -> "read";
            case Opcodes.NVM_WRITE -> "write " + stamp;
            case Opcodes.NVM_FLUSH -> "flush";
            case Opcodes.NVM_WRITE_ZEROES -> "write-zeroes";
            default -> "deallocate";
        };
        return volume.name() + " " + what + (forcedUnitAccess ? " fua " : " ") + lba + "+" + count;
    }
}
