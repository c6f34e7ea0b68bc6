package io.mizzen.nvme.pcie;

import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.memory.IovaMap;
import io.mizzen.util.ErrorKind;
import io.mizzen.util.OperationException;
import java.util.ArrayList;
import java.util.List;

/** Takes pieces of the engine's memory for queues and what belongs to them, zeroed. Any thread. */
final class QueueMemory {
    private static final int ATTEMPTS_MAX = 16;

    private final DmaMemory memory;
    private final IovaMap iovas;
    private final int numaNode;
    private boolean keeps;

    QueueMemory(DmaMemory memory, IovaMap iovas, int numaNode) {
        this.memory = memory;
        this.iovas = iovas;
        this.numaNode = numaNode;
    }

    IovaMap iovas() {
        return iovas;
    }

    /**
     * Pages, each of which the device may see elsewhere.
     *
     * @throws OperationException RESOURCE_EXHAUSTED when there is no memory
     */
    DmaMemory.Block allocate(long sizeBytes) {
        DmaMemory.Block block = memory.allocate(sizeBytes, numaNode);
        RawMemory.zero(block.address(), block.sizeBytes());
        return block;
    }

    /**
     * Memory that the device sees in one piece.
     *
     * @throws OperationException RESOURCE_EXHAUSTED when there is no such piece
     */
    DmaMemory.Block allocateContiguous(long sizeBytes) {
        List<DmaMemory.Block> broken = new ArrayList<>();
        try {
            for (int i = 0; i < ATTEMPTS_MAX; i++) {
                DmaMemory.Block block = memory.allocate(sizeBytes, numaNode);
                if (iovas.isContiguous(block.regionIndex(), block.address(), block.sizeBytes())) {
                    RawMemory.zero(block.address(), block.sizeBytes());
                    return block;
                }
                broken.add(block);
            }
        } finally {
            broken.forEach(memory::free);
        }
        throw new OperationException(ErrorKind.RESOURCE_EXHAUSTED, "no-contiguous-memory", "no " + sizeBytes
                + " bytes in one piece are left for an NVMe queue; raise mizzen.memory.size or reserve huge pages");
    }

    void free(DmaMemory.Block block) {
        if (block == null) {
            return;
        }
        if (keeps) {
            memory.keep(block);
        } else {
            memory.free(block);
        }
    }

    /** What is freed from here on is nobody's any more: the device may still write to it. */
    void keepAll() {
        keeps = true;
    }

    /** The device may still read or write a buffer of an I/O that has failed. */
    void quarantine(long address, long lengthBytes) {
        memory.quarantine(address, lengthBytes);
    }

    /** Bytes of all the engine's memory that are kept so. */
    long keptBytes() {
        return memory.keptBytes();
    }

    /** Where the device finds a block. */
    long iova(DmaMemory.Block block) {
        return iovas.iova(block.regionIndex(), block.address());
    }
}
