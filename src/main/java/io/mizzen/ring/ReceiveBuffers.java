package io.mizzen.ring;

import static io.mizzen.ffi.IoUringAbi.*;

import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.util.HotPath;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Receive buffers that the kernel picks from, one ring for all sockets of a reactor: memory goes with traffic, not with
 * the number of connections. Reactor's thread only.
 */
final class ReceiveBuffers {
    static final int GROUP = 1;

    private final DmaMemory memory;
    private final DmaMemory.Block ringBlock;
    private final DmaMemory.Block dataBlock;
    private final int mask;
    private final int bufferBytes;
    private int tail;

    ReceiveBuffers(IoUring ring, DmaMemory memory, int count, int bufferBytes) {
        this.memory = memory;
        this.mask = count - 1;
        this.bufferBytes = bufferBytes;
        this.ringBlock = memory.allocate((long) count * BUF_SIZE_BYTES, -1);
        this.dataBlock = memory.allocate((long) count * bufferBytes, -1);
        RawMemory.zero(ringBlock.address(), ringBlock.sizeBytes());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(BUF_REG_SIZE_BYTES, 8);
            RawMemory.putLong(request.address() + BUF_REG_RING_ADDR, ringBlock.address());
            RawMemory.putInt(request.address() + BUF_REG_RING_ENTRIES, count);
            RawMemory.putShort(request.address() + BUF_REG_BGID, (short) GROUP);
            int result = ring.register(IORING_REGISTER_PBUF_RING, request.address(), 1);
            if (result < 0) {
                throw ReactorRing.failed("receive buffers", -result);
            }
        }
        for (int i = 0; i < count; i++) {
            giveBack(i);
        }
    }

    @HotPath
    long address(int id) {
        return dataBlock.address() + (long) id * bufferBytes;
    }

    /** The kernel may fill it again. */
    @HotPath
    void giveBack(int id) {
        long entry = ringBlock.address() + (long) (tail & mask) * BUF_SIZE_BYTES;
        RawMemory.putLong(entry + BUF_ADDR, address(id));
        RawMemory.putInt(entry + BUF_LEN, bufferBytes);
        RawMemory.putShort(entry + BUF_BID, (short) id);
        tail++;
        RawMemory.putShortRelease(ringBlock.address() + BUF_RING_TAIL, (short) tail);
    }

    /** After the ring is closed. */
    void close() {
        memory.free(ringBlock);
        memory.free(dataBlock);
    }
}
