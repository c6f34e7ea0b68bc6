package io.mizzen.bdev;

import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.BufferPools;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.memory.DmaMemory;
import io.mizzen.util.HotPath;

/**
 * What a driver lacks, made from what it has: compare and verify from reads, write-zeroes from writes. A flush of a bdev without
 * that operation has nothing to do, nor has a reset. The parts go one after the other on the same channel.
 */
final class IoEmulation implements IoCompletion {
    private static final IoEmulation INSTANCE = new IoEmulation();

    private IoEmulation() {
    }

    @HotPath
    static void submit(IoChannel channel, BdevIo io) {
        switch (io.type) {
            case IoType.FLUSH:
            case IoType.RESET:
                io.completeDeferred(Status.SUCCESS);
                break;
            case IoType.WRITE_ZEROES:
            case IoType.COMPARE:
            case IoType.VERIFY:
                start(channel, io);
                break;
            default:
                io.completeDeferred(Status.INVALID_OPCODE | Status.DNR);
                break;
        }
    }

    /** Whether a driver that claimed an operation has refused it as unknown, and there is a substitute. */
    @HotPath
    static boolean replaces(Bdev bdev, int type, int status) {
        if (Status.code(status) != Status.INVALID_OPCODE) {
            return false;
        }
        return type == IoType.WRITE_ZEROES || type == IoType.COMPARE || type == IoType.VERIFY || type == IoType.RESET
                || type == IoType.FLUSH && !bdev.hasVolatileCache();
    }

    @HotPath
    private static void start(IoChannel channel, BdevIo io) {
        BdevIo part = channel.tryAcquirePart();
        if (part == null) {
            io.completeDeferred(Status.NO_RESOURCES);
            return;
        }
        if (io.type != IoType.WRITE_ZEROES && !takeBuffer(channel.context(), io)) {
            part.release();
            io.completeDeferred(Status.NO_RESOURCES);
            return;
        }
        io.driverLong = 0;
        submitPart(channel, io, part);
    }

    /** {@code driverContext}: a pool's buffer, or null for the spare; {@code driverLong2}: its address. */
    @HotPath
    private static boolean takeBuffer(BdevContext context, BdevIo io) {
        DmaBuffer buffer = context.large().tryAcquire();
        io.driverContext = buffer;
        if (buffer != null) {
            io.driverLong2 = buffer.address();
            io.driverInt = buffer.regionIndex();
            return true;
        }
        DmaMemory.Block spare = context.tryTakeSpare();
        if (spare == null) {
            return false;
        }
        io.driverLong2 = spare.address();
        io.driverInt = spare.regionIndex();
        return true;
    }

    @HotPath
    private static void returnBuffer(BdevContext context, BdevIo io) {
        DmaBuffer buffer = (DmaBuffer) io.driverContext;
        if (buffer == null) {
            context.returnSpare();
        } else {
            io.driverContext = null;
            buffer.close();
        }
    }

    @HotPath
    private static void submitPart(IoChannel channel, BdevIo io, BdevIo part) {
        int shift = channel.bdev().blockShift();
        long blocks = Math.min(io.blockCount - io.driverLong, BufferPools.LARGE_BYTES >>> shift);
        if (io.type == IoType.WRITE_ZEROES) {
            part.prepare(IoType.WRITE, io.offsetBlocks + io.driverLong, blocks, channel.context().zeroes().address(),
                    channel.context().zeroes().regionIndex(), INSTANCE);
            part.flags |= io.flags & BdevIo.FLAG_FUA;
        } else {
            part.prepare(IoType.READ, io.offsetBlocks + io.driverLong, blocks, io.driverLong2, io.driverInt, INSTANCE);
        }
        part.parent = io;
        channel.submitInternal(part);
    }

    @Override
    @HotPath
    public void onIoComplete(BdevIo part) {
        BdevIo io = part.parent;
        IoChannel channel = io.channel;
        int status = part.status();
        long blocks = part.blockCount;
        if (status == Status.SUCCESS && io.type == IoType.COMPARE) {
            int shift = channel.bdev().blockShift();
            if (!RawMemory.equal(io.driverLong2, io.address + (io.driverLong << shift), blocks << shift)) {
                status = Status.COMPARE_FAILURE | Status.DNR;
            }
        }
        io.driverLong += blocks;
        if (status == Status.SUCCESS && io.driverLong < io.blockCount) {
            part.reuse();
            submitPart(channel, io, part);
            return;
        }
        part.release();
        if (io.type != IoType.WRITE_ZEROES) {
            returnBuffer(channel.context(), io);
        }
        io.complete(status);
    }
}
