package io.mizzen.bdev;

import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaBuffer;
import io.mizzen.util.HotPath;

/**
 * What a driver lacks, made from what it has: compare from reads, write-zeroes from writes. A flush of a bdev without
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
                start(channel, io);
                break;
            default:
                io.completeDeferred(Status.INVALID_OPCODE | Status.DNR);
                break;
        }
    }

    @HotPath
    private static void start(IoChannel channel, BdevIo io) {
        BdevIo part = channel.tryAcquire();
        if (part == null) {
            io.completeDeferred(Status.NO_RESOURCES);
            return;
        }
        DmaBuffer buffer = null;
        if (io.type == IoType.COMPARE) {
            buffer = channel.context().large().tryAcquire();
            if (buffer == null) {
                part.release();
                io.completeDeferred(Status.NO_RESOURCES);
                return;
            }
        }
        io.driverContext = buffer;
        io.driverLong = 0;
        submitPart(channel, io, part);
    }

    @HotPath
    private static void submitPart(IoChannel channel, BdevIo io, BdevIo part) {
        DmaBuffer buffer = (DmaBuffer) io.driverContext;
        int shift = channel.bdev().blockShift();
        long limitBytes = buffer == null ? channel.context().zeroes().sizeBytes() : buffer.sizeBytes();
        long blocks = Math.min(io.blockCount - io.driverLong, limitBytes >>> shift);
        if (buffer == null) {
            part.prepare(IoType.WRITE, io.offsetBlocks + io.driverLong, blocks, channel.context().zeroes().address(),
                    channel.context().zeroes().regionIndex(), INSTANCE);
            part.flags |= io.flags & BdevIo.FLAG_FUA;
        } else {
            part.prepare(IoType.READ, io.offsetBlocks + io.driverLong, blocks, buffer.address(), buffer.regionIndex(),
                    INSTANCE);
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
        part.release();
        DmaBuffer buffer = (DmaBuffer) io.driverContext;
        if (status == Status.SUCCESS && buffer != null) {
            int shift = channel.bdev().blockShift();
            if (!RawMemory.equal(buffer.address(), io.address + (io.driverLong << shift), blocks << shift)) {
                status = Status.COMPARE_FAILURE | Status.DNR;
            }
        }
        io.driverLong += blocks;
        if (status == Status.SUCCESS && io.driverLong < io.blockCount) {
            BdevIo next = channel.tryAcquire();         // The one just released, at least.
            assert next != null;
            submitPart(channel, io, next);
            return;
        }
        if (buffer != null) {
            io.driverContext = null;
            buffer.close();
        }
        io.complete(status);
    }
}
