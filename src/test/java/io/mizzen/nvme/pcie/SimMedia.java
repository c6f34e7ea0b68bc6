package io.mizzen.nvme.pcie;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.ffi.RawMemory;
import io.mizzen.nvme.DatasetRange;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.SglDescriptor;
import io.mizzen.nvme.Sqe;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Executes the simulated drive's I/O commands and moves their data, page by page, as PRPs and SGLs say. */
final class SimMedia {
    private static final int PAGE = 4096;

    private final SimDrive drive;
    long flushes;
    long verified;
    long sglTransfers;
    long fuas;
    long largestBytes;

    SimMedia(SimDrive drive) {
        this.drive = drive;
    }

    /** Executes a command that nobody hears of; media changes only. */
    void executeUnseen(SimDrive.Command command) {
        int opcode = Sqe.opcode(ALL, command.sqe);
        if (command.queue.id != 0 && (opcode == Opcodes.NVM_WRITE || opcode == Opcodes.NVM_WRITE_ZEROES)) {
            execute(command);
        }
    }

    int execute(SimDrive.Command command) {
        long sqe = command.sqe;
        SimNamespace namespace = drive.namespaces.get(Sqe.nsid(ALL, sqe));
        if (namespace == null) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_NAMESPACE);
        }
        int opcode = Sqe.opcode(ALL, sqe);
        if (opcode == Opcodes.NVM_FLUSH) {
            flushes++;
            return NvmeStatus.SUCCESS;
        }
        if (opcode == Opcodes.NVM_DATASET_MANAGEMENT) {
            return deallocate(namespace, sqe);
        }
        long first = Sqe.startLba(ALL, sqe);
        int count = Sqe.blockCount(ALL, sqe);
        if (first < 0 || first + count > namespace.blockCount) {
            return NvmeStatus.noRetry(NvmeStatus.LBA_OUT_OF_RANGE);
        }
        if ((Sqe.cdw(ALL, sqe, 12) & Opcodes.CDW12_FUA) != 0) {
            fuas++;
        }
        if (opcode == Opcodes.NVM_WRITE_ZEROES) {
            for (int i = 0; i < count; i++) {
                namespace.zero(first + i);
            }
            return NvmeStatus.SUCCESS;
        }
        int bytes = count << namespace.shift;
        largestBytes = Math.max(largestBytes, bytes);
        if (drive.mdts != 0 && bytes > PAGE << drive.mdts) {
            drive.violations.add("a transfer of " + bytes + " bytes");
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        return transfer(namespace, opcode, sqe, first, count);
    }

    private int transfer(SimNamespace namespace, int opcode, long sqe, long first, int count) {
        int block = 1 << namespace.shift;
        byte[] data = new byte[count * block];
        switch (opcode) {
            case Opcodes.NVM_READ -> {
                for (int i = 0; i < count; i++) {
                    System.arraycopy(namespace.read(first + i), 0, data, i * block, block);
                }
                return move(sqe, data, true) ? NvmeStatus.SUCCESS : NvmeStatus.DATA_TRANSFER_ERROR;
            }
            case Opcodes.NVM_WRITE -> {
                if (!move(sqe, data, false)) {
                    return NvmeStatus.DATA_TRANSFER_ERROR;
                }
                for (int i = 0; i < count; i++) {
                    namespace.write(first + i, Arrays.copyOfRange(data, i * block, (i + 1) * block));
                }
                return NvmeStatus.SUCCESS;
            }
            case Opcodes.NVM_COMPARE -> {
                if (!move(sqe, data, false)) {
                    return NvmeStatus.DATA_TRANSFER_ERROR;
                }
                for (int i = 0; i < count; i++) {
                    if (!Arrays.equals(namespace.read(first + i), Arrays.copyOfRange(data, i * block, (i + 1) * block))) {
                        return NvmeStatus.noRetry(0x285);
                    }
                }
                return NvmeStatus.SUCCESS;
            }
            case Opcodes.NVM_VERIFY -> {
                if (drive.admin.verifyLimit != 0 && (long) count * block > 4096L << drive.admin.verifyLimit) {
                    return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
                }
                verified += count;
                return NvmeStatus.SUCCESS;
            }
            default -> {
                return NvmeStatus.noRetry(NvmeStatus.INVALID_OPCODE);
            }
        }
    }

    private int deallocate(SimNamespace namespace, long sqe) {
        long ranges = drive.pci.translate(Sqe.prp1(ALL, sqe));
        if (ranges < 0) {
            return NvmeStatus.DATA_TRANSFER_ERROR;
        }
        for (int i = 0; i <= (Sqe.cdw(ALL, sqe, 10) & 0xFF); i++) {
            long range = ranges + (long) i * DatasetRange.SIZE_BYTES;
            long first = DatasetRange.startLba(ALL, range);
            if (first + DatasetRange.blockCount(ALL, range) > namespace.blockCount) {
                return NvmeStatus.noRetry(NvmeStatus.LBA_OUT_OF_RANGE);
            }
            for (long b = 0; b < DatasetRange.blockCount(ALL, range); b++) {
                namespace.zero(first + b);
            }
        }
        return NvmeStatus.SUCCESS;
    }

    // --- data -----------------------------------------------------------------------------------------

    /** Moves data between the drive and memory; false, and a violation, where a pointer leads nowhere. */
    private boolean move(long sqe, byte[] data, boolean toHost) {
        if (Sqe.psdt(ALL, sqe) == Sqe.PSDT_SGL) {
            long descriptor = Sqe.sgl1(sqe);
            sglTransfers++;
            if (drive.sgls == 0 || SglDescriptor.typeByte(ALL, descriptor) != 0
                    || SglDescriptor.lengthBytes(ALL, descriptor) != data.length) {
                drive.violations.add("a bad SGL descriptor");
                return false;
            }
            return copy(SglDescriptor.address(ALL, descriptor), data, 0, data.length, toHost);
        }
        long prp1 = Sqe.prp1(ALL, sqe);
        int done = Math.min(data.length, PAGE - (int) (prp1 & PAGE - 1));
        boolean good = (prp1 & 3) == 0 && copy(prp1, data, 0, done, toHost);
        if (!good || done == data.length) {
            return good;
        }
        long prp2 = Sqe.prp2(ALL, sqe);
        if (data.length - done <= PAGE) {
            return page(prp2) && copy(prp2, data, done, data.length - done, toHost);
        }
        for (long at = prp2; done < data.length; at += 8) {
            if ((at & PAGE - 8) == PAGE - 8 && data.length - done > PAGE) {
                drive.violations.add("a PRP list that leaves its page");
                return false;
            }
            long entry = drive.pci.translate(at);
            if (entry < 0 || !page(RawMemory.getLong(entry))) {
                return false;
            }
            int part = Math.min(PAGE, data.length - done);
            if (!copy(RawMemory.getLong(entry), data, done, part, toHost)) {
                return false;
            }
            done += part;
        }
        return true;
    }

    private boolean page(long iova) {
        if ((iova & PAGE - 1) != 0) {
            drive.violations.add("a PRP entry with an offset: " + Long.toHexString(iova));
            return false;
        }
        return true;
    }

    private boolean copy(long iova, byte[] data, int from, int length, boolean toHost) {
        for (int done = 0; done < length;) {
            int part = Math.min(length - done, PAGE - (int) (iova + done & PAGE - 1));
            long address = drive.pci.translate(iova + done);
            if (address < 0) {
                if (!drive.pci.dmaStopped) {
                    drive.violations.add("an address that leads nowhere: " + Long.toHexString(iova + done));
                }
                return false;
            }
            if (toHost) {
                java.lang.foreign.MemorySegment.copy(data, from + done, ALL, ValueLayout.JAVA_BYTE, address, part);
            } else {
                java.lang.foreign.MemorySegment.copy(ALL, ValueLayout.JAVA_BYTE, address, data, from + done, part);
            }
            done += part;
        }
        return true;
    }
}
