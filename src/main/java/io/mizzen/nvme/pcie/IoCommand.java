package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.IovaMap;
import io.mizzen.nvme.DatasetRange;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.SglDescriptor;
import io.mizzen.nvme.Sqe;
import io.mizzen.util.HotPath;

/**
 * A slot of a queue pair: one command of an I/O, or of a part of it. The command id is the slot's index with a generation
 * above it, so that a completion that comes late or twice is recognised. One reactor's own.
 *
 * <pre>
 * FREE → SENT → FREE
 *        ↕
 *      DELAYED     waits to be sent (again): for its time, or for the end of a reset
 * </pre>
 */
final class IoCommand {
    static final int FREE = 0;
    static final int SENT = 1;
    static final int DELAYED = 2;

    /** Not timed out; an abort was asked for; the controller is to be reset for it. */
    static final int IN_TIME = 0;
    static final int ABORTING = 1;
    static final int STUCK = 2;

    /** Bytes of a slot for its PRP list, or its range of dataset management. */
    static final int LIST_BYTES = 1024;
    /** Largest transfer that such a list describes, wherever the buffer begins in its page. */
    static final long TRANSFER_BYTES_MAX = LIST_BYTES / 8 * 4096L;
    /** Longest range of one dataset management command: it ends well within the time-out. */
    static final long DEALLOCATE_BLOCKS_MAX = 1L << 22;
    /** Write zeroes and transfers count blocks in 16 bits. */
    static final long BLOCKS_MAX = 65_536;

    private static final long PAGE_BYTES = 4096;
    private static final long PAGE_MASK = PAGE_BYTES - 1;
    private static final int PSDT_SHIFT = 14;
    private static final int CID_SHIFT = 16;

    final int index;
    final long listAddress;
    final long listIova;
    int state = FREE;
    int generation;
    BdevIo io;
    /** From the I/O's first block on. */
    long firstBlock;
    long blockCount;
    int tries;
    int timeout;
    /** SENT: when it is too late; DELAYED: when it is to be sent. */
    long dueNs;

    IoCommand(int index, long listAddress, long listIova) {
        this.index = index;
        this.listAddress = listAddress;
        this.listIova = listIova;
    }

    /** Writes the submission queue entry. */
    @HotPath
    void encode(long sqe, int cid, NvmeBdev bdev, IovaMap iovas) {
        int cdw0 = cid << CID_SHIFT;
        long cdw10 = io.offsetBlocks + firstBlock;
        int cdw12 = (int) (blockCount - 1);
        RawMemory.putLong(sqe + 24, 0);
        RawMemory.putLong(sqe + 32, 0);
        switch (io.type) {
            case IoType.READ:
                cdw0 |= Opcodes.NVM_READ | data(sqe, bdev, iovas);
                break;
            case IoType.WRITE:
                cdw0 |= Opcodes.NVM_WRITE | data(sqe, bdev, iovas);
                cdw12 |= fua();
                break;
            case IoType.COMPARE:
                cdw0 |= Opcodes.NVM_COMPARE | data(sqe, bdev, iovas);
                break;
            case IoType.VERIFY:
                cdw0 |= Opcodes.NVM_VERIFY;
                break;
            case IoType.WRITE_ZEROES:
                cdw0 |= Opcodes.NVM_WRITE_ZEROES;
                cdw12 |= fua() | bdev.zeroesControl();
                break;
            case IoType.UNMAP:
                if (bdev.unmapsByZeroes()) {
                    cdw0 |= Opcodes.NVM_WRITE_ZEROES;
                    cdw12 |= Opcodes.CDW12_DEALLOCATE;
                    break;
                }
                cdw0 |= Opcodes.NVM_DATASET_MANAGEMENT;
                DatasetRange.set(ALL, listAddress, cdw10, blockCount);
                RawMemory.putLong(sqe + 24, listIova);
                cdw10 = (long) Opcodes.CDW11_DSM_DEALLOCATE << 32;
                cdw12 = 0;
                break;
            default:
                assert io.type == IoType.FLUSH;
                cdw0 |= Opcodes.NVM_FLUSH;
                cdw10 = 0;
                cdw12 = 0;
                break;
        }
        RawMemory.putLong(sqe, cdw0 & 0xFFFF_FFFFL | (long) bdev.nsid() << 32);
        RawMemory.putLong(sqe + 8, 0);
        RawMemory.putLong(sqe + 16, 0);
        RawMemory.putLong(sqe + 40, cdw10);
        RawMemory.putLong(sqe + 48, cdw12 & 0xFFFF_FFFFL);
        RawMemory.putLong(sqe + 56, 0);
    }

    /** Keeps what the device may still read or write for the command from being used for anything else. */
    void quarantine(QueueMemory memory) {
        if (state == SENT && IoType.hasData(io.type)) {
            int shift = io.channel().bdev().blockShift();
            memory.quarantine(io.address + (firstBlock << shift), blockCount << shift);
        }
    }

    @HotPath
    private int fua() {
        return (io.flags & BdevIo.FLAG_FUA) != 0 ? Opcodes.CDW12_FUA : 0;
    }

    /** Describes the buffer: by PRPs, or by one SGL descriptor where that saves a list. Returns PSDT for CDW0. */
    @HotPath
    private int data(long sqe, NvmeBdev bdev, IovaMap iovas) {
        int shift = bdev.blockShift();
        long address = io.address + (firstBlock << shift);
        long lengthBytes = blockCount << shift;
        int region = io.regionIndex >= 0 ? io.regionIndex : iovas.regionOf(address);
        long inFirstPage = PAGE_BYTES - (address & PAGE_MASK);
        long left = lengthBytes - inFirstPage;
        if (left > PAGE_BYTES && bdev.usesSgls() && iovas.isContiguous(region, address, lengthBytes)) {
            SglDescriptor.set(ALL, Sqe.sgl1(sqe), SglDescriptor.TYPE_DATA_BLOCK << 4, iovas.iova(region, address),
                    (int) lengthBytes);
            return Sqe.PSDT_SGL << PSDT_SHIFT;
        }
        Sqe.prp1(ALL, sqe, iovas.iova(region, address));
        if (left <= 0) {
            return 0;
        }
        long next = address + inFirstPage;
        if (left <= PAGE_BYTES) {
            Sqe.prp2(ALL, sqe, iovas.iova(region, next));
            return 0;
        }
        Sqe.prp2(ALL, sqe, listIova);
        for (long at = listAddress; left > 0; at += 8) {
            assert at < listAddress + LIST_BYTES;
            RawMemory.putLong(at, iovas.iova(region, next));
            next += PAGE_BYTES;
            left -= PAGE_BYTES;
        }
        return 0;
    }
}
