package io.mizzen.nvmf.target;

import static io.mizzen.ffi.RawMemory.ALL;

import io.mizzen.bdev.Bdev;
import io.mizzen.bdev.BdevIo;
import io.mizzen.bdev.IoType;
import io.mizzen.ffi.RawMemory;
import io.mizzen.nvme.NvmeStatus;
import io.mizzen.nvme.Opcodes;
import io.mizzen.nvme.Sqe;
import io.mizzen.util.HotPath;

/** Commands of I/O queues: NVM command set 1.0, section 3, and disconnect (base specification 2.0, section 6.4). */
final class IoCommands implements CommandSet {
    private final Connection connection;
    private final FabricsCommands fabrics = new FabricsCommands();

    IoCommands(Connection connection) {
        this.connection = connection;
    }

    @Override
    @HotPath
    public int prepare(Request request) {
        if (request.opcode == Opcodes.FABRICS) {
            return fabrics.prepare(request);
        }
        long sqe = request.sqe();
        if (Sqe.fuse(ALL, sqe) != Sqe.FUSE_NONE) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        if (!connection.controller.isReady()) {
            return NvmeStatus.COMMAND_SEQUENCE_ERROR;
        }
        GroupNamespace namespace = connection.subsystem.find(request.nsid);
        if (namespace == null) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_NAMESPACE);
        }
        int refused = prepare(request, namespace.channel.bdev());
        return refused == NvmeStatus.SUCCESS && namespace.readOnly && isWrite(request.opcode)
                ? NvmeStatus.noRetry(NvmeStatus.NAMESPACE_WRITE_PROTECTED) : refused;
    }

    @HotPath
    private static boolean isWrite(int opcode) {
        return opcode == Opcodes.NVM_WRITE || opcode == Opcodes.NVM_WRITE_ZEROES || opcode == Opcodes.NVM_DATASET_MANAGEMENT;
    }

    @HotPath
    private int prepare(Request request, Bdev bdev) {
        long sqe = request.sqe();
        switch (request.opcode) {
            case Opcodes.NVM_READ:
                return prepareData(request, bdev, Opcodes.DATA_TO_HOST);
            case Opcodes.NVM_WRITE:
            case Opcodes.NVM_COMPARE:
                return prepareData(request, bdev, Opcodes.DATA_TO_CONTROLLER);
            case Opcodes.NVM_WRITE_ZEROES:
            case Opcodes.NVM_VERIFY:
                return checkRange(bdev, Sqe.startLba(ALL, sqe), Sqe.blockCount(ALL, sqe));
            case Opcodes.NVM_FLUSH:
                return NvmeStatus.SUCCESS;
            case Opcodes.NVM_DATASET_MANAGEMENT:
                request.direction = Opcodes.DATA_TO_CONTROLLER;
                request.dataBytes = ((Sqe.cdw(ALL, sqe, 10) & 0xFF) + 1) * Opcodes.DSM_RANGE_BYTES;
                return checkDescriptorKind(sqe);
            default:
                return NvmeStatus.noRetry(NvmeStatus.INVALID_OPCODE);
        }
    }

    /** Fabrics use SGLs only (base specification 2.0, section 3.3.3.1, PSDT). */
    @HotPath
    private static int checkDescriptorKind(long sqe) {
        return Sqe.psdt(ALL, sqe) == Sqe.PSDT_PRP ? NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD) : NvmeStatus.SUCCESS;
    }

    @HotPath
    private int prepareData(Request request, Bdev bdev, int direction) {
        long sqe = request.sqe();
        int blocks = Sqe.blockCount(ALL, sqe);
        if (blocks > connection.group.config.ioBytesMax() >>> bdev.blockShift()) {
            return NvmeStatus.noRetry(NvmeStatus.INVALID_FIELD);
        }
        request.direction = direction;
        request.dataBytes = blocks << bdev.blockShift();
        int refused = checkRange(bdev, Sqe.startLba(ALL, sqe), blocks);
        return refused != NvmeStatus.SUCCESS ? refused : checkDescriptorKind(sqe);
    }

    @HotPath
    private static int checkRange(Bdev bdev, long startLba, long blocks) {
        long limit = bdev.blockCount();
        boolean inside = startLba >= 0 && startLba <= limit && blocks <= limit - startLba;
        return inside ? NvmeStatus.SUCCESS : NvmeStatus.noRetry(NvmeStatus.LBA_OUT_OF_RANGE);
    }

    @Override
    @HotPath
    public boolean isHeld(Request request) {
        return connection.subsystem.paused && request.opcode != Opcodes.FABRICS;
    }

    @Override
    @HotPath
    public void execute(Request request) {
        if (request.opcode == Opcodes.FABRICS) {
            fabrics.execute(request);
            return;
        }
        if (!connection.isReceiving()) {        // The host may have sent it again elsewhere, and gone on from there.
            request.complete(NvmeStatus.ABORTED_BY_REQUEST);
            return;
        }
        GroupSubsystem subsystem = connection.subsystem;
        if (subsystem.paused) {
            connection.group.waitForResume(request);
            return;
        }
        GroupNamespace namespace = subsystem.find(request.nsid);
        if (namespace == null) {        // Removed while the command waited.
            request.complete(NvmeStatus.noRetry(NvmeStatus.INVALID_NAMESPACE));
            return;
        }
        if (namespace.detached) {       // Its subsystem is being removed; the host may find it again.
            request.complete(NvmeStatus.ABORTED_BY_REQUEST);
            return;
        }
        if (request.opcode == Opcodes.NVM_DATASET_MANAGEMENT) {
            int refused = checkRanges(request, namespace.channel.bdev());
            if (refused != NvmeStatus.SUCCESS || request.rangeIndex < 0) {
                request.complete(refused);
                return;
            }
        }
        BdevIo io = namespace.channel.tryAcquire();
        if (io == null) {
            connection.group.waitForIo(request);
            return;
        }
        connection.beginExecuting(request);
        subsystem.begin(namespace);
        request.namespace = namespace;
        submit(request, namespace, io);
    }

    @HotPath
    private void submit(Request request, GroupNamespace namespace, BdevIo io) {
        Bdev bdev = namespace.channel.bdev();
        long sqe = request.sqe();
        long startLba = Sqe.startLba(ALL, sqe);
        int blocks = Sqe.blockCount(ALL, sqe);
        int control = Sqe.cdw(ALL, sqe, 12);
        boolean durable = (control & Opcodes.CDW12_FUA) != 0
                || connection.controller.isWriteThrough() && bdev.hasVolatileCache();
        int flags = durable ? BdevIo.FLAG_FUA : 0;
        switch (request.opcode) {
            case Opcodes.NVM_READ:
                io.prepare(IoType.READ, startLba, blocks, request.address, request.regionIndex, request);
                break;
            case Opcodes.NVM_WRITE:
                io.prepare(IoType.WRITE, startLba, blocks, request.address, request.regionIndex, request);
                io.flags = flags;
                break;
            case Opcodes.NVM_COMPARE:
                io.prepare(IoType.COMPARE, startLba, blocks, request.address, request.regionIndex, request);
                break;
            case Opcodes.NVM_WRITE_ZEROES:
                boolean deallocate = (control & Opcodes.CDW12_DEALLOCATE) != 0;
                boolean unmap = deallocate && !durable && bdev.unmapReadsZeroes() && bdev.supports(IoType.UNMAP);
                io.prepare(unmap ? IoType.UNMAP : IoType.WRITE_ZEROES, startLba, blocks, 0, -1, request);
                io.flags = deallocate && !unmap ? flags | BdevIo.FLAG_DEALLOCATE : flags;
                break;
            case Opcodes.NVM_VERIFY:
                io.prepare(IoType.VERIFY, startLba, blocks, 0, -1, request);
                break;
            case Opcodes.NVM_FLUSH:
                io.prepare(IoType.FLUSH, 0, 0, 0, -1, request);
                break;
            default:
                assert request.opcode == Opcodes.NVM_DATASET_MANAGEMENT;
                long range = request.address + (long) request.rangeIndex * Opcodes.DSM_RANGE_BYTES;
                io.prepare(IoType.UNMAP, RawMemory.getLong(range + 8), RawMemory.getInt(range + 4) & 0xFFFF_FFFFL, 0,
                        -1, request);
                break;
        }
        namespace.channel.submit(io);
    }

    // --- dataset management (NVM command set 1.0, section 3.2.3) --------------------------------------------

    /** Checks every range; leaves the first that is not empty in {@code rangeIndex}, or -1 when there is nothing to do. */
    @HotPath
    private static int checkRanges(Request request, Bdev bdev) {
        int count = request.dataBytes / Opcodes.DSM_RANGE_BYTES;
        for (int i = 0; i < count; i++) {
            long range = request.address + (long) i * Opcodes.DSM_RANGE_BYTES;
            int refused = checkRange(bdev, RawMemory.getLong(range + 8), RawMemory.getInt(range + 4) & 0xFFFF_FFFFL);
            if (refused != NvmeStatus.SUCCESS) {
                return refused;
            }
        }
        boolean deallocate = (Sqe.cdw(ALL, request.sqe(), 11) & Opcodes.CDW11_DSM_DEALLOCATE) != 0;
        request.rangeIndex = deallocate && bdev.supports(IoType.UNMAP) ? nextRange(request, 0) : -1;
        return NvmeStatus.SUCCESS;
    }

    @HotPath
    private static int nextRange(Request request, int from) {
        int count = request.dataBytes / Opcodes.DSM_RANGE_BYTES;
        for (int i = from; i < count; i++) {
            if (RawMemory.getInt(request.address + (long) i * Opcodes.DSM_RANGE_BYTES + 4) != 0) {
                return i;
            }
        }
        return -1;
    }

    /** The bdev is done with the request, or with one range of it. */
    @HotPath
    static void onIoEnded(Request request, int status) {
        Connection connection = request.connection;
        GroupNamespace namespace = request.namespace;
        if (request.opcode == Opcodes.NVM_DATASET_MANAGEMENT && status == NvmeStatus.SUCCESS
                && connection.isReceiving()) {
            int next = nextRange(request, request.rangeIndex + 1);
            if (next >= 0) {
                request.rangeIndex = next;
                BdevIo io = namespace.channel.tryAcquire();
                assert io != null;      // The one just released.
                ((IoCommands) request.commands).submit(request, namespace, io);
                if (connection.subsystem.isDraining(namespace)) {
                    namespace.channel.releaseLimited();
                }
                return;
            }
        }
        record(request, connection, status);
        connection.endExecuting();
        request.complete(status);
        connection.subsystem.end(namespace);
    }

    @HotPath
    private static void record(Request request, Connection connection, int status) {
        int type;
        switch (request.opcode) {
            case Opcodes.NVM_READ:
                type = IoType.READ;
                break;
            case Opcodes.NVM_WRITE:
                type = IoType.WRITE;
                break;
            case Opcodes.NVM_FLUSH:
                type = IoType.FLUSH;
                break;
            case Opcodes.NVM_COMPARE:
                type = IoType.COMPARE;
                break;
            case Opcodes.NVM_VERIFY:
                type = IoType.VERIFY;
                break;
            case Opcodes.NVM_WRITE_ZEROES:
                type = IoType.WRITE_ZEROES;
                break;
            default:
                type = IoType.UNMAP;
                break;
        }
        connection.stats.record(type, request.dataBytes, connection.nowNs() - request.startNs,
                status != NvmeStatus.SUCCESS);
    }
}
