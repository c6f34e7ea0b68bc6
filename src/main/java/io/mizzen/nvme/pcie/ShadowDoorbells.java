package io.mizzen.nvme.pcie;

import io.mizzen.ffi.RawMemory;
import io.mizzen.memory.DmaMemory;
import io.mizzen.nvme.Properties;

/**
 * The pages of shadow doorbells and of event indexes of a controller that has such (base specification 2.0, section 5.8). Admin
 * reactor.
 */
final class ShadowDoorbells {
    private static final int PAGE_BYTES = 4096;

    private final QueueMemory memory;
    private DmaMemory.Block pages;
    private boolean used;

    ShadowDoorbells(QueueMemory memory) {
        this.memory = memory;
    }

    /**
     * Zeroes both pages; false when the doorbells of so many pairs do not fit one.
     *
     * @throws io.mizzen.util.OperationException RESOURCE_EXHAUSTED
     */
    boolean prepare(int pairCount, int strideBytes) {
        if (Properties.doorbell(pairCount + 1, false, strideBytes) > PAGE_BYTES) {
            return false;
        }
        if (pages == null) {
            pages = memory.allocate(2L * PAGE_BYTES);
        }
        RawMemory.zero(pages.address(), pages.sizeBytes());
        return true;
    }

    /** Whether the controller took them. */
    void use(boolean taken) {
        used = taken;
    }

    long shadowIova() {
        return memory.iova(pages);
    }

    long eventIova() {
        return memory.iovas().iova(pages.regionIndex(), pages.address() + PAGE_BYTES);
    }

    /** 0 where they are not used. */
    long shadowAddress() {
        return used ? pages.address() : 0;
    }

    /** 0 where they are not used. */
    long eventAddress() {
        return used ? pages.address() + PAGE_BYTES : 0;
    }

    void free() {
        memory.free(pages);
    }
}
